/* SPDX-License-Identifier: MIT */
#include "ppiofs/json/json.h"

#include "ppiofs/base/error.h"
#include "ppiofs/json/prepass.h"

#include <stdlib.h>
#include <string.h>

/* Parses from a block of exactly @length bytes, so that a sanitizer sees any read beyond it. */
static JsonDoc *parse_bytes(const char *bytes, gsize length, GError **error)
{
    g_autofree char *exact = g_memdup2(bytes, length);

    return json_parse(exact, length, error);
}

static JsonDoc *parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    JsonDoc *doc = parse_bytes(text, strlen(text), &error);

    g_assert_no_error(error);
    g_assert_nonnull(doc);
    return doc;
}

static void assert_refused_bytes(const char *bytes, gsize length, PpiofsError code,
                                 const char *message)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonDoc) doc = parse_bytes(bytes, length, &error);

    g_assert_null(doc);
    g_assert_error(error, PPIOFS_ERROR, (int)code);
    if (message)
        g_assert_cmpstr(error->message, ==, message);
}

static void assert_refused(const char *text, const char *message)
{
    assert_refused_bytes(text, strlen(text), PPIOFS_ERROR_BAD_ANSWER, message);
}

/* The texts of all items of the array, joined by a bar. */
static void assert_items(const char *text, const char *expected)
{
    g_autoptr(JsonDoc) doc = parse(text);
    g_autoptr(GString) joined = g_string_new(NULL);
    const cJSON *item;

    cJSON_ArrayForEach (item, json_root(doc)) {
        if (joined->len > 0)
            g_string_append_c(joined, '|');
        g_string_append(joined, json_text(item));
    }
    g_assert_cmpstr(joined->str, ==, expected);
}

/* @count times @piece, with @open before and @close behind. */
static GString *repeat(const char *open, const char *piece, gsize count, const char *close)
{
    GString *text = g_string_new(open);

    while (count--)
        g_string_append(text, piece);
    return g_string_append(text, close);
}

static void test_numbers_keep_the_text_of_the_api(void)
{
    assert_items("[9007199254740993, 9223372036854775807, 18446744073709551615]",
                 "9007199254740993|9223372036854775807|18446744073709551615");
    assert_items("[1.10,-0,-0.0,1e400 ,1E-400,0,7,0e+0]", "1.10|-0|-0.0|1e400|1E-400|0|7|0e+0");
    assert_items("[\"1\",2,\"\\\"3\",\"\\\\\",4,true,false,null,-5]",
                 "1|2|\"3|\\|4|true|false||-5");
}

static void test_a_number_of_5000_digits_keeps_them_all(void)
{
    g_autoptr(GString) digits = repeat("-", "12345", 1000, "");
    g_autofree char *text = g_strdup_printf("[1,%s]", digits->str);
    g_autofree char *expected = g_strdup_printf("1|%s", digits->str);

    assert_items(text, expected);
}

static void test_no_number_can_be_read_as_a_double(void)
{
    g_autoptr(JsonDoc) doc = parse("[42]");

    g_assert_cmpint(json_root(doc)->child->valueint, ==, 0);
    g_assert_cmpfloat(json_root(doc)->child->valuedouble, ==, 0);
}

static void test_numbers_inside_objects_and_arrays_go_to_their_own_node(void)
{
    g_autoptr(JsonDoc) doc = parse("{\"1\":{\"2\":[3,{},[],{\"4\":5.50}]},\"6\":\"7\",\"8\":9}");
    const cJSON *list = json_member(json_member(json_root(doc), "1"), "2");

    g_assert_cmpstr(json_text(list->child), ==, "3");
    g_assert_cmpstr(json_text(json_member(cJSON_GetArrayItem(list, 3), "4")), ==, "5.50");
    g_assert_cmpstr(json_text(json_member(json_root(doc), "8")), ==, "9");
}

static void test_nul_and_lone_surrogates_become_the_replacement_character(void)
{
    assert_items("[\"a\\u0000b\"]", "a\357\277\275b");
    assert_items("[\"\\ud800\",\"\\uDfFfx\",\"\\udc00\\ud800\"]",
                 "\357\277\275|\357\277\275x|\357\277\275\357\277\275");
    assert_items("[\"\\ud800\\u0041\",\"\\ud800\\n\",\"\\ud800u\",\"\\uDBFF\"]",
                 "\357\277\275A|\357\277\275\n|\357\277\275u|\357\277\275");
}

static void test_surrogate_pairs_and_escaped_backslashes_are_kept(void)
{
    assert_items("[\"\\ud83d\\ude00\",\"\\uD800\\ud83D\\uDE00\",\"\\uDBFF\\uDFFF\"]",
                 "\360\237\230\200|\357\277\275\360\237\230\200|\364\217\277\277");
    assert_items("[\"\\\\u0000\",\"\\\\\\u0000\",\"\\\\ud800\"]", "\\u0000|\\\357\277\275|\\ud800");
}

