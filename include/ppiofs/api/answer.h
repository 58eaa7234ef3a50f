/* SPDX-License-Identifier: MIT */
/* answer: decides what an HTTP response means: usable, or which error. Pure.
 *
 * Messages are sentences: "GET /gpus/v2/instances/abc: 404 RESOURCE_NOT_FOUND: instance not found".
 * Quoted text of the API is printable and bounded, and never contains the key: if a body repeats
 * the key, stars replace it. A 2xx body is quoted only where it is known to be a message, and
 * broken JSON is not quoted at all, because a record contains passwords. */
#pragma once

#include <glib.h>

#include "ppiofs/http/http.h"

/* As much of the API's own words as an error message shows. */
#define ANSWER_SHOWN_BYTES 300

typedef enum {
    ANSWER_OF_LIST = 1 << 0,
    ANSWER_OF_INSTANCE = 1 << 1,
    ANSWER_OF_OPTIONAL_LIST = 1 << 2, /* which not every API has */
} AnswerRoute;

/* The request that was sent; all borrowed. */
typedef struct {
    const char *label; /* "GET /path", printable */
    AnswerRoute route;
    gboolean conditional; /* If-None-Match was sent: 304 is an answer */
    const char *key;      /* it was sent with, never to be shown; may be NULL */
    const char *old_key;  /* the one before, nor this; may be NULL */
} AnswerQuestion;

/* TRUE for 200, and for 304 if it was asked for; else the error of the table in answer.c. */
gboolean answer_check(const AnswerQuestion *question, const HttpAnswer *answer, GError **error);

/* A 200 whose body is not what it should be: PPIOFS_ERROR_BAD_ANSWER (or the code of @cause) that
 * says why, and quotes the page or the message that came instead. @cause may be NULL. */
GError *answer_error_body(const AnswerQuestion *question, const HttpAnswer *answer, const char *why,
                          const GError *cause);
