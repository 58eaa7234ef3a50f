/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/http.h"

#include "http_fixture.h"
#include "ppiofs/base/error.h"

#define BIG_BODY 1000000 /* no single turn of the loop reads it all */

static void test_calls_one_after_the_other_share_a_connection(void)
{
    g_autoptr(Fixture) f = fixture_for(OK_HELLO);

    for (int i = 0; i < 20; i++) {
        g_auto(Outcome) outcome;

        ask_and_wait(f, &outcome, TIMEOUT_MS);
        assert_answer(&outcome, 200, "hello");
    }
    g_assert_cmpuint(server_accepted(f->server), ==, 1);
}

static void test_a_connection_that_was_dropped_at_rest_is_made_anew(void)
{
    static const ServerScript script = { .bytes = OK_HELLO, .then = THEN_CLOSE };
    g_autoptr(Fixture) f = fixture_new(&script, 1, 4);

    for (int i = 0; i < 5; i++) {
        g_auto(Outcome) outcome;

        ask_and_wait(f, &outcome, TIMEOUT_MS);
        assert_answer(&outcome, 200, "hello");
        while (server_open(f->server) > 0)
            g_usleep(1000);
    }
    g_assert_cmpuint(server_accepted(f->server), ==, 5);
}

static void test_many_calls_at_once_keep_to_the_connections_allowed(void)
{
    static const ServerScript script = { .bytes = OK_HELLO, .delay_ms = 1 };
    g_autoptr(Fixture) f = fixture_new(&script, 1, 4);
    Outcome outcomes[200];

    for (gsize i = 0; i < G_N_ELEMENTS(outcomes); i++)
        ask(f, &outcomes[i], TIMEOUT_MS);
    run_until(f, G_N_ELEMENTS(outcomes));
    for (gsize i = 0; i < G_N_ELEMENTS(outcomes); i++) {
        assert_answer(&outcomes[i], 200, "hello");
        g_assert_cmpuint(outcomes[i].times, ==, 1);
        outcome_clear(&outcomes[i]);
    }
    g_assert_cmpuint(server_accepted(f->server), ==, 4);
}

