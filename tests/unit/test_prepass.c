/* SPDX-License-Identifier: MIT */
#include "ppiofs/json/prepass.h"

#include "ppiofs/base/error.h"

#include <string.h>

#define REST_MAX 10000

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

/* What is read of @text in bits of @budget bytes: the rest, and each item after a bar; NULL and
 * @error if it, or an item of it, is refused. */
static char *split_text(const char *text, gsize budget, gsize max_rest, GError **error)
{
    Prepass scan = prepass_begin(text, strlen(text), "\"data\"");
    g_autoptr(GString) items = g_string_new(NULL);
    g_autoptr(GString) out = g_string_new(NULL);

    while (!scan.done) {
        g_autoptr(JsonDoc) item = NULL;

        if (!prepass_go_on(&scan, budget, error))
            return NULL;
        if (!scan.item_end)
            continue;
        item = json_parse(scan.item_start, (gsize)(scan.item_end - scan.item_start), error);
        if (!item)
            return NULL;
        g_string_append(items, " | ");
        show(items, json_root(item));
    }
    g_autoptr(JsonDoc) rest = json_parse_rest(&scan, max_rest, error);
    if (!rest)
        return NULL;
    show(out, json_root(rest));
    return g_strconcat(out->str, items->str, NULL);
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
            g_autofree char *text = split_text(cases[i][0], budget, REST_MAX, NULL);

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
            g_assert_null(split_text(cases[i], budget, REST_MAX, &bits));
            g_assert_cmpint(bits->code, ==, whole->code);
            g_assert_cmpstr(bits->message, ==, whole->message);
        }
}

static void test_what_is_json_may_be_refused_all_the_same(void)
{
    static const struct {
        const char *text;
        gsize max_rest;
        gint code;
    } cases[] = {
        { "{\"data\":[1],\"data\":[2]}", REST_MAX, PPIOFS_ERROR_BAD_ANSWER },
        { "{\"data\":[{\"a\":1,\"a\":2}]}", REST_MAX, PPIOFS_ERROR_BAD_ANSWER },
        { "{\"data\":[1],\"more\":123456789}", 20, PPIOFS_ERROR_TOO_LARGE },
    };
    g_autofree char *fits = split_text("{\"data\":[1],\"a\":12}", 5, 18, NULL);

    g_assert_nonnull(fits);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(split_text(cases[i].text, 5, cases[i].max_rest, &error));
        g_assert_error(error, PPIOFS_ERROR, cases[i].code);
    }
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
static void test_steps_are_short_whatever_an_item_is(void)
{
    static const struct {
        const char *open;
        char piece;
        const char *close;
    } rows[] = {
        { "\"", 'x', "\"" }, { "\"\\n", '\x7f', "\"" }, { "", '9', "" },
        { "0.", '9', "" },   { "1e", '9', "" },         { "{\"k\":", ' ', "[]}" },
    };
    const gsize budget = 1000, n = 1 << 20;

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = with_large(rows[i].open, rows[i].piece, n, rows[i].close);
        Prepass scan = prepass_begin(text, strlen(text), "\"data\"");
        gsize steps = 0, items = 0;

        for (; !scan.done; steps++) {
            g_assert_true(prepass_go_on(&scan, budget, NULL));
            items += scan.item_end != NULL;
        }
        g_assert_cmpuint(steps, >=, strlen(text) / (budget + 16));
        g_assert_cmpuint(items, ==, 2);
    }
}

/* As a document it would have too many; in the whole they do not count. */
static void test_each_item_has_as_many_values_as_a_document(void)
{
    g_autoptr(GString) text = g_string_new("{\"data\":[[0");

    for (guint i = 0; i < JSON_MAX_VALUES - 2; i++)
        g_string_append(text, ",0");
    g_string_append(text, "],7]}");
    g_autofree char *good = split_text(text->str, 5000, REST_MAX, NULL);
    g_assert_true(g_str_has_suffix(good, " | 7"));
    g_string_insert(text, (gssize)strlen("{\"data\":["), "[0,");
    g_string_insert(text, (gssize)text->len - (gssize)strlen(",7]}"), "]");

    g_autoptr(GError) error = NULL;
    g_assert_null(split_text(text->str, 5000, REST_MAX, &error));
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/prepass/items_and_the_rest", test_items_and_the_rest);
    g_test_add_func("/prepass/refused_in_bits_as_in_one",
                    test_what_is_no_json_is_refused_in_bits_as_in_one);
    g_test_add_func("/prepass/refused", test_what_is_json_may_be_refused_all_the_same);
    g_test_add_func("/prepass/steps", test_steps_are_short_whatever_an_item_is);
    g_test_add_func("/prepass/values", test_each_item_has_as_many_values_as_a_document);
    return g_test_run();
}
