/* SPDX-License-Identifier: MIT */
#include "ppiofs/api/private.h"

#include "fake_http.h"
#include "ppiofs/base/error.h"
#include "ppiofs/base/log.h"

#include <string.h>

#define S G_USEC_PER_SEC
#define MS (G_USEC_PER_SEC / 1000)

/* Real time, plus what a test has added; rests take no time unless a test says so. */
typedef struct {
    Http *http;
    Clock clock;
    Api *api;
    gint64 offset;
    gboolean long_rests;
    guint n_refused;    /* times that another key was asked for */
    gboolean reads_key; /* ... and is going to be read */
    GString *ends;      /* a word for each request that ended, in order */
    guint n_ends;
    GError *error; /* of the last */
    gboolean frees_requests;
    gint64 asked; /* of the last */
} Fixture;

typedef struct {
    Request request;
    Fixture *f;
    const char *name;
} Waiter;

static gint64 fixture_now(gpointer data)
{
    return g_get_monotonic_time() + ((Fixture *)data)->offset;
}

static gint64 fixture_random(gint64 below, gpointer data)
{
    return ((Fixture *)data)->long_rests ? below - 1 : 0;
}

static gboolean on_refused(gpointer data)
{
    Fixture *f = data;

    f->n_refused++;
    return f->reads_key;
}

static Fixture *fixture_new(guint parallel_requests, gint64 timeout_us)
{
    Fixture *f = g_new0(Fixture, 1);
    ApiOptions options = {
        .base_url = "http://127.0.0.1",
        .parallel_requests = parallel_requests,
        .timeout_us = timeout_us,
        .random = fixture_random,
        .random_data = f,
    };

    f->clock = (Clock){ fixture_now, NULL, f };
    f->http = fake_http_new();
    f->ends = g_string_new(NULL);
    f->api = api_new(f->http, &options, &f->clock);
    api_on_refused(f->api, on_refused, f);
    return f;
}

static void waiter_free(Request *request)
{
    g_free(request);
}

static void fixture_free(Fixture *f)
{
    api_free(f->api);
    http_free(f->http);
    g_string_free(f->ends, TRUE);
    g_clear_error(&f->error);
    g_free(f);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, fixture_free)

static void on_done(Request *request, const HttpAnswer *answer, const GError *error)
{
    Waiter *waiter = (Waiter *)request;
    Fixture *f = waiter->f;

    g_assert_true((answer == NULL) != (error == NULL));
    g_string_append_printf(f->ends, "%s ", waiter->name);
    f->n_ends++;
    f->asked = request->asked;
    g_clear_error(&f->error);
    f->error = error ? g_error_copy(error) : NULL;
    request_free(request);
    if (f->frees_requests)
        g_clear_pointer(&f->api, api_free);
}

static Request *start_in(Fixture *f, const char *name, Lane lane, guint share)
{
    Waiter *waiter = g_new0(Waiter, 1);
    Request *request = &waiter->request;
    guint before = f->n_ends;

    request_init(request, f->api, waiter_free, NULL);
    waiter->f = f;
    waiter->name = name;
    request->url = g_strconcat("http://127.0.0.1/", name, NULL);
    request->label = g_strconcat("GET /", name, NULL);
    request->max_body = 100;
    request->route = lane == LANE_LISTS ? ANSWER_OF_LIST : ANSWER_OF_INSTANCE;
    request->lane = lane;
    request->share = share;
    request->done = on_done;
    request_start(request);
    g_assert_cmpuint(f->n_ends, ==, before);
    return request;
}

static Request *get(Fixture *f, const char *name)
{
    return start_in(f, name, LANE_KNOWN, 0);
}

static void run_until_ends(Fixture *f, guint n)
{
    gint64 limit = g_get_monotonic_time() + 10 * S;

    while (f->n_ends < n && g_get_monotonic_time() < limit)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(f->n_ends, ==, n);
}

