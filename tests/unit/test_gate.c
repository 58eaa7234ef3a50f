/* SPDX-License-Identifier: MIT */
#include "ppiofs/api/gate.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/log.h"

#define S G_USEC_PER_SEC

/* A time like any other: not zero. */
#define T0 (1000 * S)

static gint64 always_zero(gint64 below, gpointer data)
{
    (void)below;
    (void)data;
    return 0;
}

static gint64 always_most(gint64 below, gpointer data)
{
    (void)data;
    return below - 1;
}

static GatePass must_enter(Gate *gate, gint64 now)
{
    GatePass pass = { 0 };

    g_assert_cmpint(gate_enter(gate, now, &pass), ==, GATE_OPEN);
    return pass;
}

static void expect_log(GLogLevelFlags level, const char *pattern)
{
    g_test_expect_message(LOG_DOMAIN_STATE, level, pattern);
}

static void fail_times(Gate *gate, gint64 now, guint times)
{
    for (guint i = 0; i < times; i++) {
        GatePass pass = must_enter(gate, now);
        gate_failed(gate, &pass, now, "refused");
    }
}

/* Offline since T0, with a cool-down of 1 s. */
static Gate *new_offline_gate(void)
{
    Gate *gate = gate_new(always_zero, NULL);

    expect_log(G_LOG_LEVEL_WARNING, "the API is not reachable: refused");
    fail_times(gate, T0, 5);
    g_test_assert_expected_messages();
    return gate;
}

static void test_four_failures_leave_it_open(void)
{
    g_autoptr(Gate) gate = gate_new(always_zero, NULL);

    fail_times(gate, T0, 4);
    g_assert_cmpint(gate_look(gate, T0), ==, GATE_OPEN);
    g_assert_cmpint(gate_closed_until(gate, T0), ==, 0);
}

static void test_five_failures_in_a_row_take_it_offline(void)
{
    g_autoptr(Gate) gate = new_offline_gate();

    g_assert_cmpint(gate_look(gate, T0), ==, GATE_OFFLINE);
    g_assert_cmpint(gate_closed_until(gate, T0), ==, T0 + S);
}

static void test_an_answer_between_failures_starts_the_count_again(void)
{
    g_autoptr(Gate) gate = gate_new(always_zero, NULL);
    GatePass pass;

    fail_times(gate, T0, 4);
    pass = must_enter(gate, T0);
    gate_answered(gate, &pass, T0, 500, -1);
    fail_times(gate, T0, 4);
    g_assert_cmpint(gate_look(gate, T0), ==, GATE_OPEN);
}

static void test_after_the_cool_down_exactly_one_probe_goes(void)
{
    g_autoptr(Gate) gate = new_offline_gate();
    GatePass pass, other;

    g_assert_cmpint(gate_enter(gate, T0 + S - 1, &pass), ==, GATE_OFFLINE);
    pass = must_enter(gate, T0 + S);
    g_assert_true(pass.is_probe);
    g_assert_cmpint(gate_enter(gate, T0 + S, &other), ==, GATE_OFFLINE);
    g_assert_cmpint(gate_enter(gate, T0 + 100 * S, &other), ==, GATE_OFFLINE);
    g_assert_cmpint(gate_closed_until(gate, T0 + 100 * S), >, T0 + 100 * S);
}

static void test_each_failed_probe_doubles_the_cool_down_up_to_30_s(void)
{
    static const gint64 seconds[] = { 2, 4, 8, 16, 30, 30 };
    g_autoptr(Gate) gate = new_offline_gate();
    gint64 now = T0 + S;

    for (gsize i = 0; i < G_N_ELEMENTS(seconds); i++) {
        GatePass pass = must_enter(gate, now);
        gate_failed(gate, &pass, now, "refused");
        g_assert_cmpint(gate_closed_until(gate, now), ==, now + seconds[i] * S);
        now += seconds[i] * S;
    }
}

static void test_any_answer_to_the_probe_brings_it_back(void)
{
    g_autoptr(Gate) gate = new_offline_gate();
    GatePass pass = must_enter(gate, T0 + S);

    expect_log(G_LOG_LEVEL_MESSAGE, "the API is reachable again");
    gate_answered(gate, &pass, T0 + S, 500, -1);
    g_test_assert_expected_messages();
    g_assert_cmpint(gate_look(gate, T0 + S), ==, GATE_OPEN);
    pass = must_enter(gate, T0 + S);
    g_assert_false(pass.is_probe);
}

