/* SPDX-License-Identifier: MIT */
/* clock: the two times ppiofs knows, as one thing that a test can turn.
 *
 * Monotonic time (ages, deadlines) and wall time (mtimes), both in microseconds. */
#pragma once

#include <glib.h>

typedef struct {
    gint64 (*monotonic)(gpointer data);
    gint64 (*wall)(gpointer data);
    gpointer data;
} Clock;

/* g_get_monotonic_time() and g_get_real_time(). Static; never freed. */
const Clock *clock_system(void);

static inline gint64 clock_monotonic(const Clock *clock)
{
    return clock->monotonic(clock->data);
}

static inline gint64 clock_wall(const Clock *clock)
{
    return clock->wall(clock->data);
}
