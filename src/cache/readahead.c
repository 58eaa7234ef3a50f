/* SPDX-License-Identifier: MIT */
#include "ppiofs/cache/readahead.h"

static ReadAheadWalk *find_walk(ReadAhead *ahead, guint position)
{
    for (guint i = 0; i < READ_AHEAD_WALKS; i++) {
        ReadAheadWalk *walk = &ahead->walks[i];
        gint64 distance = (gint64)position - walk->last;

        if (walk->used == 0)
            continue;
        if (distance == 0 ||
            (walk->step != 0 ? distance == walk->step : distance == 1 || distance == -1))
            return walk;
    }
    return NULL;
}

static ReadAheadWalk *oldest_walk(ReadAhead *ahead)
{
    ReadAheadWalk *oldest = &ahead->walks[0];

    for (guint i = 1; i < READ_AHEAD_WALKS; i++)
        if (ahead->walks[i].used < oldest->used)
            oldest = &ahead->walks[i];
    return oldest;
}

guint read_ahead_note(ReadAhead *ahead, guint position, guint most, gint *ret_step)
{
    ReadAheadWalk *walk = find_walk(ahead, position);

    if (walk == NULL) {
        walk = oldest_walk(ahead);
        *walk = (ReadAheadWalk){ .last = position, .window = 1 };
    } else if (position != walk->last) {
        walk->step = position > walk->last ? 1 : -1;
        walk->window = MIN(walk->window * 2, most);
        walk->last = position;
    }
    walk->used = ++ahead->clock;
    *ret_step = walk->step;
    return walk->step == 0 ? 0 : walk->window;
}
