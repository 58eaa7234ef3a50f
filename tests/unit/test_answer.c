/* SPDX-License-Identifier: MIT */
#include "ppiofs/api/answer.h"

#include "ppiofs/base/error.h"

#include <string.h>

#define KEY "sk_secret-0123456789"
#define LABEL "GET /gpus/v2/instances/abc"
#define HTML404 "<html><head><title>404 Not Found</title></head><body><h1>nginx</h1></body></html>"

static const AnswerQuestion about_instance = { LABEL, ANSWER_OF_INSTANCE, FALSE, KEY };
static const AnswerQuestion about_list = { "GET /gpus/v2/instances", ANSWER_OF_LIST, FALSE, KEY };

static void answer_clear(HttpAnswer *answer)
{
    g_bytes_unref(answer->body);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HttpAnswer, answer_clear)

static HttpAnswer make_answer(guint status, const char *body)
{
    return (HttpAnswer){
        .status = status,
        .body = g_bytes_new(body, strlen(body)),
        .retry_after_us = -1,
    };
}

static GError *ask(const AnswerQuestion *question, guint status, const char *body)
{
    g_auto(HttpAnswer) answer = make_answer(status, body);
    GError *error = NULL;

    g_assert_false(answer_check(question, &answer, &error));
    return error;
}

typedef struct {
    guint status;
    const char *body;
    PpiofsError of_instance;
    PpiofsError of_list;
} Row;

static const Row rows[] = {
    { 404, "", PPIOFS_ERROR_NOT_FOUND, PPIOFS_ERROR_SERVER },
    { 404, "{\"code\":404}", PPIOFS_ERROR_NOT_FOUND, PPIOFS_ERROR_SERVER },
    { 404, "not here", PPIOFS_ERROR_NOT_FOUND, PPIOFS_ERROR_SERVER },
    { 404, HTML404, PPIOFS_ERROR_BAD_ANSWER, PPIOFS_ERROR_SERVER },
    { 404, "\xef\xbb\xbf \n<!DOCTYPE html>", PPIOFS_ERROR_BAD_ANSWER, PPIOFS_ERROR_SERVER },
    { 400, "{\"reason\":\"RESOURCE_NOT_FOUND\"}", PPIOFS_ERROR_NOT_FOUND, PPIOFS_ERROR_SERVER },
    { 400, "{\"error\":{\"reason\":\"RESOURCE_NOT_FOUND\"}}", PPIOFS_ERROR_NOT_FOUND,
      PPIOFS_ERROR_SERVER },
    { 400, "{\"reason\":\"MISSING_API_KEY\"}", PPIOFS_ERROR_DENIED, PPIOFS_ERROR_DENIED },
    { 400, "{\"reason\":\"INVALID_USER_TOKEN\"}", PPIOFS_ERROR_DENIED, PPIOFS_ERROR_DENIED },
    { 400, "{\"reason\":\"OTHER\"}", PPIOFS_ERROR_SERVER, PPIOFS_ERROR_SERVER },
    { 400, "{\"reason\":404}", PPIOFS_ERROR_SERVER, PPIOFS_ERROR_SERVER },
    { 401, "", PPIOFS_ERROR_DENIED, PPIOFS_ERROR_DENIED },
    { 403, HTML404, PPIOFS_ERROR_DENIED, PPIOFS_ERROR_DENIED },
    { 410, "", PPIOFS_ERROR_SERVER, PPIOFS_ERROR_SERVER },
    { 429, "", PPIOFS_ERROR_BUSY, PPIOFS_ERROR_BUSY },
    { 418, "", PPIOFS_ERROR_SERVER, PPIOFS_ERROR_SERVER },
    { 301, "", PPIOFS_ERROR_PROTOCOL, PPIOFS_ERROR_PROTOCOL },
    { 302, "", PPIOFS_ERROR_PROTOCOL, PPIOFS_ERROR_PROTOCOL },
    { 308, "", PPIOFS_ERROR_PROTOCOL, PPIOFS_ERROR_PROTOCOL },
    { 304, "", PPIOFS_ERROR_BAD_ANSWER, PPIOFS_ERROR_BAD_ANSWER },
    { 201, "{}", PPIOFS_ERROR_BAD_ANSWER, PPIOFS_ERROR_BAD_ANSWER },
    { 204, "", PPIOFS_ERROR_BAD_ANSWER, PPIOFS_ERROR_BAD_ANSWER },
    { 206, "{", PPIOFS_ERROR_BAD_ANSWER, PPIOFS_ERROR_BAD_ANSWER },
    { 500, "", PPIOFS_ERROR_SERVER, PPIOFS_ERROR_SERVER },
    { 502, HTML404, PPIOFS_ERROR_SERVER, PPIOFS_ERROR_SERVER },
    { 503, "", PPIOFS_ERROR_SERVER, PPIOFS_ERROR_SERVER },
    { 599, "", PPIOFS_ERROR_SERVER, PPIOFS_ERROR_SERVER },
    { 100, "", PPIOFS_ERROR_SERVER, PPIOFS_ERROR_SERVER },
};

