/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/log.h"

#include "ppiofs/base/log_repeat.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* What the log sent to syslog: these stand in front of the C library's own, under both names it
 * may be called by. */
static GString *sent_to_syslog;

void __syslog_chk(int priority, int flag, const char *format, ...);

static void note_syslog(int priority, const char *format, va_list arguments)
{
    g_string_append_printf(sent_to_syslog, "%d:", priority);
    g_string_append_vprintf(sent_to_syslog, format, arguments);
    g_string_append_c(sent_to_syslog, '\n');
}

#undef syslog
void(syslog)(int priority, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    note_syslog(priority, format, arguments);
    va_end(arguments);
}

void __syslog_chk(int priority, int flag, const char *format, ...)
{
    va_list arguments;

    (void)flag;
    va_start(arguments, format);
    note_syslog(priority, format, arguments);
    va_end(arguments);
}

/* A log whose standard error is a pipe that the test reads. */
typedef struct {
    Log *log;
    int stderr_before;
    int pipe_end;
} Fixture;

static Fixture *fixture_new(LogLevel level, gboolean to_syslog)
{
    Fixture *f = g_new0(Fixture, 1);
    int ends[2];

    g_log_set_always_fatal(G_LOG_LEVEL_ERROR); /* GTest makes warnings fatal */
    sent_to_syslog = g_string_new(NULL);
    f->log = log_open(level, to_syslog);
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
    g_string_free(sent_to_syslog, TRUE);
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
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_DEBUG, FALSE);
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
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_WARNING, FALSE);
    g_autofree char *written = NULL;

    say_one_of_each();
    written = fixture_read(f);
    fixture_restore_stderr(f);

    g_assert_cmpstr(written, ==, "ppiofs: error: one\nppiofs: warning: two\n");
}

static void test_stepping_goes_through_all_levels(void)
{
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_ERROR, FALSE);
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
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_DEBUG, FALSE);
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
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_INFO, FALSE);
    g_autofree char *written = NULL;

    for (int i = 0; i < 2; i++) {
        g_log(LOG_DOMAIN_NEWS, G_LOG_LEVEL_WARNING, "offline");
        g_log(LOG_DOMAIN_NEWS, G_LOG_LEVEL_MESSAGE, "back");
    }
    written = fixture_read(f);
    fixture_restore_stderr(f);

    g_assert_cmpstr(written, ==,
                    "ppiofs: warning: offline\nppiofs: info: back\n"
                    "ppiofs: warning: offline\nppiofs: info: back\n");
}

static void test_other_libraries_are_named_and_control_characters_are_not_written(void)
{
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_INFO, FALSE);
    g_autofree char *written = NULL;

    g_log("GLib-GIO", G_LOG_LEVEL_WARNING, "a\nb\033[1m");
    written = fixture_read(f);
    fixture_restore_stderr(f);

    g_assert_cmpstr(written, ==, "ppiofs: warning: GLib-GIO: a b [1m\n");
}

static void test_a_line_that_is_too_long_is_cut_and_still_a_line(void)
{
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_INFO, FALSE);
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
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_DEBUG, FALSE);
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
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_DEBUG, FALSE);

    close(f->pipe_end);
    f->pipe_end = -1;
    g_warning("nobody reads this"); /* SIGPIPE would end the test here */
}

static void test_syslog_gets_the_lines_with_their_priorities(void)
{
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_DEBUG, TRUE);
    g_autofree char *expected =
        g_strdup_printf("%d:one\n%d:two\n%d:three\n%d:four\n%d:five\n%d:100%% done\n", LOG_ERR,
                        LOG_WARNING, LOG_INFO, LOG_INFO, LOG_DEBUG, LOG_INFO);
    g_autofree char *written = NULL;

    say_one_of_each();
    g_message("100%% done");
    written = fixture_read(f);
    fixture_restore_stderr(f);

    g_assert_cmpstr(sent_to_syslog->str, ==, expected);
    g_assert_cmpstr(written, ==, "");
}

static void test_the_log_can_move_to_syslog_and_back(void)
{
    g_autoptr(Fixture) f = fixture_new(LOG_LEVEL_INFO, FALSE);
    g_autofree char *written = NULL;
    g_autofree char *expected = g_strdup_printf("%d:second\n", LOG_WARNING);

    g_warning("first");
    log_to_syslog(f->log, TRUE);
    g_warning("second");
    log_to_syslog(f->log, FALSE);
    g_warning("third");
    written = fixture_read(f);
    fixture_restore_stderr(f);

    g_assert_cmpstr(written, ==, "ppiofs: warning: first\nppiofs: warning: third\n");
    g_assert_cmpstr(sent_to_syslog->str, ==, expected);
}

static void test_a_line_is_new_again_after_a_minute(void)
{
    LogRepeat repeat = { 0 };

    g_assert_true(log_repeat_is_new(&repeat, "a", 1000));
    g_assert_false(log_repeat_is_new(&repeat, "a", 1001));
    g_assert_true(log_repeat_is_new(&repeat, "b", 1002));
    g_assert_false(log_repeat_is_new(&repeat, "a", 1000 + LOG_REPEAT_WINDOW_US - 1));
    g_assert_true(log_repeat_is_new(&repeat, "a", 1000 + LOG_REPEAT_WINDOW_US));
    g_assert_false(log_repeat_is_new(&repeat, "a", 1000 + LOG_REPEAT_WINDOW_US + 1));
}

static void test_only_the_last_lines_are_remembered(void)
{
    LogRepeat repeat = { 0 };

    for (int i = 0; i <= LOG_REPEAT_LINES; i++) {
        g_autofree char *line = g_strdup_printf("line %d", i);

        g_assert_true(log_repeat_is_new(&repeat, line, i));
    }
    g_assert_false(log_repeat_is_new(&repeat, "line 1", 100)); /* all but the first are there */
    g_assert_false(log_repeat_is_new(&repeat, "line 64", 100));
    g_assert_true(log_repeat_is_new(&repeat, "line 0", 100)); /* the oldest made room */
    g_assert_true(log_repeat_is_new(&repeat, "line 1", 100)); /* and so does the next */
}

static void test_level_names_are_those_of_the_users(void)
{
    LogLevel level = LOG_LEVEL_ERROR;

    for (LogLevel each = LOG_LEVEL_ERROR; each <= LOG_LEVEL_DEBUG; each++) {
        g_assert_true(log_level_from_name(log_level_name(each), &level));
        g_assert_cmpint(level, ==, each);
    }
    g_assert_cmpstr(log_level_name(LOG_LEVEL_INFO), ==, "info");
    g_assert_false(log_level_from_name("Error", &level));
    g_assert_false(log_level_from_name("", &level));
    g_assert_false(log_level_from_name(NULL, &level));
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
    g_test_add_func("/log/syslog", test_syslog_gets_the_lines_with_their_priorities);
    g_test_add_func("/log/to-syslog", test_the_log_can_move_to_syslog_and_back);
    g_test_add_func("/log/after-a-minute", test_a_line_is_new_again_after_a_minute);
    g_test_add_func("/log/remembered", test_only_the_last_lines_are_remembered);
    g_test_add_func("/log/names", test_level_names_are_those_of_the_users);
    return g_test_run();
}
