/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/http.h"

#include "http_fixture.h"
#include "ppiofs/base/error.h"

#include <string.h>

static void test_answers_of_any_status_are_answers(void)
{
    static const struct {
        const char *bytes;
        guint status;
        const char *body;
    } cases[] = {
        { OK_HELLO, 200, "hello" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
          200, "hello" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "" },
        { "HTTP/1.1 204 No Content\r\n\r\n", 204, "" },
        { "HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n\r\nhe", 206, "he" },
        { "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", 302, "" },
        { "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n", 304, "" },
        { "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", 404, "none" },
        { "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno", 401, "no" },
        { "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", 503, "busy" },
        { "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" OK_HELLO, 200, "hello" },
        { "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Fixture) f = fixture_for(cases[i].bytes);
        g_auto(Outcome) outcome;

        ask_and_wait(f, &outcome, TIMEOUT_MS);
        assert_answer(&outcome, cases[i].status, cases[i].body);
        g_assert_cmpuint(server_requests(f->server), ==, 1); /* nothing followed, nothing again */
        g_assert_cmpint(outcome.retry_after_us, ==, -1);
        g_assert_cmpint(outcome.elapsed_us, >, 0);
    }
}

static void test_a_body_may_end_with_the_connection(void)
{
    ServerScript script = { .bytes = "HTTP/1.1 200 OK\r\n\r\nhello", .then = THEN_CLOSE };
    g_autoptr(Fixture) f = fixture_new(&script, 1, 4);
    g_auto(Outcome) outcome;

    ask_and_wait(f, &outcome, TIMEOUT_MS);
    assert_answer(&outcome, 200, "hello");
}

static void test_a_redirect_to_elsewhere_is_not_followed(void)
{
    static const ServerScript other_script = { .bytes = OK_HELLO };
    g_autoptr(ScriptedServer) other = server_new(&other_script, 1);
    g_autofree char *target = server_url(other, "/");
    g_autofree char *answer =
        g_strdup_printf("HTTP/1.1 301 Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", target);
    g_autoptr(Fixture) f = fixture_for(answer);
    g_auto(Outcome) outcome;

    ask_and_wait(f, &outcome, TIMEOUT_MS);
    assert_answer(&outcome, 301, "");
    g_assert_cmpuint(server_accepted(other), ==, 0);
}

static void test_etag_and_retry_after_are_handed_on(void)
{
    static const struct {
        const char *headers;
        const char *etag;
        gint64 retry_after_us;
    } cases[] = {
        { "etag: \"abc\"\r\nretry-after: 7\r\n", "\"abc\"", 7 * G_USEC_PER_SEC },
        { "ETag:   W/\"abc\"  \r\nRetry-After: 0\r\n", "W/\"abc\"", G_USEC_PER_SEC },
        { "ETag: \"a\x01\"\r\n", NULL, -1 }, /* not one to send back */
        { "ETag:\r\nRetry-After: soon\r\n", NULL, -1 },
        { "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n", NULL, G_USEC_PER_SEC },
        { "Date: Sun, 06 Nov 1994 08:49:07 GMT\r\n"
          "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
          NULL, 30 * G_USEC_PER_SEC }, /* by its own clock */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *answer =
            g_strdup_printf("HTTP/1.1 103 Early\r\nETag: \"early\"\r\n\r\n"
                            "HTTP/1.1 429 Slow\r\n%sContent-Length: 0\r\n\r\n",
                            cases[i].headers);
        g_autoptr(Fixture) f = fixture_for(answer);
        g_auto(Outcome) outcome;

        ask_and_wait(f, &outcome, TIMEOUT_MS);
        assert_answer(&outcome, 429, "");
        g_assert_cmpstr(outcome.etag, ==, cases[i].etag);
        g_assert_cmpint(outcome.retry_after_us, ==, cases[i].retry_after_us);
    }
}

/* {"hello":"gzip"} */
static const char gzipped[] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\xca\x48\xcd\xc9\xc9\x57\xb2\x52\x4a\xaf\xca"
    "\x2c\x50\xaa\x05\x00\xf6\x4f\x05\x6f\x10\x00\x00\x00";

/* The zeros that follow the head are each eight times 258 times the letter a. */
static const char gzip_bomb[1000] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x01\x0d\x00\x00\x00\xc2\xa0\xac\xef\x5f\xc2"
    "\x1e\x0e\x28";

static void ask_for_gzip(Outcome *outcome, const char *body, gsize length)
{
    g_autoptr(GString) answer = g_string_new(NULL);
    ServerScript script = { 0 };
    g_autoptr(Fixture) f = NULL;
    g_autofree char *request = NULL;

    g_string_printf(answer,
                    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                    "Content-Length: %" G_GSIZE_FORMAT "\r\n\r\n",
                    length);
    g_string_append_len(answer, body, (gssize)length);
    script.bytes = answer->str;
    script.length = answer->len;
    f = fixture_new(&script, 1, 4);
    ask_and_wait(f, outcome, TIMEOUT_MS);
    request = server_request(f->server, 0);
    g_assert_nonnull(strstr(request, "\r\nAccept-Encoding: gzip\r\n"));
}

static void test_a_compressed_body_arrives_decoded(void)
{
    g_auto(Outcome) outcome;

    ask_for_gzip(&outcome, gzipped, sizeof gzipped - 1);
    assert_answer(&outcome, 200, "{\"hello\":\"gzip\"}");
}

static void test_a_bomb_is_too_large_once_decoded(void)
{
    g_auto(Outcome) outcome;

    g_assert_cmpuint(sizeof gzip_bomb, <, MAX_BODY);
    ask_for_gzip(&outcome, gzip_bomb, sizeof gzip_bomb);
    g_assert_error(outcome.error, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE);
}

static void test_a_badly_compressed_body_is_a_bad_answer(void)
{
    g_auto(Outcome) outcome;

    ask_for_gzip(&outcome, "this is not gzip at all", 23);
    g_assert_error(outcome.error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
}

static void test_a_body_may_be_as_large_as_its_bound_and_no_larger(void)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n%s",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9c40\r\n%s\r\n0\r\n\r\n",
    };
    g_autofree char *body = g_strnfill(40000, 'b');

    for (gsize i = 0; i < G_N_ELEMENTS(answers); i++) {
        g_autofree char *head =
            g_strndup(answers[i], (gsize)(strstr(answers[i], "%s") - answers[i]));
        g_autofree char *answer = g_strconcat(head, body, strstr(answers[i], "%s") + 2, NULL);
        g_autoptr(Fixture) f = fixture_for(answer);
        g_autofree char *url = server_url(f->server, "/");
        g_auto(Outcome) fits;
        g_auto(Outcome) too_large;

        ask_url(f, &fits, url, TIMEOUT_MS, 40000);
        run_until(f, 1);
        ask_url(f, &too_large, url, TIMEOUT_MS, 39999);
        run_until(f, 2);
        assert_answer(&fits, 200, body);
        g_assert_error(too_large.error, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE);
    }
}

