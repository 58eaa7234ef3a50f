/* SPDX-License-Identifier: MIT */
/* key_text: what counts as a key: 1-1024 characters of visible ASCII on one line. So it can carry
 * neither a second header nor a terminal escape. */
#pragma once

#include <glib.h>

#define KEY_MAX_LENGTH 1024

/* @bytes may end in one newline (or CR LF). @where is the subject of the error, PPIOFS_ERROR_KEY:
 * "the file /...". Free with key_free(). */
char *key_parse(const char *bytes, gsize length, const char *where, GError **error);

/* Overwrites it first. */
void key_free(char *key);
