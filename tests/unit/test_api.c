/* SPDX-License-Identifier: MIT */
#include "ppiofs/api/api.h"

#include "fake_http.h"
#include "ppiofs/base/error.h"

#include <string.h>

#define S G_USEC_PER_SEC
#define BASE "https://api.example.com/gpus/v2/instances"
#define KEY "sk_secret-0123456789"

typedef struct {
    Http *http;
    Api *api;
    guint n_ends;
    Record *record;
    gint64 asked;
    GError *error;
    gboolean frees_api;
    gboolean asks_again;
} Fixture;

static Fixture *fixture_new(const char *base_url)
{
    Fixture *f = g_new0(Fixture, 1);
    ApiOptions options = {
        .base_url = base_url,
        .page_size = 100,
        .parallel_requests = 16,
        .timeout_us = 5 * S,
    };

    f->http = fake_http_new();
    f->api = api_new(f->http, &options, clock_system());
    return f;
}

static void fixture_free(Fixture *f)
{
    api_free(f->api);
    http_free(f->http);
    g_clear_pointer(&f->record, record_unref);
    g_clear_error(&f->error);
    g_free(f);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, fixture_free)

static void on_record(Record *record, gint64 asked, const GError *error, gpointer data)
{
    Fixture *f = data;

    f->asked = asked;
    g_assert_true((record == NULL) != (error == NULL));
    g_clear_pointer(&f->record, record_unref);
    g_clear_error(&f->error);
    f->record = record ? record_ref(record) : NULL;
    f->error = error ? g_error_copy(error) : NULL;
    f->n_ends++;
    if (f->asks_again) {
        f->asks_again = FALSE;
        api_get(f->api, KIND_INSTANCES, "again", TRUE, 0, on_record, f);
    }
    if (f->frees_api)
        g_clear_pointer(&f->api, api_free);
}

static void on_list(const ApiList *list, const GError *error, gpointer data)
{
    Fixture *f = data;

    g_assert_true((list->records == NULL) == (error != NULL));
    f->n_ends++;
    if (f->frees_api)
        g_clear_pointer(&f->api, api_free);
}

static void run_until_ends(Fixture *f, guint n)
{
    gint64 limit = g_get_monotonic_time() + 10 * S;

    while (f->n_ends < n && g_get_monotonic_time() < limit)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(f->n_ends, ==, n);
}

static void get(Fixture *f, const char *id)
{
    guint n_ends = f->n_ends;

    api_get(f->api, KIND_INSTANCES, id, TRUE, 0, on_record, f);
    g_assert_cmpuint(f->n_ends, ==, n_ends);
    run_until_ends(f, n_ends + 1);
}

static void get_scripted(Fixture *f, const char *id, guint status, const char *body)
{
    fake_http_script(f->http, (FakeReply){ .status = status, .body = body });
    get(f, id);
}

static void test_get_answers_with_a_full_record(void)
{
    static const char body[] = "{\"id\":\"abc\",\"name\":\"x\",\"tools\":{}}";
    g_autoptr(Fixture) f = fixture_new("https://api.example.com");
    GBytes *kept;

    get_scripted(f, "abc", 200, body);
    g_assert_no_error(f->error);
    g_assert_cmpstr(record_id(f->record), ==, "abc");
    g_assert_true(record_is_full(f->record));
    kept = record_body(f->record);
    g_assert_cmpmem(g_bytes_get_data(kept, NULL), g_bytes_get_size(kept), body, strlen(body));
    g_assert_cmpstr(fake_http_request(f->http, 0)->url, ==, BASE "/abc");
    g_assert_cmpuint(fake_http_request(f->http, 0)->max_body, ==, API_MAX_DETAIL_BYTES);
}

static void test_a_slash_at_the_end_of_the_base_url_is_no_matter(void)
{
    g_autoptr(Fixture) f = fixture_new("https://api.example.com//");

    get_scripted(f, "abc", 200, "{\"id\":\"abc\"}");
    g_assert_cmpstr(fake_http_request(f->http, 0)->url, ==, BASE "/abc");
}