static void run_for(gint64 us)
{
    gint64 end = g_get_monotonic_time() + us;

    while (g_get_monotonic_time() < end) {
        while (g_main_context_iteration(NULL, FALSE))
            ;
        g_usleep(500);
    }
}

static FakeReply reply(guint status)
{
    return (FakeReply){ .status = status };
}

static FakeReply failure(PpiofsError code)
{
    return (FakeReply){ .error = code, .body = "no luck" };
}

static FakeReply hold(void)
{
    return (FakeReply){ .status = 200, .hold = TRUE };
}

static void always(const FakeRequest *request, FakeReply *ret_reply, gpointer data)
{
    (void)request;
    *ret_reply = *(const FakeReply *)data;
}

static void go_offline(Fixture *f)
{
    g_test_expect_message(LOG_DOMAIN_STATE, G_LOG_LEVEL_WARNING, "*not reachable: no luck");
    for (guint i = 0; i < 5; i++) {
        fake_http_script(f->http, failure(PPIOFS_ERROR_PROTOCOL));
        get(f, "down");
        run_until_ends(f, f->n_ends + 1);
    }
    g_test_assert_expected_messages();
    g_assert_cmpuint(fake_http_n_requests(f->http), ==, 5);
}

static void test_an_answer_ends_it(void)
{
    g_autoptr(Fixture) f = fixture_new(16, 10 * S);
    const FakeRequest *request;

    fake_http_script(f->http, (FakeReply){ .status = 200, .body = "hello" });
    get(f, "a");
    run_until_ends(f, 1);
    g_assert_no_error(f->error);
    request = fake_http_request(f->http, 0);
    g_assert_cmpstr(request->url, ==, "http://127.0.0.1/a");
    g_assert_cmpuint(request->max_body, ==, 100);
    g_assert_cmpuint(request->timeout_us, <=, 10 * S);
    g_assert_cmpuint(request->timeout_us, >, 9 * S);
    g_assert_cmpuint(api_stats(f->api)->requests, ==, 1);
    g_assert_cmpuint(api_stats(f->api)->answers[2], ==, 1);
    g_assert_cmpuint(api_stats(f->api)->bytes, ==, 5);
    g_assert_cmpuint(api_stats(f->api)->in_flight, ==, 0);
}

typedef struct {
    guint status;
    PpiofsError error; /* of http, for status 0 */
    guint tries;
    PpiofsError result;
} TryRow;

static const TryRow try_rows[] = {
    { 500, 0, 3, PPIOFS_ERROR_SERVER },
    { 502, 0, 3, PPIOFS_ERROR_SERVER },
    { 503, 0, 3, PPIOFS_ERROR_SERVER },
    { 504, 0, 3, PPIOFS_ERROR_SERVER },
    { 429, 0, 3, PPIOFS_ERROR_BUSY },
    { 0, PPIOFS_ERROR_TIMEOUT, 3, PPIOFS_ERROR_TIMEOUT },
    { 0, PPIOFS_ERROR_REFUSED, 3, PPIOFS_ERROR_REFUSED },
    { 0, PPIOFS_ERROR_UNREACHABLE, 3, PPIOFS_ERROR_UNREACHABLE },
    { 0, PPIOFS_ERROR_SERVER, 3, PPIOFS_ERROR_SERVER },
    { 0, PPIOFS_ERROR_BAD_ANSWER, 2, PPIOFS_ERROR_BAD_ANSWER },
    { 0, PPIOFS_ERROR_PROTOCOL, 1, PPIOFS_ERROR_PROTOCOL },
    { 0, PPIOFS_ERROR_TOO_LARGE, 1, PPIOFS_ERROR_TOO_LARGE },
    { 0, PPIOFS_ERROR_NO_MEMORY, 1, PPIOFS_ERROR_NO_MEMORY },
    { 0, PPIOFS_ERROR_FAILED, 1, PPIOFS_ERROR_FAILED },
    { 501, 0, 1, PPIOFS_ERROR_SERVER },
    { 400, 0, 1, PPIOFS_ERROR_SERVER },
    { 401, 0, 1, PPIOFS_ERROR_DENIED },
    { 403, 0, 1, PPIOFS_ERROR_DENIED },
    { 404, 0, 1, PPIOFS_ERROR_NOT_FOUND },
    { 408, 0, 1, PPIOFS_ERROR_SERVER },
    { 302, 0, 1, PPIOFS_ERROR_PROTOCOL },
    { 204, 0, 1, PPIOFS_ERROR_BAD_ANSWER },
};

