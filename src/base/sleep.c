/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/sleep.h"

#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "ppiofs/base/clock.h"

#define LEAST_US G_USEC_PER_SEC
/* The calendar time at which the timer would ring by itself: never, in the year 2106 and later. */
#define FAR_FUTURE_S G_GINT64_CONSTANT(0x7fffffff)

struct SleepWatch {
    int fd;
    GSource *source;
    gint64 behind; /* how far CLOCK_MONOTONIC is behind CLOCK_BOOTTIME */
    void (*slept)(gpointer data);
    gpointer data;
};

static gint64 how_far_behind(void)
{
    return clock_now(clock_system()) - g_get_monotonic_time();
}

void sleep_watch_look(SleepWatch *watch)
{
    gint64 behind = how_far_behind();
    gboolean slept = behind - watch->behind > LEAST_US;

    if (slept) {
        watch->behind = behind;
        watch->slept(watch->data);
    }
}

static gboolean set_timer(const SleepWatch *watch)
{
    const struct itimerspec never = { .it_value = { .tv_sec = FAR_FUTURE_S } };

    return timerfd_settime(watch->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) ==
           0;
}

/* The read fails with ECANCELED: the calendar time was set, or the machine woke up. */
static gboolean on_timer(gpointer data)
{
    SleepWatch *watch = data;
    guint64 rings;

    if (read(watch->fd, &rings, sizeof rings) >= 0 || !set_timer(watch))
        return G_SOURCE_REMOVE;
    sleep_watch_look(watch);
    return G_SOURCE_CONTINUE;
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    (void)source;
    return callback(data);
}

SleepWatch *sleep_watch_new(GMainContext *context, void (*slept)(gpointer data), gpointer data)
{
    static GSourceFuncs functions = { .dispatch = dispatch };
    SleepWatch *watch = g_new0(SleepWatch, 1);

    watch->slept = slept;
    watch->data = data;
    watch->behind = how_far_behind();
    watch->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (watch->fd < 0 || !set_timer(watch))
        return watch;
    watch->source = g_source_new(&functions, sizeof(GSource));
    g_source_add_unix_fd(watch->source, watch->fd, G_IO_IN);
    g_source_set_callback(watch->source, on_timer, watch, NULL);
    g_source_attach(watch->source, context);
    return watch;
}

void sleep_watch_free(SleepWatch *watch)
{
    if (watch == NULL)
        return;
    if (watch->source != NULL) {
        g_source_destroy(watch->source);
        g_source_unref(watch->source);
    }
    if (watch->fd >= 0)
        close(watch->fd);
    g_free(watch);
}
