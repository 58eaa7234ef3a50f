/* SPDX-License-Identifier: MIT */
/* alarm: calls back once, from the main loop, when a moment has come. One for everything in ppiofs
 * that waits for a time. If the process was stopped when the moment came, it rings a little later:
 * answers that came meanwhile are read first. */
#pragma once

#include "ppiofs/base/clock.h"

#include <glib.h>

#define ALARM_NEVER G_MAXINT64

typedef struct Alarm Alarm;

/* The alarm is off. @clock is borrowed and outlives the alarm. @context NULL: the default one. */
Alarm *alarm_new(GMainContext *context, const Clock *clock, void (*ring)(gpointer data),
                 gpointer data);

/* Rings at @at (clock_now()), or in the next turn of the loop when that has passed; ALARM_NEVER
 * turns it off. Replaces the moment that was set before. ring() may call this. */
void alarm_set(Alarm *alarm, gint64 at);

/* The moment that is set, or ALARM_NEVER. */
gint64 alarm_at(const Alarm *alarm);

/* May be called from inside ring(). NULL is allowed. */
void alarm_free(Alarm *alarm);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Alarm, alarm_free)
