/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/http.h"

#include "ppiofs/base/error.h"
#include "scripted_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_MS 10000       /* for what is to end by itself */
#define SHORT_TIMEOUT_MS 300   /* for what is to end by the deadline */
#define DEADLINE_SLACK_MS 1500 /* a busy machine */
#define MAX_BODY 16384

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

/* A resolver that is silent for one name and knows no other. Addresses do not come this way. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret_list)
{
    (void)service;
    (void)hints;
    (void)ret_list;
    if (g_strcmp0(name, "silent.test") == 0)
        g_usleep(4 * G_USEC_PER_SEC);
    return EAI_NONAME;
}

typedef struct {
    ScriptedServer *server;
    GMainContext *context;
    Http *http;
    guint descriptors_before;
    gboolean asking; /* http_get() is on the stack */
    guint over;
} Fixture;

typedef struct {
    Fixture *fixture;
    HttpCall *call; /* NULL when it is over */
    guint times;    /* called back */
    GError *error;
    guint status;
    GString *body;
    char *etag;
    gint64 retry_after_us;
    gint64 elapsed_us;
} Outcome;

static guint count_descriptors(void)
{
    GDir *dir = g_dir_open("/proc/self/fd", 0, NULL);
    guint count = 0;

    while (g_dir_read_name(dir))
        count++;
    g_dir_close(dir);
    return count;
}

static Fixture *fixture_new(const ServerScript *scripts, gsize count, guint max_connections)
{
    Fixture *f = g_new0(Fixture, 1);
    HttpOptions options = { .max_connections = max_connections };
    g_autoptr(GError) error = NULL;

    f->descriptors_before = count_descriptors();
    f->server = server_new(scripts, count);
    f->context = g_main_context_new();
    f->http = http_new(&options, f->context, &error);
    g_assert_no_error(error);
    return f;
}

static Fixture *fixture_for(const char *answer)
{
    /* Kept by the server for as long as the test lasts; one test at a time. */
    static ServerScript script;

    script = (ServerScript){ .bytes = answer };
    return fixture_new(&script, 1, 4);
}

static void fixture_free(Fixture *f)
{
    http_free(f->http);
    g_main_context_unref(f->context);
    server_free(f->server);
    g_assert_cmpuint(count_descriptors(), ==, f->descriptors_before);
    g_free(f);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, fixture_free)

static void note(const HttpAnswer *answer, const GError *error, gpointer data)
{
    Outcome *outcome = data;

    g_assert_false(outcome->fixture->asking); /* never called from inside http_get() */
    g_assert_true((answer == NULL) != (error == NULL));
    outcome->call = NULL;
    outcome->times++;
    outcome->fixture->over++;
    if (error) {
        outcome->error = g_error_copy(error);
        return;
    }
    g_assert_nonnull(answer->body);
    outcome->status = answer->status;
    outcome->body = g_string_new_len(answer->body, (gssize)answer->length);
    outcome->etag = g_strdup(answer->etag);
    outcome->retry_after_us = answer->retry_after_us;
    outcome->elapsed_us = answer->elapsed_us;
}

static void outcome_clear(Outcome *outcome)
{
    g_clear_error(&outcome->error);
    if (outcome->body)
        g_string_free(outcome->body, TRUE);
    g_free(outcome->etag);
    *outcome = (Outcome){ 0 };
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Outcome, outcome_clear)

static void ask_url(Fixture *f, Outcome *outcome, const char *url, guint timeout_ms, gsize max_body,
                    HttpDone done)
{
    *outcome = (Outcome){ .fixture = f };
    f->asking = TRUE;
    outcome->call = http_get(f->http, url, NULL, timeout_ms, max_body, done, outcome);
    f->asking = FALSE;
    g_assert_nonnull(outcome->call);
}

static void ask(Fixture *f, Outcome *outcome, guint timeout_ms)
{
    g_autofree char *url = server_url(f->server, "/path?cursor=c");

    ask_url(f, outcome, url, timeout_ms, MAX_BODY, note);
}

static void run_until(Fixture *f, guint over)
{
    while (f->over < over)
        g_main_context_iteration(f->context, TRUE);
}

static void ask_and_wait(Fixture *f, Outcome *outcome, guint timeout_ms)
{
    guint over = f->over;

    ask(f, outcome, timeout_ms);
    run_until(f, over + 1);
}