static void test_ids_are_escaped(void)
{
    static const char *const ids[][2] = {
        { "a/b?c#d", "/a%2Fb%3Fc%23d" },
        { "../x", "/..%2Fx" },
        { "..", "/%2E%2E" },
        { ".", "/%2E" },
        { "%2e", "/%252e" },
        { "\xe4\xb8\xad \n", "/%E4%B8%AD%20%0A" },
        { "a;b&c=d+e@f:g", "/a%3Bb%26c%3Dd%2Be%40f%3Ag" },
    };
    g_autoptr(Fixture) f = fixture_new("https://api.example.com");

    for (guint i = 0; i < G_N_ELEMENTS(ids); i++) {
        g_autofree char *url = g_strconcat(BASE, ids[i][1], NULL);
        get_scripted(f, ids[i][0], 404, "");
        g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_NOT_FOUND);
        g_assert_cmpstr(fake_http_request(f->http, i)->url, ==, url);
    }
}

static void test_a_long_id_does_not_make_a_long_message(void)
{
    g_autoptr(Fixture) f = fixture_new("https://api.example.com");
    g_autofree char *id = g_strnfill(255, '/');

    get_scripted(f, id, 404, "");
    g_assert_cmpuint(strlen(f->error->message), <, 300);
}

static void test_an_answer_about_another_id_is_bad(void)
{
    g_autoptr(Fixture) f = fixture_new("https://api.example.com");

    get_scripted(f, "abc", 200, "{\"id\":\"ABC\",\"password\":\"hunter2\"}");
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
    g_assert_null(strstr(f->error->message, "hunter2"));
}

static void test_what_is_gone_is_not_found(void)
{
    static const char *const statuses[] = { "toRemove", "removing", "removed" };

    for (gsize i = 0; i < G_N_ELEMENTS(statuses); i++) {
        g_autoptr(Fixture) f = fixture_new("https://api.example.com");
        g_autofree char *body =
            g_strdup_printf("{\"id\":\"abc\",\"status\":{\"status\":\"%s\"}}", statuses[i]);

        get_scripted(f, "abc", 200, body);
        g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_NOT_FOUND);
    }
}

static void test_a_body_that_is_no_instance_is_bad(void)
{
    static const char *const bodies[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"id\":7}",
        "{\"id\":\"\"}",
        "{\"id\":\"abc\"",
        "{\"id\":\"abc\"} x",
        "\xef\xbb\xbf{\"id\":\"abc\"}",
        "<html><title>Please log in</title></html>",
        "{\"code\":0,\"message\":\"ok\"}",
    };
    g_autoptr(Fixture) f = fixture_new("https://api.example.com");

    for (guint i = 0; i < G_N_ELEMENTS(bodies); i++) {
        get_scripted(f, "abc", 200, bodies[i]);
        g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
        g_assert_true(g_str_has_prefix(f->error->message, "GET /gpus/v2/instances/abc: 200, "));
        g_assert_cmpuint(fake_http_n_requests(f->http), ==, i + 1); /* not repeated */
    }
}

static void test_the_key_goes_to_http_and_never_into_an_error(void)
{
    static const char *const bodies[] = { "{\"message\":\"key " KEY " is bad\"}", KEY };
    g_autoptr(Fixture) f = fixture_new("https://api.example.com");

    api_set_key(f->api, KEY);
    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        get_scripted(f, "abc", 401, bodies[i]);
        g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_DENIED);
        g_assert_null(strstr(f->error->message, "secret"));
        g_assert_cmpstr(fake_http_request(f->http, (guint)i)->key, ==, KEY);
    }
    get_scripted(f, "abc", 200, bodies[0]);
    g_assert_null(strstr(f->error->message, "secret"));
}

static void test_a_cancelled_call_ends_silently(void)
{
    g_autoptr(Fixture) f = fixture_new("https://api.example.com");
    Request *one, *list;

    fake_http_script(f->http, (FakeReply){ .status = 200, .hold = TRUE });
    fake_http_script(f->http, (FakeReply){ .status = 200, .hold = TRUE });
    one = api_get(f->api, KIND_INSTANCES, "abc", TRUE, 0, on_record, f);
    list = api_list(f->api, KIND_INSTANCES, on_list, f);
    api_cancel(one);
    api_cancel(list);
    g_assert_cmpuint(fake_http_n_cancelled(f->http), ==, 2);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpuint(f->n_ends, ==, 0);
    g_assert_cmpuint(api_stats(f->api)->in_flight, ==, 0);
}

