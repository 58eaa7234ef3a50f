/* SPDX-License-Identifier: MIT */
#include "ppiofs/view/ssh_config.h"

#include <string.h>

#include "ppiofs/json/json.h"
#include "ppiofs/view/making.h"

#define COMMAND "ssh -p 22 root@h.example"
#define BLOCK "    HostName h.example\n    Port 22\n    User root\n    HostKeyAlias "
#define NOT_FETCHED NULL /* a command that nobody knows: there is only the list item */
#define MANY 10000

typedef struct {
    GPtrArray *records;
    GString *text;
    ViewSettings settings;
} Fixture;

static Fixture *fixture_new(void)
{
    Fixture *f = g_new0(Fixture, 1);

    f->records = g_ptr_array_new_with_free_func((GDestroyNotify)record_unref);
    f->text = g_string_new(NULL);
    f->settings.profile = "ppio";
    return f;
}

static void fixture_free(Fixture *f)
{
    g_ptr_array_unref(f->records);
    g_string_free(f->text, TRUE);
    g_free(f);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, fixture_free)

static void add_object(Fixture *f, const cJSON *object, RecordFlags flags)
{
    g_autoptr(GError) error = NULL;
    Record *record = record_new(KIND_INSTANCES, object, NULL, flags, &error);

    g_assert_no_error(error);
    g_ptr_array_add(f->records, record);
}

static cJSON *make_object(const char *id, const char *name, const char *status)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddStringToObject(object, "id", id);
    if (name != NULL)
        cJSON_AddStringToObject(object, "name", name);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(object, "status"), "status", status);
    return object;
}

static void add(Fixture *f, const char *id, const char *name, const char *command)
{
    cJSON *object = make_object(id, name, "running");

    if (command != NOT_FETCHED)
        cJSON_AddStringToObject(
            cJSON_AddObjectToObject(cJSON_AddObjectToObject(object, "tools"), "ssh"), "command",
            command);
    add_object(f, object, command == NOT_FETCHED ? 0 : RECORD_FULL);
    cJSON_Delete(object);
}

static void add_with_status(Fixture *f, const char *id, const char *name, const char *status)
{
    cJSON *object = make_object(id, name, status);

    add_object(f, object, RECORD_FULL);
    cJSON_Delete(object);
}

static Subtree *make(const Fixture *f)
{
    const MakingOrder order = { &ssh_config, "config", NULL, &f->settings };
    Making *making = making_new(&order, g_ptr_array_ref(f->records), NULL, 1);

    while (!making_step(making, 7))
        continue;
    return making_finish(making);
}

/* What follows the comment at the head. */
static const char *body(Fixture *f)
{
    g_autoptr(Subtree) tree = make(f);
    const char *at;
    gsize length;

    g_assert_nonnull(tree);
    const char *text = subtree_content(tree, 1, &length);
    g_string_truncate(f->text, 0);
    g_string_append_len(f->text, text, (gssize)length);
    for (at = f->text->str; *at == '#'; at = strchr(at, '\n') + 1)
        ;
    g_assert_true(at > f->text->str);
    return at;
}

/* The words of each Host line, in their order, with a blank after each line. */
static char *hosts(Fixture *f)
{
    g_auto(GStrv) lines = g_strsplit(body(f), "\n", -1);
    GString *found = g_string_new(NULL);

    for (char **line = lines; *line != NULL; line++)
        if (g_str_has_prefix(*line, "Host "))
            g_string_append_printf(found, "%s;", *line + strlen("Host "));
    return g_string_free(found, FALSE);
}

static void test_an_empty_account_is_a_comment(void)
{
    g_autoptr(Fixture) f = fixture_new();

    g_assert_cmpstr(body(f), ==, "");
}

static void test_each_instance_that_runs_gets_a_block_sorted_by_id(void)
{
    g_autoptr(Fixture) f = fixture_new();

    add(f, "b2", "web", "ssh -p 51039 root@proxy.example");
    add(f, "a1", "db", "ssh 2001:db8::7");
    add_with_status(f, "c3", "off", "exited");
    g_assert_cmpstr(body(f), ==,
                    "\nHost db.ppio a1.ppio\n"
                    "    HostName 2001:db8::7\n"
                    "    HostKeyAlias ppio-a1\n"
                    "\nHost web.ppio b2.ppio\n"
                    "    HostName proxy.example\n"
                    "    Port 51039\n"
                    "    User root\n"
                    "    HostKeyAlias ppio-b2\n");
}

static void test_the_order_is_that_of_ids_not_of_file_names(void)
{
    g_autoptr(Fixture) f = fixture_new();

    add(f, "/", "", "no");
    add(f, "&", "", "no"); /* before '/', but "%2F" is before it */
    g_assert_nonnull(strstr(body(f), "# &: "));
    g_assert_true(strstr(body(f), "# &: ") < strstr(body(f), "# /: "));
}

