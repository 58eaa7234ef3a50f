/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/log.h"

#include "ppiofs/base/log_repeat.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

/* A log whose standard error is a pipe that the test reads. */
typedef struct {
    Log *log;
    int stderr_before;
    int pipe_end;
} Fixture;

static Fixture *fixture_new(LogLevel level)
{
    Fixture *f = g_new0(Fixture, 1);
    int ends[2];

    g_log_set_always_fatal(G_LOG_LEVEL_ERROR); /* GTest makes warnings fatal */
    f->log = log_open(level);
    g_assert_cmpint(pipe2(ends, O_CLOEXEC | O_NONBLOCK), ==, 0);
    f->stderr_before = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    f->pipe_end = ends[0];
    return f;
}

static void fixture_restore_stderr(Fixture *f)
{
    if (f->stderr_before < 0)
        return;
    dup2(f->stderr_before, STDERR_FILENO);
    close(f->stderr_before);
    f->stderr_before = -1;
}

/* All that was written since the last time. */
static char *fixture_read(Fixture *f)
{
    GString *text = g_string_new(NULL);
    char bytes[4096];
    gssize size;

    while ((size = read(f->pipe_end, bytes, sizeof bytes)) > 0)
        g_string_append_len(text, bytes, size);
    return g_string_free(text, FALSE);
}

static void fixture_free(Fixture *f)
{
    fixture_restore_stderr(f);
    if (f->pipe_end >= 0)
        close(f->pipe_end);
    log_close(f->log);
    g_free(f);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, fixture_free)

static void say_one_of_each(void)
{
    g_critical("one");
    g_warning("two");
    g_message("three");
    g_info("four");
    g_debug("five");
}

static void test_a_line_names_its_level(void)
{
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_DEBUG);
    g_autofree char *written = NULL;

    say_one_of_each();
    written = fixture_read(f);
    fixture_restore_stderr(f);

    g_assert_cmpstr(written, ==,
                    "ppiofs: error: one\nppiofs: warning: two\nppiofs: info: three\n"
                    "ppiofs: info: four\nppiofs: debug: five\n");
}

static void test_lines_below_the_level_are_not_written(void)
{
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_WARNING);
    g_autofree char *written = NULL;

    say_one_of_each();
    written = fixture_read(f);
    fixture_restore_stderr(f);

    g_assert_cmpstr(written, ==, "ppiofs: error: one\nppiofs: warning: two\n");
}

static void test_stepping_goes_through_all_levels(void)
{
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_ERROR);
    g_autofree char *written = NULL;

    g_warning("before");
    LogLevel first = log_step_level(f->log);
    g_warning("after");
    LogLevel second = log_step_level(f->log);
    LogLevel third = log_step_level(f->log);
    LogLevel fourth = log_step_level(f->log);
    written = fixture_read(f);
    fixture_restore_stderr(f);

    g_assert_cmpint(first, ==, LOG_LEVEL_WARNING);
    g_assert_cmpint(second, ==, LOG_LEVEL_INFO);
    g_assert_cmpint(third, ==, LOG_LEVEL_DEBUG);
    g_assert_cmpint(fourth, ==, LOG_LEVEL_ERROR);
    g_assert_cmpstr(written, ==, "ppiofs: warning: after\n");
}

static void test_a_repeated_line_is_written_once_but_debug_always(void)
{
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_DEBUG);
    g_autofree char *written = NULL;

    for (int i = 0; i < 3; i++) {
        g_warning("offline");
        g_debug("GET /x");
    }
    g_warning("back");
    written = fixture_read(f);
    fixture_restore_stderr(f);

    g_assert_cmpstr(written, ==,
                    "ppiofs: warning: offline\nppiofs: debug: GET /x\nppiofs: debug: GET /x\n"
                    "ppiofs: debug: GET /x\nppiofs: warning: back\n");
}

static void test_what_is_news_is_written_each_time(void)
{
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_INFO);
    g_autofree char *written = NULL;

    for (int i = 0; i < 2; i++) {
        g_log(LOG_DOMAIN_STATE, G_LOG_LEVEL_WARNING, "offline");
        g_log(LOG_DOMAIN_STATE, G_LOG_LEVEL_MESSAGE, "back");
    }
    written = fixture_read(f);
    fixture_restore_stderr(f);

    g_assert_cmpstr(written, ==,
                    "ppiofs: warning: offline\nppiofs: info: back\n"
                    "ppiofs: warning: offline\nppiofs: info: back\n");
}

