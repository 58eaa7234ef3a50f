/* SPDX-License-Identifier: MIT */
#include "ppiofs/model/record.h"

#include <string.h>

#include "ppiofs/base/error.h"
#include "ppiofs/json/json.h"
#include "support.h"

/* The files of an instance with these members, except its id. */
static char *files_of(const char *members, RecordFlags flags)
{
    g_autoptr(Record) record = record_with("x", members, flags);
    g_autofree char *text = tree_text(record_tree(record));
    char *id = strstr(text, "id='x$'");

    g_assert_nonnull(id);
    memmove(id, id + strlen("id='x$'"), strlen(id + strlen("id='x$'")) + 1);
    g_auto(GStrv) halves = g_strsplit(text, "  ", 2);
    char *joined = g_strjoinv(" ", halves);
    return g_strstrip(joined);
}

/* Members, and the files that show them (see tree_text()). */
typedef struct {
    const char *members, *files;
} Row;

static void assert_rows(const Row *rows, gsize n, RecordFlags flags)
{
    for (gsize i = 0; i < n; i++) {
        g_autofree char *files = files_of(rows[i].members, flags);
        g_assert_cmpstr(files, ==, rows[i].files);
    }
}

#define ASSERT_ROWS(rows) assert_rows((rows), G_N_ELEMENTS(rows), 0)

static void test_secrets_are_marked_wherever_their_name_says_so(void)
{
    static const Row rows[] = {
        { "'tools':{'ssh':{'password':'p','username':'u'}}",
          "tools/ tools/ssh/ !tools/ssh/password='p$' tools/ssh/username='u$'" },
        { "'tools':{'web_terminal':{'password':'p'}}",
          "tools/ tools/web_terminal/ !tools/web_terminal/password='p$'" },
        { "'new':{'API_Token':'t'}", "new/ !new/API_Token='t$'" },
        { "'client_secret':'t'", "!client_secret='t$'" },
        { "'host_private_key':'t'", "!host_private_key='t$'" },
        { "'secret':{'a':'t'}", "!secret/ !secret/a='t$'" },
        { "'passwd':1,'Password ':2,'tokens':3,'secrets':4", "!Password ='2$' !passwd='1$' "
                                                             "!secrets='4$' !tokens='3$'" },
        { "'api_key':1,'apikey':2,'accessKeys':3,'APIKey':4",
          "!APIKey='4$' !accessKeys='3$' !api_key='1$' !apikey='2$'" },
        { "'credential':1,'aws-credentials':2,'accessToken':3",
          "!accessToken='3$' !aws-credentials='2$' !credential='1$'" },
        { "'ENVS':[{'key':'A','value':'1'}]",
          "!ENVS/ !ENVS/0/ !ENVS/0/key='A$' !ENVS/0/value='1$'" },
        { "'secretary':1,'tokenizer':2,'key':3,'api_key_id':4,'compassword':5",
          "api_key_id='4$' compassword='5$' key='3$' secretary='1$' tokenizer='2$'" },
        { "'token':[{'a':1}]", "!token/ !token/0/ !token/0/a='1$'" },
        { "'status':{'token':'t'}", "!status_token='t$'" },
    };

    ASSERT_ROWS(rows);
}

static void test_hidden_secrets_are_not_there_at_all(void)
{
    static const Row rows[] = {
        { "'tools':{'ssh':{'password':'p','username':'u'}}",
          "tools/ tools/ssh/ tools/ssh/username='u$'" },
        { "'envs':[{'key':'A','value':'1'}]", "!envs/" },
        { "'envs':null", "" },
        { "'envs':'A=1'", "" },
        { "'envs':{'A':'1'}", "!envs/" },
        { "'new':{'x_token':{'a':1}}", "new/" },
        { "'status':{'status':'s','token':'t'}", "status='s$'" },
        { "'password':'p','name':'n'", "name='n$'" },
    };

    assert_rows(rows, G_N_ELEMENTS(rows), RECORD_HIDE_SECRETS);
}

static void test_thousands_of_envs_are_all_there(void)
{
    GString *members = g_string_new("'envs':[");

    for (int i = 0; i < 6000; i++)
        g_string_append_printf(members, "%s{'key':'K%d','value':'%d'}", i > 0 ? "," : "", i, i);
    g_string_append_c(members, ']');
    g_autoptr(Record) record = record_with("x", members->str, 0);
    g_autofree char *last = file_text(record_tree(record), "envs/K5999");
    NodeIndex first;

    g_assert_cmpstr(last, ==, "5999\n");
    g_assert_cmpuint(
        subtree_children(record_tree(record), must_find(record_tree(record), "envs"), &first), ==,
        6000);
    g_string_free(members, TRUE);
}