static void test_each_end_of_a_try_has_its_number_of_tries(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(try_rows); i++) {
        const TryRow *row = &try_rows[i];
        g_autoptr(Fixture) f = fixture_new(16, 10 * S);
        FakeReply same = { .status = row->status, .error = row->error };

        fake_http_handle(f->http, always, &same);
        g_test_message("status %u, error %d", row->status, row->error);
        get(f, "a");
        run_until_ends(f, 1);
        g_assert_error(f->error, PPIOFS_ERROR, (gint)row->result);
        g_assert_true(g_str_has_prefix(f->error->message, "GET /a: "));
        g_assert_cmpuint(fake_http_n_requests(f->http), ==, row->tries);
        g_assert_cmpuint(api_stats(f->api)->requests, ==, row->tries);
    }
}

static void test_a_second_try_may_succeed(void)
{
    g_autoptr(Fixture) f = fixture_new(16, 10 * S);

    fake_http_script(f->http, failure(PPIOFS_ERROR_SERVER));
    fake_http_script(f->http, reply(200));
    get(f, "a");
    run_until_ends(f, 1);
    g_assert_no_error(f->error);
}

static void test_there_is_a_rest_between_tries(void)
{
    g_autoptr(Fixture) f = fixture_new(16, 10 * S);

    f->long_rests = TRUE;
    fake_http_script(f->http, reply(500));
    fake_http_script(f->http, reply(200));
    get(f, "a");
    run_until_ends(f, 1);
    g_assert_cmpint(fake_http_request(f->http, 1)->at - fake_http_request(f->http, 0)->at, >=,
                    S / 2 - 1);
}

static void test_without_time_for_a_rest_the_last_error_counts(void)
{
    g_autoptr(Fixture) f = fixture_new(16, 500 * MS);

    f->long_rests = TRUE;
    fake_http_script(f->http, reply(500));
    get(f, "a");
    run_until_ends(f, 1);
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_SERVER);
    g_assert_cmpuint(fake_http_n_requests(f->http), ==, 1);
}

static void test_a_later_try_has_what_is_left_of_the_time(void)
{
    g_autoptr(Fixture) f = fixture_new(16, 10 * S);

    fake_http_script(f->http, hold());
    fake_http_script(f->http, reply(200));
    get(f, "a");
    f->offset += 6 * S;
    fake_http_end(f->http, reply(500));
    run_until_ends(f, 1);
    g_assert_cmpuint(fake_http_request(f->http, 1)->timeout_us, <=, 4 * S);
}

static void test_no_more_than_parallel_requests_are_under_way(void)
{
    g_autoptr(Fixture) f = fixture_new(3, 10 * S);
    FakeReply ok = reply(200);

    fake_http_handle(f->http, always, &ok);
    for (guint i = 0; i < 20; i++)
        get(f, "a");
    g_assert_cmpuint(fake_http_n_flying(f->http), ==, 3);
    g_assert_cmpuint(api_stats(f->api)->in_flight, ==, 3);
    run_until_ends(f, 20);
    g_assert_cmpuint(fake_http_max_flying(f->http), ==, 3);
}

static void test_lists_go_first_and_each_kind_in_order(void)
{
    g_autoptr(Fixture) f = fixture_new(1, 10 * S);
    FakeReply ok = reply(200);

    fake_http_handle(f->http, always, &ok);
    get(f, "a");
    get(f, "b");
    get(f, "c");
    start_in(f, "L", LANE_LISTS, 0);
    start_in(f, "M", LANE_LISTS, 0);
    run_until_ends(f, 5);
    g_assert_cmpstr(f->ends->str, ==, "a L M b c ");
}