static void test_other_libraries_are_named_and_control_characters_are_not_written(void)
{
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_INFO);
    g_autofree char *written = NULL;

    g_log("GLib-GIO", G_LOG_LEVEL_WARNING, "a\nb\033[1m");
    written = fixture_read(f);
    fixture_restore_stderr(f);

    g_assert_cmpstr(written, ==, "ppiofs: warning: GLib-GIO: a b [1m\n");
}

static void test_a_line_that_is_too_long_is_cut_and_still_a_line(void)
{
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_INFO);
    g_autofree char *text = g_strnfill(100000, 'x');
    g_autofree char *written = NULL;

    g_warning("%s", text);
    written = fixture_read(f);
    fixture_restore_stderr(f);

    g_assert_cmpuint(strlen(written), <=, 4096);
    g_assert_true(g_str_has_prefix(written, "ppiofs: warning: xxx"));
    g_assert_true(g_str_has_suffix(written, "x\n"));
}

static void test_a_reader_that_has_stopped_reading_does_not_stop_the_log(void)
{
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_DEBUG);
    g_autofree char *written = NULL;

    fcntl(STDERR_FILENO, F_SETFL, 0); /* a write into the full pipe would wait for ever */
    for (int i = 0; i < 10000; i++)
        g_debug("line %d of many that nobody reads", i);
    written = fixture_read(f);
    fixture_restore_stderr(f);

    g_assert_true(g_str_has_prefix(written, "ppiofs: debug: line 0 of many"));
    g_assert_true(g_str_has_suffix(written, "\n"));
}

static void test_a_reader_that_is_gone_does_not_kill_the_process(void)
{
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_DEBUG);

    close(f->pipe_end);
    f->pipe_end = -1;
    g_warning("nobody reads this"); /* SIGPIPE would end the test here */
}

/* A syslog daemon that reads when it is told to. */
typedef struct {
    char *directory, *path;
    int listener, fd; /* of a stream the second reads, of datagrams the first */
} Daemon;

static Daemon *daemon_new(int type)
{
    Daemon *d = g_new0(Daemon, 1);
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    d->directory = g_dir_make_tmp("ppiofs-XXXXXX", NULL);
    d->path = g_build_filename(d->directory, "log", NULL);
    d->fd = -1;
    g_strlcpy(address.sun_path, d->path, sizeof address.sun_path);
    d->listener = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    g_assert_cmpint(bind(d->listener, (struct sockaddr *)&address, sizeof address), ==, 0);
    if (type == SOCK_STREAM)
        g_assert_cmpint(listen(d->listener, 1), ==, 0);
    return d;
}

/* The lines so far, each with the time taken out and a newline. */
static char *daemon_read(Daemon *d)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GRegex) time = g_regex_new("[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8}", 0, 0, NULL);
    char bytes[65536];
    gssize size;

    if (d->fd < 0)
        d->fd = accept(d->listener, NULL, NULL);
    if (d->fd >= 0)
        fcntl(d->fd, F_SETFL, O_NONBLOCK);
    while (g_main_context_iteration(NULL, FALSE) ||
           (size = recv(d->fd >= 0 ? d->fd : d->listener, bytes, sizeof bytes, 0)) > 0) {
        for (gssize i = 0; i < size; i++)
            g_string_append_c(text, bytes[i] ? bytes[i] : '\n');
        if (d->fd < 0 && size > 0)
            g_string_append_c(text, '\n');
        size = 0;
    }
    return g_regex_replace_literal(time, text->str, -1, 0, "TIME", 0, NULL);
}

static void daemon_free(Daemon *d)
{
    close(d->listener);
    if (d->fd >= 0)
        close(d->fd);
    g_assert_cmpint(g_unlink(d->path), ==, 0);
    g_assert_cmpint(g_rmdir(d->directory), ==, 0);
    g_free(d->directory);
    g_free(d->path);
    g_free(d);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Daemon, daemon_free)

static char *line_of(int priority, const char *text)
{
    return g_strdup_printf("<%d>TIME ppiofs[%d]: %s\n", LOG_DAEMON | priority, (int)getpid(), text);
}