static void test_thousands_of_envs_with_one_key_are_all_there(void)
{
    GString *members = g_string_new("'envs':[");

    for (int i = 1; i <= 6000; i++)
        g_string_append_printf(members, "%s{'key':'A','value':'%d'}", i > 1 ? "," : "", i);
    g_string_append_c(members, ']');
    g_autoptr(Record) record = record_with("x", members->str, 0);
    g_autofree char *first = file_text(record_tree(record), "envs/A");
    g_autofree char *second = file_text(record_tree(record), "envs/A~2");
    g_autofree char *last = file_text(record_tree(record), "envs/A~6000");

    g_assert_cmpstr(first, ==, "1\n");
    g_assert_cmpstr(second, ==, "2\n");
    g_assert_cmpstr(last, ==, "6000\n");
    g_string_free(members, TRUE);
}

static Record *try_record(const char *json, GError **error)
{
    g_autoptr(JsonDoc) doc = json_parse(json, strlen(json), NULL);

    g_assert_nonnull(doc);
    return record_new(KIND_INSTANCES, json_root(doc), NULL, 0, error);
}

static char *json_with_id_of(const char *character, guint n)
{
    GString *json = g_string_new("{\"id\":\"");

    while (n-- > 0)
        g_string_append(json, character);
    g_string_append(json, "\"}");
    return g_string_free(json, FALSE);
}

static void test_an_id_has_1_to_255_characters(void)
{
    static const struct {
        const char *character;
        guint n;
        gboolean usable;
    } rows[] = { { "a", 0, FALSE }, { "a", 1, TRUE },    { "a", 255, TRUE },  { "a", 256, FALSE },
                 { "中", 1, TRUE }, { "中", 255, TRUE }, { "中", 256, FALSE } };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *json = json_with_id_of(rows[i].character, rows[i].n);
        g_autoptr(GError) error = NULL;
        g_autoptr(Record) record = try_record(json, &error);

        g_assert_cmpint(record != NULL, ==, rows[i].usable);
        if (record == NULL)
            g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
    }
}

static void test_an_id_that_is_no_text_is_not_usable(void)
{
    static const char *const documents[] = { "{}",           "{\"id\":null}",  "{\"id\":7}",
                                             "{\"id\":[]}",  "{\"ID\":\"a\"}", "{\"id\":{}}",
                                             "[]",           "null",           "\"a\"",
                                             "{\"id\":true}" };

    for (gsize i = 0; i < G_N_ELEMENTS(documents); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(try_record(documents[i], &error));
        g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
    }
}

static void test_the_raw_id_and_name_are_kept(void)
{
    g_autoptr(Record) record = record_of("{\"id\":\"a/b\",\"name\":\"..\"}", 0);
    g_autoptr(Record) other = record_of("{\"id\":\"a\",\"name\":7}", 0);
    g_autofree char *id = file_text(record_tree(record), "id");
    g_autofree char *name = file_text(record_tree(record), "name");

    g_assert_cmpstr(record_id(record), ==, "a/b");
    g_assert_cmpstr(record_name(record), ==, "..");
    g_assert_null(record_name(other));
    g_assert_cmpstr(id, ==, "a/b\n");
    g_assert_cmpstr(name, ==, "..\n");
}

static void test_only_a_full_record_that_shows_secrets_has_a_body(void)
{
    g_autoptr(Record) item = record_of("{\"id\":\"a\"}", 0);
    g_autoptr(Record) full = record_of("{\"id\":\"a\" }", RECORD_FULL);
    g_autoptr(Record) hidden = record_of("{\"id\":\"a\"}", RECORD_FULL | RECORD_HIDE_SECRETS);

    g_assert_false(record_is_full(item));
    g_assert_null(record_body(item));
    g_assert_true(record_is_full(full));
    g_assert_cmpmem(g_bytes_get_data(record_body(full), NULL), g_bytes_get_size(record_body(full)),
                    "{\"id\":\"a\" }", 11);
    g_assert_true(record_is_full(hidden));
    g_assert_null(record_body(hidden));
}

