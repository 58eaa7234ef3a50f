/* SPDX-License-Identifier: MIT */
/* sleep: notices that the machine slept. The kernel counts the time for which it may keep names and
 * attributes by a clock that stands still in suspend, so somebody has to tell it.
 *
 * A timer that Linux cancels at resume wakes the loop; at rest it costs nothing. */
#pragma once

#include <glib.h>

typedef struct SleepWatch SleepWatch;

/* Calls @slept, once for each sleep of more than a second. Without such a timer only
 * sleep_watch_look() notices. */
SleepWatch *sleep_watch_new(GMainContext *context, void (*slept)(gpointer data), gpointer data);

/* Compares the clocks now: for a caller who is about to answer. */
void sleep_watch_look(SleepWatch *watch);

/* NULL is allowed. */
void sleep_watch_free(SleepWatch *watch);