static void test_syslog_gets_the_lines_with_their_priorities(gconstpointer type)
{
    g_autoptr(Daemon) daemon = daemon_new(GPOINTER_TO_INT(type));
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_DEBUG);
    g_autoptr(GString) expected = g_string_new(NULL);
    static const struct {
        int priority;
        const char *text;
    } lines[] = { { LOG_ERR, "one" },   { LOG_WARNING, "two" }, { LOG_INFO, "three" },
                  { LOG_INFO, "four" }, { LOG_DEBUG, "five" },  { LOG_INFO, "100% done" } };

    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *line = line_of(lines[i].priority, lines[i].text);

        g_string_append(expected, line);
    }
    log_to_syslog(f->log, daemon->path);
    say_one_of_each();
    g_message("100%% done");
    g_autofree char *sent = daemon_read(daemon);
    log_to_syslog(f->log, NULL);
    g_warning("third");
    g_autofree char *written = fixture_read(f);
    fixture_restore_stderr(f);

    g_assert_cmpstr(sent, ==, expected->str);
    g_assert_cmpstr(written, ==, "ppiofs: warning: third\n");
}

/* Its queue holds a dozen lines: the others come when it reads again, and nobody waits. */
static void test_a_syslog_that_hangs_gets_the_lines_later(gconstpointer type)
{
    g_autoptr(Daemon) daemon = daemon_new(GPOINTER_TO_INT(type));
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_DEBUG);
    g_autofree char *long_text = g_strnfill(8000, 'x'); /* so that a stream is full, too */

    log_to_syslog(f->log, daemon->path);
    for (int i = 0; i < 200; i++)
        g_debug("%s %d", long_text, i);
    for (int i = 0; i < 10000; i++) /* these are too many */
        g_debug("%d too many", i);
    g_autofree char *sent = daemon_read(daemon);
    log_to_syslog(f->log, NULL);
    fixture_restore_stderr(f);

    for (int i = 0; i < 200; i++) {
        g_autofree char *end = g_strdup_printf("x %d\n", i);

        g_assert_nonnull(strstr(sent, end));
    }
    g_assert_null(strstr(sent, "9999 too many"));
}

static void test_a_syslog_that_is_not_there_is_no_matter(void)
{
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_DEBUG);

    log_to_syslog(f->log, "/nonexistent/log");
    g_warning("nobody reads this");
    g_autofree char *written = fixture_read(f);
    fixture_restore_stderr(f);
    g_assert_cmpstr(written, ==, "");
}

