/* SPDX-License-Identifier: MIT */
/* readahead: recognises walks through a listing, forward or backward (bash expands `*` backward),
 * several at once. Positions only; what lies there is the caller's. */
#pragma once

#include <glib.h>

#define READ_AHEAD_WALKS 4

typedef struct {
    guint last;   /* where the walk is */
    gint step;    /* +1, -1; 0 while it is a single access */
    guint window; /* how many to have under way ahead of it */
    guint64 used; /* for replacing the one used longest ago */
} ReadAheadWalk;

typedef struct {
    ReadAheadWalk walks[READ_AHEAD_WALKS];
    guint64 clock;
} ReadAhead;

/* An access to @position. Returns how many to fetch ahead, at most @most, in direction @ret_step;
 * 0 for an access that belongs to no walk. Each step of a walk doubles it. */
guint read_ahead_note(ReadAhead *ahead, guint position, guint most, gint *ret_step);