static void test_every_escape_is_decoded(void)
{
    assert_items("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u4E2d\"]",
                 "\"\\/\b\f\n\r\t\303\251\344\270\255");
}

static void test_a_scalar_is_a_document(void)
{
    static const struct {
        const char *document, *text;
    } scalars[] = {
        { "1", "1" },       { "-0.10", "-0.10" }, { " \"a b\"\n", "a b" }, { "\"\"", "" },
        { "true", "true" }, { "false", "false" }, { "\tnull ", "" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(scalars); i++) {
        g_autoptr(JsonDoc) doc = parse(scalars[i].document);

        g_assert_cmpstr(json_text(json_root(doc)), ==, scalars[i].text);
    }
}

static void test_containers_and_nothing_have_no_text(void)
{
    g_autoptr(JsonDoc) doc = parse("[{}]");

    g_assert_null(json_text(json_root(doc)));
    g_assert_null(json_text(json_root(doc)->child));
    g_assert_null(json_text(NULL));
}

static void test_members_keep_the_order_of_the_document(void)
{
    g_autoptr(JsonDoc) doc = parse("{\"b\":1,\"a\":2,\"\":3,\"B\":4}");
    g_autoptr(GString) names = g_string_new(NULL);
    const cJSON *member;

    cJSON_ArrayForEach (member, json_root(doc))
        g_string_append_printf(names, "%s=%s;", member->string, json_text(member));
    g_assert_cmpstr(names->str, ==, "b=1;a=2;=3;B=4;");
}

static void test_a_member_is_found_by_its_exact_name_only(void)
{
    g_autoptr(JsonDoc) doc = parse("{\"Name\":\"x\",\"n\":1,\"z\":null,\"\":\"e\",\"o\":{}}");
    const cJSON *root = json_root(doc);

    g_assert_cmpstr(json_member_string(root, "Name"), ==, "x");
    g_assert_cmpstr(json_member_string(root, ""), ==, "e");
    g_assert_cmpstr(json_text(json_member(root, "n")), ==, "1");
    g_assert_null(json_member(root, "name"));
    g_assert_null(json_member(root, "missing"));
    g_assert_null(json_member_string(root, "missing"));
    g_assert_null(json_member_string(root, "n"));
    g_assert_null(json_member_string(root, "z"));
    g_assert_null(json_member_string(root, "o"));
}

static void test_what_is_no_object_has_no_members(void)
{
    g_autoptr(JsonDoc) doc = parse("[{\"a\":\"b\"},\"a\",1]");
    const cJSON *root = json_root(doc);

    g_assert_null(json_member(NULL, "a"));
    g_assert_null(json_member_string(NULL, "a"));
    g_assert_null(json_member(root, "a"));
    g_assert_null(json_member(root->child->next, "a"));
    g_assert_null(json_member_string(root->child->next->next, "a"));
}

static void test_a_refusal_says_what_and_where(void)
{
    assert_refused("", "not JSON: it is empty");
    assert_refused(" \n", "not JSON: it is empty");
    assert_refused("<html>", "not JSON: unexpected byte 0x3c at byte 0");
    assert_refused("\357\273\277{}", "not JSON: unexpected byte 0xef at byte 0");
    assert_refused("{\"a\":", "not JSON: it ends too early, at byte 5");
    assert_refused("{} x", "not JSON: unexpected byte 0x78 at byte 3");
    assert_refused("[01]", "not JSON: unexpected byte 0x31 at byte 2");
    assert_refused("[\"a\tb\"]", "not JSON: unexpected byte 0x09 at byte 3");
    assert_refused("[\"\\x41\"]", "not JSON: unexpected byte 0x78 at byte 3");
    assert_refused("[\"a\300\257\"]", "not JSON: not UTF-8 at byte 3");
    assert_refused("{\"a\\u001b\":1,\"a\\u001b\":2}",
                   "the key \"a\\x1b\" appears twice in one object");
    assert_refused_bytes("[\0]", 3, PPIOFS_ERROR_BAD_ANSWER,
                         "not JSON: unexpected byte 0x00 at byte 1");
}

static void test_an_empty_body_without_an_address_is_refused(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(json_parse(NULL, 0, &error));
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
}

static void test_a_document_cut_at_any_byte_is_refused(void)
{
    static const char sample[] = "{\"a\":[1.5e+3,-20,\"x\\u00e9\\ud83d\\ude00\303\251\\\\\"],"
                                 "\"b\":{\"c\":true,\"d\":null,\"e\":false},\"\":[{},[]]}";

    g_autoptr(JsonDoc) whole = parse(sample);
    g_assert_nonnull(whole);
    for (gsize length = 0; length < strlen(sample); length++)
        assert_refused_bytes(sample, length, PPIOFS_ERROR_BAD_ANSWER, NULL);
}

static void test_no_raw_control_byte_is_taken(void)
{
    for (char c = 0; c < 0x20; c++) {
        const char in_string[] = { '[', '"', c, '"', ']' };
        const char between[] = { '[', '1', c, ']' };

        assert_refused_bytes(in_string, sizeof in_string, PPIOFS_ERROR_BAD_ANSWER, NULL);
        if (!c || !strchr("\t\n\r", c))
            assert_refused_bytes(between, sizeof between, PPIOFS_ERROR_BAD_ANSWER, NULL);
    }
}

static void test_nesting_ends_at_64(void)
{
    g_autoptr(GString) objects = repeat("", "{\"a\":", JSON_MAX_DEPTH, "1");
    g_autoptr(GString) arrays = repeat("", "[", JSON_MAX_DEPTH, "");

    for (int i = 0; i < JSON_MAX_DEPTH; i++) {
        g_string_append_c(objects, '}');
        g_string_append_c(arrays, ']');
    }
    json_free(parse(objects->str));
    json_free(parse(arrays->str));

    g_string_prepend(arrays, "[");
    g_string_append(arrays, "]");
    assert_refused(arrays->str, "JSON nested deeper than 64 at byte 64");
    g_string_prepend(objects, "[");
    assert_refused(objects->str, NULL);
}

static void test_ten_million_brackets_are_refused_at_once(void)
{
    g_autoptr(GString) ten_thousand = repeat("", "[", 10000, "");
    g_autofree char *ten_million = g_malloc(10000000);

    assert_refused(ten_thousand->str, "JSON nested deeper than 64 at byte 64");
    memset(ten_million, '[', 10000000);
    assert_refused_bytes(ten_million, 10000000, PPIOFS_ERROR_BAD_ANSWER,
                         "JSON nested deeper than 64 at byte 64");
}

static void test_the_number_of_values_is_bounded(void)
{
    g_autoptr(GString) most = repeat("[0", ",0", JSON_MAX_VALUES - 2, "]");
    g_autoptr(GString) more = repeat("[0", ",0", JSON_MAX_VALUES - 1, "]");

    json_free(parse(most->str));
    assert_refused_bytes(more->str, more->len, PPIOFS_ERROR_TOO_LARGE,
                         "JSON with more than 20000 values");
}

static void test_equal_keys_of_one_object_are_refused(void)
{
    assert_refused("{\"a\":1,\"b\":2,\"a\":1}", "the key \"a\" appears twice in one object");
    assert_refused("{\"a\":1,\"\\u0061\":2}", "the key \"a\" appears twice in one object");
    assert_refused("{\"\":1,\"\":2}", "the key \"\" appears twice in one object");
    assert_refused("[1,{\"x\":[{\"k\":1,\"k\":2}]}]", "the key \"k\" appears twice in one object");
    assert_refused("{\"\\u0000\":1,\"\\ud800\":2}", NULL);
}

static void test_equal_keys_of_different_objects_are_fine(void)
{
    g_autoptr(JsonDoc) doc = parse("{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":2}],\"A\":3}");

    g_assert_cmpstr(json_text(json_member(json_root(doc), "A")), ==, "3");
}

