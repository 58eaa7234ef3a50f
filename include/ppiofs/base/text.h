/* SPDX-License-Identifier: MIT */
/* text: making foreign bytes safe to print. */
#pragma once

#include <glib.h>

#include "ppiofs/base/buffer.h"

/* TRUE if a code point must never reach a terminal or a file name raw: control characters (C0, DEL,
 * C1), and invisible characters that change visible ones: Unicode's format characters (the
 * bidirectional ones, zero-width ones, U+FEFF, U+00AD, tags), line and paragraph separators. */
gboolean text_is_control(gunichar c);

/* @bytes as one line that is safe on any terminal: control characters and invalid UTF-8 become
 * \xNN byte by byte, a backslash becomes two, and what is longer than @max_bytes is cut on a
 * character boundary and ends in "...". (transfer full) */
char *text_printable(const char *bytes, gssize length, gsize max_bytes);

/* Longest column of a table; a longer one is cut on a character and ends in "…". */
#define TEXT_COLUMN_BYTES 4096

/* Adds @length bytes of valid UTF-8 as one column of a table whose columns are split by tabs: tabs,
 * newlines, backslashes and control characters as \t \n \\ \xNN. */
void text_add_column(Buffer *out, const char *value, gsize length);
