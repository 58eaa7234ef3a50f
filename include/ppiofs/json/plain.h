/* SPDX-License-Identifier: MIT */
/* plain: what keeps cJSON from losing anything of a document that prepass_check() accepted.
 *
 * cJSON 1.7.15 ends a string at \u0000, refuses lone surrogates, keeps 63 characters of a number
 * and makes a double of them. So it parses a copy without any of these, and the numbers' texts
 * come from the original. Nothing here allocates or fails. */
#pragma once

#include <glib.h>

typedef struct {
    const char *text; /* points into the document */
    gsize length;
} NumberToken;

/* Rewrites the document in place, keeping its length: each number becomes 0, each \u0000 and each
 * escape of a lone surrogate becomes \ufffd. */
void plain_rewrite(char *bytes, gsize length);

/* The first number token at or after *@at in the document that ends at @end; moves *@at behind it.
 * *@at must not be inside a string. FALSE, and a token of length 0, when there is none. */
gboolean plain_next_number(const char **at, const char *end, NumberToken *ret_token);
