/* SPDX-License-Identifier: MIT */
#include "ppiofs/options.h"

#include "ppiofs/options/command_switch.h"
#include "ppiofs/options/option_table.h"

#include <glib/gstdio.h>
#include <string.h>

static void test_help_tells_every_option_and_switch(void)
{
    g_autofree char *help = options_help();
    g_auto(GStrv) lines = g_strsplit(help, "\n", -1);
    gsize n_rows, n_switches;
    const OptionRow *rows = option_table(&n_rows);
    const CommandSwitch *switches = command_switches(&n_switches);

    for (gsize i = 0; i < n_rows; i++) {
        g_autofree char *before = g_strconcat(" ", rows[i].name, NULL);

        g_test_message("%s", rows[i].name);
        g_assert_nonnull(strstr(help, before));
        g_assert_true(rows[i].type == OPTION_IGNORED || strstr(help, rows[i].help));
        g_assert_true(rows[i].type == OPTION_IGNORED || rows[i].fallback || rows[i].otherwise);
    }
    for (gsize i = 0; i < n_switches; i++)
        g_assert_nonnull(strstr(help, switches[i].help));
    for (char **line = lines; *line; line++)
        g_assert_cmpuint(strlen(*line), <=, 80);
}

static Options *parse_with_config(const char *path)
{
    g_autofree char *config = g_strdup_printf("config=%s,ttl=4", path);
    char *argv[] = { (char *)"ppiofs", (char *)"--print-config",
                     (char *)"novita", (char *)"-o",
                     config,           NULL };
    g_autoptr(GError) error = NULL;
    Options *options = options_parse(5, argv, &error);

    g_assert_no_error(error);
    return options;
}

static void assert_has_line(const char *text, const char *value, const char *origin)
{
    g_autofree char *line = g_strdup_printf("\n%s +# %s\n", value, origin);

    g_assert_true(g_regex_match_simple(line, text, 0, 0));
}

static void test_print_config_tells_values_and_origins_but_no_secret(void)
{
    g_autofree char *directory = g_dir_make_tmp("ppiofs-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(directory, "config", NULL);
    g_autofree char *section = g_strdup_printf("%s \\[novita\\]", path);

    g_assert_true(g_file_set_contents(path,
                                      "[novita]\nproxy=http://u:s3cret@p.example:1\n"
                                      "api_key_command=fetch --token s3cret\ntimeout=2.5\n",
                                      -1, NULL));
    g_assert_cmpint(g_chmod(path, 0600), ==, 0);
    g_setenv("PPIOFS_PAGE_SIZE", "7", TRUE);
    g_autoptr(Options) options = parse_with_config(path);
    g_autofree char *text = options_print_config(options, "the file /k");
    g_autofree char *keyless = options_print_config(options, NULL);
    g_unsetenv("PPIOFS_PAGE_SIZE");

    g_test_message("%s", text);
    g_assert_true(g_str_has_prefix(text, "[novita]\n"));
    assert_has_line(text, "ttl=4", "command line");
    assert_has_line(text, "page_size=7", "environment PPIOFS_PAGE_SIZE");
    assert_has_line(text, "timeout=2.5", section);
    assert_has_line(text, "parallel_requests=16", "built in");
    assert_has_line(text, "watch=off", "built in");
    assert_has_line(text, "proxy=http://\\*\\*\\*@p.example:1", section);
    assert_has_line(text, "api_key_command=fetch \\.\\.\\.", section);
    assert_has_line(text, "#cacert", "libcurl's");
    g_assert_nonnull(strstr(text, "api_key is set from the file /k"));
    g_assert_nonnull(strstr(keyless, "api_key is not set"));
    g_assert_null(strstr(text, "s3cret"));
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_rmdir(directory), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/options_print/help", test_help_tells_every_option_and_switch);
    g_test_add_func("/options_print/config",
                    test_print_config_tells_values_and_origins_but_no_secret);
    return g_test_run();
}
