/* SPDX-License-Identifier: MIT */
#include "ppiofs/credentials/private.h"

#include "ppiofs/base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONG_US (30 * G_USEC_PER_SEC)
#define SHORT_US (200 * 1000)

typedef struct {
    gboolean over;
    char *key;
    GError *error;
} Result;

static void keep_result(const char *key, const GError *error, gpointer data)
{
    Result *result = data;

    result->over = TRUE;
    result->key = g_strdup(key);
    result->error = error ? g_error_copy(error) : NULL;
}

static char *run(const char *command, gint64 timeout_us, GError **error)
{
    g_autoptr(GMainContext) context = g_main_context_new();
    Result result = { 0 };

    if (!key_command_start(command, timeout_us, context, keep_result, &result, error))
        return NULL;
    while (!result.over)
        g_main_context_iteration(context, TRUE);
    if (result.error)
        g_propagate_error(error, result.error);
    return result.key;
}

static void assert_key(const char *command, const char *expected)
{
    g_autoptr(GError) error = NULL;
    char *key = run(command, LONG_US, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(key, ==, expected);
    key_free(key);
}

static void assert_refused(const char *command, gint64 timeout_us, const char *expected)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(run(command, timeout_us, &error));
    g_test_message("%s", error->message);
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_KEY);
    g_assert_nonnull(strstr(error->message, expected));
    g_assert_null(strstr(error->message, "sk_"));
}

static void test_the_first_line_is_the_key(void)
{
    assert_key("printf 'sk_1\\n'", "sk_1");
    assert_key("printf sk_1", "sk_1");
    assert_key("printf 'sk_1\\r\\nsecond line\\n'", "sk_1");
    assert_key("sh -c 'printf sk_; sleep 0.1; echo 1'", "sk_1");
    assert_key("sh -c 'echo noise >&2; echo sk_1'", "sk_1");
    assert_key("sh -c 'echo sk_1; yes | head -c 3000000'", "sk_1"); /* must not stop half-way */
    assert_key("sh -c 'yes | head -c 3000000 >&2; echo sk_1'", "sk_1");
    assert_key("sh -c 'echo sk_1; exec >&- 2>&-; sleep 0.1'", "sk_1");
}

static void test_no_shell_looks_at_it(void)
{
    assert_key("echo '$HOME;*'", "$HOME;*");
    assert_key("echo $HOME", "$HOME");
}

static void test_failures_are_explained_by_its_own_words(void)
{
    assert_refused("sh -c 'echo sk_1; echo the vault is locked >&2; exit 3'", LONG_US,
                   "(sh) failed with status 3: the vault is locked");
    assert_refused("sh -c 'printf \"\\033[2Jx\" >&2; exit 1'", LONG_US, "\\x1b[2Jx");
    assert_refused("sh -c 'yes | head -c 3000000 >&2; exit 1'", LONG_US, "status 1: y");
    assert_refused("sh -c 'kill -9 $$'", LONG_US, "was ended by signal 9");
    assert_refused("/no/such/program", LONG_US, "cannot be started");
    assert_refused("'", LONG_US, "not quoted");
    assert_refused("true", LONG_US, "the output of api_key_command (true) is empty");
    assert_refused("echo", LONG_US, "is empty");
    assert_refused("echo sk_1 sk_2", LONG_US, "contains a space");
    assert_refused("sh -c 'yes | tr -d \"\\n\" | head -c 3000000'", LONG_US, "longer than any key");
}

static void test_one_that_hangs_is_killed(void)
{
    gint64 start = g_get_monotonic_time();

    assert_refused("sh -c 'echo sk_1; echo waiting for a card >&2; sleep 61 & sleep 62'", SHORT_US,
                   "did not print a key in time: waiting for a card");
    assert_refused("yes", SHORT_US, "did not print a key in time");
    g_assert_cmpint(g_get_monotonic_time() - start, <, 10 * G_USEC_PER_SEC);
    g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
    g_assert_cmpint(errno, ==, ECHILD);
}

static void test_its_children_are_killed_too(void)
{
    g_autofree char *directory = g_dir_make_tmp("ppiofs-XXXXXX", NULL);
    g_autofree char *fifo = g_build_filename(directory, "fifo", NULL);
    g_autofree char *command = g_strdup_printf("sh -c 'sleep 65 > %s & wait'", fifo);

    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    struct pollfd reader = { open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC), POLLIN, 0 };
    assert_refused(command, G_USEC_PER_SEC, "in time");
    g_assert_cmpint(poll(&reader, 1, 5000), ==, 1); /* hung up: no process holds it any more */
    g_assert_cmpint(reader.revents, ==, POLLHUP);
    close(reader.fd);
    g_unlink(fifo);
    g_assert_cmpint(g_rmdir(directory), ==, 0);
}

static void test_a_child_left_behind_is_not_waited_for(void)
{
    gint64 start = g_get_monotonic_time();

    assert_key("sh -c 'sleep 3 & echo sk_1'", "sk_1");
    g_assert_cmpint(g_get_monotonic_time() - start, <, 2 * G_USEC_PER_SEC);
}

static void never(const char *key, const GError *error, gpointer data)
{
    (void)key, (void)error, (void)data;
    g_assert_not_reached();
}

static void test_a_cancelled_one_does_not_call_back(void)
{
    g_autoptr(GMainContext) context = g_main_context_new();
    KeyCommand *run = key_command_start("sleep 63", LONG_US, context, never, NULL, NULL);

    g_assert_nonnull(run);
    key_command_cancel(run);
    g_assert_false(g_main_context_pending(context));
    g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/key_command/first-line", test_the_first_line_is_the_key);
    g_test_add_func("/key_command/no-shell", test_no_shell_looks_at_it);
    g_test_add_func("/key_command/failures", test_failures_are_explained_by_its_own_words);
    g_test_add_func("/key_command/hangs", test_one_that_hangs_is_killed);
    g_test_add_func("/key_command/children", test_its_children_are_killed_too);
    g_test_add_func("/key_command/left-behind", test_a_child_left_behind_is_not_waited_for);
    g_test_add_func("/key_command/cancel", test_a_cancelled_one_does_not_call_back);
    return g_test_run();
}
