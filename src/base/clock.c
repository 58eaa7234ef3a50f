/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/clock.h"

static gint64 system_monotonic(gpointer data)
{
    (void)data;
    return g_get_monotonic_time();
}

static gint64 system_wall(gpointer data)
{
    (void)data;
    return g_get_real_time();
}

const Clock *clock_system(void)
{
    static const Clock clock = { system_monotonic, system_wall, NULL };
    return &clock;
}
