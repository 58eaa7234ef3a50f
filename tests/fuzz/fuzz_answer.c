/* SPDX-License-Identifier: MIT */
/* Whatever a server answers: the message is one bounded, printable line that begins with what was
 * asked, and the key is not in it.
 *
 * Input: two bytes choose the status, one the route, the rest is the body. A '$' in it stands for
 * the key, so that a fuzzer can place it. */
#include "ppiofs/api/answer.h"
#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"

#include <stdint.h>
#include <string.h>

#define KEY "sk_0123456789"
#define LABEL "GET /x"

/* What is shown of words and reason, escaped fourfold, and the rest of the sentence. */
#define MAX_MESSAGE_BYTES 2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static GString *body_with_key(const uint8_t *data, size_t size)
{
    GString *body = g_string_sized_new(size);

    for (size_t i = 0; i < size; i++)
        if (data[i] == '$')
            g_string_append(body, KEY);
        else
            g_string_append_c(body, (char)data[i]);
    return body;
}

static void check_error(const GError *error)
{
    g_assert_nonnull(error);
    g_assert_true(error->domain == PPIOFS_ERROR);
    g_assert_true(g_str_has_prefix(error->message, LABEL ": "));
    g_assert_cmpuint(strlen(error->message), <, MAX_MESSAGE_BYTES);
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
    g_assert_null(strstr(error->message, KEY));
    for (const char *at = error->message; *at; at = g_utf8_next_char(at))
        g_assert_false(text_is_control(g_utf8_get_char(at)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AnswerQuestion question = { LABEL, ANSWER_OF_LIST, FALSE, KEY };
    HttpAnswer answer = { .retry_after_us = -1 };
    g_autoptr(GString) body = NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GError) status_error = NULL;
    g_autoptr(GError) body_error = NULL;

    if (size < 3)
        return 0;
    body = body_with_key(data + 3, size - 3);
    answer.status = 100 + (guint)(data[0] << 8 | data[1]) % 500;
    bytes = g_bytes_new_static(body->str, body->len);
    answer.body = bytes;
    question.route = data[2] & 1 ? ANSWER_OF_LIST : ANSWER_OF_INSTANCE;
    question.conditional = (data[2] & 2) != 0;

    if (!answer_check(&question, &answer, &status_error))
        check_error(status_error);
    answer.status = 200;
    body_error = answer_error_body(&question, &answer, "it is no instance", NULL);
    check_error(body_error);
    return 0;
}