static void test_a_value_is_the_text_without_the_final_newline(void)
{
    g_autoptr(Record) record = record_with(
        "x", "'status':{'status':'running'},'image':'','resource_specs':{'gpu_num':8},'a':[1,2]",
        0);
    static const struct {
        const char *path, *value;
    } rows[] = { { "status", "running" },
                 { "image", "" },
                 { "resource_specs/gpu_num", "8" },
                 { "a", "1\n2" },
                 { "none", NULL },
                 { "resource_specs", NULL },
                 { "", NULL },
                 { "status/x", NULL } };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *value = record_value(record, rows[i].path);
        g_assert_cmpstr(value, ==, rows[i].value);
    }
}

static void test_its_own_time_is_the_newest_of_its_timestamps(void)
{
    static const struct {
        const char *members;
        gint64 seconds;
    } rows[] = {
        { "", 0 },
        { "'created_at':100", 100 },
        { "'created_at':100,'last_started_at':300,'last_stopped_at':200", 300 },
        { "'created_at':100,'last_stopped_at':0", 100 },
        { "'created_at':'1714464000'", 1714464000 },
        { "'created_at':-1", 0 },
        { "'created_at':1.5", 0 },
        { "'created_at':1e9", 0 },
        { "'created_at':null,'last_started_at':{},'last_stopped_at':[]", 0 },
        { "'created_at':2147483648", 2147483648 },
        { "'created_at':253402300799", 253402300799 },
        { "'created_at':253402300800", 0 }, /* the year 10000 */
        { "'created_at':292277026596", 0 },
        { "'created_at':18446744073709551616", 0 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Record) record = record_with("x", rows[i].members, 0);
        g_assert_cmpint(record_own_time(record), ==, rows[i].seconds * SECOND);
    }
}

static void test_an_instance_that_is_being_removed_is_gone(void)
{
    static const char *const gone[] = { "'status':{'status':'toRemove'}",
                                        "'status':{'status':'removing'}", "'status':'removed'" };
    static const char *const there[] = { "", "'status':{'status':'running'}", "'status':null",
                                         "'status':{'status':'Removed'}",
                                         "'status':{'message':'removed'}" };

    for (gsize i = 0; i < G_N_ELEMENTS(gone); i++) {
        g_autoptr(Record) record = record_with("x", gone[i], 0);
        g_assert_true(record_is_gone(record));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(there); i++) {
        g_autoptr(Record) record = record_with("x", there[i], 0);
        g_assert_false(record_is_gone(record));
    }
}

/* Every field of the document, and whether it says object or array of objects there. */
static const struct {
    const char *path;
    gboolean directory;
} document[] = {
    { "name", FALSE },
    { "product_id", FALSE },
    { "image", FALSE },
    { "command", FALSE },
    { "billing", TRUE },
    { "billing.mode", FALSE },
    { "billing.prepaid", TRUE },
    { "billing.prepaid.end_time", FALSE },
    { "billing.prepaid.auto_renew", TRUE },
    { "billing.prepaid.auto_renew.enabled", FALSE },
    { "envs", TRUE },
    { "ports", TRUE },
    { "resource_specs", TRUE },
    { "resource_specs.gpu_num", FALSE },
    { "resource_specs.gpu_ids", FALSE },
    { "network", TRUE },
    { "network.ip", FALSE },
    { "volumes", TRUE },
    { "region", FALSE },
    { "tools", TRUE },
    { "tools.jupyter", TRUE },
    { "tools.jupyter.port", FALSE },
    { "tools.ssh", TRUE },
    { "tools.ssh.command", FALSE },
    { "tools.ssh.password", FALSE },
    { "tools.web_terminal", TRUE },
    { "tools.web_terminal.password", FALSE },
    { "tools.log", TRUE },
    { "tools.log.system_endpoint", FALSE },
    { "auto_migrate", TRUE },
    { "auto_migrate.enabled", FALSE },
    { "pricing", TRUE },
    { "pricing.instance_price", FALSE },
    { "pricing.prepaid", TRUE },
    { "pricing.prepaid.monthly_price", TRUE },
    { "pricing.spot", TRUE },
    { "pricing.spot.spot_reclaim_time", FALSE },
    { "created_at", FALSE },
    { "owner_id", FALSE },
};

