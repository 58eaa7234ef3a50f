/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/text.h"

#include <string.h>

#define ELLIPSIS "…"
/* The longest that one character becomes: four bytes, each as \xNN. */
#define LONGEST_CHARACTER 16

gboolean text_is_control(gunichar c)
{
    if (c < 0x80)
        return c < 0x20 || c == 0x7f;
    switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return TRUE;
    default:
        return FALSE;
    }
}

/* \xNN for each of at most four bytes. Returns what is behind it. */
static char *escape(char *to, const char *bytes, gsize length)
{
    static const char digits[] = "0123456789abcdef";

    for (gsize i = 0; i < length; i++) {
        *to++ = '\\';
        *to++ = 'x';
        *to++ = digits[(guchar)bytes[i] >> 4];
        *to++ = digits[(guchar)bytes[i] & 15];
    }
    return to;
}

/* What the character of @size bytes is written as; returns how many bytes that are. */
static gsize write_character(char to[LONGEST_CHARACTER], const char *bytes, gsize size,
                             gboolean raw)
{
    if (!raw)
        return (gsize)(escape(to, bytes, size) - to);
    memcpy(to, bytes, size);
    if (*bytes == '\\')
        to[size++] = '\\';
    return size;
}

char *text_printable(const char *bytes, gssize length, gsize max_bytes)
{
    const char *end = bytes + (length < 0 ? strlen(bytes) : (gsize)length);
    GString *out = g_string_new(NULL);

    while (bytes < end) {
        gunichar c = g_utf8_get_char_validated(bytes, end - bytes);
        gboolean valid = c != (gunichar)-1 && c != (gunichar)-2 && c != 0;
        gsize size = valid ? (gsize)g_unichar_to_utf8(c, NULL) : 1;
        char written[LONGEST_CHARACTER];

        if (out->len + size > max_bytes) {
            g_string_append(out, "...");
            break;
        }
        g_string_append_len(
            out, written,
            (gssize)write_character(written, bytes, size, valid && !text_is_control(c)));
        bytes += size;
    }
    return g_string_free(out, FALSE);
}

static gsize write_in_column(char to[LONGEST_CHARACTER], const char *at, gsize size)
{
    if (*at != '\t' && *at != '\n')
        return write_character(to, at, size, !text_is_control(g_utf8_get_char(at)));
    to[0] = '\\';
    to[1] = *at == '\t' ? 't' : 'n';
    return 2;
}

void text_add_column(Buffer *out, const char *value, gsize length)
{
    char column[TEXT_COLUMN_BYTES + LONGEST_CHARACTER];
    gsize used = 0, boundary = 0; /* the last one where an ellipsis has room */

    for (const char *at = value; at < value + length && used <= TEXT_COLUMN_BYTES;) {
        gsize size = MIN((gsize)g_utf8_skip[(guchar)*at], (gsize)(value + length - at));

        if (used <= TEXT_COLUMN_BYTES - strlen(ELLIPSIS))
            boundary = used;
        used += write_in_column(column + used, at, size);
        at += size;
    }
    buffer_add(out, column, used > TEXT_COLUMN_BYTES ? boundary : used);
    if (used > TEXT_COLUMN_BYTES)
        buffer_add_text(out, ELLIPSIS);
}