static void test_a_request_says_who_asks_and_for_what(void)
{
    g_autoptr(Fixture) f = fixture_for(OK_HELLO);
    g_autofree char *request = NULL;
    g_auto(Outcome) outcome;

    ask_and_wait(f, &outcome, TIMEOUT_MS);
    request = server_request(f->server, 0);
    g_assert_true(g_str_has_prefix(request, "GET /path?cursor=c HTTP/1.1\r\n"));
    g_assert_nonnull(strstr(request, "\r\nUser-Agent: ppiofs/" PPIOFS_VERSION "\r\n"));
    g_assert_nonnull(strstr(request, "\r\nAccept: application/json\r\n"));
    g_assert_null(strstr(request, "Authorization"));
    g_assert_null(strstr(request, "If-None-Match"));
}

static void ask_with(Fixture *f, Outcome *outcome, Bearer *bearer, const char *if_none_match)
{
    g_autofree char *url = server_url(f->server, "/");

    prepare(f, outcome, url, TIMEOUT_MS, MAX_BODY);
    outcome->get.bearer = bearer;
    outcome->get.if_none_match = if_none_match;
    start(outcome);
}

static void test_each_request_carries_its_own_key_and_condition(void)
{
    static const struct {
        const char *key, *condition;
    } cases[] = { { "first", "\"v1\"" }, { "second", NULL }, { NULL, "\"v2\"" }, { NULL, NULL } };
    g_autoptr(Fixture) f = fixture_for(OK_HELLO);

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Bearer) bearer = bearer_new(cases[i].key);
        g_autofree char *key = g_strdup_printf("\r\nAuthorization: Bearer %s\r\n", cases[i].key);
        g_autofree char *match = g_strdup_printf("\r\nIf-None-Match: %s\r\n", cases[i].condition);
        g_autofree char *request = NULL;
        g_auto(Outcome) outcome;

        ask_with(f, &outcome, bearer, cases[i].condition);
        run_until(f, i + 1);
        request = server_request(f->server, i);
        g_assert_true((strstr(request, key) != NULL) == (cases[i].key != NULL));
        g_assert_true((strstr(request, "Authorization") != NULL) == (cases[i].key != NULL));
        g_assert_true((strstr(request, match) != NULL) == (cases[i].condition != NULL));
        g_assert_true((strstr(request, "If-None-Match") != NULL) == (cases[i].condition != NULL));
        g_assert_nonnull(strstr(request, "\r\nAccept: application/json\r\n"));
    }
}