static void test_a_cancelled_call_ends_at_once_and_calls_nobody(void)
{
    static const ServerScript scripts[] = {
        { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", .then = THEN_HANG },
        { .bytes = OK_HELLO },
    };
    g_autoptr(Fixture) f = fixture_new(scripts, G_N_ELEMENTS(scripts), 1);
    g_auto(Outcome) mid_body;
    g_auto(Outcome) waiting;
    g_auto(Outcome) at_once;
    g_auto(Outcome) refused;
    g_auto(Outcome) after;

    ask(f, &mid_body, TIMEOUT_MS);
    ask(f, &waiting, TIMEOUT_MS);
    while (server_answered(f->server) == 0)
        g_main_context_iteration(f->context, FALSE);
    run_for_a_moment(f);
    http_cancel(&mid_body.get);
    http_cancel(&waiting.get);
    ask(f, &at_once, TIMEOUT_MS);
    http_cancel(&at_once.get);
    ask_url(f, &refused, "ftp://127.0.0.1/", TIMEOUT_MS, MAX_BODY);
    http_cancel(&refused.get);
    while (server_open(f->server) > 0) /* the transfer is cut */
        g_main_context_iteration(f->context, FALSE);

    ask_and_wait(f, &after, TIMEOUT_MS);
    assert_answer(&after, 200, "hello");
    g_assert_cmpuint(f->over, ==, 1);
}

/* Whoever is called back first ends all the others and asks again. */
static Outcome *crowd;
static gsize crowd_size;
static Outcome next_outcome;

static void note_and_disperse(HttpGet *get)
{
    Outcome *outcome = get->data;
    Fixture *f = outcome->fixture;

    note(get);
    for (gsize i = 0; i < crowd_size; i++)
        if (&crowd[i] != outcome)
            http_cancel(&crowd[i].get);
    ask(f, &next_outcome, TIMEOUT_MS);
}

static void disperse(const ServerScript *scripts, gsize count, guint timeout_ms)
{
    g_autoptr(Fixture) f = fixture_new(scripts, count, 8);
    g_autofree char *url = server_url(f->server, "/");
    Outcome outcomes[8];

    crowd = outcomes;
    crowd_size = G_N_ELEMENTS(outcomes);
    for (gsize i = 0; i < crowd_size; i++) {
        prepare(f, &outcomes[i], url, timeout_ms, MAX_BODY);
        outcomes[i].get.done = note_and_disperse;
        start(&outcomes[i]);
    }
    if (timeout_ms < TIMEOUT_MS) /* so that all deadlines have passed when the loop looks */
        g_usleep((timeout_ms + 20) * 1000UL);
    run_until(f, 2);
    run_for_a_moment(f);
    g_assert_cmpuint(f->over, ==, 2);
    assert_answer(&next_outcome, 200, "hello");
    outcome_clear(&next_outcome);
    for (gsize i = 0; i < crowd_size; i++)
        outcome_clear(&outcomes[i]);
}

static void test_an_answered_caller_may_cancel_the_others_and_ask_again(void)
{
    static const ServerScript script = { .bytes = OK_HELLO };

    disperse(&script, 1, TIMEOUT_MS);
}

static void test_a_caller_out_of_time_may_cancel_the_others_and_ask_again(void)
{
    static const ServerScript script = { .bytes = OK_HELLO, .delay_ms = 50 };

    disperse(&script, 1, 20);
}

static void test_freeing_ends_all_calls_and_calls_nobody(void)
{
    static const ServerScript script = { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel",
                                         .then = THEN_HANG };
    Fixture *f = fixture_new(&script, 1, 4);
    Outcome outcomes[10];

    for (gsize i = 0; i < G_N_ELEMENTS(outcomes); i++)
        ask(f, &outcomes[i], TIMEOUT_MS);
    while (server_answered(f->server) < 4)
        g_main_context_iteration(f->context, FALSE);
    fixture_free(f);
    for (gsize i = 0; i < G_N_ELEMENTS(outcomes); i++)
        g_assert_cmpuint(outcomes[i].times, ==, 0);
}

/* How long the loop would sleep if nothing happened: -1 is for ever. */
static int sleep_of(GMainContext *context)
{
    GPollFD polls[16];
    int timeout = 0;
    int priority;

    g_assert_true(g_main_context_acquire(context));
    g_main_context_prepare(context, &priority);
    g_main_context_query(context, G_MAXINT, &timeout, polls, G_N_ELEMENTS(polls));
    g_main_context_release(context);
    return timeout;
}

static void test_at_rest_nothing_wakes_the_loop(void)
{
    g_autoptr(Fixture) f = fixture_for(OK_HELLO);
    g_auto(Outcome) outcome;
    g_auto(Outcome) cancelled;

    g_assert_cmpint(sleep_of(f->context), ==, -1);
    ask_and_wait(f, &outcome, TIMEOUT_MS);
    g_assert_cmpint(sleep_of(f->context), ==, -1);
    ask(f, &cancelled, TIMEOUT_MS);
    g_assert_cmpint(sleep_of(f->context), !=, -1);
    http_cancel(&cancelled.get);
    run_for_a_moment(f);
    g_assert_cmpint(sleep_of(f->context), ==, -1);
}

static void test_waiting_for_a_silent_server_wakes_the_loop_a_few_times(void)
{
    static const ServerScript script = { .bytes = "", .then = THEN_HANG };
    g_autoptr(Fixture) f = fixture_new(&script, 1, 4);
    g_auto(Outcome) outcome;
    guint iterations = 0;

    ask(f, &outcome, SHORT_TIMEOUT_MS);
    for (; f->over < 1; iterations++)
        g_main_context_iteration(f->context, TRUE);
    g_assert_cmpuint(iterations, <, 50);
}

static void ask_many(Fixture *f, guint n, gboolean quiet)
{
    g_autofree char *url = server_url(f->server, "/");
    Outcome outcomes[16];

    for (guint i = 0; i < n; i++) {
        prepare(f, &outcomes[i], url, TIMEOUT_MS, MAX_BODY);
        outcomes[i].get.quiet_us = 100 * 1000;
        start(&outcomes[i]);
    }
    run_until(f, f->over + n);
    for (guint i = 0; i < n; i++) {
        g_assert_cmpint(outcomes[i].went_quiet, ==, quiet);
        g_assert_cmpint(outcomes[i].error != NULL, ==, quiet);
        outcome_clear(&outcomes[i]);
    }
}

/* @n connections that were good say nothing any more to @asked requests; new ones are fine. */
static void check_quiet(guint n, guint asked)
{
    ServerScript scripts[33];
    g_autoptr(Fixture) f = NULL;

    for (guint i = 0; i <= n + asked; i++) {
        gboolean good = i < n || i == n + asked;

        scripts[i] = (ServerScript){ .bytes = good ? OK_HELLO : "",
                                     .delay_ms = i < n ? 20 : 0,
                                     .then = good ? THEN_KEEP : THEN_HANG };
    }
    f = fixture_new(scripts, n + asked + 1, n);
    ask_many(f, n, FALSE);
    ask_many(f, asked, TRUE);
    g_assert_cmpuint(server_accepted(f->server), ==, n);
    ask_many(f, 1, FALSE);
    g_assert_cmpuint(server_accepted(f->server), ==, n + 1);
}

static void test_a_connection_that_went_quiet_ends_early_and_takes_the_idle_ones_along(void)
{
    check_quiet(1, 1);
    check_quiet(16, 1);
    check_quiet(16, 16);
}

static void test_a_new_connection_has_the_whole_time(void)
{
    static const ServerScript script = { .bytes = OK_HELLO, .delay_ms = 200 };
    g_autoptr(Fixture) f = fixture_new(&script, 1, 4);
    g_autofree char *url = server_url(f->server, "/");
    g_auto(Outcome) outcome;

    prepare(f, &outcome, url, TIMEOUT_MS, MAX_BODY);
    outcome.get.quiet_us = 20 * 1000;
    start(&outcome);
    run_until(f, 1);
    assert_answer(&outcome, 200, "hello");
}

static void test_who_asks_for_a_new_connection_gets_one(void)
{
    g_autoptr(Fixture) f = fixture_for(OK_HELLO);
    g_autofree char *url = server_url(f->server, "/");
    g_auto(Outcome) first;
    g_auto(Outcome) second;
    g_auto(Outcome) third;

    ask_and_wait(f, &first, TIMEOUT_MS);
    prepare(f, &second, url, TIMEOUT_MS, MAX_BODY);
    second.get.fresh = TRUE;
    start(&second);
    run_until(f, 2);
    g_assert_cmpuint(server_accepted(f->server), ==, 2);
    http_drop_idle(f->http);
    ask_and_wait(f, &third, TIMEOUT_MS);
    assert_answer(&third, 200, "hello");
    g_assert_cmpuint(server_accepted(f->server), ==, 3);
}

static void test_what_nobody_asked_for_answers_nobody(void)
{
    static const ServerScript scripts[] = {
        { .bytes = OK_HELLO, .later = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong" },
        { .bytes = OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong" },
        { .bytes = OK_HELLO },
    };
    g_autoptr(Fixture) f = fixture_new(scripts, G_N_ELEMENTS(scripts), 4);

    for (guint i = 0; i < 4; i++) {
        g_auto(Outcome) outcome;

        ask_and_wait(f, &outcome, TIMEOUT_MS);
        assert_answer(&outcome, 200, "hello");
        while (server_answered(f->server) < i + 1)
            g_usleep(1000);
    }
    g_assert_cmpuint(server_accepted(f->server), ==, 3);
}

/* As a process that got SIGSTOP, or a machine that slept. */
static void test_an_answer_that_came_while_nobody_looked_beats_its_deadline(void)
{
    g_autofree char *body = g_strnfill(BIG_BODY, 'b'); /* more than one turn reads */
    g_autofree char *answer =
        g_strdup_printf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", BIG_BODY, body);
    const ServerScript scripts[] = { { .bytes = "", .then = THEN_HANG },
                                     { .bytes = answer, .delay_ms = 50 } };
    g_autoptr(Fixture) f = fixture_new(scripts, G_N_ELEMENTS(scripts), 4);
    g_autofree char *url = server_url(f->server, "/");
    g_auto(Outcome) there;
    g_auto(Outcome) never;

    ask(f, &never, SHORT_TIMEOUT_MS);
    while (server_requests(f->server) < 1)
        g_main_context_iteration(f->context, FALSE);
    ask_url(f, &there, url, SHORT_TIMEOUT_MS, BIG_BODY);
    while (server_requests(f->server) < 2)
        g_main_context_iteration(f->context, FALSE);
    g_usleep((SHORT_TIMEOUT_MS + 300) * 1000UL);
    run_until(f, 2);
    assert_answer(&there, 200, body);
    g_assert_error(never.error, PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/keep-alive", test_calls_one_after_the_other_share_a_connection);
    g_test_add_func("/http/dropped", test_a_connection_that_was_dropped_at_rest_is_made_anew);
    g_test_add_func("/http/many", test_many_calls_at_once_keep_to_the_connections_allowed);
    g_test_add_func("/http/cancel", test_a_cancelled_call_ends_at_once_and_calls_nobody);
    g_test_add_func("/http/reenter", test_an_answered_caller_may_cancel_the_others_and_ask_again);
    g_test_add_func("/http/reenter-late",
                    test_a_caller_out_of_time_may_cancel_the_others_and_ask_again);
    g_test_add_func("/http/quiet",
                    test_a_connection_that_went_quiet_ends_early_and_takes_the_idle_ones_along);
    g_test_add_func("/http/quiet-new", test_a_new_connection_has_the_whole_time);
    g_test_add_func("/http/fresh", test_who_asks_for_a_new_connection_gets_one);
    g_test_add_func("/http/spoiled", test_what_nobody_asked_for_answers_nobody);
    g_test_add_func("/http/stopped",
                    test_an_answer_that_came_while_nobody_looked_beats_its_deadline);
    g_test_add_func("/http/free", test_freeing_ends_all_calls_and_calls_nobody);
    g_test_add_func("/http/rest", test_at_rest_nothing_wakes_the_loop);
    g_test_add_func("/http/wake-ups", test_waiting_for_a_silent_server_wakes_the_loop_a_few_times);
    return g_test_run();
}
