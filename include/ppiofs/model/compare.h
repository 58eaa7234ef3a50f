/* SPDX-License-Identifier: MIT */
/* compare: what two answers about one object have in common. Pure. */
#pragma once

#include "ppiofs/model/record.h"

/* TRUE if everything in @item is in @full with the same value. @full may have more, but not in an
 * array. */
gboolean record_agrees(Record *item, Record *full);

/* TRUE if both have the same names and values. */
gboolean record_equals(Record *a, Record *b);

/* The same, and the same bytes of the API. */
gboolean record_is_same(Record *a, Record *b);

/* TRUE if something that is in @old and in @full is missing in @new: so @new contradicts @full.
 * Also when there is not enough memory to tell. */
gboolean record_lost(Record *old, Record *new, Record *full);

/* TRUE if the field at @path has the same value in both, or is in neither. */
gboolean records_share_value(Record *a, Record *b, const char *path);