static void test_who_has_rested_goes_before_who_came_later(void)
{
    g_autoptr(Fixture) f = fixture_new(1, 10 * S);

    fake_http_script(f->http, reply(500));
    fake_http_script(f->http, reply(200));
    fake_http_script(f->http, reply(200));
    get(f, "a");
    f->offset += 1;
    get(f, "b");
    run_until_ends(f, 2);
    g_assert_cmpstr(f->ends->str, ==, "a b ");
}

static void test_who_rests_longer_does_not_hold_others_up(void)
{
    g_autoptr(Fixture) f = fixture_new(16, 10 * S);
    gint64 begin = g_get_monotonic_time();

    f->long_rests = TRUE;
    fake_http_script(f->http, reply(500));
    get(f, "slow");
    run_for(20 * MS);
    f->long_rests = FALSE;
    fake_http_script(f->http, reply(500));
    fake_http_script(f->http, reply(200));
    fake_http_script(f->http, reply(200));
    get(f, "fast");
    run_until_ends(f, 1);
    g_assert_cmpstr(f->ends->str, ==, "fast ");
    g_assert_cmpint(g_get_monotonic_time() - begin, <, 400 * MS);
    run_until_ends(f, 2);
}

static void test_waiting_for_room_counts_as_time(void)
{
    g_autoptr(Fixture) f = fixture_new(1, 100 * MS);

    fake_http_script(f->http, hold());
    get(f, "a");
    get(f, "b");
    run_until_ends(f, 1);
    g_assert_cmpstr(f->ends->str, ==, "b ");
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT);
    g_assert_cmpuint(fake_http_n_requests(f->http), ==, 1);
}

static void test_who_cannot_wait_that_long_is_busy_at_once(void)
{
    g_autoptr(Fixture) f = fixture_new(1, 10 * S);
    gint64 begin = g_get_monotonic_time();

    f->long_rests = TRUE;
    fake_http_script(f->http, (FakeReply){ .status = 503, .retry_after_us = 60 * S });
    get(f, "a");
    get(f, "queued");
    run_until_ends(f, 2);
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_BUSY);
    g_assert_cmpstr(f->error->message, ==,
                    "GET /queued: no request sent: the API asked to wait for 60 s");
    get(f, "new");
    run_until_ends(f, 3);
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_BUSY);
    g_assert_cmpuint(fake_http_n_requests(f->http), ==, 1);
    g_assert_cmpint(g_get_monotonic_time() - begin, <, 400 * MS); /* no rest */

    api_reset(f->api); /* SIGHUP is no excuse */
    get(f, "after");
    run_until_ends(f, 4);
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_BUSY);
    g_assert_cmpint(f->asked, ==, 0); /* nothing was sent */
    g_assert_cmpuint(fake_http_n_requests(f->http), ==, 1);
    g_assert_cmpuint(fake_http_n_dropped(f->http), ==, 1);
}

static void test_a_reset_closes_the_circuit(void)
{
    g_autoptr(Fixture) f = fixture_new(16, 10 * S);

    go_offline(f);
    api_reset(f->api);
    g_test_expect_message(LOG_DOMAIN_STATE, G_LOG_LEVEL_MESSAGE, "*again");
    fake_http_script(f->http, reply(200));
    get(f, "a");
    run_until_ends(f, 6);
    g_assert_no_error(f->error);
    g_test_assert_expected_messages();
}

static void test_a_cancelled_probe_does_not_close_the_gate_for_ever(void)
{
    g_autoptr(Fixture) f = fixture_new(16, 10 * S);
    Request *probe;

    go_offline(f);
    f->offset += S;
    fake_http_script(f->http, hold());
    probe = get(f, "probe");
    api_cancel(probe);
    f->offset += S;
    g_test_expect_message(LOG_DOMAIN_STATE, G_LOG_LEVEL_MESSAGE, "*again");
    fake_http_script(f->http, reply(200));
    get(f, "a");
    run_until_ends(f, 6);
    g_assert_no_error(f->error);
    g_test_assert_expected_messages();
}

