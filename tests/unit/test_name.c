/* SPDX-License-Identifier: MIT */
#include "ppiofs/tree/name.h"

#include <string.h>

static char *repeated(const char *text, gsize n)
{
    GString *out = g_string_new(NULL);

    while (n-- > 0)
        g_string_append(out, text);
    return g_string_free(out, FALSE);
}

static void test_what_is_harmless_stays_as_it_is(void)
{
    static const char *const names[] = { "a", "ca338f12f3", "my gpu", "*",   "\\",   "a-",
                                         "~", "a~2",        ".a",     "...", "中文", "é",
                                         "🚀", "a\"b'c",     "$x",     "a:b" };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *name = name_encode(names[i]);
        g_assert_cmpstr(name, ==, names[i]);
    }
}

static void test_what_could_harm_is_escaped_and_comes_back(void)
{
    static const struct {
        const char *raw, *name;
    } rows[] = {
        { "", "%" },
        { ".", "%2E" },
        { "..", "%2E%2E" },
        { "/", "%2F" },
        { "../../etc", "..%2F..%2Fetc" },
        { "%", "%25" },
        { "%2F", "%252F" },
        { "-rf", "%2Drf" },
        { "--", "%2D-" },
        { "a\nb", "a%0Ab" },
        { "\x1b[2J", "%1B[2J" },
        { "\x01\x1f\x7f", "%01%1F%7F" },
        { "\xc2\x80\xc2\x9f", "%C2%80%C2%9F" },
        { "a\u202e"
          "b",
          "a%E2%80%AEb" },
        { "\u202a\u2066\u2069", "%E2%80%AA%E2%81%A6%E2%81%A9" },
        { "prod\u200b", "prod%E2%80%8B" }, /* not to be seen: it is not "prod" */
        { "\ufeff\u00ad\u2028", "%EF%BB%BF%C2%AD%E2%80%A8" },
        { "\u202f", "\u202f" },
        { "\xff"
          "a\x80",
          "%FFa%80" },
        { "\xe4\xb8", "%E4%B8" },
        { "\xed\xa0\x80", "%ED%A0%80" }, /* a surrogate */
        { "\xc0\xaf", "%C0%AF" },        /* '/' in two bytes */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = name_encode(rows[i].raw);
        g_autofree char *raw = name_decode(name);

        g_assert_cmpstr(name, ==, rows[i].name);
        g_assert_cmpstr(raw, ==, rows[i].raw);
    }
}

static void test_names_that_nothing_encodes_to_have_no_raw_string(void)
{
    static const char *const names[] = { "",    "%2",  "%zz",    "a%",   "%00",      "%2f",
                                         "%41", "-a",  ".",      "..",   "%2Ea",     "a%2D",
                                         "/",   "a\n", "%C3%A9", "\xff", "%2E%2E%2E" };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *raw = name_decode(names[i]);
        g_assert_null(raw);
    }
}

static void test_a_name_of_255_bytes_is_not_cut(void)
{
    g_autofree char *raw = repeated("a", 255);
    g_autofree char *name = name_encode(raw);

    g_assert_cmpstr(name, ==, raw);
}

static void test_a_longer_name_is_cut_and_ends_in_its_digest(void)
{
    g_autofree char *raw = repeated("a", 256);
    g_autofree char *other = g_strconcat(raw, "b", NULL);
    g_autofree char *name = name_encode(raw);
    g_autofree char *other_name = name_encode(other);
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, raw, -1);

    g_assert_cmpuint(strlen(name), ==, 255);
    g_assert_true(strncmp(name, raw, 238) == 0 && name[238] == '~');
    g_assert_true(strncmp(name + 239, digest, 16) == 0);
    g_assert_cmpstr(name, !=, other_name);
}

