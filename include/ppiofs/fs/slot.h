/* SPDX-License-Identifier: MIT */
/* slot: the numbers under which the kernel knows the directories whose content comes and goes: one
 * for each directory instances/<id> and its like. A number is kept as long as the kernel may use
 * it. */
#pragma once

#include <glib.h>

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
void slots_free(Slots *slots);
