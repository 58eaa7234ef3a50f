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
