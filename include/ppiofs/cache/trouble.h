/* SPDX-License-Identifier: MIT */
/* trouble: the last failure of a resource, and when the next try is allowed: after negative_ttl if
 * the resource does not exist, else after a back-off with full jitter, 0.5 s to 30 s. */
#pragma once

#include <glib.h>

typedef struct {
    GError *error;    /* the last failure; NULL: no trouble */
    gint64 asked;     /* clock_now() when what failed was begun; the owner sets it */
    gint64 at;        /* when the failure came */
    gint64 until;     /* no new try before */
    guint failures;   /* in a row; an answer that nothing was sent does not count */
    gboolean refused; /* one of them refused the key: later failures do not take that back */
} Trouble;

/* Takes note of a failure. */
void trouble_note(Trouble *trouble, const GError *error, gint64 now, gint64 negative_ttl);

/* TRUE if the failure still applies to an operation that began at @started: it came after that, or
 * its time has not passed. */
gboolean trouble_stands(const Trouble *trouble, gint64 now, gint64 started);

/* TRUE if the failure must be returned even when an older answer is known: the API refused the key,
 * or said that the object is gone. NULL: FALSE. */
gboolean trouble_is_final(const Trouble *trouble);

/* TRUE if the API said that the object does not exist. */
gboolean trouble_is_absence(const Trouble *trouble);

void trouble_clear(Trouble *trouble);
