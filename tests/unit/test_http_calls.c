/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/http.h"

#include "http_fixture.h"
#include "ppiofs/base/error.h"

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
    http_cancel(mid_body.call);
    http_cancel(waiting.call);
    ask(f, &at_once, TIMEOUT_MS);
    http_cancel(at_once.call);
    ask_url(f, &refused, "ftp://127.0.0.1/", TIMEOUT_MS, MAX_BODY, note);
    http_cancel(refused.call);
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

static void note_and_disperse(const HttpAnswer *answer, const GError *error, gpointer data)
{
    Outcome *outcome = data;
    Fixture *f = outcome->fixture;

    note(answer, error, data);
    for (gsize i = 0; i < crowd_size; i++)
        if (crowd[i].call)
            http_cancel(g_steal_pointer(&crowd[i].call));
    ask(f, &next_outcome, TIMEOUT_MS);
}

static void disperse(const ServerScript *scripts, gsize count, guint timeout_ms)
{
    g_autoptr(Fixture) f = fixture_new(scripts, count, 8);
    g_autofree char *url = server_url(f->server, "/");
    Outcome outcomes[8];

    crowd = outcomes;
    crowd_size = G_N_ELEMENTS(outcomes);
    for (gsize i = 0; i < crowd_size; i++)
        ask_url(f, &outcomes[i], url, timeout_ms, MAX_BODY, note_and_disperse);
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
    http_cancel(cancelled.call);
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
    g_test_add_func("/http/free", test_freeing_ends_all_calls_and_calls_nobody);
    g_test_add_func("/http/rest", test_at_rest_nothing_wakes_the_loop);
    g_test_add_func("/http/wake-ups", test_waiting_for_a_silent_server_wakes_the_loop_a_few_times);
    return g_test_run();
}