static void test_each_status_has_its_error(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) a = ask(&about_instance, rows[i].status, rows[i].body);
        g_autoptr(GError) b = ask(&about_list, rows[i].status, rows[i].body);

        g_test_message("%u %s", rows[i].status, rows[i].body);
        g_assert_error(a, PPIOFS_ERROR, (gint)rows[i].of_instance);
        g_assert_error(b, PPIOFS_ERROR, (gint)rows[i].of_list);
    }
}

static void test_200_and_an_asked_304_are_answers(void)
{
    g_auto(HttpAnswer) ok = make_answer(200, "");
    g_auto(HttpAnswer) same = make_answer(304, "");
    AnswerQuestion conditional = about_list;
    g_autoptr(GError) error = NULL;

    conditional.conditional = TRUE;
    g_assert_true(answer_check(&about_list, &ok, &error));
    g_assert_true(answer_check(&conditional, &same, &error));
    g_assert_no_error(error);
}

typedef struct {
    guint status;
    const char *body;
    const char *message; /* behind the label */
} Sentence;

static const Sentence sentences[] = {
    { 404, "{\"code\":404,\"reason\":\"RESOURCE_NOT_FOUND\",\"message\":\"instance not found\"}",
      ": 404 RESOURCE_NOT_FOUND: instance not found" },
    { 401, "{\"error\":{\"message\":\"bad token\"}}", ": 401: bad token; check the API key" },
    { 500, "{\"error\":\"boom\"}", ": 500: boom" },
    { 500, "{\"message\":\"boom\"}", ": 500: boom" },
    { 500, "\"boom\"", ": 500: boom" },
    { 500, "{\"code\":1,\"detail\":\"boom\"}", ": 500: boom" },
    { 500, "{\"message\":\"\",\"error\":null}", ": 500" },
    { 500, "[1,2]", ": 500" },
    { 500, "", ": 500" },
    { 502, HTML404, ": 502: 404 Not Found" },
    { 502, "<script>var x;</script><style>b{}</style><!-- > c --><p>Bad\n\n <b>gateway</b>",
      ": 502: Bad gateway" },
    { 502, "<script>never ends", ": 502" },
    { 502, "<", ": 502" },
    { 500, "upstream\r\n  gone", ": 500: upstream gone" },
    { 500, "{\"message\":\"\\u001b[31mred\\u202e\"}", ": 500: \\x1b[31mred\\xe2\\x80\\xae" },
    { 500, "\xff\xfe", ": 500: \\xff\\xfe" },
    { 302, "", ": 302; the API redirects, and ppiofs follows no redirect; check api_url" },
    { 404, HTML404, ": 404: 404 Not Found; check api_url" },
    { 206, "{\"envs\":\"hunter2", ": 206; unexpected HTTP status; ppiofs accepts only 200" },
};

static void test_messages_are_sentences(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(sentences); i++) {
        g_autoptr(GError) error = ask(&about_instance, sentences[i].status, sentences[i].body);
        g_autofree char *expected = g_strconcat(LABEL, sentences[i].message, NULL);

        g_assert_cmpstr(error->message, ==, expected);
    }
}

static void test_a_wait_is_told(void)
{
    g_auto(HttpAnswer) answer = make_answer(429, "");
    g_autoptr(GError) error = NULL;

    answer.retry_after_us = 30 * G_USEC_PER_SEC;
    answer_check(&about_instance, &answer, &error);
    g_assert_cmpstr(error->message, ==, LABEL ": 429; the API asked to wait for 30 s");
}

static void test_long_bodies_are_cut(void)
{
    g_autofree char *text = g_strnfill(1 << 20, 'x');
    g_autofree char *reason = g_strconcat("{\"reason\":\"", text, "\"}", NULL);
    g_autofree char *tags = g_strconcat("<p>", text, NULL);
    const char *bodies[] = { text, reason, tags };

    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(GError) error = ask(&about_instance, 500, bodies[i]);
        g_assert_cmpuint(strlen(error->message), <, 500);
    }
}

