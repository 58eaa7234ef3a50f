/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/text.h"

#include <string.h>

gboolean text_is_control(gunichar c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

static void append_escaped(GString *out, const char *bytes, gsize length)
{
    for (gsize i = 0; i < length; i++)
        g_string_append_printf(out, "\\x%02x", (guchar)bytes[i]);
}

char *text_printable(const char *bytes, gssize length, gsize max_bytes)
{
    const char *end = bytes + (length < 0 ? strlen(bytes) : (gsize)length);
    GString *out = g_string_new(NULL);

    while (bytes < end) {
        gunichar c = g_utf8_get_char_validated(bytes, end - bytes);
        gboolean valid = c != (gunichar)-1 && c != (gunichar)-2 && c != 0;
        gsize size = valid ? (gsize)g_unichar_to_utf8(c, NULL) : 1;

        if (out->len + size > max_bytes) {
            g_string_append(out, "...");
            break;
        }
        if (!valid || text_is_control(c))
            append_escaped(out, bytes, size);
        else if (c == '\\')
            g_string_append(out, "\\\\");
        else
            g_string_append_len(out, bytes, size);
        bytes += size;
    }
    return g_string_free(out, FALSE);
}

void text_append_column(GString *out, const char *value)
{
    for (const char *at = value; *at != '\0'; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        gsize size = (gsize)g_unichar_to_utf8(c, NULL);

        if (c == '\t')
            g_string_append(out, "\\t");
        else if (c == '\n')
            g_string_append(out, "\\n");
        else if (c == '\\')
            g_string_append(out, "\\\\");
        else if (!text_is_control(c))
            g_string_append_len(out, at, (gssize)size);
        else
            append_escaped(out, at, size);
    }
}
