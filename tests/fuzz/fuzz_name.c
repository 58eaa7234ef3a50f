/* SPDX-License-Identifier: MIT */
/* Whatever the string is: its name is a legal and harmless file name that decodes to it, unless it
 * was cut; and what decodes at all is the one name of its string. */
#include "ppiofs/base/text.h"
#include "ppiofs/tree/name.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_harmless(const char *name)
{
    gsize length = strlen(name);

    g_assert_true(length >= 1 && length <= NAME_MAX_BYTES);
    g_assert_true(g_utf8_validate(name, -1, NULL));
    g_assert_true(*name != '-' && strchr(name, '/') == NULL);
    g_assert_true(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
    for (const char *at = name; *at != '\0'; at = g_utf8_next_char(at))
        g_assert_false(text_is_control(g_utf8_get_char(at)));
}

static void check_encoding(const char *raw)
{
    g_autofree char *name = name_encode(raw);
    g_autofree char *again = name_encode(raw);
    g_autofree char *decoded = name_decode(name);

    check_harmless(name);
    g_assert_cmpstr(name, ==, again);
    if (name_is_cut(name))
        g_assert_null(decoded);
    else
        g_assert_cmpstr(decoded, ==, raw);
}

static void check_decoding(const char *name)
{
    g_autofree char *raw = name_decode(name);
    g_autofree char *again = raw == NULL ? NULL : name_encode(raw);

    if (raw != NULL)
        g_assert_cmpstr(again, ==, name);
    name_is_junk(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup(size > 0 ? (const char *)data : "", size);

    check_encoding(text);
    check_decoding(text);
    return 0;
}
