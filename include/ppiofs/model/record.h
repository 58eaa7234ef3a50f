/* SPDX-License-Identifier: MIT */
/* record: one answer of the API about one object, as the files that show it. Immutable and
 * reference-counted.
 *
 * A list item makes a partial record, the answer of the single GET a full one. How JSON becomes
 * files is in record.c: general, with one table of exceptions. */
#pragma once

#include <cjson/cJSON.h>
#include <glib.h>

#include "ppiofs/model/kind.h"
#include "ppiofs/tree/subtree.h"

typedef struct Record Record;

typedef enum {
    RECORD_FULL = 1 << 0, /* it has all there is: of the single GET, or of a kind without one */
    RECORD_HIDE_SECRETS = 1 << 1, /* secrets=hide: they are not in the tree at all */
} RecordFlags;

/* @object is the object's JSON object, @body the bytes it was parsed from (full records only; kept
 * for json/<id>.json; may be NULL). PPIOFS_ERROR_BAD_ANSWER when it is no object or has no usable
 * id (a string of 1-255 characters), PPIOFS_ERROR_NO_MEMORY. (transfer full) */
Record *record_new(const Kind *kind, const cJSON *object, GBytes *body, RecordFlags flags,
                   GError **error);

const Kind *record_kind(const Record *record);
const char *record_id(const Record *record);        /* raw */
const char *record_file_name(const Record *record); /* the id as a file name (name_encode()) */
const char *record_name(const Record *record);      /* raw; NULL if missing or no string */
Subtree *record_tree(const Record *record);         /* borrowed */
GBytes *record_body(const Record *record);          /* borrowed; NULL for a partial record */
gsize record_size(const Record *record);            /* of tree and body, in bytes */
gboolean record_is_full(const Record *record);

/* The value of a file as text without the final newline, for views: "status", "region",
 * "resource_specs/gpu_num"; not terminated, and as long as the API likes. NULL if there is no such
 * file. Borrowed. */
const char *record_peek(const Record *record, const char *path, gsize *ret_length);

/* A terminated copy of it; NULL also when there is no memory for it. (transfer full) */
char *record_value(const Record *record, const char *path);

/* The newest of created_at, last_started_at and last_stopped_at, wall clock in microseconds; 0 if
 * there is none. */
gint64 record_own_time(const Record *record);

/* TRUE if the status says that the object is gone: toRemove, removing or removed. */
gboolean record_is_gone(const Record *record);

Record *record_ref(Record *record);
void record_unref(Record *record);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Record, record_unref)
