/* SPDX-License-Identifier: MIT */
/* support: what the tests of the pure layers share: a clock that the test turns, records from JSON
 * literals, and trees as text. */
#pragma once

#include <glib.h>

#include "ppiofs/base/clock.h"
#include "ppiofs/model/collection.h"
#include "ppiofs/model/record.h"
#include "ppiofs/tree/draft.h"

#define SECOND G_USEC_PER_SEC

typedef struct {
    Clock clock;
    gint64 now, wall;
} FakeClock;

/* Times like any other: not zero, and not the same. */
void fake_clock_init(FakeClock *clock);
void fake_clock_turn(FakeClock *clock, gint64 us);

/* JSON must be an acceptable instance. A full record keeps it as its body. (transfer full) */
Record *record_of(const char *json, RecordFlags flags);

/* {'id':'ID',MEMBERS}, where ' stands for ". (transfer full) */
Record *record_with(const char *id, const char *members, RecordFlags flags);

/* Everything below the root, in order, separated by a space: "dir/", "file='content'",
 * "link->target", each with its path. A newline shows as '$', a secret as a leading '!'.
 * (transfer full) */
char *tree_text(const Subtree *tree);

/* (transfer full) */
Subtree *tree_of(Draft *draft);

/* The node must be there. */
NodeIndex must_find(const Subtree *tree, const char *path);

/* The file must be there. (transfer full) */
char *file_text(const Subtree *tree, const char *path);
