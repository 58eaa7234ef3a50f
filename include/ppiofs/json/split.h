/* SPDX-License-Identifier: MIT */
/* split: a large document, {"data": [item, item, ...], ...}, parsed bit by bit, so that a step
 * takes the time, and the memory, of one item. The items are documents of their own; what remains
 * is another, in which the array is empty. An item, and what remains, are each read in one go.
 *
 * First json_split_check() until it is done, then the others. */
#pragma once

#include <glib.h>

#include "ppiofs/json/json.h"

typedef struct JsonSplit JsonSplit;

/* @bytes are borrowed. @member: the name of the array's member, in quotes. Written with escapes in
 * the document it is not recognised, and its items remain where they are. (transfer full) */
JsonSplit *json_split_new(const char *bytes, gsize length, const char *member);

/* Checks about @budget bytes more; @ret_done: that was the end. FALSE: errors as json_parse(). */
gboolean json_split_check(JsonSplit *split, gsize budget, gboolean *ret_done, GError **error);

/* All but the items. PPIOFS_ERROR_TOO_LARGE if that is more than @max bytes; else errors as
 * json_parse(). (transfer full) */
JsonDoc *json_split_rest(const JsonSplit *split, gsize max, GError **error);

/* Goes to the next item: how many bytes it takes, with the white space behind it; 0 after the
 * last. */
gsize json_split_next(JsonSplit *split);

/* The item that json_split_next() went to. Errors as json_parse(). (transfer full) */
JsonDoc *json_split_parse(const JsonSplit *split, GError **error);

void json_split_free(JsonSplit *split);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(JsonSplit, json_split_free)
