/* SPDX-License-Identifier: MIT */
#include "http_fixture.h"

static guint count_descriptors(void)
{
    GDir *dir = g_dir_open("/proc/self/fd", 0, NULL);
    guint count = 0;

    while (g_dir_read_name(dir))
        count++;
    g_dir_close(dir);
    return count;
}

Fixture *fixture_new(const ServerScript *scripts, gsize count, guint max_connections)
{
    Fixture *f = g_new0(Fixture, 1);
    HttpOptions options = { .max_connections = max_connections };
    g_autoptr(GError) error = NULL;

    f->descriptors_before = count_descriptors();
    f->server = server_new(scripts, count);
    f->context = g_main_context_new();
    f->http = http_new(&options, clock_system(), f->context, &error);
    g_assert_no_error(error);
    return f;
}

Fixture *fixture_for(const char *answer)
{
    /* Kept by the server for as long as the test lasts; one test at a time. */
    static ServerScript script;

    script = (ServerScript){ .bytes = answer };
    return fixture_new(&script, 1, 4);
}

void fixture_free(Fixture *f)
{
    http_free(f->http);
    g_main_context_unref(f->context);
    server_free(f->server);
    g_assert_cmpuint(count_descriptors(), ==, f->descriptors_before);
    g_free(f);
}

void note(HttpGet *get)
{
    Outcome *outcome = get->data;
    const HttpAnswer *answer = &get->answer;

    g_assert_false(outcome->fixture->asking); /* never called from inside http_start() */
    outcome->times++;
    outcome->fixture->over++;
    outcome->went_quiet = get->went_quiet;
    if (get->error) {
        outcome->error = g_error_copy(get->error);
    } else {
        outcome->status = answer->status;
        outcome->body = g_string_new_len(g_bytes_get_data(answer->body, NULL),
                                         (gssize)g_bytes_get_size(answer->body));
        outcome->etag = g_strdup(answer->etag);
        outcome->retry_after_us = answer->retry_after_us;
        outcome->elapsed_us = answer->elapsed_us;
        outcome->age_us = answer->age_us;
    }
    http_clear(get);
}

void outcome_clear(Outcome *outcome)
{
    g_clear_error(&outcome->error);
    if (outcome->body)
        g_string_free(outcome->body, TRUE);
    g_free(outcome->etag);
    g_free(outcome->url);
    *outcome = (Outcome){ 0 };
}

void prepare(Fixture *f, Outcome *outcome, const char *url, guint timeout_ms, gsize max_body)
{
    *outcome = (Outcome){ .fixture = f, .url = g_strdup(url) };
    outcome->get = (HttpGet){
        .url = outcome->url,
        .timeout_us = timeout_ms * 1000,
        .max_body = max_body,
        .done = note,
        .data = outcome,
    };
}

void start(Outcome *outcome)
{
    Fixture *f = outcome->fixture;

    f->asking = TRUE;
    http_start(f->http, &outcome->get);
    f->asking = FALSE;
}

void ask_url(Fixture *f, Outcome *outcome, const char *url, guint timeout_ms, gsize max_body)
{
    prepare(f, outcome, url, timeout_ms, max_body);
    start(outcome);
}

void ask(Fixture *f, Outcome *outcome, guint timeout_ms)
{
    g_autofree char *url = server_url(f->server, "/path?cursor=c");

    ask_url(f, outcome, url, timeout_ms, MAX_BODY);
}

void run_until(Fixture *f, guint over)
{
    while (f->over < over)
        g_main_context_iteration(f->context, TRUE);
}

void ask_and_wait(Fixture *f, Outcome *outcome, guint timeout_ms)
{
    guint over = f->over;

    ask(f, outcome, timeout_ms);
    run_until(f, over + 1);
}

void assert_answer(const Outcome *outcome, guint status, const char *body)
{
    g_assert_no_error(outcome->error);
    g_assert_cmpuint(outcome->status, ==, status);
    g_assert_cmpstr(outcome->body->str, ==, body);
}

void run_for_a_moment(Fixture *f)
{
    for (int i = 0; i < 50; i++) {
        g_main_context_iteration(f->context, FALSE);
        g_usleep(1000);
    }
}