static void test_freeing_it_cancels_everything(void)
{
    Fixture *f = fixture_new("https://api.example.com");
    FakeReply hold = { .status = 200, .hold = TRUE };

    for (guint i = 0; i < 20; i++) {
        fake_http_script(f->http, hold);
        fake_http_script(f->http, hold);
        api_get(f->api, KIND_INSTANCES, "abc", TRUE, 0, on_record, f);
        api_list(f->api, KIND_INSTANCES, on_list, f);
    }
    g_clear_pointer(&f->api, api_free);
    g_assert_cmpuint(fake_http_n_flying(f->http), ==, 0);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpuint(f->n_ends, ==, 0);
    fixture_free(f);
}

static void test_done_may_free_the_api(void)
{
    static const char *const bodies[] = {
        "{\"id\":\"abc\"}",
        "{\"data\":[{\"id\":\"a\"}],\"has_more\":false}",
        "x",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(Fixture) f = fixture_new("https://api.example.com");

        f->frees_api = TRUE;
        for (guint j = 0; j < 2; j++)
            fake_http_script(f->http, (FakeReply){ .status = 200, .body = bodies[i] });
        if (i == 1)
            api_list(f->api, KIND_INSTANCES, on_list, f);
        else
            api_get(f->api, KIND_INSTANCES, "abc", TRUE, 0, on_record, f);
        api_get(f->api, KIND_INSTANCES, "other", TRUE, 0, on_record, f);
        run_until_ends(f, 1);
        g_assert_null(f->api);
    }
}

static void test_done_may_ask_again(void)
{
    g_autoptr(Fixture) f = fixture_new("https://api.example.com");

    f->asks_again = TRUE;
    fake_http_script(f->http, (FakeReply){ .status = 200, .body = "{\"id\":\"abc\"}" });
    fake_http_script(f->http, (FakeReply){ .status = 200, .body = "{\"id\":\"again\"}" });
    api_get(f->api, KIND_INSTANCES, "abc", TRUE, 0, on_record, f);
    run_until_ends(f, 2);
    g_assert_cmpstr(record_id(f->record), ==, "again");
}

static void test_retry_after_shows_beyond_a_reset(void)
{
    g_autoptr(Fixture) f = fixture_new("https://api.example.com");

    g_assert_cmpint(api_closed_until(f->api), ==, 0);
    fake_http_script(f->http, (FakeReply){ .status = 429, .retry_after_us = 60 * S });
    get(f, "abc");
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_BUSY);
    g_assert_cmpint(api_closed_until(f->api), >, clock_now(clock_system()) + 50 * S);
    get(f, "abc");
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_BUSY);
    g_assert_cmpuint(api_stats(f->api)->requests, ==, 1);
    g_assert_cmpint(f->asked, ==, 0);
    api_reset(f->api);
    g_assert_cmpint(api_closed_until(f->api), >, 0); /* still */
}

static void test_stats_count_answers_by_hundreds(void)
{
    g_autoptr(Fixture) f = fixture_new("https://api.example.com");
    const ApiStats *stats = api_stats(f->api);

    get_scripted(f, "abc", 200, "{\"id\":\"abc\"}");
    get_scripted(f, "abc", 404, "gone");
    fake_http_script(f->http, (FakeReply){ .error = PPIOFS_ERROR_PROTOCOL });
    get(f, "abc");
    g_assert_cmpuint(stats->requests, ==, 3);
    g_assert_cmpuint(stats->answers[2], ==, 1);
    g_assert_cmpuint(stats->answers[4], ==, 1);
    g_assert_cmpuint(stats->answers[0], ==, 1);
    g_assert_cmpuint(stats->bytes, ==, strlen("{\"id\":\"abc\"}gone"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/api/" #name, test_##name)
    ADD(get_answers_with_a_full_record);
    ADD(a_slash_at_the_end_of_the_base_url_is_no_matter);
    ADD(ids_are_escaped);
    ADD(a_long_id_does_not_make_a_long_message);
    ADD(an_answer_about_another_id_is_bad);
    ADD(what_is_gone_is_not_found);
    ADD(a_body_that_is_no_instance_is_bad);
    ADD(the_key_goes_to_http_and_never_into_an_error);
    ADD(a_cancelled_call_ends_silently);
    ADD(freeing_it_cancels_everything);
    ADD(done_may_free_the_api);
    ADD(done_may_ask_again);
    ADD(retry_after_shows_beyond_a_reset);
    ADD(stats_count_answers_by_hundreds);
    return g_test_run();
}
