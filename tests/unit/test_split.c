/* SPDX-License-Identifier: MIT */
#include "ppiofs/json/split.h"

#include "ppiofs/base/error.h"
#include "ppiofs/json/prepass.h"

#include <string.h>

#define REST_MAX 10000

/* Checked in bits of @budget bytes. NULL and @error if it is refused. */
static JsonSplit *split_in(const char *text, gsize budget, GError **error)
{
    g_autoptr(JsonSplit) split = json_split_new(text, strlen(text), "\"data\"");
    gboolean done = FALSE;

    while (!done)
        if (!json_split_check(split, budget, &done, error))
            return NULL;
    return g_steal_pointer(&split);
}

/* What a document is, short: scalars as their text, members as name:value, the rest in brackets. */
static void show(GString *out, const cJSON *node)
{
    const cJSON *child;

    if (node->string)
        g_string_append_printf(out, "%s:", node->string);
    if (json_text(node)) {
        g_string_append(out, json_text(node));
        return;
    }
    g_string_append_c(out, '[');
    cJSON_ArrayForEach (child, node) {
        if (child != node->child)
            g_string_append_c(out, ' ');
        show(out, child);
    }
    g_string_append_c(out, ']');
}

/* The rest, a bar, and each item after a bar. */
static char *split_text(const char *text, gsize budget)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonSplit) split = split_in(text, budget, &error);
    GString *out = g_string_new(NULL);

    g_assert_no_error(error);
    g_autoptr(JsonDoc) rest = json_split_rest(split, REST_MAX, &error);
    g_assert_no_error(error);
    show(out, json_root(rest));
    for (;;) {
        g_autoptr(JsonDoc) item = NULL;

        if (json_split_next(split) == 0)
            return g_string_free(out, FALSE);
        item = json_split_parse(split, &error);
        g_assert_no_error(error);
        g_string_append(out, " | ");
        show(out, json_root(item));
    }
}

static void test_items_and_the_rest(void)
{
    static const char *const cases[][2] = {
        { "{\"data\":[],\"a\":1}", "[data:[] a:1]" },
        { "{\"a\":1,\"data\":[{\"id\":\"x\"},2,[3,4]],\"b\":[5]}",
          "[a:1 data:[] b:[5]] | [id:x] | 2 | [3 4]" },
        { " { \"data\" : [ 1 , \"two\" ,\n{ } ] } ", "[data:[]] | 1 | two | []" },
        /* brackets, commas and quotes in strings */
        { "{\"data\":[\"],\\\"[\",{\"a\\\\\":\"}\"}]}", "[data:[]] | ],\"[ | [a\\:}]" },
        { "{\"data\":[18446744073709551615,1.10,-0,1e400]}",
          "[data:[]] | 18446744073709551615 | 1.10 | -0 | 1e400" },
        /* only the array of the outermost object is taken apart */
        { "{\"a\":{\"data\":[1]},\"b\":[{\"data\":[2]}]}", "[a:[data:[1]] b:[[data:[2]]]]" },
        { "[{\"data\":[1]}]", "[[data:[1]]]" },
        { "{\"data\":{\"data\":[1]}}", "[data:[data:[1]]]" },
        { "{\"data\":null}", "[data:]" },
        { "{\"data\":[[1,[2]],[3]]}", "[data:[]] | [1 [2]] | [3]" },
        { "{\"xdata\":[1],\"datax\":[2],\"Data\":[3]}", "[xdata:[1] datax:[2] Data:[3]]" },
        { "{\"d\\u0061ta\":[1]}", "[data:[1]]" },
        { "17", "17" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        for (gsize budget = 1; budget < 100; budget = budget * 2 + 1) {
            g_autofree char *text = split_text(cases[i][0], budget);

            g_assert_cmpstr(text, ==, cases[i][1]);
        }
}

static void test_what_is_no_json_is_refused_in_bits_as_in_one(void)
{
    static const char *const cases[] = {
        "",
        " ",
        "{",
        "{\"data\":[1,]}",
        "{\"data\":[1}",
        "[1]x",
        "{\"data\":",
        "{\"data\":[",
        "{\"data\":[01]}",
        "{\"data\":[1]}}",
        "[\"\xff\"]",
        "[1,\"\xc3\",2]",
        "{\"data\":[1],\"a\":\"\xed\xa0\x80\"}",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        for (gsize budget = 1; budget < 30; budget += 4) {
            g_autoptr(GError) whole = NULL;
            g_autoptr(GError) bits = NULL;

            g_assert_null(json_parse(cases[i], strlen(cases[i]), &whole));
            g_assert_null(split_in(cases[i], budget, &bits));
            g_assert_cmpint(bits->code, ==, whole->code);
            g_assert_cmpstr(bits->message, ==, whole->message);
        }
}

static void test_two_arrays_of_the_name_are_equal_keys(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonSplit) split = split_in("{\"data\":[1],\"data\":[2]}", 5, &error);
    g_autoptr(JsonDoc) rest = json_split_rest(split, REST_MAX, &error);

    g_assert_null(rest);
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
}

static void test_a_rest_over_its_bound_is_too_large(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonSplit) split = split_in("{\"data\":[1],\"more\":123456789}", 5, &error);
    g_autoptr(JsonDoc) fits =
        json_split_rest(split, strlen("{\"data\":[],\"more\":123456789}"), NULL);
    g_autoptr(JsonDoc) rest = json_split_rest(split, 20, &error);

    g_assert_nonnull(fits);
    g_assert_null(rest);
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE);
}

