/* SPDX-License-Identifier: MIT */
/* json: a strict JSON document. cJSON behind a pre-pass that refuses what is not RFC 8259.
 *
 * - Every number keeps the text the API wrote: read it with json_text(). A number node has 0
 *   in valueint and valuedouble (a double cannot hold 9007199254740993).
 * - U+0000 and lone surrogates in strings become U+FFFD; strings are valid UTF-8 without NUL.
 * - A document with two equal keys in one object, or deeper than 64, or with more than
 *   JSON_MAX_VALUES values, is refused.
 * Members keep the order of the document. The document and all its nodes are read-only. */
#pragma once

#include <cjson/cJSON.h>
#include <glib.h>

#define JSON_MAX_DEPTH 64
/* Values of one record: an instance of today has 60. Each costs a node of cJSON and of a tree. */
#define JSON_MAX_VALUES 20000

typedef struct JsonDoc JsonDoc;

/* Parses exactly @length bytes, which need no terminator. Errors: PPIOFS_ERROR_BAD_ANSWER with
 * what is wrong and at which byte, PPIOFS_ERROR_TOO_LARGE, PPIOFS_ERROR_NO_MEMORY. */
JsonDoc *json_parse(const char *bytes, gsize length, GError **error);

/* Borrowed; lives as long as @doc. */
const cJSON *json_root(const JsonDoc *doc);

/* The text of a scalar: a number as the API wrote it, a string's bytes, "true", "false"; "" for
 * null. NULL for objects and arrays, and for NULL. Borrowed from the node. */
const char *json_text(const cJSON *node);

/* The member called exactly @name, or NULL: also when @object is NULL or no object. */
const cJSON *json_member(const cJSON *object, const char *name);

/* The string member @name, or NULL if it is missing or no string. Borrowed. */
const char *json_member_string(const cJSON *object, const char *name);

void json_free(JsonDoc *doc);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(JsonDoc, json_free)
