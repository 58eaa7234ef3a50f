/* SPDX-License-Identifier: MIT */
/* slot: the numbers under which the kernel knows the directories whose content comes and goes: one
 * for each directory instances/<id> and its like. A number is kept as long as the kernel may use
 * it. */
#pragma once

#include <glib.h>

#include "ppiofs/keep/keep.h"

typedef struct Slots Slots;

/* Numbers from @first on are given out. */
Slots *slots_new(guint first);

/* The slot of what has that name in the directory with the slot @owner, new if need be, and one
 * more reference to it. 0 when all numbers are taken. */
guint slots_hold(Slots *slots, guint owner, const char *name);

/* The number of that slot, or 0. */
guint slots_find(const Slots *slots, guint owner, const char *name);

/* Borrowed; NULL for a number that is not in use. */
const char *slots_name(const Slots *slots, guint slot, guint *ret_owner);

void slots_forget(Slots *slots, guint slot, guint64 n);

/* One more than the largest number that was ever in use. */
guint slots_end(const Slots *slots);

guint slots_count(const Slots *slots);

/* From now on each slot is kept in @keep, which outlives it, as long as the kernel may use it. */
void slots_keep(Slots *slots, KeepFile *keep);

/* To be called before the kernel hears of what was held: what is kept then counts it, too. */
void slots_flush(Slots *slots);

/* Enters a slot that another process has kept, with as many references, or a few more if it ended
 * before it told the kernel. FALSE: the record cannot be one of a slot. After the last
 * slots_adopted() is to be called. */
gboolean slots_adopt(Slots *slots, const KeepRecord *record);
void slots_adopted(Slots *slots);

void slots_free(Slots *slots);
