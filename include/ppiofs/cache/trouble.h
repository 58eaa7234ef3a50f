/* SPDX-License-Identifier: MIT */
/* trouble: what is remembered of a resource that could not be fetched, and when it may be tried
 * again: after negative_ttl if it does not exist, else after a back-off with full jitter, 0.5 s to
 * 30 s. */
#pragma once

#include <glib.h>

typedef struct {
    GError *error;    /* the last failure; NULL: no trouble */
    gint64 at;        /* monotonic us: when it came */
    gint64 until;     /* no new try before */
    guint failures;   /* in a row */
    gboolean refused; /* one of them refused the key: those after it do not take that back */
} Trouble;

/* Takes note of a failure. */
void trouble_note(Trouble *trouble, const GError *error, gint64 now, gint64 negative_ttl);

/* Whether the failure still stands for an operation that began at @started: it came after that, or
 * its time has not passed. */
gboolean trouble_stands(const Trouble *trouble, gint64 now, gint64 started);

/* Whether stale data must not hide it: the key was refused, or the instance is gone. */
gboolean trouble_is_verdict(const Trouble *trouble);

void trouble_clear(Trouble *trouble);
void trouble_free(Trouble *trouble);
