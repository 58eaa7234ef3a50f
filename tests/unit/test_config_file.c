/* SPDX-License-Identifier: MIT */
#include "ppiofs/options/config_file.h"

#include "ppiofs/base/error.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char *directory;
    char *path;
} Fixture;

static void set_up(Fixture *f, gconstpointer data)
{
    (void)data;
    f->directory = g_dir_make_tmp("ppiofs-XXXXXX", NULL);
    f->path = g_build_filename(f->directory, "config", NULL);
}

static void tear_down(Fixture *f, gconstpointer data)
{
    (void)data;
    g_unlink(f->path);
    g_assert_cmpint(g_rmdir(f->directory), ==, 0);
    g_free(f->path);
    g_free(f->directory);
}

static ConfigFile *open_text(Fixture *f, const char *text, gssize length, GError **error)
{
    const char *paths[] = { f->path, NULL };
    ConfigFile *file = NULL;

    g_assert_true(g_file_set_contents(f->path, text, length, NULL));
    g_assert_cmpint(config_file_open(paths, TRUE, &file, error), ==, file != NULL);
    return file;
}

static void test_sections_and_values_are_read(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ConfigFile) file = open_text(f,
                                           "# comment\n\n[defaults]\nttl = 5  \nfsname=a\\sb\n"
                                           "[lab]\nlog=debug\n[novita]\n",
                                           -1, &error);

    (void)data;
    g_assert_no_error(error);
    g_autofree char *ttl = config_file_value(file, "defaults", "ttl", NULL);
    g_autofree char *name = config_file_value(file, "defaults", "fsname", NULL);
    g_auto(GStrv) profiles = config_file_profiles(file);
    g_auto(GStrv) keys = config_file_keys(file, "defaults");
    g_auto(GStrv) none = config_file_keys(file, "missing");
    g_assert_cmpstr(ttl, ==, "5");
    g_assert_cmpstr(name, ==, "a b");
    g_assert_cmpstr(profiles[0], ==, "lab");
    g_assert_cmpstr(profiles[1], ==, "novita");
    g_assert_null(profiles[2]);
    g_assert_cmpuint(g_strv_length(keys), ==, 2);
    g_assert_null(none[0]);
    g_assert_true(config_file_has(file, "lab"));
    g_assert_false(config_file_has(file, "missing"));
    g_assert_cmpstr(config_file_path(file), ==, f->path);
}

static void test_a_bad_line_is_numbered_and_never_repeated(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { "[a]\nttl=1\nsk_secret\n", "line 3: is neither" },
        { "sk_secret\n", "line 1: is neither" },
        { "\n# x\nttl=sk_secret\n[a]\n", "line 3: stands before" },
        { "[a]\n\n[b]\nx=1\ny=2\nz=3\nsk_secret", "line 7: is neither" },
        { "[sk_secret\n", "line 1: is neither" },
        { "[a]\n\xff\xfesk_secret\n[b]\n", "line 2: is neither" },
    };

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(open_text(f, cases[i].text, -1, &error));
        g_test_message("%s", error->message);
        g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE);
        g_assert_nonnull(strstr(error->message, f->path));
        g_assert_nonnull(strstr(error->message, cases[i].expected));
        g_assert_null(strstr(error->message, "secret"));
    }
}

static void test_a_bad_value_names_file_section_and_key(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ConfigFile) file = open_text(f, "[lab]\nfsname=\\q\n", -1, NULL);

    (void)data;
    g_assert_null(config_file_value(file, "lab", "fsname", &error));
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE);
    g_assert_nonnull(strstr(error->message, f->path));
    g_assert_nonnull(strstr(error->message, "[lab] fsname"));
}

static void test_what_is_no_text_is_refused(Fixture *f, gconstpointer data)
{
    g_autofree char *large = g_strnfill(CONFIG_FILE_MAX_BYTES + 1, '\n');
    g_autoptr(GError) too_large = NULL;
    g_autoptr(GError) binary = NULL;

    (void)data;
    g_assert_null(open_text(f, large, -1, &too_large));
    g_assert_error(too_large, PPIOFS_ERROR, PPIOFS_ERROR_USAGE);
    g_assert_null(open_text(f, "[a]\n\0b", 6, &binary));
    g_assert_error(binary, PPIOFS_ERROR, PPIOFS_ERROR_USAGE);
}

static void test_a_directory_and_a_fifo_are_refused_at_once(Fixture *f, gconstpointer data)
{
    const char *directories[] = { f->directory, NULL };
    const char *fifos[] = { f->path, NULL };
    g_autoptr(GError) error = NULL;
    ConfigFile *file = NULL;

    (void)data;
    g_assert_false(config_file_open(directories, TRUE, &file, &error));
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE);
    g_clear_error(&error);
    g_assert_cmpint(mkfifo(f->path, 0600), ==, 0);
    g_assert_false(config_file_open(fifos, TRUE, &file, &error));
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE);
}

static void test_the_first_that_exists_is_taken(Fixture *f, gconstpointer data)
{
    g_autofree char *missing = g_build_filename(f->directory, "missing", NULL);
    g_autofree char *beside = g_build_filename(f->path, "below-a-file", NULL);
    const char *paths[] = { missing, beside, f->path, NULL };
    const char *none[] = { missing, beside, NULL };
    g_autoptr(GError) error = NULL;
    g_autoptr(ConfigFile) file = NULL;
    ConfigFile *nothing = NULL;

    (void)data;
    g_assert_true(g_file_set_contents(f->path, "[a]\n", -1, NULL));
    g_assert_true(config_file_open(paths, FALSE, &file, NULL));
    g_assert_cmpstr(config_file_path(file), ==, f->path);
    g_assert_true(config_file_open(none, FALSE, &nothing, &error));
    g_assert_no_error(error);
    g_assert_null(nothing);
    g_assert_false(config_file_open(none, TRUE, &nothing, &error));
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE);
}

/* Whoever could write it could send the key elsewhere. */
static void test_what_others_could_have_written_is_refused(Fixture *f, gconstpointer data)
{
    const char *paths[] = { f->path, NULL };

    (void)data;
    for (int mode = 0600; mode <= 0666; mode += 02) {
        g_autoptr(ConfigFile) file = NULL;
        g_autoptr(GError) error = NULL;
        gboolean is_safe = (mode & 022) == 0;

        g_assert_true(g_file_set_contents(f->path, "[a]\n", -1, NULL));
        g_assert_cmpint(g_chmod(f->path, mode), ==, 0);
        g_assert_cmpint(config_file_open(paths, FALSE, &file, &error), ==, is_safe);
        g_assert_true(is_safe || strstr(error->message, "others can change it"));
        if (geteuid() != 0)
            continue;
        g_clear_error(&error);
        g_clear_pointer(&file, config_file_free);
        g_assert_cmpint(chown(f->path, 65534, 0), ==, 0);
        g_assert_false(config_file_open(paths, FALSE, &file, &error));
        g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE);
        g_assert_cmpint(chown(f->path, 0, 0), ==, 0);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, function)                                                                        \
    g_test_add("/config_file/" path, Fixture, NULL, set_up, function, tear_down)
    ADD("read", test_sections_and_values_are_read);
    ADD("line", test_a_bad_line_is_numbered_and_never_repeated);
    ADD("value", test_a_bad_value_names_file_section_and_key);
    ADD("text", test_what_is_no_text_is_refused);
    ADD("kind", test_a_directory_and_a_fifo_are_refused_at_once);
    ADD("first", test_the_first_that_exists_is_taken);
    ADD("safe", test_what_others_could_have_written_is_refused);
    return g_test_run();
}