static void test_who_rests_when_it_goes_offline_ends_with_its_last_error(void)
{
    g_autoptr(Fixture) f = fixture_new(16, 10 * S);
    gint64 begin = g_get_monotonic_time();

    f->long_rests = TRUE;
    fake_http_script(f->http, failure(PPIOFS_ERROR_REFUSED));
    get(f, "rests");
    run_for(20 * MS);
    g_assert_cmpuint(f->n_ends, ==, 0);
    g_test_expect_message(LOG_DOMAIN_STATE, G_LOG_LEVEL_WARNING, "*");
    for (guint i = 0; i < 4; i++)
        fake_http_script(f->http, failure(PPIOFS_ERROR_PROTOCOL));
    for (guint i = 0; i < 4; i++)
        get(f, "down");
    run_until_ends(f, 5);
    g_test_assert_expected_messages();
    g_assert_true(g_str_has_suffix(f->ends->str, "rests "));
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_REFUSED);
    g_assert_cmpint(g_get_monotonic_time() - begin, <, 400 * MS);
}

static void test_a_timeout_of_a_try_that_had_no_time_is_no_outage(void)
{
    g_autoptr(Fixture) f = fixture_new(16, 10 * S);

    for (guint i = 0; i < 8; i++)
        fake_http_script(f->http, failure(PPIOFS_ERROR_TIMEOUT));
    for (guint i = 0; i < 8; i++)
        fake_http_script(f->http, reply(404));
    for (guint i = 0; i < 8; i++)
        get(f, "a");
    run_until_ends(f, 8); /* a warning would be fatal */
    g_assert_cmpint(api_closed_until(f->api), ==, 0);
}

static void test_an_answer_that_is_too_large_is_no_outage(void)
{
    g_autoptr(Fixture) f = fixture_new(16, 10 * S);
    FakeReply huge = failure(PPIOFS_ERROR_TOO_LARGE);

    fake_http_handle(f->http, always, &huge);
    for (guint i = 0; i < 8; i++)
        get(f, "a");
    run_until_ends(f, 8); /* a warning would be fatal */
    g_assert_cmpint(api_closed_until(f->api), ==, 0);
}

static void test_hangs_take_it_offline(void)
{
    g_autoptr(Fixture) f = fixture_new(16, 10 * S);

    for (guint i = 0; i < 5; i++) {
        fake_http_script(f->http, hold());
        get(f, "a");
    }
    f->offset += 10 * S;
    g_test_expect_message(LOG_DOMAIN_STATE, G_LOG_LEVEL_WARNING, "*not reachable*");
    for (guint i = 0; i < 5; i++)
        fake_http_end(f->http, failure(PPIOFS_ERROR_TIMEOUT));
    g_test_assert_expected_messages();
    g_assert_cmpuint(f->n_ends, ==, 5);
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT);
}

static void test_sixty_seconds_of_outage_cost_ten_requests(void)
{
    g_autoptr(Fixture) f = fixture_new(16, 10 * S);
    FakeReply refused = failure(PPIOFS_ERROR_REFUSED);

    fake_http_handle(f->http, always, &refused);
    g_test_expect_message(LOG_DOMAIN_STATE, G_LOG_LEVEL_WARNING, "*");
    for (guint i = 0; i < 600; i++) {
        get(f, "a");
        run_until_ends(f, i + 1);
        f->offset += 100 * MS;
    }
    g_test_assert_expected_messages();
    g_assert_cmpuint(fake_http_n_requests(f->http), <=, 10);
    g_assert_cmpuint(fake_http_n_requests(f->http), >=, 8);
}