static void test_the_journal_gets_the_priorities(void)
{
    g_autofree char *written = NULL;
    struct stat status;
    int ends[2], before = dup(STDERR_FILENO);

    g_log_set_always_fatal(G_LOG_LEVEL_ERROR);
    g_assert_cmpint(pipe2(ends, O_CLOEXEC | O_NONBLOCK), ==, 0);
    g_assert_cmpint(fstat(ends[1], &status), ==, 0);
    g_autofree char *stream =
        g_strdup_printf("%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    g_setenv("JOURNAL_STREAM", stream, TRUE);
    dup2(ends[1], STDERR_FILENO);
    g_autoptr(Log) log = log_open(LOG_LEVEL_DEBUG);
    g_assert_nonnull(log);
    say_one_of_each();
    dup2(before, STDERR_FILENO);
    g_unsetenv("JOURNAL_STREAM");
    close(before);
    close(ends[1]);
    Fixture reader = { .pipe_end = ends[0] };
    written = fixture_read(&reader);
    close(ends[0]);

    g_assert_cmpstr(written, ==,
                    "<3>ppiofs: error: one\n<4>ppiofs: warning: two\n<6>ppiofs: info: three\n"
                    "<6>ppiofs: info: four\n<7>ppiofs: debug: five\n");
}

static gboolean is_new(LogRepeat *repeat, const char *line, gint64 now_us)
{
    guint held;

    return log_repeat_may_write(repeat, line, FALSE, G_MAXUINT, now_us, &held);
}

static void test_a_line_is_new_again_after_a_minute(void)
{
    LogRepeat repeat = { 0 };

    g_assert_true(is_new(&repeat, "a", 1000));
    g_assert_false(is_new(&repeat, "a", 1001));
    g_assert_true(is_new(&repeat, "b", 1002));
    g_assert_false(is_new(&repeat, "a", 1000 + LOG_REPEAT_WINDOW_US - 1));
    g_assert_true(is_new(&repeat, "a", 1000 + LOG_REPEAT_WINDOW_US));
    g_assert_false(is_new(&repeat, "a", 1000 + LOG_REPEAT_WINDOW_US + 1));
}

static void test_only_the_last_lines_are_remembered(void)
{
    LogRepeat repeat = { 0 };

    for (int i = 0; i <= LOG_REPEAT_LINES; i++) {
        g_autofree char *line = g_strdup_printf("line %d", i);

        g_assert_true(is_new(&repeat, line, i));
    }
    g_assert_false(is_new(&repeat, "line 1", 100)); /* all but the first are there */
    g_assert_false(is_new(&repeat, "line 64", 100));
    g_assert_true(is_new(&repeat, "line 0", 100)); /* the oldest made room */
    g_assert_true(is_new(&repeat, "line 1", 100)); /* and so does the next */
}

static void test_of_a_kind_a_few_are_written_and_the_rest_counted(void)
{
    LogRepeat repeat = { 0 };
    guint held = 7;

    for (int i = 0; i < 1000; i++) {
        g_autofree char *line = g_strdup_printf("details: HTTP 500: %d", i);

        g_assert_true(log_repeat_may_write(&repeat, line, FALSE, 5, i, &held) == (i < 5));
    }
    g_assert_true(log_repeat_may_write(&repeat, "another kind: x", FALSE, 5, 1000, &held));
    g_assert_true(
        log_repeat_may_write(&repeat, "details: x", FALSE, 5, LOG_REPEAT_WINDOW_US, &held));
    g_assert_cmpuint(held, ==, 995);
    g_assert_true(
        log_repeat_may_write(&repeat, "details: y", FALSE, 5, LOG_REPEAT_WINDOW_US, &held));
    g_assert_cmpuint(held, ==, 0);
}

static void test_varying_words_make_a_few_lines(void)
{
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_INFO);
    g_autofree char *written = NULL;

    for (int i = 0; i < 800; i++) {
        g_warning("instance details cannot be fetched: words %d", i);
        g_message("instance details can be fetched again");
    }
    written = fixture_read(f);
    fixture_restore_stderr(f);

    g_auto(GStrv) lines = g_strsplit(written, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 5 + 1 + 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log/level-named", test_a_line_names_its_level);
    g_test_add_func("/log/below-level", test_lines_below_the_level_are_not_written);
    g_test_add_func("/log/step", test_stepping_goes_through_all_levels);
    g_test_add_func("/log/repeats", test_a_repeated_line_is_written_once_but_debug_always);
    g_test_add_func("/log/news", test_what_is_news_is_written_each_time);
    g_test_add_func("/log/foreign",
                    test_other_libraries_are_named_and_control_characters_are_not_written);
    g_test_add_func("/log/long", test_a_line_that_is_too_long_is_cut_and_still_a_line);
    g_test_add_func("/log/stopped-reader",
                    test_a_reader_that_has_stopped_reading_does_not_stop_the_log);
    g_test_add_func("/log/reader-gone", test_a_reader_that_is_gone_does_not_kill_the_process);
    g_test_add_data_func("/log/syslog/datagrams", GINT_TO_POINTER(SOCK_DGRAM),
                         test_syslog_gets_the_lines_with_their_priorities);
    g_test_add_data_func("/log/syslog/stream", GINT_TO_POINTER(SOCK_STREAM),
                         test_syslog_gets_the_lines_with_their_priorities);
    g_test_add_data_func("/log/syslog-hangs/datagrams", GINT_TO_POINTER(SOCK_DGRAM),
                         test_a_syslog_that_hangs_gets_the_lines_later);
    g_test_add_data_func("/log/syslog-hangs/stream", GINT_TO_POINTER(SOCK_STREAM),
                         test_a_syslog_that_hangs_gets_the_lines_later);
    g_test_add_func("/log/syslog-missing", test_a_syslog_that_is_not_there_is_no_matter);
    g_test_add_func("/log/journal", test_the_journal_gets_the_priorities);
    g_test_add_func("/log/after-a-minute", test_a_line_is_new_again_after_a_minute);
    g_test_add_func("/log/kinds", test_of_a_kind_a_few_are_written_and_the_rest_counted);
    g_test_add_func("/log/varying", test_varying_words_make_a_few_lines);
    g_test_add_func("/log/remembered", test_only_the_last_lines_are_remembered);
    return g_test_run();
}
