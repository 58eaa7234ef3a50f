/* SPDX-License-Identifier: MIT */
/* prepass: whether bytes are JSON, decided before cJSON sees them.
 *
 * cJSON 1.7.15 takes bad UTF-8, raw control bytes, `01` and `1.`, and knows no bound on what a
 * document makes it allocate. The check allocates nothing, except for the message of an error. */
#pragma once

#include <glib.h>

#include "ppiofs/json/json.h"

/* Items as large as this are noted; a page of 32 MiB has no more of them than that. */
#define PREPASS_LARGE_BYTES (512u << 10)
#define PREPASS_LARGE_ITEMS 64

/* A check on its way; all but what is said here is prepass.c's. */
typedef struct {
    const char *start, *at, *end, *limit;
    const char *member;                  /* see prepass_begin() */
    const char *array_start, *array_end; /* between its brackets; NULL: there is none, or not yet */
    gboolean in_member, done;
    int expect, token;
    gboolean is_key;
    const char *token_start, *item_start;
    guint values, depth;
    char closers[JSON_MAX_DEPTH]; /* the bracket that ends each open container */
    struct {
        const char *start, *end;
    } large[PREPASS_LARGE_ITEMS];
    guint n_large;
    GError **error;
} Prepass;

/* @bytes are borrowed. @member: the name of a member of the outermost object, as it stands in the
 * document with its quotes, of which it is noted where its array is; NULL: none. With a member the
 * number of values has no bound but that of the bytes: its items are documents of their own. */
Prepass prepass_begin(const char *bytes, gsize length, const char *member);

/* Checks @budget bytes more, and a few. At the end it sets Prepass.done. FALSE: errors as
 * prepass_check(). */
gboolean prepass_go_on(Prepass *prepass, gsize budget, GError **error);

/* Where the item ends that begins at @item, once the check is done: the comma behind it, or the end
 * of the array, or the white space before. The larger the item, the less it costs. */
const char *prepass_item_end(const Prepass *prepass, const char *item);

/* Whether the bytes are one document of RFC 8259 in UTF-8 without a byte order mark, within the
 * bounds of json.h. Equal keys are not looked for. Errors: BAD_ANSWER and TOO_LARGE, as
 * json_parse() gives them. */
gboolean prepass_check(const char *bytes, gsize length, GError **error);
