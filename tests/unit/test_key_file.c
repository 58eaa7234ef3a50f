/* SPDX-License-Identifier: MIT */
#include "ppiofs/credentials/private.h"

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
    f->path = g_build_filename(f->directory, "api_key", NULL);
}

static void tear_down(Fixture *f, gconstpointer data)
{
    (void)data;
    g_remove(f->path);
    g_assert_cmpint(g_rmdir(f->directory), ==, 0);
    g_free(f->path);
    g_free(f->directory);
}

static void write_file(Fixture *f, const char *text, gssize length, int mode)
{
    g_assert_true(g_file_set_contents(f->path, text, length, NULL));
    g_assert_cmpint(g_chmod(f->path, mode), ==, 0);
}

static void assert_refused(Fixture *f, KeyFileKind kind, const char *expected)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(key_file_read(f->path, kind, &error));
    g_test_message("%s", error->message);
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_KEY);
    g_assert_nonnull(strstr(error->message, f->path));
    g_assert_nonnull(strstr(error->message, expected));
    g_assert_null(strstr(error->message, "secret"));
}

static void assert_key(Fixture *f, KeyFileKind kind, const char *expected)
{
    g_autoptr(GError) error = NULL;
    char *key = key_file_read(f->path, kind, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(key, ==, expected);
    key_free(key);
}

static void test_one_line_of_visible_ascii_is_a_key(Fixture *f, gconstpointer data)
{
    g_autofree char *longest = g_strnfill(KEY_MAX_LENGTH, 'k');
    g_autofree char *with_newline = g_strconcat(longest, "\r\n", NULL);

    (void)data;
    write_file(f, "sk_secret", -1, 0600);
    assert_key(f, KEY_FILE_PRIVATE, "sk_secret");
    write_file(f, "sk_secret\n", -1, 0400);
    assert_key(f, KEY_FILE_PRIVATE, "sk_secret");
    write_file(f, "sk_secret\r\n", -1, 0600);
    assert_key(f, KEY_FILE_PRIVATE, "sk_secret");
    write_file(f, "!~", -1, 0600);
    assert_key(f, KEY_FILE_PRIVATE, "!~");
    write_file(f, with_newline, -1, 0600);
    assert_key(f, KEY_FILE_PRIVATE, longest);
}

static void test_any_other_content_is_refused_and_not_repeated(Fixture *f, gconstpointer data)
{
    g_autofree char *too_long = g_strnfill(KEY_MAX_LENGTH + 1, 'k');
    g_autofree char *too_large = g_strnfill(KEY_FILE_MAX_BYTES + 1, 'k');
    const struct {
        const char *text;
        gssize length;
        const char *expected;
    } cases[] = {
        { "", 0, "is empty" },
        { "\n", 1, "is empty" },
        { "\r\n", 2, "is empty" },
        { "sk_secret\nsk_secret\n", -1, "more than one line" },
        { "sk_secret\n\n", -1, "more than one line" },
        { "sk_secret ", -1, "contains a space" },
        { " sk_secret", -1, "contains a space" },
        { "sk_secret\r", -1, "contains a space" },
        { "sk_secret\xc3\xa9", -1, "contains a space" },
        { "sk_secret\x7f", -1, "contains a space" },
        { "sk_secret\0x", 11, "contains a space" },
        { "Authorization: Bearer sk_secret", -1, "contains a space" },
        { "\xef\xbb\xbfsk_secret\n", -1, "byte order mark" },
        { too_long, -1, "longer than any key" },
        { too_large, -1, "too large" },
    };

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        write_file(f, cases[i].text, cases[i].length, 0600);
        assert_refused(f, KEY_FILE_PRIVATE, cases[i].expected);
    }
}

static void test_open_modes_are_refused(Fixture *f, gconstpointer data)
{
    static const int open_modes[] = { 0644, 0640, 0604, 0620, 0602, 0610, 0601, 0777 };

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(open_modes); i++) {
        write_file(f, "sk_secret\n", -1, open_modes[i]);
        assert_refused(f, KEY_FILE_PRIVATE, "chmod 600");
    }
    write_file(f, "root:x:0:0\nuser:x:1:1\n", -1, 0644); /* whatever it is, chmod would harm it */
    assert_refused(f, KEY_FILE_PRIVATE,
                   "more than one line; it must hold the key and nothing else");
}

static void test_systemd_may_show_the_group_a_read_bit(Fixture *f, gconstpointer data)
{
    (void)data;
    write_file(f, "sk_secret\n", -1, 0400);
    assert_key(f, KEY_FILE_SYSTEMD, "sk_secret");
    if (geteuid() != 0) {
        write_file(f, "sk_secret\n", -1, 0440);
        assert_refused(f, KEY_FILE_SYSTEMD, "other users can read");
        return;
    }
    write_file(f, "sk_secret\n", -1, 0440);
    assert_key(f, KEY_FILE_SYSTEMD, "sk_secret");
    write_file(f, "sk_secret\n", -1, 0460);
    assert_refused(f, KEY_FILE_SYSTEMD, "other users can read");
    write_file(f, "sk_secret\n", -1, 0444);
    assert_refused(f, KEY_FILE_SYSTEMD, "other users can read");
}

static void test_a_foreign_owner_is_refused(Fixture *f, gconstpointer data)
{
    (void)data;
    if (geteuid() != 0) {
        g_test_skip("only root can give a file away");
        return;
    }
    write_file(f, "sk_secret\n", -1, 0600);
    g_assert_cmpint(chown(f->path, 1234, 1234), ==, 0);
    assert_refused(f, KEY_FILE_PRIVATE, "belongs to user 1234");
    assert_refused(f, KEY_FILE_SYSTEMD, "belongs to user 1234");
}

static void test_links_and_what_is_no_file_are_refused_at_once(Fixture *f, gconstpointer data)
{
    g_autofree char *target = g_build_filename(f->directory, "target", NULL);

    (void)data;
    assert_refused(f, KEY_FILE_PRIVATE, "does not exist");

    g_assert_true(g_file_set_contents(target, "sk_secret\n", -1, NULL));
    g_assert_cmpint(g_chmod(target, 0600), ==, 0);
    g_assert_cmpint(symlink(target, f->path), ==, 0);
    assert_refused(f, KEY_FILE_PRIVATE, "is a symbolic link");
    g_assert_cmpint(g_unlink(f->path), ==, 0);
    g_assert_cmpint(g_unlink(target), ==, 0);

    g_assert_cmpint(g_mkdir(f->path, 0700), ==, 0);
    assert_refused(f, KEY_FILE_PRIVATE, "is not a regular file");
    g_assert_cmpint(g_rmdir(f->path), ==, 0);

    g_assert_cmpint(mkfifo(f->path, 0600), ==, 0); /* nobody writes: open() would wait for ever */
    assert_refused(f, KEY_FILE_PRIVATE, "is not a regular file");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, function)                                                                        \
    g_test_add("/key_file/" path, Fixture, NULL, set_up, function, tear_down)
    ADD("key", test_one_line_of_visible_ascii_is_a_key);
    ADD("content", test_any_other_content_is_refused_and_not_repeated);
    ADD("mode", test_open_modes_are_refused);
    ADD("systemd", test_systemd_may_show_the_group_a_read_bit);
    ADD("owner", test_a_foreign_owner_is_refused);
    ADD("kind", test_links_and_what_is_no_file_are_refused_at_once);
    return g_test_run();
}
