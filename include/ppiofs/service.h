/* SPDX-License-Identifier: MIT */
/* service: what a service manager is told: sd_notify(3), without waiting for it. */
#pragma once

#include <glib.h>

#include "ppiofs/base/clock.h"
#include "ppiofs/keep/handover.h"

typedef struct Service Service;

/* At $NOTIFY_SOCKET; without it nothing is told. @clock is borrowed and outlives it. @context runs
 * what is done again later; NULL: the default one. (transfer full) */
Service *service_new(GMainContext *context, const Clock *clock);

/* READY=1: the mount is live. Where the manager has no room for it now, it is said again until it
 * has. From now on WATCHDOG=1 is said at half of $WATCHDOG_USEC, if that is set for this process:
 * from the loop, so that a loop that hangs does not say it. */
void service_ready(Service *service);

/* Gives the manager the descriptors that a successor needs: it hands them to the process that it
 * starts when this one has died, and drops those that it had before. While the manager has no room
 * for the messages they wait; the descriptors stay open until then. */
void service_store(Service *service, const Handover *handover);

/* The manager drops them at once: the mount is about to end, or is none that anybody continues. */
void service_forget(void);

void service_free(Service *service);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Service, service_free)
