/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM ((gsize)4096)

static gboolean make_room(Buffer *buffer, gsize wanted)
{
    gsize larger = MIN(MAX(MAX(buffer->room * 2, FIRST_ROOM), wanted), buffer->most);
    char *moved;

    if (wanted <= buffer->room)
        return TRUE;
    moved = wanted > buffer->most ? NULL : realloc(buffer->bytes, larger);
    if (moved == NULL) {
        buffer->failed = TRUE;
        return FALSE;
    }
    buffer->bytes = moved;
    buffer->room = larger;
    return TRUE;
}

void buffer_add(Buffer *buffer, const char *bytes, gsize length)
{
    if (buffer->failed || length == 0)
        return;
    if (length > buffer->most - buffer->length) {
        buffer->failed = TRUE;
        return;
    }
    if (!make_room(buffer, buffer->length + length))
        return;
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
}

void buffer_add_text(Buffer *buffer, const char *text)
{
    buffer_add(buffer, text, strlen(text));
}

void buffer_printf(Buffer *buffer, const char *format, ...)
{
    char text[BUFFER_PRINTED_BYTES];
    va_list arguments;

    va_start(arguments, format);
    g_vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_add_text(buffer, text);
}

void buffer_cut(Buffer *buffer, gsize length)
{
    buffer->length = MIN(buffer->length, length);
}

/* What was reserved beyond the end goes back: the bytes may be kept for long. */
GBytes *buffer_take(Buffer *buffer)
{
    char *shorter = buffer->length > 0 ? realloc(buffer->bytes, buffer->length) : NULL;
    char *bytes = shorter ? shorter : buffer->bytes;
    GBytes *taken = g_bytes_new_with_free_func(bytes, buffer->length, free, bytes);

    *buffer = (Buffer){ .most = buffer->most };
    return taken;
}

void buffer_clear(Buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (Buffer){ .most = buffer->most };
}
