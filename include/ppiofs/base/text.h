/* SPDX-License-Identifier: MIT */
/* text: making foreign bytes safe to print. */
#pragma once

#include <glib.h>

/* Whether a code point must never reach a terminal or a file name raw: C0, DEL, C1 and the
 * bidirectional overrides U+202A-202E and U+2066-2069. */
gboolean text_is_control(gunichar c);

/* @bytes as one line that is safe on any terminal: control characters and invalid UTF-8 become
 * \xNN byte by byte, a backslash becomes two, and what is longer than @max_bytes is cut on a
 * character boundary and ends in "...". (transfer full) */
char *text_printable(const char *bytes, gssize length, gsize max_bytes);

/* Appends @value, valid UTF-8, as one column of a table whose columns are split by tabs: tabs,
 * newlines, backslashes and control characters as \t \n \\ \xNN. */
void text_append_column(GString *out, const char *value);
