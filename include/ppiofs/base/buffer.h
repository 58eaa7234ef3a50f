/* SPDX-License-Identifier: MIT */
/* buffer: bytes that grow, behind a bound. It never ends the program, as a GString does when memory
 * ends: it fails, and stays failed and as it was, so that only who takes the bytes needs to look.
 */
#pragma once

#include <glib.h>

/* Begins as { .most = BOUND }. All but @most is to be read only. */
typedef struct {
    gsize most;  /* bytes that it may hold */
    char *bytes; /* not terminated; NULL while empty */
    gsize length, room;
    gboolean failed; /* memory had ended, or the bound was reached */
} Buffer;

void buffer_add(Buffer *buffer, const char *bytes, gsize length);
void buffer_add_text(Buffer *buffer, const char *text);

/* Each argument is bounded by a constant: the whole has at most BUFFER_PRINTED_BYTES. */
#define BUFFER_PRINTED_BYTES 8192
void buffer_printf(Buffer *buffer, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Takes back what is behind @length. */
void buffer_cut(Buffer *buffer, gsize length);

/* Hands the bytes over, and is empty then. (transfer full) */
GBytes *buffer_take(Buffer *buffer);

void buffer_clear(Buffer *buffer);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Buffer, buffer_clear)
