/* SPDX-License-Identifier: MIT */
/* clock: the two times of ppiofs, as one object that a test can turn. Both are in microseconds.
 *
 * `now` is CLOCK_BOOTTIME: all ages and deadlines use it, because it also counts the time during
 * which the machine sleeps. `wall` is the calendar time: only mtimes and log lines use it. */
#pragma once

#include <glib.h>

typedef struct {
    gint64 (*now)(gpointer data);
    gint64 (*wall)(gpointer data);
    gpointer data;
} Clock;

/* The clocks of the machine. Static; never freed. */
const Clock *clock_system(void);

static inline gint64 clock_now(const Clock *clock)
{
    return clock->now(clock->data);
}

static inline gint64 clock_wall(const Clock *clock)
{
    return clock->wall(clock->data);
}