static void test_equal_keys_in_an_item_are_refused(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonSplit) split = split_in("{\"data\":[{\"a\":1,\"a\":2}]}", 5, &error);
    gsize length = json_split_next(split);
    g_autoptr(JsonDoc) item = json_split_parse(split, &error);

    g_assert_cmpuint(length, ==, strlen("{\"a\":1,\"a\":2}"));
    g_assert_null(item);
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
}

/* {"data":[1,LARGE],"next":2}, where LARGE is @n times @piece between @open and @close. */
static char *with_large(const char *open, char piece, gsize n, const char *close)
{
    GString *text = g_string_new("{\"data\":[1,");

    g_string_append(text, open);
    gsize at = text->len;
    g_string_set_size(text, at + n);
    memset(text->str + at, piece, n);
    g_string_append(text, close);
    g_string_append(text, "],\"next\":2}");
    return g_string_free(text, FALSE);
}

/* Whatever fills the page, a step is not longer than what was asked for: so nobody waits for it. */
static void test_steps_are_short_and_what_is_large_is_found_at_once(void)
{
    static const struct {
        const char *open;
        char piece;
        const char *close;
    } rows[] = {
        { "\"", 'x', "\"" }, { "\"\\n", '\x7f', "\"" }, { "", '9', "" },
        { "0.", '9', "" },   { "1e", '9', "" },         { "{\"k\":", ' ', "[]}" },
    };
    const gsize budget = 1000, n = 2 * (PREPASS_LARGE_BYTES);

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = with_large(rows[i].open, rows[i].piece, n, rows[i].close);
        g_autoptr(JsonSplit) split = json_split_new(text, strlen(text), "\"data\"");
        Prepass prepass = prepass_begin(text, strlen(text), "\"data\"");
        gboolean done = FALSE;
        gsize steps = 0;

        for (; !done; steps++)
            g_assert_true(json_split_check(split, budget, &done, NULL));
        g_assert_cmpuint(steps, >=, strlen(text) / (budget + 16));
        while (!prepass.done)
            g_assert_true(prepass_go_on(&prepass, budget, NULL));
        g_assert_cmpuint(prepass.n_large, ==, 1);
        g_assert_true(prepass_item_end(&prepass, prepass.array_start) == prepass.array_start + 1);
        g_assert_true(prepass_item_end(&prepass, prepass.array_start + 2) == prepass.array_end);
    }
}

static void test_an_item_with_too_many_values_is_refused_and_the_next_is_not(void)
{
    g_autoptr(GString) text = g_string_new("{\"data\":[[0");
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < JSON_MAX_VALUES; i++)
        g_string_append(text, ",0");
    g_string_append(text, "],7]}");
    g_autoptr(JsonSplit) split = split_in(text->str, 5000, NULL);
    json_split_next(split);
    g_autoptr(JsonDoc) first = json_split_parse(split, &error);
    json_split_next(split);
    g_autoptr(JsonDoc) second = json_split_parse(split, NULL);
    g_assert_null(first);
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE);
    g_assert_cmpstr(json_text(json_root(second)), ==, "7");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/split/items_and_the_rest", test_items_and_the_rest);
    g_test_add_func("/split/refused_in_bits_as_in_one",
                    test_what_is_no_json_is_refused_in_bits_as_in_one);
    g_test_add_func("/split/two_arrays", test_two_arrays_of_the_name_are_equal_keys);
    g_test_add_func("/split/rest-bound", test_a_rest_over_its_bound_is_too_large);
    g_test_add_func("/split/equal_keys_in_an_item", test_equal_keys_in_an_item_are_refused);
    g_test_add_func("/split/steps", test_steps_are_short_and_what_is_large_is_found_at_once);
    g_test_add_func("/split/values",
                    test_an_item_with_too_many_values_is_refused_and_the_next_is_not);
    return g_test_run();
}