static void test_a_cancelled_request_ends_silently_wherever_it_is(void)
{
    g_autoptr(Fixture) f = fixture_new(1, 10 * S);
    Request *flying, *queued, *resting, *rejected;

    f->long_rests = TRUE;
    fake_http_script(f->http, reply(500));
    resting = get(f, "resting");
    run_for(20 * MS);
    fake_http_script(f->http, hold());
    flying = get(f, "flying");
    queued = get(f, "queued");
    g_assert_cmpuint(fake_http_n_flying(f->http), ==, 1);
    api_cancel(queued);
    api_cancel(resting);
    api_cancel(flying);
    g_assert_cmpuint(fake_http_n_cancelled(f->http), ==, 1);
    g_assert_cmpuint(api_stats(f->api)->in_flight, ==, 0);

    fake_http_script(f->http, (FakeReply){ .status = 503, .retry_after_us = 60 * S });
    get(f, "closes");
    run_until_ends(f, 1);
    rejected = get(f, "rejected");
    api_cancel(rejected);
    run_for(50 * MS);
    g_assert_cmpstr(f->ends->str, ==, "closes ");
}

static void test_a_cancelled_request_makes_room(void)
{
    g_autoptr(Fixture) f = fixture_new(1, 10 * S);
    Request *first;

    fake_http_script(f->http, hold());
    fake_http_script(f->http, reply(200));
    first = get(f, "a");
    get(f, "b");
    api_cancel(first);
    run_until_ends(f, 1);
    g_assert_cmpstr(f->ends->str, ==, "b ");
}

static void test_done_may_free_everything(gconstpointer data)
{
    g_autoptr(Fixture) f = fixture_new(2, 10 * S);
    FakeReply first = { .status = GPOINTER_TO_UINT(data), .retry_after_us = 60 * S };

    f->frees_requests = TRUE;
    fake_http_script(f->http, first);
    fake_http_script(f->http, hold());
    get(f, "a");
    get(f, "b");
    get(f, "c");
    run_until_ends(f, 1);
    g_assert_cmpuint(fake_http_n_flying(f->http), ==, 0);
    run_for(20 * MS);
    g_assert_cmpuint(f->n_ends, ==, 1);
}

static void test_an_overdue_request_may_free_everything(void)
{
    g_autoptr(Fixture) f = fixture_new(1, 60 * MS);

    f->frees_requests = TRUE;
    fake_http_script(f->http, hold());
    get(f, "a");
    get(f, "b");
    get(f, "c");
    run_until_ends(f, 1);
    run_for(20 * MS);
    g_assert_cmpuint(f->n_ends, ==, 1);
}

static void test_asked_is_when_the_answered_try_was_sent_less_its_age(void)
{
    g_autoptr(Fixture) f = fixture_new(16, 10 * S);
    gint64 begin = fixture_now(f);

    fake_http_script(f->http, hold());
    fake_http_script(f->http, hold());
    get(f, "a");
    f->offset += S;
    fake_http_end(f->http, reply(500));
    while (fake_http_n_flying(f->http) == 0)
        g_main_context_iteration(NULL, TRUE);
    f->offset += S;
    fake_http_end(f->http, (FakeReply){ .status = 404, .age_us = S / 2 });
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_NOT_FOUND);
    g_assert_cmpint(f->asked, >=, begin + S / 2);
    g_assert_cmpint(f->asked, <, begin + S);
}

static void test_a_connection_that_went_quiet_costs_a_new_one_and_no_rest(void)
{
    g_autoptr(Fixture) f = fixture_new(16, 10 * S);
    FakeReply quiet = { .error = PPIOFS_ERROR_TIMEOUT, .quiet = TRUE };

    f->long_rests = TRUE;
    for (guint i = 0; i < 5; i++) {
        fake_http_script(f->http, quiet);
        fake_http_script(f->http, reply(200));
        get(f, "a");
        run_until_ends(f, i + 1);
        g_assert_no_error(f->error);
        g_assert_false(fake_http_request(f->http, 2 * i)->fresh);
        g_assert_true(fake_http_request(f->http, 2 * i + 1)->fresh);
    }
    g_assert_cmpint(fake_http_request(f->http, 0)->quiet_us, ==, 10 * S / 3);
    g_assert_cmpuint(api_stats(f->api)->requests, ==, 10);
    g_assert_cmpuint(api_stats(f->api)->in_flight, ==, 0);
    g_assert_cmpint(api_closed_until(f->api), ==, 0); /* no outage */
}

