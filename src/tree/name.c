/* SPDX-License-Identifier: MIT */
#include "ppiofs/tree/name.h"

#include <fnmatch.h>
#include <string.h>

#include "ppiofs/base/text.h"

#define DIGEST_DIGITS 16
#define CUT_BYTES (NAME_MAX_BYTES - 1 - DIGEST_DIGITS)
/* A cut lacks at most the last byte of a character, of which the longest is four escapes. */
#define SHORTEST_CUT (NAME_MAX_BYTES - 11)

/* The bytes of the character at @text, and whether they must be escaped. */
static gsize next_character(const char *text, gsize left, gboolean *ret_escape)
{
    gunichar c = g_utf8_get_char_validated(text, left);

    if (c == (gunichar)-1 || c == (gunichar)-2) {
        *ret_escape = TRUE;
        return 1;
    }
    *ret_escape = text_is_control(c) || c == '/' || c == '%';
    return g_utf8_skip[(guchar)*text];
}

gboolean name_is_cut(const char *name)
{
    gsize length = strlen(name);

    return length >= SHORTEST_CUT && length <= NAME_MAX_BYTES &&
           name[length - DIGEST_DIGITS - 1] == '~' &&
           strspn(name + length - DIGEST_DIGITS, "0123456789abcdef") == DIGEST_DIGITS;
}

static void cut_long_name(GString *name, gsize boundary, const char *raw)
{
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, raw, -1);

    g_string_truncate(name, boundary);
    g_string_append_c(name, '~');
    g_string_append_len(name, digest, DIGEST_DIGITS);
}

char *name_encode(const char *raw)
{
    GString *name = g_string_sized_new(32);
    gsize left = strlen(raw);
    gsize boundary = 0; /* the last one a cut name may end at */
    gboolean dots = strcmp(raw, ".") == 0 || strcmp(raw, "..") == 0;

    if (left == 0)
        g_string_append_c(name, '%');
    for (const char *at = raw; left > 0 && name->len <= NAME_MAX_BYTES;) {
        gboolean escape;
        gsize size = next_character(at, left, &escape);

        if (escape || dots || (at == raw && *at == '-')) {
            for (gsize i = 0; i < size; i++)
                g_string_append_printf(name, "%%%02X", (guchar)at[i]);
        } else {
            g_string_append_len(name, at, size);
        }
        if (name->len <= CUT_BYTES)
            boundary = name->len;
        at += size;
        left -= size;
    }
    /* What looks cut is cut: or a string could take the name of another one. */
    if (name->len > NAME_MAX_BYTES || name_is_cut(name->str))
        cut_long_name(name, boundary, raw);
    return g_string_free(name, FALSE);
}

char *name_decode(const char *name)
{
    GString *raw = g_string_sized_new(32);

    for (const char *at = name; *at != '\0' && strcmp(name, "%") != 0; at++) {
        if (*at != '%') {
            g_string_append_c(raw, *at);
            continue;
        }
        int high = g_ascii_xdigit_value(at[1]);
        int low = high < 0 ? -1 : g_ascii_xdigit_value(at[2]);
        if (low < 0 || (high == 0 && low == 0)) {
            g_string_free(raw, TRUE);
            return NULL;
        }
        g_string_append_c(raw, (char)(high << 4 | low));
        at += 2;
    }

    /* Only what encodes to this very name is meant by it: no two names for one string. */
    g_autofree char *again = name_encode(raw->str);
    return g_string_free(raw, strcmp(again, name) != 0);
}

gboolean name_is_junk(const char *name)
{
    static const char *const patterns[] = { ".*",          "4913",        "*~",       "*.swp",
                                            "autorun.inf", "desktop.ini", "Thumbs.db" };

    for (gsize i = 0; i < G_N_ELEMENTS(patterns); i++)
        if (fnmatch(patterns[i], name, 0) == 0)
            return TRUE;
    return FALSE;
}