static void test_back_online_the_next_outage_starts_with_one_second(void)
{
    g_autoptr(Gate) gate = new_offline_gate();
    GatePass pass = must_enter(gate, T0 + S);

    gate_failed(gate, &pass, T0 + S, "refused");
    pass = must_enter(gate, T0 + 3 * S);
    expect_log(G_LOG_LEVEL_MESSAGE, "*again");
    gate_answered(gate, &pass, T0 + 3 * S, 200, -1);
    expect_log(G_LOG_LEVEL_WARNING, "*refused");
    fail_times(gate, T0 + 3 * S, 5);
    g_test_assert_expected_messages();
    g_assert_cmpint(gate_closed_until(gate, T0 + 3 * S), ==, T0 + 4 * S);
}

static void test_late_failures_of_older_requests_change_nothing(void)
{
    g_autoptr(Gate) gate = gate_new(always_zero, NULL);
    GatePass old = must_enter(gate, T0), probe;

    expect_log(G_LOG_LEVEL_WARNING, "*");
    fail_times(gate, T0, 5);
    g_test_assert_expected_messages();
    gate_failed(gate, &old, T0 + S / 2, "refused");
    g_assert_cmpint(gate_closed_until(gate, T0 + S / 2), ==, T0 + S);

    probe = must_enter(gate, T0 + S);
    gate_failed(gate, &old, T0 + S, "refused");
    g_assert_cmpint(gate_look(gate, T0 + S), ==, GATE_OFFLINE);
    g_assert_cmpint(gate_closed_until(gate, T0 + S), ==, T0 + 2 * S); /* the probe is under way */
    gate_failed(gate, &probe, T0 + S, "refused");
    g_assert_cmpint(gate_closed_until(gate, T0 + S), ==, T0 + 3 * S);
}

static void test_an_abandoned_probe_costs_its_cool_down(void)
{
    g_autoptr(Gate) gate = new_offline_gate();
    GatePass pass = must_enter(gate, T0 + S);

    gate_abandon(gate, &pass);
    g_assert_cmpint(gate_closed_until(gate, T0 + S), ==, T0 + 2 * S);
    pass = must_enter(gate, T0 + 2 * S);
    g_assert_true(pass.is_probe);
}

static void test_an_abandoned_request_changes_nothing(void)
{
    g_autoptr(Gate) gate = gate_new(always_zero, NULL);
    GatePass pass = must_enter(gate, T0);

    gate_abandon(gate, &pass);
    g_assert_cmpint(gate_look(gate, T0), ==, GATE_OPEN);
}

static void test_retry_after_closes_it_for_all(gconstpointer status)
{
    g_autoptr(Gate) gate = gate_new(always_zero, NULL);
    GatePass pass = must_enter(gate, T0);

    gate_answered(gate, &pass, T0, GPOINTER_TO_UINT(status), 7 * S);
    g_assert_cmpint(gate_look(gate, T0 + 7 * S - 1), ==, GATE_WAITING);
    g_assert_cmpint(gate_closed_until(gate, T0), ==, T0 + 7 * S);
    g_assert_cmpint(gate_look(gate, T0 + 7 * S), ==, GATE_OPEN);
}

static void test_retry_after_of_other_answers_means_nothing(void)
{
    g_autoptr(Gate) gate = gate_new(always_zero, NULL);
    GatePass pass = must_enter(gate, T0);

    gate_answered(gate, &pass, T0, 200, 7 * S);
    gate_answered(gate, &pass, T0, 404, 7 * S);
    gate_answered(gate, &pass, T0, 503, -1);
    g_assert_cmpint(gate_look(gate, T0), ==, GATE_OPEN);
}

static void test_a_shorter_retry_after_does_not_open_it_earlier(void)
{
    g_autoptr(Gate) gate = gate_new(always_zero, NULL);
    GatePass a = must_enter(gate, T0), b = must_enter(gate, T0), c = must_enter(gate, T0);

    gate_answered(gate, &a, T0, 429, 9 * S);
    gate_answered(gate, &b, T0, 429, 2 * S);
    gate_answered(gate, &c, T0, 200, -1);
    g_assert_cmpint(gate_closed_until(gate, T0), ==, T0 + 9 * S);
}