static void test_a_slow_api_is_not_taken_for_dead(void)
{
    g_autoptr(Fixture) f = fixture_new(16, 10 * S);

    fake_http_script(f->http, hold());
    fake_http_script(f->http, reply(200));
    get(f, "a");
    f->offset += 4 * S;
    fake_http_end(f->http, reply(200));
    get(f, "b");
    run_until_ends(f, 2);
    g_assert_cmpint(fake_http_request(f->http, 1)->quiet_us, >=, 8 * S);
}

/* Sixteen are under way with a key when it is changed: nobody hears of it. */
static void test_what_was_refused_with_an_older_key_is_sent_again(void)
{
    g_autoptr(Fixture) f = fixture_new(16, 10 * S);

    api_set_key(f->api, "old");
    for (guint i = 0; i < 16; i++)
        fake_http_script(f->http, hold());
    for (guint i = 0; i < 16; i++)
        fake_http_script(f->http, reply(200));
    for (guint i = 0; i < 16; i++)
        get(f, "a");
    g_assert_true(api_set_key(f->api, "new"));
    for (guint i = 0; i < 16; i++)
        fake_http_end(f->http, reply(i % 2 ? 401 : 403));
    run_until_ends(f, 16);
    g_assert_no_error(f->error);
    g_assert_cmpuint(f->n_refused, ==, 0);
    for (guint i = 0; i < 32; i++)
        g_assert_cmpstr(fake_http_request(f->http, i)->key, ==, i < 16 ? "old" : "new");
}

static void test_what_was_refused_waits_until_the_key_was_read_again(void)
{
    static const char *const keys[] = { "new", "old" };

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autoptr(Fixture) f = fixture_new(1, 10 * S);

        f->reads_key = TRUE;
        api_set_key(f->api, "old");
        fake_http_script(f->http, reply(401));
        fake_http_script(f->http, reply(401));
        get(f, "a");
        get(f, "b");
        run_for(20 * MS);
        g_assert_cmpuint(f->n_refused, ==, 2); /* it waits, and holds up nobody */
        g_assert_cmpuint(f->n_ends, ==, 0);
        f->reads_key = FALSE;
        fake_http_script(f->http, reply(200));
        fake_http_script(f->http, reply(200));
        g_assert_true(api_set_key(f->api, keys[i]) == (i == 0));
        run_until_ends(f, 2);
        g_assert_cmpuint(fake_http_n_requests(f->http), ==, i == 0 ? 4 : 2);
        g_assert_cmpint(f->error != NULL, ==, i == 1);
    }
}

static void test_what_waits_for_a_key_ends_with_its_deadline(void)
{
    g_autoptr(Fixture) f = fixture_new(1, 100 * MS);

    f->reads_key = TRUE;
    fake_http_script(f->http, reply(401));
    get(f, "a");
    run_until_ends(f, 1);
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_DENIED);
}

/* One user's many do not hold up another's one. */
static void test_users_take_turns(void)
{
    g_autoptr(Fixture) f = fixture_new(1, 10 * S);
    FakeReply ok = reply(200);

    fake_http_handle(f->http, always, &ok);
    for (guint i = 0; i < 4; i++)
        start_in(f, "a", LANE_KNOWN, 1);
    start_in(f, "b", LANE_KNOWN, 2);
    start_in(f, "c", LANE_KNOWN, 3);
    start_in(f, "b", LANE_KNOWN, 2);
    run_until_ends(f, 7);
    g_assert_cmpstr(f->ends->str, ==, "a a b c a b a ");
}