static void test_an_echoed_key_is_starred_out(void)
{
    static const char *const bodies[] = {
        "{\"message\":\"bad key " KEY ", really " KEY "\"}",
        "{\"reason\":\"" KEY "\"}",
        "{\"error\":\"" KEY "\"}",
        "{\"detail\":\"sk_secret\\u002d0123456789\"}",
        "Bearer " KEY,
        "<title>" KEY "</title>",
        "<p>" KEY "</p>",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(GError) error = ask(&about_instance, 401, bodies[i]);
        g_assert_null(strstr(error->message, "secret"));
        g_assert_nonnull(strstr(error->message, "****"));
    }
}

static void test_broken_json_is_not_quoted(void)
{
    static const char *const bodies[] = {
        "{\"envs\":[{\"key\":\"A\",\"value\":\"secret",
        "[{\"password\":\"secret\"}",
        " \n{\"password\":\"secret\"}}",
        "\xef\xbb\xbf{\"password\":\"secret\"",
        "\"password\":\"secret\"}",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(GError) error = ask(&about_instance, 500, bodies[i]);
        g_assert_cmpstr(error->message, ==, LABEL ": 500");
    }
}

static void test_a_key_across_the_cut_is_starred_out(void)
{
    for (gsize before = ANSWER_SHOWN_BYTES - 25; before < ANSWER_SHOWN_BYTES; before++) {
        g_autofree char *fill = g_strnfill(before, 'x');
        g_autofree char *body = g_strconcat(fill, KEY, NULL);
        g_autoptr(GError) error = ask(&about_instance, 401, body);
        g_assert_null(strstr(error->message, "sk"));
    }
}

static void test_a_wrong_body_names_the_page_that_came_instead(void)
{
    g_auto(HttpAnswer) answer = make_answer(200, "<html><title>Please log in</title>");
    g_autoptr(GError) error = answer_error_body(&about_list, &answer, "it is no list", NULL);

    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
    g_assert_cmpstr(error->message, ==,
                    "GET /gpus/v2/instances: 200, but it is no list: Please log in");
}

static void test_a_wrong_body_keeps_the_code_of_its_cause(void)
{
    g_auto(HttpAnswer) answer = make_answer(200, "{}");
    g_autoptr(GError) cause =
        g_error_new(PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE, "too deep near " KEY);
    g_autoptr(GError) error = answer_error_body(&about_list, &answer, "it is no list", cause);

    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE);
    g_assert_nonnull(strstr(error->message, "(too deep near ****"));
}

static void test_of_a_wrong_body_no_data_is_quoted(void)
{
    static const char *const bodies[] = {
        "{\"password\":\"hunter2\"}",
        "{\"password\":\"hunter2",
        "hunter2",
        "[\"hunter2\"]",
        "{\"tools\":{\"message\":\"hunter2\"}}",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_auto(HttpAnswer) answer = make_answer(200, bodies[i]);
        g_autoptr(GError) error =
            answer_error_body(&about_instance, &answer, "it is no instance", NULL);
        g_assert_null(strstr(error->message, "hunter2"));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/answer/each_status_has_its_error", test_each_status_has_its_error);
    g_test_add_func("/answer/200_and_an_asked_304_are_answers",
                    test_200_and_an_asked_304_are_answers);
    g_test_add_func("/answer/messages_are_sentences", test_messages_are_sentences);
    g_test_add_func("/answer/a_wait_is_told", test_a_wait_is_told);
    g_test_add_func("/answer/long_bodies_are_cut", test_long_bodies_are_cut);
    g_test_add_func("/answer/an_echoed_key_is_starred_out", test_an_echoed_key_is_starred_out);
    g_test_add_func("/answer/broken_json_is_not_quoted", test_broken_json_is_not_quoted);
    g_test_add_func("/answer/a_key_across_the_cut_is_starred_out",
                    test_a_key_across_the_cut_is_starred_out);
    g_test_add_func("/answer/a_wrong_body_names_the_page_that_came_instead",
                    test_a_wrong_body_names_the_page_that_came_instead);
    g_test_add_func("/answer/a_wrong_body_keeps_the_code_of_its_cause",
                    test_a_wrong_body_keeps_the_code_of_its_cause);
    g_test_add_func("/answer/of_a_wrong_body_no_data_is_quoted",
                    test_of_a_wrong_body_no_data_is_quoted);
    return g_test_run();
}