/* {"k0":0,"k1":1,...}, without the closing brace. */
static GString *object_of(int members)
{
    GString *text = g_string_new("{\"k0\":0");

    for (int i = 1; i < members; i++)
        g_string_append_printf(text, ",\"k%d\":%d", i, i);
    return text;
}

static void assert_twin_is_found_in_an_object_of(int members)
{
    g_autoptr(GString) text = object_of(members);
    g_autofree char *good = g_strconcat(text->str, "}", NULL);
    g_autofree char *bad = g_strconcat(text->str, ",\"\\u006b1\":0}", NULL);
    g_autoptr(JsonDoc) doc = parse(good);

    g_assert_cmpint(cJSON_GetArraySize(json_root(doc)), ==, members);
    g_assert_cmpstr(json_text(cJSON_GetArrayItem(json_root(doc), 1)), ==, "1");
    assert_refused(bad, "the key \"k1\" appears twice in one object");
}

static void test_equal_keys_are_found_in_objects_of_every_size(void)
{
    for (int members = 2; members < 40; members++)
        assert_twin_is_found_in_an_object_of(members);
    assert_twin_is_found_in_an_object_of(JSON_MAX_VALUES - 2);
}

/* Calls @check for each file of the corpus; returns how many there are. */
static int for_each_file(const char *folder, void (*check)(const char *, gsize, const char *))
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "data", "json", folder, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = g_dir_open(path, 0, &error);
    const char *name;
    int count = 0;

    g_assert_no_error(error);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        g_autofree char *bytes = NULL;
        gsize length = 0;

        g_assert_true(g_file_get_contents(file, &bytes, &length, &error));
        check(bytes, length, name);
        count++;
    }
    return count;
}