static void test_ids_that_nobody_knows_have_a_quarter_of_the_room(void)
{
    static const struct {
        guint parallel, most;
    } rows[] = { { 16, 4 }, { 7, 1 }, { 1, 1 } };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Fixture) f = fixture_new(rows[i].parallel, 10 * S);

        for (guint j = 0; j < 50; j++)
            fake_http_script(f->http, hold());
        for (guint j = 0; j < 20; j++)
            start_in(f, "unknown", LANE_UNKNOWN, j);
        g_assert_cmpuint(fake_http_n_flying(f->http), ==, rows[i].most);
        for (guint j = 0; j < 20; j++)
            get(f, "known");
        g_assert_cmpuint(fake_http_n_flying(f->http), ==, rows[i].parallel);
    }
}

static void test_at_rest_nothing_wakes_up(void)
{
    g_autoptr(Fixture) f = fixture_new(4, 10 * S);
    guint turns = 0;

    fake_http_script(f->http, reply(200));
    get(f, "a");
    run_until_ends(f, 1);
    run_for(5 * MS);
    for (guint i = 0; i < 30; i++, g_usleep(1000))
        while (g_main_context_iteration(NULL, FALSE))
            turns++;
    g_assert_cmpuint(turns, ==, 0);
}

static void test_one_line_in_the_debug_log_per_answer(void)
{
    g_autoptr(Fixture) f = fixture_new(4, 10 * S);

    fake_http_script(f->http, (FakeReply){ .status = 200, .body = "hello" });
    fake_http_script(f->http, failure(PPIOFS_ERROR_PROTOCOL));
    g_test_expect_message("ppiofs", G_LOG_LEVEL_DEBUG, "GET /a: 200, * ms, 5 bytes");
    g_test_expect_message("ppiofs", G_LOG_LEVEL_DEBUG, "GET /b: no answer, * ms: no luck");
    get(f, "a");
    get(f, "b");
    run_until_ends(f, 2);
    g_test_assert_expected_messages();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/request/" #name, test_##name)
    ADD(an_answer_ends_it);
    ADD(each_end_of_a_try_has_its_number_of_tries);
    ADD(a_second_try_may_succeed);
    ADD(there_is_a_rest_between_tries);
    ADD(without_time_for_a_rest_the_last_error_counts);
    ADD(a_later_try_has_what_is_left_of_the_time);
    ADD(no_more_than_parallel_requests_are_under_way);
    ADD(lists_go_first_and_each_kind_in_order);
    ADD(who_has_rested_goes_before_who_came_later);
    ADD(who_rests_longer_does_not_hold_others_up);
    ADD(waiting_for_room_counts_as_time);
    ADD(who_cannot_wait_that_long_is_busy_at_once);
    ADD(a_reset_closes_the_circuit);
    ADD(asked_is_when_the_answered_try_was_sent_less_its_age);
    ADD(a_connection_that_went_quiet_costs_a_new_one_and_no_rest);
    ADD(a_slow_api_is_not_taken_for_dead);
    ADD(what_was_refused_with_an_older_key_is_sent_again);
    ADD(what_was_refused_waits_until_the_key_was_read_again);
    ADD(what_waits_for_a_key_ends_with_its_deadline);
    ADD(users_take_turns);
    ADD(ids_that_nobody_knows_have_a_quarter_of_the_room);
    ADD(a_cancelled_probe_does_not_close_the_gate_for_ever);
    ADD(who_rests_when_it_goes_offline_ends_with_its_last_error);
    ADD(a_timeout_of_a_try_that_had_no_time_is_no_outage);
    ADD(an_answer_that_is_too_large_is_no_outage);
    ADD(hangs_take_it_offline);
    ADD(sixty_seconds_of_outage_cost_ten_requests);
    ADD(a_cancelled_request_ends_silently_wherever_it_is);
    ADD(a_cancelled_request_makes_room);
    g_test_add_data_func("/request/done_of_an_answer_may_free_everything", GUINT_TO_POINTER(200),
                         test_done_may_free_everything);
    g_test_add_data_func("/request/done_of_an_error_may_free_everything", GUINT_TO_POINTER(503),
                         test_done_may_free_everything);
    ADD(an_overdue_request_may_free_everything);
    ADD(at_rest_nothing_wakes_up);
    ADD(one_line_in_the_debug_log_per_answer);
    return g_test_run();
}
