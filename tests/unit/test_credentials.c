/* SPDX-License-Identifier: MIT */
#include "ppiofs/credentials.h"

#include "ppiofs/base/error.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const key_variables[] = { "PPIO_API_KEY", "NOVITA_API_KEY", NULL };

typedef struct {
    char *home;      /* $XDG_CONFIG_HOME */
    char *user_file; /* ppiofs/api_key in it */
    char *systemd;   /* would be $CREDENTIALS_DIRECTORY */
    char *systemd_file;
    Options options;
} Fixture;

static void clear_environment(void)
{
    for (int i = 0; key_variables[i]; i++)
        g_unsetenv(key_variables[i]);
    g_unsetenv("CREDENTIALS_DIRECTORY");
}

static void set_up(Fixture *f, gconstpointer data)
{
    (void)data;
    clear_environment();
    f->home = g_dir_make_tmp("ppiofs-XXXXXX", NULL);
    f->systemd = g_build_filename(f->home, "ppiofs", NULL);
    f->user_file = g_build_filename(f->systemd, "api_key", NULL);
    f->systemd_file = g_build_filename(f->systemd, "ppio-api-key", NULL);
    g_assert_cmpint(g_mkdir(f->systemd, 0700), ==, 0);
    g_setenv("XDG_CONFIG_HOME", f->home, TRUE);
    f->options.api_url = (char *)"https://api.ppio.com";
}

static void tear_down(Fixture *f, gconstpointer data)
{
    (void)data;
    clear_environment();
    g_unlink(f->user_file);
    g_unlink(f->systemd_file);
    g_rmdir(f->systemd);
    g_assert_cmpint(g_rmdir(f->home), ==, 0);
    g_free(f->home);
    g_free(f->systemd);
    g_free(f->user_file);
    g_free(f->systemd_file);
}

static void write_key(const char *path, const char *key)
{
    g_assert_true(g_file_set_contents(path, key, -1, NULL));
    g_assert_cmpint(g_chmod(path, 0600), ==, 0);
}

static void assert_loads(Fixture *f, const char *key, const char *source)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Credentials) credentials = credentials_load(&f->options, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(credentials_key(credentials), ==, key);
    g_assert_nonnull(strstr(credentials_source(credentials), source));
}

static void assert_refused(Fixture *f, const char *expected)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(credentials_load(&f->options, &error));
    g_test_message("%s", error->message);
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_KEY);
    g_assert_nonnull(strstr(error->message, expected));
}

static void test_the_places_count_in_their_order(Fixture *f, gconstpointer data)
{
    g_autofree char *option_file = g_build_filename(f->home, "k", NULL);

    (void)data;
    write_key(f->user_file, "sk_user\n");
    assert_loads(f, "sk_user", f->user_file);
    g_setenv("PPIO_API_KEY", "sk_variable", TRUE);
    assert_loads(f, "sk_variable", "variable PPIO_API_KEY");
    g_setenv("PPIO_API_KEY", "sk_variable", TRUE);
    f->options.api_key_command = (char *)"echo sk_command";
    assert_loads(f, "sk_command", "api_key_command");
    g_setenv("CREDENTIALS_DIRECTORY", f->systemd, TRUE);
    assert_loads(f, "sk_command", "api_key_command"); /* the directory may lack our file */
    write_key(f->systemd_file, "sk_systemd\n");
    assert_loads(f, "sk_systemd", "systemd credential");
    write_key(option_file, "sk_option\n");
    f->options.api_key_file = option_file;
    assert_loads(f, "sk_option", option_file);
    g_assert_cmpint(g_unlink(option_file), ==, 0);
    assert_refused(f, "does not exist"); /* what was named must be there */
}

