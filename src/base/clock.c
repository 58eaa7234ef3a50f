/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/clock.h"

#include <time.h>

static gint64 system_now(gpointer data)
{
    struct timespec now;

    (void)data;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static gint64 system_wall(gpointer data)
{
    (void)data;
    return g_get_real_time();
}

const Clock *clock_system(void)
{
    static const Clock clock = { system_now, system_wall, NULL };
    return &clock;
}
