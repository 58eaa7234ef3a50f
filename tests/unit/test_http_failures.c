/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/http.h"

#include "http_fixture.h"
#include "ppiofs/base/error.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

static const struct {
    const char *what;
    ServerScript script;
    PpiofsError error;
} failures[] = {
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
    { "HTTP/0.9", { .bytes = "<html>hello</html>", .then = THEN_CLOSE }, PPIOFS_ERROR_PROTOCOL },
    { "no status", { .bytes = "HTTP/1.1 \r\n\r\n", .then = THEN_CLOSE }, PPIOFS_ERROR_PROTOCOL },
    { "odd status",
      { .bytes = "HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n" },
      PPIOFS_ERROR_PROTOCOL },
    { "odd low status",
      { .bytes = "HTTP/1.1 042 What\r\nContent-Length: 0\r\n\r\n" },
      PPIOFS_ERROR_PROTOCOL },
    { "bad length",
      { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", .then = THEN_CLOSE },
      PPIOFS_ERROR_PROTOCOL },
    { "two codings",
      { .bytes = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 1\r\n\r\nx" },
      PPIOFS_ERROR_BAD_ANSWER },
    { "a coding in a prelude",
      { .bytes = "HTTP/1.1 103 Early\r\nContent-Encoding: gzip\r\n\r\nHTTP/1.1 200 OK\r\n"
                 "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx" },
      PPIOFS_ERROR_BAD_ANSWER },
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

static void test_what_is_not_an_answer_is_an_error_of_its_kind(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(failures); i++) {
        g_autoptr(Fixture) f = fixture_new(&failures[i].script, 1, 4);
        g_auto(Outcome) outcome;

        ask_and_wait(f, &outcome, TIMEOUT_MS);
        g_test_message("%s: %s", failures[i].what,
                       outcome.error ? outcome.error->message : "answer");
        g_assert_error(outcome.error, PPIOFS_ERROR, (int)failures[i].error);
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

static void test_a_deadline_ends_its_own_call_only(void)
{
    static const ServerScript script = { .bytes = OK_HELLO, .delay_ms = 200 };
    g_autoptr(Fixture) f = fixture_new(&script, 1, 4);
    g_auto(Outcome) patient;
    g_auto(Outcome) hasty;

    ask(f, &patient, TIMEOUT_MS);
    ask(f, &hasty, 20);
    run_until(f, 2);
    g_assert_error(hasty.error, PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT);
    assert_answer(&patient, 200, "hello");
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

    ask_url(f, outcome, url, timeout_ms, MAX_BODY);
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

    ask_url(f, &outcome, "https://missing.test/", TIMEOUT_MS, MAX_BODY);
    run_until(f, 1);
    g_assert_error(outcome.error, PPIOFS_ERROR, PPIOFS_ERROR_UNREACHABLE);
    g_assert_nonnull(strstr(outcome.error->message, "missing.test"));
}

/* Last, since its resolver thread sleeps on for a while, with a descriptor. */
static void test_a_silent_resolver_holds_up_neither_the_deadline_nor_the_end(void)
{
    HttpOptions options = { .max_connections = 4 };
    g_autoptr(GMainContext) context = g_main_context_new();
    Fixture f = { .context = context, .http = http_new(&options, clock_system(), context, NULL) };
    gint64 started = g_get_monotonic_time();
    g_auto(Outcome) outcome;
    g_auto(Outcome) cut_off;

    ask_url(&f, &outcome, "https://silent.test/", SHORT_TIMEOUT_MS, MAX_BODY);
    run_until(&f, 1);
    ask_url(&f, &cut_off, "https://silent.test/", TIMEOUT_MS, MAX_BODY);
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

        ask_url(f, &outcome, urls[i], TIMEOUT_MS, MAX_BODY);
        run_until(f, i + 1);
        g_assert_error(outcome.error, PPIOFS_ERROR, PPIOFS_ERROR_PROTOCOL);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/errors", test_what_is_not_an_answer_is_an_error_of_its_kind);
    g_test_add_func("/http/deadline", test_the_deadline_ends_what_does_not_end);
    g_test_add_func("/http/deadline-queued", test_the_deadline_ends_what_never_got_a_connection);
    g_test_add_func("/http/deadline-own", test_a_deadline_ends_its_own_call_only);
    g_test_add_func("/http/deadline-zero", test_no_time_at_all_is_still_a_deadline);
    g_test_add_func("/http/refused", test_a_port_where_nobody_listens_refuses);
    g_test_add_func("/http/backlog", test_the_deadline_ends_a_connection_that_is_never_made);
    g_test_add_func("/http/unknown-name", test_a_name_that_nobody_knows_is_unreachable);
    g_test_add_func("/http/bad-urls", test_urls_that_may_not_be_asked_fail_from_the_loop);
    g_test_add_func("/http/silent-resolver",
                    test_a_silent_resolver_holds_up_neither_the_deadline_nor_the_end);
    return g_test_run();
}