static void test_429_backs_off_twice_as_long_each_time_up_to_30_s(void)
{
    static const gint64 seconds[] = { 1, 2, 4, 8, 16, 30, 30 };
    g_autoptr(Gate) gate = gate_new(always_most, NULL);
    gint64 now = T0;

    for (gsize i = 0; i < G_N_ELEMENTS(seconds); i++) {
        GatePass pass = must_enter(gate, now);
        gate_answered(gate, &pass, now, 429, -1);
        g_assert_cmpint(gate_closed_until(gate, now), ==, now + seconds[i] * S);
        now += seconds[i] * S;
    }
}

static void test_429_backs_off_at_least_half_a_second(void)
{
    g_autoptr(Gate) gate = gate_new(always_zero, NULL);
    GatePass pass = must_enter(gate, T0);

    gate_answered(gate, &pass, T0, 429, -1);
    g_assert_cmpint(gate_closed_until(gate, T0), ==, T0 + S / 2);
}

static void test_many_429_of_one_moment_are_one_push_back(void)
{
    g_autoptr(Gate) gate = gate_new(always_most, NULL);
    GatePass passes[16];

    for (guint i = 0; i < G_N_ELEMENTS(passes); i++)
        passes[i] = must_enter(gate, T0);
    for (guint i = 0; i < G_N_ELEMENTS(passes); i++)
        gate_answered(gate, &passes[i], T0 + 1, 429, -1);
    g_assert_cmpint(gate_closed_until(gate, T0 + 1), ==, T0 + 1 + S);
}

static void test_an_answer_after_the_push_back_ends_the_doubling(void)
{
    g_autoptr(Gate) gate = gate_new(always_most, NULL);
    GatePass first = must_enter(gate, T0), old = must_enter(gate, T0), pass;

    gate_answered(gate, &first, T0, 429, -1);
    gate_answered(gate, &old, T0, 200, -1); /* left before: says nothing */
    pass = must_enter(gate, T0 + S);
    gate_answered(gate, &pass, T0 + S, 429, -1);
    g_assert_cmpint(gate_closed_until(gate, T0 + S), ==, T0 + 3 * S);
    pass = must_enter(gate, T0 + 3 * S);
    gate_answered(gate, &pass, T0 + 3 * S, 200, -1);
    pass = must_enter(gate, T0 + 4 * S);
    gate_answered(gate, &pass, T0 + 4 * S, 429, -1);
    g_assert_cmpint(gate_closed_until(gate, T0 + 4 * S), ==, T0 + 5 * S);
}

static void test_the_errors_are_busy_and_say_how_long(void)
{
    g_autoptr(Gate) offline = new_offline_gate();
    g_autoptr(Gate) waiting = gate_new(always_zero, NULL);
    GatePass pass = must_enter(waiting, T0);
    g_autoptr(GError) a = gate_error(offline, T0 + 1, "GET /x");
    g_autoptr(GError) b = NULL;
    g_autoptr(GError) c = NULL;

    g_assert_error(a, PPIOFS_ERROR, PPIOFS_ERROR_BUSY);
    g_assert_cmpstr(a->message, ==,
                    "GET /x: no request sent: the API was unreachable several times; "
                    "next try in 1 s. Last error: refused");

    gate_answered(waiting, &pass, T0, 429, 30 * S);
    b = gate_error(waiting, T0 + S / 2, "GET /x");
    g_assert_error(b, PPIOFS_ERROR, PPIOFS_ERROR_BUSY);
    g_assert_cmpstr(b->message, ==, "GET /x: no request sent: the API asked to wait for 30 s");

    must_enter(offline, T0 + S);
    c = gate_error(offline, T0 + S, "GET /x");
    g_assert_error(c, PPIOFS_ERROR, PPIOFS_ERROR_BUSY);
}

static void test_rests_between_tries_are_jittered_below_half_and_one_second(void)
{
    g_autoptr(Gate) least = gate_new(always_zero, NULL);
    g_autoptr(Gate) most = gate_new(always_most, NULL);
    g_autoptr(Gate) real = gate_new(NULL, NULL);

    g_assert_cmpint(gate_rest_us(least, 2), ==, 0);
    g_assert_cmpint(gate_rest_us(most, 2), ==, S / 2 - 1);
    g_assert_cmpint(gate_rest_us(most, 3), ==, S - 1);
    for (int i = 0; i < 1000; i++)
        g_assert_cmpint(gate_rest_us(real, 3), <, S);
    g_assert_cmpint(gate_rest_us(real, 3), !=, gate_rest_us(real, 3));
}