static void test_a_name_is_cut_between_characters(void)
{
    static const struct {
        const char *character, *shown;
        gsize n, kept;
    } rows[] = {
        { "中", "中", 255, 79 }, /* 255 Chinese characters */
        { "🚀", "🚀", 64, 59 },    /* 256 bytes */
        { "\n", "%0A", 86, 79 }, /* escapes are characters, too */
        { "\u202e", "%E2%80%AE", 29, 26 },
        { "\xff", "%FF", 300, 79 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *raw = repeated(rows[i].character, rows[i].n);
        g_autofree char *kept = repeated(rows[i].shown, rows[i].kept);
        g_autofree char *name = name_encode(raw);

        g_assert_true(g_str_has_prefix(name, kept));
        g_assert_cmpuint(strlen(name), ==, strlen(kept) + 17);
        g_assert_true(g_utf8_validate(name, -1, NULL));
    }
}

static void test_a_cut_name_says_no_raw_string(void)
{
    g_autofree char *wide = repeated("中", 255);
    g_autofree char *narrow = repeated("a", 256);
    g_autofree char *wide_name = name_encode(wide);
    g_autofree char *narrow_name = name_encode(narrow);

    g_assert_null(name_decode(wide_name));
    g_assert_null(name_decode(narrow_name));
}

static void test_no_raw_string_takes_the_cut_name_of_another(void)
{
    g_autofree char *raw = repeated("a", 256);
    g_autofree char *name = name_encode(raw);
    g_autofree char *twin = name_encode(name); /* an id that looks like a cut name */

    g_assert_cmpstr(twin, !=, name);
    g_assert_cmpuint(strlen(twin), <=, 255);
}

static void test_a_short_name_may_end_like_a_cut_one(void)
{
    g_autofree char *name = name_encode("train~0123456789abcdef");
    g_autofree char *raw = name_decode(name);

    g_assert_cmpstr(name, ==, "train~0123456789abcdef");
    g_assert_cmpstr(raw, ==, name);
}

static void test_what_editors_and_indexers_probe_is_junk(void)
{
    static const char *const junk[] = { ".",           ".git",        ".hidden",  "4913",
                                        "a~",          "~",           ".a.swp",   "x.swp",
                                        "autorun.inf", "desktop.ini", "Thumbs.db" };
    static const char *const names[] = { "a",   "ca338f12f3",   "49130", "a.swpx",
                                         "a~2", "autorun.inf2", "%",     "thumbs" };

    for (gsize i = 0; i < G_N_ELEMENTS(junk); i++)
        g_assert_true(name_is_junk(junk[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        g_assert_false(name_is_junk(names[i]));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/name/what_is_harmless_stays_as_it_is", test_what_is_harmless_stays_as_it_is);
    g_test_add_func("/name/what_could_harm_is_escaped_and_comes_back",
                    test_what_could_harm_is_escaped_and_comes_back);
    g_test_add_func("/name/names_that_nothing_encodes_to_have_no_raw_string",
                    test_names_that_nothing_encodes_to_have_no_raw_string);
    g_test_add_func("/name/a_name_of_255_bytes_is_not_cut", test_a_name_of_255_bytes_is_not_cut);
    g_test_add_func("/name/a_longer_name_is_cut_and_ends_in_its_digest",
                    test_a_longer_name_is_cut_and_ends_in_its_digest);
    g_test_add_func("/name/a_name_is_cut_between_characters",
                    test_a_name_is_cut_between_characters);
    g_test_add_func("/name/a_cut_name_says_no_raw_string", test_a_cut_name_says_no_raw_string);
    g_test_add_func("/name/no_raw_string_takes_the_cut_name_of_another",
                    test_no_raw_string_takes_the_cut_name_of_another);
    g_test_add_func("/name/a_short_name_may_end_like_a_cut_one",
                    test_a_short_name_may_end_like_a_cut_one);
    g_test_add_func("/name/what_editors_and_indexers_probe_is_junk",
                    test_what_editors_and_indexers_probe_is_junk);
    return g_test_run();
}