static void test_errors_name_the_host_but_neither_key_nor_query(void)
{
    g_autoptr(Fixture) f = fixture_for(OK_HELLO);
    g_autoptr(Bearer) bearer = bearer_new("sesame");
    g_auto(Outcome) bad;

    prepare(f, &bad, "http://127.0.0.1:1/gone?cursor=c", TIMEOUT_MS, MAX_BODY);
    bad.get.bearer = bearer;
    start(&bad);
    run_until(f, 1);

    g_assert_nonnull(strstr(bad.error->message, "127.0.0.1"));
    g_assert_null(strstr(bad.error->message, "sesame"));
    g_assert_null(strstr(bad.error->message, "cursor"));
}

static void test_plain_http_goes_round_every_proxy(void)
{
    static const ServerScript script = { .bytes = OK_HELLO };
    HttpOptions options = { .max_connections = 2, .proxy = "http://192.0.2.1:1" };
    g_autoptr(Fixture) f = NULL;
    g_auto(Outcome) outcome;

    g_setenv("http_proxy", "http://192.0.2.1:1", TRUE);
    g_setenv("ALL_PROXY", "http://192.0.2.1:1", TRUE);
    f = fixture_new(&script, 1, 2);
    http_free(f->http);
    f->http = http_new(&options, clock_system(), f->context, NULL);
    ask_and_wait(f, &outcome, TIMEOUT_MS);
    g_unsetenv("http_proxy");
    g_unsetenv("ALL_PROXY");
    assert_answer(&outcome, 200, "hello");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/answers", test_answers_of_any_status_are_answers);
    g_test_add_func("/http/until-close", test_a_body_may_end_with_the_connection);
    g_test_add_func("/http/redirect", test_a_redirect_to_elsewhere_is_not_followed);
    g_test_add_func("/http/headers", test_etag_and_retry_after_are_handed_on);
    g_test_add_func("/http/gzip", test_a_compressed_body_arrives_decoded);
    g_test_add_func("/http/gzip-bomb", test_a_bomb_is_too_large_once_decoded);
    g_test_add_func("/http/gzip-bad", test_a_badly_compressed_body_is_a_bad_answer);
    g_test_add_func("/http/body-bound", test_a_body_may_be_as_large_as_its_bound_and_no_larger);
    g_test_add_func("/http/request", test_a_request_says_who_asks_and_for_what);
    g_test_add_func("/http/own", test_each_request_carries_its_own_key_and_condition);
    g_test_add_func("/http/errors", test_errors_name_the_host_but_neither_key_nor_query);
    g_test_add_func("/http/no-proxy", test_plain_http_goes_round_every_proxy);
    return g_test_run();
}
