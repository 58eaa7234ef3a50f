/* SPDX-License-Identifier: MIT */
#include "ppiofs/json/split.h"

#include "ppiofs/base/error.h"

#include <string.h>

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
    g_autoptr(JsonDoc) rest = json_split_rest(split, &error);
    g_assert_no_error(error);
    show(out, json_root(rest));
    for (;;) {
        gsize length;
        g_autoptr(JsonDoc) item = json_split_next(split, &length, &error);

        g_assert_no_error(error);
        if (!item)
            return g_string_free(out, FALSE);
        g_assert_cmpuint(length, >, 0);
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
    g_autoptr(JsonDoc) rest = json_split_rest(split, &error);

    g_assert_null(rest);
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
}

static void test_equal_keys_in_an_item_are_refused(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonSplit) split = split_in("{\"data\":[{\"a\":1,\"a\":2}]}", 5, &error);
    gsize length;
    g_autoptr(JsonDoc) item = json_split_next(split, &length, &error);

    g_assert_null(item);
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
}

/* A step is never longer than what was asked for and the token that it ends in. */
static void test_steps_are_short(void)
{
    g_autoptr(GString) text = g_string_new("{\"data\":[0");
    gboolean done = FALSE;
    guint steps = 0;

    for (guint i = 0; i < 1000; i++)
        g_string_append(text, ",12345678");
    g_string_append(text, "]}");
    g_autoptr(JsonSplit) split = json_split_new(text->str, text->len, "\"data\"");
    for (; !done; steps++)
        g_assert_true(json_split_check(split, 90, &done, NULL));
    g_assert_cmpuint(steps, >=, text->len / (90 + 9));
    g_assert_cmpuint(steps, <=, text->len / 90 + 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/split/items_and_the_rest", test_items_and_the_rest);
    g_test_add_func("/split/refused_in_bits_as_in_one",
                    test_what_is_no_json_is_refused_in_bits_as_in_one);
    g_test_add_func("/split/two_arrays", test_two_arrays_of_the_name_are_equal_keys);
    g_test_add_func("/split/equal_keys_in_an_item", test_equal_keys_in_an_item_are_refused);
    g_test_add_func("/split/steps_are_short", test_steps_are_short);
    return g_test_run();
}