static void test_reset_forgets_the_circuit_only(void)
{
    g_autoptr(Gate) gate = new_offline_gate();
    GatePass pass;

    gate_reset(gate);
    g_assert_cmpint(gate_look(gate, T0), ==, GATE_OPEN);
    fail_times(gate, T0, 5); /* no second warning: it would be fatal here */
    g_assert_cmpint(gate_look(gate, T0), ==, GATE_OFFLINE);

    gate_reset(gate);
    pass = must_enter(gate, T0);
    expect_log(G_LOG_LEVEL_MESSAGE, "*again");
    gate_answered(gate, &pass, T0, 429, 9 * S);
    g_test_assert_expected_messages();
    gate_reset(gate);
    g_assert_cmpint(gate_closed_until(gate, T0), ==, T0 + 9 * S);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gate/four_failures_leave_it_open", test_four_failures_leave_it_open);
    g_test_add_func("/gate/five_failures_in_a_row_take_it_offline",
                    test_five_failures_in_a_row_take_it_offline);
    g_test_add_func("/gate/an_answer_between_failures_starts_the_count_again",
                    test_an_answer_between_failures_starts_the_count_again);
    g_test_add_func("/gate/after_the_cool_down_exactly_one_probe_goes",
                    test_after_the_cool_down_exactly_one_probe_goes);
    g_test_add_func("/gate/each_failed_probe_doubles_the_cool_down_up_to_30_s",
                    test_each_failed_probe_doubles_the_cool_down_up_to_30_s);
    g_test_add_func("/gate/any_answer_to_the_probe_brings_it_back",
                    test_any_answer_to_the_probe_brings_it_back);
    g_test_add_func("/gate/back_online_the_next_outage_starts_with_one_second",
                    test_back_online_the_next_outage_starts_with_one_second);
    g_test_add_func("/gate/late_failures_of_older_requests_change_nothing",
                    test_late_failures_of_older_requests_change_nothing);
    g_test_add_func("/gate/an_abandoned_probe_costs_its_cool_down",
                    test_an_abandoned_probe_costs_its_cool_down);
    g_test_add_func("/gate/an_abandoned_request_changes_nothing",
                    test_an_abandoned_request_changes_nothing);
    g_test_add_data_func("/gate/retry_after_of_429_closes_it_for_all", GUINT_TO_POINTER(429),
                         test_retry_after_closes_it_for_all);
    g_test_add_data_func("/gate/retry_after_of_503_closes_it_for_all", GUINT_TO_POINTER(503),
                         test_retry_after_closes_it_for_all);
    g_test_add_func("/gate/retry_after_of_other_answers_means_nothing",
                    test_retry_after_of_other_answers_means_nothing);
    g_test_add_func("/gate/a_shorter_retry_after_does_not_open_it_earlier",
                    test_a_shorter_retry_after_does_not_open_it_earlier);
    g_test_add_func("/gate/429_backs_off_twice_as_long_each_time_up_to_30_s",
                    test_429_backs_off_twice_as_long_each_time_up_to_30_s);
    g_test_add_func("/gate/429_backs_off_at_least_half_a_second",
                    test_429_backs_off_at_least_half_a_second);
    g_test_add_func("/gate/many_429_of_one_moment_are_one_push_back",
                    test_many_429_of_one_moment_are_one_push_back);
    g_test_add_func("/gate/an_answer_after_the_push_back_ends_the_doubling",
                    test_an_answer_after_the_push_back_ends_the_doubling);
    g_test_add_func("/gate/the_errors_are_busy_and_say_how_long",
                    test_the_errors_are_busy_and_say_how_long);
    g_test_add_func("/gate/rests_between_tries_are_jittered_below_half_and_one_second",
                    test_rests_between_tries_are_jittered_below_half_and_one_second);
    g_test_add_func("/gate/reset_forgets_the_circuit_only", test_reset_forgets_the_circuit_only);
    return g_test_run();
}
