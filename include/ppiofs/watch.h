/* SPDX-License-Identifier: MIT */
/* watch: -o watch=S. Fetches the lists of some kinds every S seconds whether somebody looks or not,
 * writes what changed to changes.log, and has the kernel told, so that it shows at once. */
#pragma once

#include <glib.h>

#include "ppiofs/base/clock.h"
#include "ppiofs/cache/cache.h"
#include "ppiofs/fs/fs.h"
#include "ppiofs/keep/keep.h"

typedef struct Watch Watch;

/* Begins with the first tick, after @interval_us. The caches that it watches end with NULL; they
 * and
 * @clock are borrowed and outlive it. */
Watch *watch_new(Cache *const *caches, gint64 interval_us, const Clock *clock,
                 GMainContext *context);

/* For FsOptions.growing: "changes.log", a line per change: time, id, field, old and new value,
 * split by tabs; of what is no instance the kind, too. The first list is where it begins: that is
 * no change. Secrets are named, not shown. */
const FsGrowing *watch_log(const Watch *watch);

/* The log begins with what another process has left in @keep, and goes on in it; @keep outlives the
 * Watch. */
void watch_keep(Watch *watch, KeepFile *keep);

/* Called from the loop whenever a list has brought a change. */
void watch_on_change(Watch *watch, void (*changed)(gpointer data), gpointer data);

void watch_free(Watch *watch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Watch, watch_free)