static void check_valid(const char *bytes, gsize length, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonDoc) doc = parse_bytes(bytes, length, &error);

    if (!doc)
        g_test_message("%s: %s", name, error->message);
    g_assert_no_error(error);
}

static void check_invalid(const char *bytes, gsize length, const char *name)
{
    g_test_message("%s", name);
    assert_refused_bytes(bytes, length, PPIOFS_ERROR_BAD_ANSWER, NULL);
}

static void test_every_valid_file_of_the_corpus_is_taken(void)
{
    g_assert_cmpint(for_each_file("valid", check_valid), >, 15);
}

static void test_every_invalid_file_of_the_corpus_is_refused(void)
{
    g_assert_cmpint(for_each_file("invalid", check_invalid), >, 40);
}

/* cJSON's hooks take no data pointer, so what they count has to be here. */
static int allocations_left;
static int allocations_open;

static void *failing_malloc(size_t size)
{
    if (allocations_left-- == 0)
        return NULL;
    allocations_open++;
    return malloc(size);
}

static void counting_free(void *block)
{
    allocations_open -= block != NULL;
    free(block);
}

/* TRUE if the document was parsed before the allocation to fail came. */
static gboolean parse_with_failure_at(int allocation, const char *text)
{
    g_autoptr(GError) error = NULL;
    JsonDoc *doc;

    allocations_left = allocation;
    doc = json_parse(text, strlen(text), &error);
    if (!doc)
        g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_NO_MEMORY);
    json_free(doc);
    g_assert_cmpint(allocations_open, ==, 0);
    return doc != NULL;
}

static void test_each_allocation_may_fail(void)
{
    g_autoptr(GString) text = object_of(40);
    cJSON_Hooks hooks = { failing_malloc, counting_free };
    int failed = 0;

    g_string_append(text, ",\"list\":[1,{\"a\":{}},[],\"\\u0000\",true,null,1e400]}");
    cJSON_InitHooks(&hooks);
    while (!parse_with_failure_at(failed, text->str))
        failed++;
    cJSON_InitHooks(NULL);
    /* document, copy, keys to sort; per member a node, a key and a number; the list */
    g_assert_cmpint(failed, >=, 3 + 3 * 40 + 8);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        GTestFunc run;
    } tests[] = {
        { "/json/number/text", test_numbers_keep_the_text_of_the_api },
        { "/json/number/long", test_a_number_of_5000_digits_keeps_them_all },
        { "/json/number/no-double", test_no_number_can_be_read_as_a_double },
        { "/json/number/nested", test_numbers_inside_objects_and_arrays_go_to_their_own_node },
        { "/json/string/replaced", test_nul_and_lone_surrogates_become_the_replacement_character },
        { "/json/string/kept", test_surrogate_pairs_and_escaped_backslashes_are_kept },
        { "/json/string/escapes", test_every_escape_is_decoded },
        { "/json/scalar", test_a_scalar_is_a_document },
        { "/json/no-text", test_containers_and_nothing_have_no_text },
        { "/json/member/order", test_members_keep_the_order_of_the_document },
        { "/json/member/exact", test_a_member_is_found_by_its_exact_name_only },
        { "/json/member/no-object", test_what_is_no_object_has_no_members },
        { "/json/refused/message", test_a_refusal_says_what_and_where },
        { "/json/refused/nothing", test_an_empty_body_without_an_address_is_refused },
        { "/json/refused/cut", test_a_document_cut_at_any_byte_is_refused },
        { "/json/refused/control", test_no_raw_control_byte_is_taken },
        { "/json/bound/depth", test_nesting_ends_at_64 },
        { "/json/bound/brackets", test_ten_million_brackets_are_refused_at_once },
        { "/json/bound/values", test_the_number_of_values_is_bounded },
        { "/json/keys/equal", test_equal_keys_of_one_object_are_refused },
        { "/json/keys/elsewhere", test_equal_keys_of_different_objects_are_fine },
        { "/json/keys/sizes", test_equal_keys_are_found_in_objects_of_every_size },
        { "/json/corpus/valid", test_every_valid_file_of_the_corpus_is_taken },
        { "/json/corpus/invalid", test_every_invalid_file_of_the_corpus_is_refused },
        { "/json/memory", test_each_allocation_may_fail },
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add_func(tests[i].path, tests[i].run);
    return g_test_run();
}
