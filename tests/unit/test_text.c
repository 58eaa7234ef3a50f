/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/text.h"

#include <string.h>

#define NO_BOUND 1000

static void test_what_is_safe_stays_as_it_is(void)
{
    static const char *const texts[] = { "", "plain", "two words", "Übergröße 中文 🚀", "~!@#$%" };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *safe = text_printable(texts[i], -1, NO_BOUND);

        g_assert_cmpstr(safe, ==, texts[i]);
    }
}

static void test_what_is_not_safe_is_escaped_byte_by_byte(void)
{
    static const struct {
        const char *bytes;
        gssize length;
        const char *safe;
    } cases[] = {
        { "a\nb", -1, "a\\x0ab" },
        { "\033[31m", -1, "\\x1b[31m" },
        { "\x7f", -1, "\\x7f" },
        { "\t\r", -1, "\\x09\\x0d" },
        { "\xc2\x85", -1, "\\xc2\\x85" },          /* C1 */
        { "\u202egnp", -1, "\\xe2\\x80\\xaegnp" }, /* right-to-left override */
        { "\u2066x", -1, "\\xe2\\x81\\xa6x" },
        { "\\x41", -1, "\\\\x41" }, /* a backslash is two, so that escapes cannot be forged */
        { "\xff\xfe", -1, "\\xff\\xfe" },
        { "a\xc3", -1, "a\\xc3" },                 /* cut inside a character */
        { "\xc0\xaf", -1, "\\xc0\\xaf" },          /* overlong */
        { "\xed\xa0\x80", -1, "\\xed\\xa0\\x80" }, /* a surrogate */
        { "a\0b", 3, "a\\x00b" },
        { "abcdef", 3, "abc" },
        { "\xe4\xb8\xad", 2, "\\xe4\\xb8" }, /* the length ends inside a character */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *safe = text_printable(cases[i].bytes, cases[i].length, NO_BOUND);

        g_assert_cmpstr(safe, ==, cases[i].safe);
    }
}

static void test_what_is_too_long_is_cut_between_characters(void)
{
    static const struct {
        const char *bytes;
        gsize max_bytes;
        const char *safe;
    } cases[] = {
        { "abcdef", 6, "abcdef" }, { "abcdef", 5, "abcde..." }, { "a中文", 4, "a中..." },
        { "a中文", 5, "a中..." },  { "a中文", 6, "a中..." },    { "a中文", 7, "a中文" },
        { "abc", 0, "..." },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *safe = text_printable(cases[i].bytes, -1, cases[i].max_bytes);

        g_assert_cmpstr(safe, ==, cases[i].safe);
    }
}

static void test_any_bytes_become_one_printable_line(void)
{
    guint8 bytes[64];

    for (int round = 0; round < 20000; round++) {
        gsize length = (gsize)g_test_rand_int_range(0, sizeof bytes);
        gsize max_bytes = (gsize)g_test_rand_int_range(0, 80);
        g_autofree char *safe = NULL;

        for (gsize i = 0; i < length; i++)
            bytes[i] = (guint8)g_test_rand_int_range(0, 256);
        safe = text_printable((const char *)bytes, (gssize)length, max_bytes);

        g_assert_true(g_utf8_validate(safe, -1, NULL));
        for (const char *at = safe; *at; at = g_utf8_next_char(at))
            g_assert_false(text_is_control(g_utf8_get_char(at)));
        /* At most the last character's escape, and the dots, lie over the bound. */
        g_assert_cmpuint(strlen(safe), <=, max_bytes + strlen("\\x00\\x00\\x00") + strlen("..."));
    }
}

static void test_control_characters_are_what_a_terminal_obeys_and_what_nobody_sees(void)
{
    static const gunichar controls[] = { 0,      '\n',   0x1b,   0x7f,   0x80,    0x9f,
                                         0xad,   0x600,  0x061c, 0x180e, 0x200b,  0x200f,
                                         0x2028, 0x2029, 0x202a, 0x202e, 0x2060,  0x2066,
                                         0x2069, 0x206a, 0xfeff, 0xfff9, 0xe0001, 0xe0041 };
    static const gunichar others[] = { ' ', 'a', '~', 0xa0, 0x202f, 0x3000, 0x4e2d, 0x1f680 };

    for (gsize i = 0; i < G_N_ELEMENTS(controls); i++)
        g_assert_true(text_is_control(controls[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
        g_assert_false(text_is_control(others[i]));
}

static char *column_of(const char *value, gsize length)
{
    g_auto(Buffer) out = { .most = 2 * TEXT_COLUMN_BYTES };

    text_add_column(&out, value, length);
    g_assert_false(out.failed);
    return g_strndup(out.bytes, out.length);
}

static void test_a_column_is_as_long_as_it_may_be_and_ends_between_characters(void)
{
    static const char *const pieces[] = { "x", "\x7f", "\t", "\\", "é", "中", "🚀", "\u202e" };

    for (gsize i = 0; i < G_N_ELEMENTS(pieces); i++) {
        g_autofree char *one = column_of(pieces[i], strlen(pieces[i]));
        gsize most = TEXT_COLUMN_BYTES / strlen(one);
        gsize cut = (TEXT_COLUMN_BYTES - strlen("…")) / strlen(one);

        for (gsize n = cut - 1; n <= most + 2; n++) {
            g_autoptr(GString) value = g_string_new(NULL), expected = g_string_new(NULL);

            for (gsize c = 0; c < n; c++)
                g_string_append(value, pieces[i]);
            for (gsize c = 0; c < (n <= most ? n : cut); c++)
                g_string_append(expected, one);
            g_string_append(expected, n <= most ? "" : "…");
            g_autofree char *column = column_of(value->str, value->len);
            g_assert_cmpstr(column, ==, expected->str);
            g_assert_cmpuint(strlen(column), <=, TEXT_COLUMN_BYTES);
        }
    }
}

static void test_a_buffer_fails_at_its_bound_and_stays_as_it_was(void)
{
    g_auto(Buffer) buffer = { .most = 10 };

    buffer_add(&buffer, "", 0);
    g_assert_null(buffer.bytes);
    buffer_printf(&buffer, "%d:%s", 7, "abc");
    buffer_add_text(&buffer, "12345");
    g_assert_false(buffer.failed);
    buffer_add(&buffer, "x", 1);
    g_assert_true(buffer.failed);
    buffer_cut(&buffer, 3);
    buffer_add(&buffer, "x", 1);
    g_assert_cmpmem(buffer.bytes, buffer.length, "7:a", 3);
    buffer_clear(&buffer);
    buffer_add_text(&buffer, "1234567890");
    g_assert_false(buffer.failed);
    buffer_add(&buffer, NULL, G_MAXSIZE);
    g_assert_true(buffer.failed);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/text/safe-stays", test_what_is_safe_stays_as_it_is);
    g_test_add_func("/text/escaped", test_what_is_not_safe_is_escaped_byte_by_byte);
    g_test_add_func("/text/cut", test_what_is_too_long_is_cut_between_characters);
    g_test_add_func("/text/any-bytes", test_any_bytes_become_one_printable_line);
    g_test_add_func("/text/controls",
                    test_control_characters_are_what_a_terminal_obeys_and_what_nobody_sees);
    g_test_add_func("/text/column",
                    test_a_column_is_as_long_as_it_may_be_and_ends_between_characters);
    g_test_add_func("/text/buffer", test_a_buffer_fails_at_its_bound_and_stays_as_it_was);
    return g_test_run();
}