static void test_novita_has_a_variable_of_its_own(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *url, *ppio, *novita, *expected;
    } cases[] = {
        { "https://api.ppio.com", "sk_p", "sk_n", "sk_p" },
        { "https://api.novita.ai", "sk_p", "sk_n", "sk_n" },
        { "https://API.Novita.AI:8443/x", "sk_p", "sk_n", "sk_n" },
        { "https://api.novita.ai", "sk_p", NULL, "sk_p" },
        { "https://api.novita.ai", "sk_p", "", "sk_p" },
        { "https://novita.ai.example", "sk_p", "sk_n", "sk_p" },
        { "https://notnovita.ai", "sk_p", "sk_n", "sk_p" },
        { "https://api.ppio.com", NULL, "sk_n", NULL },
    };

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        clear_environment();
        if (cases[i].ppio)
            g_setenv("PPIO_API_KEY", cases[i].ppio, TRUE);
        if (cases[i].novita)
            g_setenv("NOVITA_API_KEY", cases[i].novita, TRUE);
        f->options.api_url = (char *)cases[i].url;
        g_test_message("%s", cases[i].url);
        if (cases[i].expected)
            assert_loads(f, cases[i].expected, "the environment variable ");
        else
            assert_refused(f, "no API key found");
    }
}

static void test_a_key_leaves_the_environment(Fixture *f, gconstpointer data)
{
    static char inherited[] = "PPIO_API_KEY=sk_variable"; /* as execve() left it */

    (void)data;
    putenv(inherited);
    g_setenv("NOVITA_API_KEY", "sk_other", TRUE);
    g_autoptr(Credentials) credentials = credentials_load(&f->options, NULL);
    g_assert_cmpstr(credentials_key(credentials), ==, "sk_variable");
    g_assert_null(g_getenv("PPIO_API_KEY"));
    g_assert_null(g_getenv("NOVITA_API_KEY"));
    g_assert_null(memmem(inherited, sizeof inherited, "sk_", 3));
}

static void test_a_bad_variable_is_refused_without_its_value(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    g_setenv("PPIO_API_KEY", "sk_1\r\nX-Header: secret", TRUE);
    g_assert_null(credentials_load(&f->options, &error));
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_KEY);
    g_assert_nonnull(strstr(error->message, "PPIO_API_KEY"));
    g_assert_null(strstr(error->message, "secret"));
}

static void test_without_a_key_the_places_for_one_are_named(Fixture *f, gconstpointer data)
{
    static const char *const places[] = { "PPIO_API_KEY", "chmod 600", "man ppiofs" };

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(places); i++)
        assert_refused(f, places[i]);
    assert_refused(f, f->user_file);
    f->options.api_url = (char *)"https://api.novita.ai";
    assert_refused(f, "NOVITA_API_KEY");
}

static void test_a_dangling_link_is_not_passed_over(Fixture *f, gconstpointer data)
{
    (void)data;
    g_assert_cmpint(symlink("/no/such/file", f->user_file), ==, 0);
    assert_refused(f, "symbolic link");
}

static void test_a_place_that_fails_is_not_passed_over(Fixture *f, gconstpointer data)
{
    (void)data;
    write_key(f->user_file, "sk_user\n");
    f->options.api_key_command = (char *)"sh -c 'echo locked >&2; exit 1'";
    assert_refused(f, "locked");
}

typedef struct {
    int calls;
    gboolean changed;
    GError *error;
} Reloaded;

static void on_reloaded(gboolean changed, const GError *error, gpointer data)
{
    Reloaded *reloaded = data;

    reloaded->calls++;
    reloaded->changed = changed;
    g_clear_error(&reloaded->error);
    reloaded->error = error ? g_error_copy(error) : NULL;
}

static void reload(Credentials *credentials, Reloaded *reloaded)
{
    g_autoptr(GMainContext) context = g_main_context_new();
    int calls = reloaded->calls;

    credentials_reload(credentials, context, on_reloaded, reloaded);
    while (reloaded->calls == calls)
        g_main_context_iteration(context, TRUE);
}

