/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/alarm.h"

/* An alarm that rings later than that would ring for a process that was stopped. What came
 * meanwhile is there to be read first; that takes no longer than the excuse. */
#define LATE_US (G_USEC_PER_SEC / 10)
#define EXCUSE_US (G_USEC_PER_SEC / 4)

struct Alarm {
    GSource source; /* first: the source is the alarm */
    const Clock *clock;
    gint64 at;
    gint64 due; /* by CLOCK_MONOTONIC */
    gboolean excused;
    void (*ring)(gpointer data);
    gpointer data;
};

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    Alarm *alarm = (Alarm *)source;
    gint64 now = g_get_monotonic_time();

    (void)callback;
    (void)data;
    if (!alarm->excused && now - alarm->due > LATE_US) {
        alarm->excused = TRUE;
        g_source_set_ready_time(source, now + EXCUSE_US);
        return G_SOURCE_CONTINUE;
    }
    alarm_set(alarm, ALARM_NEVER);
    alarm->ring(alarm->data);
    return G_SOURCE_CONTINUE;
}

Alarm *alarm_new(GMainContext *context, const Clock *clock, void (*ring)(gpointer data),
                 gpointer data)
{
    static GSourceFuncs functions = { .dispatch = dispatch };
    Alarm *alarm = (Alarm *)g_source_new(&functions, sizeof *alarm);

    alarm->clock = clock;
    alarm->at = ALARM_NEVER;
    alarm->ring = ring;
    alarm->data = data;
    g_source_attach(&alarm->source, context);
    return alarm;
}

/* The loop sleeps by CLOCK_MONOTONIC, so what is left is computed anew at each call. */
void alarm_set(Alarm *alarm, gint64 at)
{
    gint64 left = MAX(0, at - clock_now(alarm->clock));

    alarm->at = at;
    alarm->excused = FALSE;
    alarm->due = at == ALARM_NEVER ? -1 : g_get_monotonic_time() + left;
    g_source_set_ready_time(&alarm->source, alarm->due);
}

gint64 alarm_at(const Alarm *alarm)
{
    return alarm->at;
}

void alarm_free(Alarm *alarm)
{
    if (alarm == NULL)
        return;
    g_source_destroy(&alarm->source);
    g_source_unref(&alarm->source);
}