static void assert_answer(const Outcome *outcome, guint status, const char *body)
{
    g_assert_no_error(outcome->error);
    g_assert_cmpuint(outcome->status, ==, status);
    g_assert_cmpstr(outcome->body->str, ==, body);
}

/* ---- answers ---- */

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

        ask_url(f, &fits, url, TIMEOUT_MS, 40000, note);
        run_until(f, 1);
        ask_url(f, &too_large, url, TIMEOUT_MS, 39999, note);
        run_until(f, 2);
        assert_answer(&fits, 200, body);
        g_assert_error(too_large.error, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE);
    }
}

/* ---- requests ---- */

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

static void test_the_key_of_the_moment_is_sent(void)
{
    static const char *const keys[] = { "first", "second", NULL, "third" };
    g_autoptr(Fixture) f = fixture_for(OK_HELLO);

    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *line = g_strdup_printf("\r\nAuthorization: Bearer %s\r\n", keys[i]);
        g_autofree char *request = NULL;
        g_auto(Outcome) outcome;

        http_set_bearer(f->http, keys[i]);
        ask_and_wait(f, &outcome, TIMEOUT_MS);
        request = server_request(f->server, i);
        if (keys[i])
            g_assert_nonnull(strstr(request, line));
        else
            g_assert_null(strstr(request, "Authorization"));
        g_assert_nonnull(strstr(request, "\r\nAccept: application/json\r\n"));
    }
}

static void test_a_call_keeps_the_key_it_was_started_with(void)
{
    static const ServerScript script = { .bytes = OK_HELLO, .delay_ms = 20 };
    g_autoptr(Fixture) f = fixture_new(&script, 1, 1);
    g_auto(Outcome) first;
    g_auto(Outcome) second; /* waits for the connection, and for the key it will send */

    http_set_bearer(f->http, "old");
    ask(f, &first, TIMEOUT_MS);
    ask(f, &second, TIMEOUT_MS);
    http_set_bearer(f->http, "new");
    run_until(f, 2);
    for (guint i = 0; i < 2; i++) {
        g_autofree char *request = server_request(f->server, i);

        g_assert_nonnull(strstr(request, "\r\nAuthorization: Bearer old\r\n"));
    }
}

static void test_if_none_match_is_sent_with_one_call_only(void)
{
    g_autoptr(Fixture) f =
        fixture_for("HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\nContent-Length: 5\r\n\r\n");
    g_autofree char *url = server_url(f->server, "/");
    g_autofree char *with = NULL;
    g_autofree char *without = NULL;
    g_auto(Outcome) first = { .fixture = f };
    g_auto(Outcome) second;

    http_set_bearer(f->http, "key");
    http_get(f->http, url, "\"v1\"", TIMEOUT_MS, MAX_BODY, note, &first);
    run_until(f, 1);
    ask_and_wait(f, &second, TIMEOUT_MS);
    with = server_request(f->server, 0);
    without = server_request(f->server, 1);

    assert_answer(&first, 304, "");
    g_assert_cmpstr(first.etag, ==, "\"v1\"");
    g_assert_nonnull(strstr(with, "\r\nIf-None-Match: \"v1\"\r\n"));
    g_assert_nonnull(strstr(with, "\r\nAuthorization: Bearer key\r\n"));
    g_assert_null(strstr(without, "If-None-Match"));
}

static void collect_log(const char *domain, GLogLevelFlags level, const char *message, void *data)
{
    (void)domain;
    (void)level;
    g_string_append(data, message);
    g_string_append_c(data, '\n');
}

static void test_logs_name_the_path_but_neither_key_nor_query(void)
{
    g_autoptr(GString) lines = g_string_new(NULL);
    g_autoptr(Fixture) f = fixture_for(OK_HELLO);
    guint handler = g_log_set_handler(G_LOG_DOMAIN, G_LOG_LEVEL_MASK, collect_log, lines);
    g_auto(Outcome) good;
    g_auto(Outcome) bad;

    http_set_bearer(f->http, "sesame");
    ask_and_wait(f, &good, TIMEOUT_MS);
    ask_url(f, &bad, "https://missing.test/gone?cursor=c", TIMEOUT_MS, MAX_BODY, note);
    run_until(f, 2);
    g_log_remove_handler(G_LOG_DOMAIN, handler);

    g_assert_nonnull(strstr(lines->str, "/path: 200, "));
    g_assert_nonnull(strstr(lines->str, "missing.test/gone: "));
    g_assert_null(strstr(lines->str, "sesame"));
    g_assert_null(strstr(lines->str, "cursor"));
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
    f->http = http_new(&options, f->context, NULL);
    ask_and_wait(f, &outcome, TIMEOUT_MS);
    g_unsetenv("http_proxy");
    g_unsetenv("ALL_PROXY");
    assert_answer(&outcome, 200, "hello");
}

