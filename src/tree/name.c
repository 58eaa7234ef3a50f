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

/* The longest character that is one more than what fits: four bytes, each as %XX. */
#define LONGEST_CHARACTER 12

/* A name in the making: where it stops growing does not depend on how long the raw string is. */
typedef struct {
    char text[NAME_MAX_BYTES + LONGEST_CHARACTER + 1];
    gsize length;
    gsize boundary; /* the last one a cut name may end at */
} Encoded;

static void add_character(Encoded *name, const char *bytes, gsize size, gboolean escape)
{
    static const char digits[] = "0123456789ABCDEF";

    for (gsize i = 0; i < size; i++) {
        if (escape) {
            name->text[name->length++] = '%';
            name->text[name->length++] = digits[(guchar)bytes[i] >> 4];
            name->text[name->length++] = digits[(guchar)bytes[i] & 15];
        } else {
            name->text[name->length++] = bytes[i];
        }
    }
    name->text[name->length] = '\0';
    if (name->length <= CUT_BYTES)
        name->boundary = name->length;
}

static void cut_long_name(Encoded *name, const char *raw)
{
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, raw, -1);

    name->text[name->boundary] = '~';
    memcpy(name->text + name->boundary + 1, digest, DIGEST_DIGITS);
    name->text[name->boundary + 1 + DIGEST_DIGITS] = '\0';
}

char *name_encode(const char *raw)
{
    Encoded name = { .length = 0 };
    gsize left = strlen(raw);
    gboolean dots = strcmp(raw, ".") == 0 || strcmp(raw, "..") == 0;

    if (left == 0)
        return g_strdup("%");
    for (const char *at = raw; left > 0 && name.length <= NAME_MAX_BYTES;) {
        gboolean escape;
        gsize size = next_character(at, left, &escape);

        add_character(&name, at, size, escape || dots || (at == raw && *at == '-'));
        at += size;
        left -= size;
    }
    /* What looks cut is cut: or a string could take the name of another one. */
    if (name.length > NAME_MAX_BYTES || name_is_cut(name.text))
        cut_long_name(&name, raw);
    return g_strdup(name.text);
}

char *name_decode(const char *name)
{
    GString *raw = g_string_sized_new(NAME_MAX_BYTES);

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
    static const char *const patterns[] = { ".*",          "4913",        "*~",        "*.swp",
                                            "autorun.inf", "desktop.ini", "Thumbs.db", "HEAD" };

    for (gsize i = 0; i < G_N_ELEMENTS(patterns); i++)
        if (fnmatch(patterns[i], name, 0) == 0)
            return TRUE;
    return FALSE;
}