static void test_a_reload_sees_a_new_file_and_keeps_the_old_key_on_failure(Fixture *f,
                                                                           gconstpointer data)
{
    Reloaded reloaded = { 0 };

    (void)data;
    write_key(f->user_file, "sk_1\n");
    g_autoptr(Credentials) credentials = credentials_load(&f->options, NULL);
    reload(credentials, &reloaded);
    g_assert_no_error(reloaded.error);
    g_assert_false(reloaded.changed);
    write_key(f->user_file, "sk_2\n");
    reload(credentials, &reloaded);
    g_assert_true(reloaded.changed);
    g_assert_cmpstr(credentials_key(credentials), ==, "sk_2");
    g_assert_cmpint(g_chmod(f->user_file, 0644), ==, 0);
    reload(credentials, &reloaded);
    g_assert_error(reloaded.error, PPIOFS_ERROR, PPIOFS_ERROR_KEY);
    g_assert_false(reloaded.changed);
    g_assert_cmpstr(credentials_key(credentials), ==, "sk_2");
    g_clear_error(&reloaded.error);
}

static void test_a_reload_remembers_the_variable(Fixture *f, gconstpointer data)
{
    Reloaded reloaded = { 0 };

    (void)data;
    g_setenv("PPIO_API_KEY", "sk_variable", TRUE);
    g_autoptr(Credentials) credentials = credentials_load(&f->options, NULL);
    reload(credentials, &reloaded);
    g_assert_no_error(reloaded.error);
    g_assert_cmpstr(credentials_key(credentials), ==, "sk_variable");
}

static void test_a_reload_of_a_command_does_not_block(Fixture *f, gconstpointer data)
{
    g_autofree char *command = g_strdup_printf("sh -c 'sleep 0.2; cat \"$0\"' %s", f->user_file);
    g_autoptr(GMainContext) context = g_main_context_new();
    Reloaded reloaded = { 0 };

    (void)data;
    write_key(f->user_file, "sk_1\n");
    f->options.api_key_command = command;
    g_autoptr(Credentials) credentials = credentials_load(&f->options, NULL);
    g_assert_cmpstr(credentials_key(credentials), ==, "sk_1");
    write_key(f->user_file, "sk_2\n");
    credentials_reload(credentials, context, on_reloaded, &reloaded);
    credentials_reload(credentials, context, on_reloaded, &reloaded);
    g_assert_cmpint(reloaded.calls, ==, 0);
    while (!reloaded.calls)
        g_main_context_iteration(context, TRUE);
    g_assert_cmpint(reloaded.calls, ==, 1);
    g_assert_true(reloaded.changed);
    g_assert_cmpstr(credentials_key(credentials), ==, "sk_2");
}

static void test_a_reload_ends_with_the_credentials(Fixture *f, gconstpointer data)
{
    g_autoptr(GMainContext) context = g_main_context_new();
    Reloaded reloaded = { 0 };

    (void)data;
    write_key(f->user_file, "sk_1\n");
    g_setenv("CREDENTIALS_DIRECTORY", f->systemd, TRUE);
    write_key(f->systemd_file, "sk_1\n");
    f->options.api_key_command = (char *)"sleep 64";
    Credentials *credentials = credentials_load(&f->options, NULL);
    g_assert_cmpint(g_unlink(f->systemd_file), ==, 0);
    credentials_reload(credentials, context, on_reloaded, &reloaded);
    credentials_free(credentials);
    g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1); /* the program is gone */
    while (g_main_context_iteration(context, FALSE))
        ;
    g_assert_cmpint(reloaded.calls, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, function)                                                                        \
    g_test_add("/credentials/" path, Fixture, NULL, set_up, function, tear_down)
    ADD("order", test_the_places_count_in_their_order);
    ADD("novita", test_novita_has_a_variable_of_its_own);
    ADD("environment", test_a_key_leaves_the_environment);
    ADD("bad-variable", test_a_bad_variable_is_refused_without_its_value);
    ADD("none", test_without_a_key_the_places_for_one_are_named);
    ADD("dangling", test_a_dangling_link_is_not_passed_over);
    ADD("failing", test_a_place_that_fails_is_not_passed_over);
    ADD("reload/file", test_a_reload_sees_a_new_file_and_keeps_the_old_key_on_failure);
    ADD("reload/variable", test_a_reload_remembers_the_variable);
    ADD("reload/command", test_a_reload_of_a_command_does_not_block);
    ADD("reload/free", test_a_reload_ends_with_the_credentials);
    return g_test_run();
}