/* ---- failures ---- */

static void test_what_is_not_an_answer_is_an_error_of_its_kind(void)
{
    static const struct {
        const char *what;
        ServerScript script;
        PpiofsError error;
    } cases[] = {
        { "body cut short",
          { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", .then = THEN_CLOSE },
          PPIOFS_ERROR_SERVER },
        { "chunks cut short",
          { .bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
            .then = THEN_CLOSE },
          PPIOFS_ERROR_SERVER },
        { "last chunk missing",
          { .bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            .then = THEN_CLOSE },
          PPIOFS_ERROR_SERVER },
        { "bad chunk size",
          { .bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n" },
          PPIOFS_ERROR_SERVER },
        { "nothing", { .bytes = "", .then = THEN_CLOSE }, PPIOFS_ERROR_SERVER },
        { "headers cut short",
          { .bytes = "HTTP/1.1 200 OK\r\nContent-Le", .then = THEN_CLOSE },
          PPIOFS_ERROR_SERVER },
        { "another protocol",
          { .bytes = "SSH-2.0-OpenSSH_9.2\r\n", .then = THEN_CLOSE },
          PPIOFS_ERROR_PROTOCOL },
        { "HTTP/0.9",
          { .bytes = "<html>hello</html>", .then = THEN_CLOSE },
          PPIOFS_ERROR_PROTOCOL },
        { "no status",
          { .bytes = "HTTP/1.1 \r\n\r\n", .then = THEN_CLOSE },
          PPIOFS_ERROR_PROTOCOL },
        { "odd status",
          { .bytes = "HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n" },
          PPIOFS_ERROR_PROTOCOL },
        { "odd low status",
          { .bytes = "HTTP/1.1 042 What\r\nContent-Length: 0\r\n\r\n" },
          PPIOFS_ERROR_PROTOCOL },
        { "bad length",
          { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", .then = THEN_CLOSE },
          PPIOFS_ERROR_PROTOCOL },
        { "endless headers",
          { .bytes = "HTTP/1.1 200 OK\r\n", .endless = "X: y\r\n" },
          PPIOFS_ERROR_TOO_LARGE },
        { "endless long headers",
          { .bytes = "HTTP/1.1 200 OK\r\n",
            .endless = "X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
                       "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
                       "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n" },
          PPIOFS_ERROR_TOO_LARGE },
        { "one endless header",
          { .bytes = "HTTP/1.1 200 OK\r\nX: ", .endless = "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy" },
          PPIOFS_ERROR_TOO_LARGE },
        { "endless first line",
          { .bytes = "HTTP/1.1 200 ", .endless = "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy" },
          PPIOFS_ERROR_TOO_LARGE },
        { "endless preludes",
          { .bytes = "HTTP/1.1 100 Continue\r\n\r\n", .endless = "HTTP/1.1 100 Continue\r\n\r\n" },
          PPIOFS_ERROR_TOO_LARGE },
        { "endless trailers",
          { .bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            .endless = "X: y\r\n" },
          PPIOFS_ERROR_TOO_LARGE },
        { "endless body",
          { .bytes = "HTTP/1.1 200 OK\r\n\r\n", .endless = "hello, world, and all in it" },
          PPIOFS_ERROR_TOO_LARGE },
        { "endless chunks",
          { .bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            .endless = "5\r\nhello\r\n" },
          PPIOFS_ERROR_TOO_LARGE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Fixture) f = fixture_new(&cases[i].script, 1, 4);
        g_auto(Outcome) outcome;

        ask_and_wait(f, &outcome, TIMEOUT_MS);
        g_test_message("%s: %s", cases[i].what, outcome.error ? outcome.error->message : "answer");
        g_assert_error(outcome.error, PPIOFS_ERROR, (int)cases[i].error);
        g_assert_nonnull(strchr(outcome.error->message, ' '));
        g_assert_null(strstr(outcome.error->message, "cursor"));
    }
}

static void test_the_deadline_ends_what_does_not_end(void)
{
    static const ServerScript scripts[] = {
        { .bytes = "", .then = THEN_HANG },
        { .bytes = "HTTP/1.1 200 OK\r\n", .then = THEN_HANG },
        { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", .then = THEN_HANG },
        { .bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
          .then = THEN_HANG },
        { .bytes = OK_HELLO, .dribble_ms = 100 },
        { .bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=", .endless = "y" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(scripts); i++) {
        g_autoptr(Fixture) f = fixture_new(&scripts[i], 1, 4);
        gint64 started = g_get_monotonic_time();
        g_auto(Outcome) outcome;

        ask_and_wait(f, &outcome, SHORT_TIMEOUT_MS);
        g_assert_error(outcome.error, PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT);
        g_assert_nonnull(strstr(outcome.error->message, "127.0.0.1"));
        g_assert_cmpint(g_get_monotonic_time() - started, <,
                        (SHORT_TIMEOUT_MS + DEADLINE_SLACK_MS) * 1000);
    }
}

/* A call that waits for a free connection has no deadline of libcurl's. */
static void test_the_deadline_ends_what_never_got_a_connection(void)
{
    static const ServerScript script = { .bytes = "", .then = THEN_HANG };
    g_autoptr(Fixture) f = fixture_new(&script, 1, 1);
    gint64 started = g_get_monotonic_time();
    Outcome outcomes[8];

    for (gsize i = 0; i < G_N_ELEMENTS(outcomes); i++)
        ask(f, &outcomes[i], SHORT_TIMEOUT_MS);
    run_until(f, G_N_ELEMENTS(outcomes));
    g_assert_cmpint(g_get_monotonic_time() - started, <,
                    (SHORT_TIMEOUT_MS + DEADLINE_SLACK_MS) * 1000);
    for (gsize i = 0; i < G_N_ELEMENTS(outcomes); i++) {
        g_assert_error(outcomes[i].error, PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT);
        outcome_clear(&outcomes[i]);
    }
}

static void test_no_time_at_all_is_still_a_deadline(void)
{
    static const ServerScript script = { .bytes = "", .then = THEN_HANG };
    g_autoptr(Fixture) f = fixture_new(&script, 1, 1);
    g_auto(Outcome) outcome;

    ask_and_wait(f, &outcome, 0);
    g_assert_error(outcome.error, PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT);
}

static int bound_socket(guint *ret_port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, length), ==, 0);
    getsockname(fd, (struct sockaddr *)&address, &length);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void ask_port(Fixture *f, Outcome *outcome, guint port, guint timeout_ms)
{
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u/", port);

    ask_url(f, outcome, url, timeout_ms, MAX_BODY, note);
    run_until(f, 1);
}

static void test_a_port_where_nobody_listens_refuses(void)
{
    g_autoptr(Fixture) f = fixture_for(OK_HELLO);
    g_auto(Outcome) outcome;
    guint port;
    int fd = bound_socket(&port);

    ask_port(f, &outcome, port, TIMEOUT_MS);
    close(fd);
    g_assert_error(outcome.error, PPIOFS_ERROR, PPIOFS_ERROR_REFUSED);
    g_assert_nonnull(strstr(outcome.error->message, "127.0.0.1"));
}

/* As silent as a firewall that drops: nothing answers the handshake of TCP. */
static void test_the_deadline_ends_a_connection_that_is_never_made(void)
{
    g_autoptr(Fixture) f = fixture_for(OK_HELLO);
    g_auto(Outcome) outcome;
    guint port;
    int listener = bound_socket(&port);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((guint16)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fillers[4];

    listen(listener, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(fillers); i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(fillers[i], (struct sockaddr *)&address, sizeof address);
    }
    ask_port(f, &outcome, port, SHORT_TIMEOUT_MS);
    for (gsize i = 0; i < G_N_ELEMENTS(fillers); i++)
        close(fillers[i]);
    close(listener);
    g_assert_error(outcome.error, PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT);
}

static void test_a_name_that_nobody_knows_is_unreachable(void)
{
    g_autoptr(Fixture) f = fixture_for(OK_HELLO);
    g_auto(Outcome) outcome;

    ask_url(f, &outcome, "https://missing.test/", TIMEOUT_MS, MAX_BODY, note);
    run_until(f, 1);
    g_assert_error(outcome.error, PPIOFS_ERROR, PPIOFS_ERROR_UNREACHABLE);
    g_assert_nonnull(strstr(outcome.error->message, "missing.test"));
}

/* Last, since its resolver thread sleeps on for a while, with a descriptor. */
static void test_a_silent_resolver_holds_up_neither_the_deadline_nor_the_end(void)
{
    HttpOptions options = { .max_connections = 4 };
    g_autoptr(GMainContext) context = g_main_context_new();
    Fixture f = { .context = context, .http = http_new(&options, context, NULL) };
    gint64 started = g_get_monotonic_time();
    g_auto(Outcome) outcome;
    g_auto(Outcome) cut_off;

    ask_url(&f, &outcome, "https://silent.test/", SHORT_TIMEOUT_MS, MAX_BODY, note);
    run_until(&f, 1);
    ask_url(&f, &cut_off, "https://silent.test/", TIMEOUT_MS, MAX_BODY, note);
    for (int i = 0; i < 20; i++) {
        g_main_context_iteration(context, FALSE);
        g_usleep(1000);
    }
    http_free(f.http);
    g_assert_error(outcome.error, PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT);
    g_assert_cmpuint(cut_off.times, ==, 0);
    g_assert_cmpint(g_get_monotonic_time() - started, <,
                    (SHORT_TIMEOUT_MS + DEADLINE_SLACK_MS) * 1000);
}

static void test_urls_that_may_not_be_asked_fail_from_the_loop(void)
{
    static const char *const urls[] = { "http://example.com/",   "ftp://127.0.0.1/",
                                        "file:///etc/passwd",    "not a url",
                                        "http://localhost:8080", "" };
    g_autoptr(Fixture) f = fixture_for(OK_HELLO);

    for (guint i = 0; i < G_N_ELEMENTS(urls); i++) {
        g_auto(Outcome) outcome;

        ask_url(f, &outcome, urls[i], TIMEOUT_MS, MAX_BODY, note);
        run_until(f, i + 1);
        g_assert_error(outcome.error, PPIOFS_ERROR, PPIOFS_ERROR_PROTOCOL);
    }
}

/* ---- many calls ---- */

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

static void run_for_a_moment(Fixture *f)
{
    for (int i = 0; i < 50; i++) {
        g_main_context_iteration(f->context, FALSE);
        g_usleep(1000);
    }
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
    g_test_add_func("/http/key", test_the_key_of_the_moment_is_sent);
    g_test_add_func("/http/key-kept", test_a_call_keeps_the_key_it_was_started_with);
    g_test_add_func("/http/if-none-match", test_if_none_match_is_sent_with_one_call_only);
    g_test_add_func("/http/logs", test_logs_name_the_path_but_neither_key_nor_query);
    g_test_add_func("/http/no-proxy", test_plain_http_goes_round_every_proxy);
    g_test_add_func("/http/errors", test_what_is_not_an_answer_is_an_error_of_its_kind);
    g_test_add_func("/http/deadline", test_the_deadline_ends_what_does_not_end);
    g_test_add_func("/http/deadline-queued", test_the_deadline_ends_what_never_got_a_connection);
    g_test_add_func("/http/deadline-zero", test_no_time_at_all_is_still_a_deadline);
    g_test_add_func("/http/refused", test_a_port_where_nobody_listens_refuses);
    g_test_add_func("/http/backlog", test_the_deadline_ends_a_connection_that_is_never_made);
    g_test_add_func("/http/unknown-name", test_a_name_that_nobody_knows_is_unreachable);
    g_test_add_func("/http/bad-urls", test_urls_that_may_not_be_asked_fail_from_the_loop);
    g_test_add_func("/http/keep-alive", test_calls_one_after_the_other_share_a_connection);
    g_test_add_func("/http/dropped", test_a_connection_that_was_dropped_at_rest_is_made_anew);
    g_test_add_func("/http/many", test_many_calls_at_once_keep_to_the_connections_allowed);
    g_test_add_func("/http/cancel", test_a_cancelled_call_ends_at_once_and_calls_nobody);
    g_test_add_func("/http/reenter", test_an_answered_caller_may_cancel_the_others_and_ask_again);
    g_test_add_func("/http/reenter-late",
                    test_a_caller_out_of_time_may_cancel_the_others_and_ask_again);
    g_test_add_func("/http/free", test_freeing_ends_all_calls_and_calls_nobody);
    g_test_add_func("/http/rest", test_at_rest_nothing_wakes_the_loop);
    g_test_add_func("/http/silent-resolver",
                    test_a_silent_resolver_holds_up_neither_the_deadline_nor_the_end);
    return g_test_run();
}