static void test_a_shared_name_is_nobodys(void)
{
    g_autoptr(Fixture) f = fixture_new();

    add(f, "1", "web", COMMAND);
    add(f, "2", "web", COMMAND);
    add(f, "3", "Web", COMMAND);
    add(f, "4", "cache", COMMAND);
    add_with_status(f, "5", "cache",
                    "exited"); /* one that does not run shares its name all the same */
    g_autofree char *found = hosts(f);
    g_assert_cmpstr(found, ==, "1.ppio;2.ppio;Web.ppio 3.ppio;4.ppio;");
}

static void test_the_name_that_is_an_id_is_the_ids(void)
{
    g_autoptr(Fixture) f = fixture_new();

    add(f, "1", "2", COMMAND);
    add(f, "2", "3", COMMAND);
    add_with_status(f, "3", "4", "exited");
    add(f, "5", "5", COMMAND); /* once is enough */
    g_autofree char *found = hosts(f);
    g_assert_cmpstr(found, ==, "1.ppio;2.ppio;5.ppio;");
}

static void test_only_a_plain_name_is_shown(void)
{
    static const char *const plain[] = { "a",          "A.b_c-9", "127.0.0.1",     "..",
                                         "_",          "0",       "none",          "Match",
                                         "github.com", "名字",    "训练节点-一号", "Ж٣" };
    static const char *const others[] = {
        "",         " ",
        "-v",       "-oProxyCommand=id",
        "a b",      "a\tb",
        "*",        "?",
        "!a",       "a*",
        "a,b",      "\"a\"",
        "'",        "a#b",
        "#",        "a=b",
        "a\\",      "%h",
        "${HOME}",  "~",
        "a/b",      "名字 二",
        "a\nb",     "a\n    ProxyCommand id",
        "\x1b[2J",  "\xe2\x80\xae",
        "\xc2\xa0", "a\r",
        "Host *",   "a b\nHost *\nProxyCommand id\n",
        "a;b",      "$(id)",
        "`id`",     "\xe3\x85\xa4",
        "a，b",     "→",
    };
    g_autoptr(Fixture) f = fixture_new();
    GString *expected = g_string_new(NULL);

    for (guint i = 0; i < G_N_ELEMENTS(plain); i++) {
        g_autofree char *id = g_strdup_printf("plain%02u", i);
        add(f, id, plain[i], COMMAND);
        g_string_append_printf(expected, "%s.ppio %s.ppio;", plain[i], id);
    }
    for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autofree char *id = g_strdup_printf("then%02u", i);
        add(f, id, others[i], COMMAND);
        g_string_append_printf(expected, "%s.ppio;", id);
    }
    add(f, "then_none", NULL, COMMAND);
    g_string_append(expected, "then_none.ppio;");

    g_autofree char *found = hosts(f);
    g_assert_cmpstr(found, ==, expected->str);
    g_string_free(expected, TRUE);
}

static void test_a_name_longer_than_a_file_name_is_not_shown(void)
{
    g_autoptr(Fixture) f = fixture_new();
    g_autofree char *longest = g_strnfill(255, 'a'), *longer = g_strnfill(256, 'a');

    add(f, "1", longest, COMMAND);
    add(f, "2", longer, COMMAND);
    g_autofree char *found = hosts(f),
                    *expected = g_strconcat(longest, ".ppio 1.ppio;2.ppio;", NULL);
    g_assert_cmpstr(found, ==, expected);
}

static void test_what_does_not_parse_is_a_comment_with_the_id_alone(void)
{
    g_autoptr(Fixture) f = fixture_new();

    add(f, "a", "web", "ssh -o ProxyCommand=id root@h");
    add(f, "b", "db", "ssh root@h\nProxyCommand id");
    add(f, "c", "job", "");
    g_assert_cmpstr(body(f), ==,
                    "\n# a: its ssh command does not have the form ssh [-p PORT] [USER@]HOST\n"
                    "\n# b: its ssh command does not have the form ssh [-p PORT] [USER@]HOST\n"
                    "\n# c: it has no ssh command\n");
}

static void test_a_command_that_is_no_text_is_none(void)
{
    static const char *const tools[] = {
        "null",
        "{}",
        "[]",
        "1",
        "{\"ssh\":null}",
        "{\"ssh\":{}}",
        "{\"ssh\":{\"command\":null}}",
        "{\"ssh\":{\"command\":{\"command\":\"ssh h\"}}}",
        "{\"ssh\":[{\"command\":\"ssh h\"}]}",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(tools); i++) {
        g_autoptr(Fixture) f = fixture_new();
        g_autofree char *text = g_strdup_printf(
            "{\"id\":\"a\",\"status\":{\"status\":\"running\"},\"tools\":%s}", tools[i]);
        g_autoptr(JsonDoc) doc = json_parse(text, strlen(text), NULL);

        add_object(f, json_root(doc), RECORD_FULL);
        g_assert_cmpstr(body(f), ==, "\n# a: it has no ssh command\n");
    }
}