/* Values of every type: whether each is a directory where the document says scalar, or not. */
static const struct {
    const char *json;
    gboolean for_scalar, for_directory;
} values[] = {
    { "null", FALSE, TRUE },
    { "[]", FALSE, TRUE },
    { "{}", TRUE, TRUE },
    { "true", FALSE, FALSE },
    { "-1", FALSE, FALSE },
    { "18446744073709551616", FALSE, FALSE },
    { "\"s\"", FALSE, FALSE },
    { "\"\"", FALSE, FALSE },
    { "[1,\"a\",null]", FALSE, FALSE },
    { "[{}]", TRUE, TRUE },
    { "[[]]", TRUE, TRUE },
    { "[{},1]", TRUE, TRUE },
    { "{\"a\":{}}", TRUE, TRUE },
};

static void assert_shown(const char *path, const char *json, gboolean directory)
{
    g_auto(GStrv) names = g_strsplit(path, ".", -1);
    g_autofree char *file = g_strjoinv("/", names);
    g_autofree char *open = g_strjoinv("\":{\"", names);
    g_autofree char *close = g_strnfill(g_strv_length(names) - 1, '}');
    g_autofree char *whole = g_strdup_printf("{\"id\":\"x\",\"%s\":%s%s}", open, json, close);
    g_autoptr(Record) record = record_of(whole, RECORD_FULL);
    NodeIndex node = must_find(record_tree(record), file);

    g_assert_cmpint(subtree_kind(record_tree(record), node), ==,
                    directory ? NODE_DIRECTORY : NODE_FILE);
}

static void test_every_field_may_be_of_any_type(void)
{
    for (gsize f = 0; f < G_N_ELEMENTS(document); f++)
        for (gsize v = 0; v < G_N_ELEMENTS(values); v++)
            assert_shown(document[f].path, values[v].json,
                         document[f].directory ? values[v].for_directory : values[v].for_scalar);
}

static void test_depth_64_is_shown_to_the_bottom(void)
{
    GString *members = g_string_new("'a':");
    GString *path = g_string_new("a");

    for (int i = 0; i < 62; i++) {
        g_string_append(members, "{'a':");
        g_string_append(path, "/a");
    }
    g_string_append(members, "1");
    for (int i = 0; i < 62; i++)
        g_string_append_c(members, '}');
    g_autoptr(Record) record = record_with("x", members->str, 0);
    g_autofree char *bottom = file_text(record_tree(record), path->str);
    g_assert_cmpstr(bottom, ==, "1\n");
    g_string_free(members, TRUE);
    g_string_free(path, TRUE);
}

static void test_a_record_lives_as_long_as_it_is_referred_to(void)
{
    Record *record = record_with("x", "", 0);
    Record *again = record_ref(record);

    record_unref(record);
    g_assert_cmpstr(record_id(again), ==, "x");
    record_unref(again);
    record_unref(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/record/secrets_are_marked_wherever_their_name_says_so",
                    test_secrets_are_marked_wherever_their_name_says_so);
    g_test_add_func("/record/hidden_secrets_are_not_there_at_all",
                    test_hidden_secrets_are_not_there_at_all);
    g_test_add_func("/record/a_hundred_thousand_envs_are_all_there",
                    test_thousands_of_envs_are_all_there);
    g_test_add_func("/record/a_hundred_thousand_envs_with_one_key_are_all_there",
                    test_thousands_of_envs_with_one_key_are_all_there);
    g_test_add_func("/record/an_id_has_1_to_255_characters", test_an_id_has_1_to_255_characters);
    g_test_add_func("/record/an_id_that_is_no_text_is_not_usable",
                    test_an_id_that_is_no_text_is_not_usable);
    g_test_add_func("/record/the_raw_id_and_name_are_kept", test_the_raw_id_and_name_are_kept);
    g_test_add_func("/record/only_a_full_record_that_shows_secrets_has_a_body",
                    test_only_a_full_record_that_shows_secrets_has_a_body);
    g_test_add_func("/record/a_value_is_the_text_without_the_final_newline",
                    test_a_value_is_the_text_without_the_final_newline);
    g_test_add_func("/record/its_own_time_is_the_newest_of_its_timestamps",
                    test_its_own_time_is_the_newest_of_its_timestamps);
    g_test_add_func("/record/an_instance_that_is_being_removed_is_gone",
                    test_an_instance_that_is_being_removed_is_gone);
    g_test_add_func("/record/every_field_may_be_of_any_type", test_every_field_may_be_of_any_type);
    g_test_add_func("/record/depth_64_is_shown_to_the_bottom",
                    test_depth_64_is_shown_to_the_bottom);
    g_test_add_func("/record/a_record_lives_as_long_as_it_is_referred_to",
                    test_a_record_lives_as_long_as_it_is_referred_to);
    return g_test_run();
}
