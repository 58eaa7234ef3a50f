/* SPDX-License-Identifier: MIT */
/* prepass: whether bytes are JSON, decided before cJSON sees them.
 *
 * cJSON 1.7.15 takes bad UTF-8, raw control bytes, `01` and `1.`, and knows no bound on what a
 * document makes it allocate. The check allocates nothing, except for the message of an error. */
#pragma once

#include <glib.h>

#include "ppiofs/json/json.h"

/* A check on its way; all but what is said here is prepass.c's. */
typedef struct {
    const char *start, *at, *end, *limit;
    const char *member;                  /* see prepass_begin() */
    const char *array_start, *array_end; /* between its brackets; NULL: there is none, or not yet */
    gboolean in_member, done;
    int expect, token;
    gboolean is_key;
    const char *token_start;
    const char *item_start, *item_end; /* of the array: see prepass_go_on() */
    guint values, depth;
    char closers[JSON_MAX_DEPTH]; /* the bracket that ends each open container */
    GError **error;
} Prepass;

/* @bytes are borrowed. @member: the name of a member of the outermost object, as it stands in the
 * document with its quotes, whose array is taken apart: its items are documents of their own, and
 * json_parse_rest() reads what remains. So the number of values has no bound but that of the bytes.
 * Written with escapes the name is not recognised. NULL: no member is. */
Prepass prepass_begin(const char *bytes, gsize length, const char *member);

/* Checks @budget bytes more, and a few; stops before, too, where an item of the array ends, which
 * goes from item_start to item_end then (else that is NULL). At the end it sets Prepass.done.
 * FALSE: errors as prepass_check(). */
gboolean prepass_go_on(Prepass *prepass, gsize budget, GError **error);

/* TRUE if the bytes are one document of RFC 8259 in UTF-8 without a byte order mark, within the
 * bounds of json.h. Equal keys are not looked for. Errors: BAD_ANSWER and TOO_LARGE, as
 * json_parse() gives them. */
gboolean prepass_check(const char *bytes, gsize length, GError **error);

/* All but the items, of a check that is done. PPIOFS_ERROR_TOO_LARGE if that is more than @max
 * bytes; else errors as json_parse(). (transfer full) */
JsonDoc *json_parse_rest(const Prepass *prepass, gsize max, GError **error);