static void test_details_that_could_not_be_fetched_are_said(void)
{
    g_autoptr(Fixture) f = fixture_new();

    add(f, "a", "web", NOT_FETCHED);
    add(f, "b", "db", COMMAND);
    g_assert_cmpstr(body(f), ==,
                    "\n# a: its details are not known yet\n"
                    "\nHost db.ppio b.ppio\n" BLOCK "ppio-b\n");
}

static void test_an_id_that_is_not_plain_gets_no_block(void)
{
    static const struct {
        const char *id, *shown;
    } cases[] = {
        { "a b", "a b" },
        { "*", "*" },
        { "-v", "-v" },
        { "a\nHost *\nProxyCommand id\n#", "a\\x0aHost *\\x0aProxyCommand id\\x0a#" },
        { "a\rb", "a\\x0db" },
        { "\x1b[2J", "\\x1b[2J" },
        { "\xe2\x80\xae", "\\xe2\\x80\\xae" },
        { "a\\", "a\\\\" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Fixture) f = fixture_new();
        g_autofree char *expected = g_strdup_printf(
            "\n# %s: its id has characters other than A-Z a-z 0-9 . _ -\n", cases[i].shown);

        add(f, cases[i].id, "web", COMMAND);
        g_assert_cmpstr(body(f), ==, expected);
    }
}

static void test_a_running_status_is_exactly_that(void)
{
    static const char *const others[] = { "", "Running", "running ", "toStart", "running\n\n" };
    g_autoptr(Fixture) f = fixture_new();

    for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autofree char *id = g_strdup_printf("%u", i);
        add_with_status(f, id, "", others[i]);
    }
    g_assert_cmpstr(body(f), ==, "");
}

/* Bare words only where they cannot be another host's name or address. */
static void test_short_names_stand_alone_where_they_can(void)
{
    static const char *const alone[] = { "web", "web_2-b", "名字", "x7f000001", "1a" };
    static const char *const not_alone[] = {
        "github.com", "127.0.0.1",  "localhost", "LocalHost",    "ip6-loopback",
        "2130706433", "0x7f000001", "0X1",       "017700000001", "99999999999999999999",
        "a."
    };
    g_autoptr(Fixture) f = fixture_new();
    g_autoptr(GString) expected = g_string_new(NULL);

    f->settings = (ViewSettings){ "my profile", TRUE };
    for (guint i = 0; i < G_N_ELEMENTS(alone); i++) {
        g_autofree char *id = g_strdup_printf("a%02u", i);
        add(f, id, alone[i], COMMAND);
        g_string_append_printf(expected, "%s %s.my-profile %s %s.my-profile;", alone[i], alone[i],
                               id, id);
    }
    for (guint i = 0; i < G_N_ELEMENTS(not_alone); i++) {
        g_autofree char *id = g_strdup_printf("b%02u", i);
        add(f, id, not_alone[i], COMMAND);
        g_string_append_printf(expected, "%s.my-profile %s %s.my-profile;", not_alone[i], id, id);
    }
    add(f, "c.3", "", COMMAND);
    g_string_append(expected, "c.3.my-profile;");
    g_autofree char *found = hosts(f);
    g_assert_cmpstr(found, ==, expected->str);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ssh_config/an empty account is a comment",
                    test_an_empty_account_is_a_comment);
    g_test_add_func("/ssh_config/each instance that runs gets a block, sorted by id",
                    test_each_instance_that_runs_gets_a_block_sorted_by_id);
    g_test_add_func("/ssh_config/the order is that of ids, not of file names",
                    test_the_order_is_that_of_ids_not_of_file_names);
    g_test_add_func("/ssh_config/a shared name is nobody's", test_a_shared_name_is_nobodys);
    g_test_add_func("/ssh_config/the name that is an id is the id's",
                    test_the_name_that_is_an_id_is_the_ids);
    g_test_add_func("/ssh_config/only a plain name is shown", test_only_a_plain_name_is_shown);
    g_test_add_func("/ssh_config/a name longer than a file name is not shown",
                    test_a_name_longer_than_a_file_name_is_not_shown);
    g_test_add_func("/ssh_config/what does not parse is a comment with the id alone",
                    test_what_does_not_parse_is_a_comment_with_the_id_alone);
    g_test_add_func("/ssh_config/a command that is no text is none",
                    test_a_command_that_is_no_text_is_none);
    g_test_add_func("/ssh_config/details that could not be fetched are said",
                    test_details_that_could_not_be_fetched_are_said);
    g_test_add_func("/ssh_config/an id that is not plain gets no block",
                    test_an_id_that_is_not_plain_gets_no_block);
    g_test_add_func("/ssh_config/short names stand alone where they can",
                    test_short_names_stand_alone_where_they_can);
    g_test_add_func("/ssh_config/a running status is exactly that",
                    test_a_running_status_is_exactly_that);
    return g_test_run();
}
