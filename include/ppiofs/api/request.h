/* SPDX-License-Identifier: MIT */
/* request: one polite GET: it queues until there is room (max_requests at once) and the gate is
 * open, for at most the timeout; then it has the timeout for up to three tries (attempt.h). Who
 * started it keeps the time of his own.
 *
 * Lists go before single GETs, each in the order they came. */
#pragma once

#include <glib.h>

#include "ppiofs/api/answer.h"
#include "ppiofs/api/api.h"
#include "ppiofs/api/gate.h"

typedef struct Requests Requests;
typedef struct Request Request;

typedef struct {
    guint max_requests;
    gint64 timeout_us;
    GateRandom random; /* NULL: GLib's */
    gpointer random_data;
} RequestsOptions;

/* Copied by request_start(). */
typedef struct {
    const char *url;
    const char *label; /* "GET /path": for messages and the log */
    const char *if_none_match;
    gsize max_body;
    AnswerRoute route;
} RequestSpec;

/* @answer with status 200, or 304 if @if_none_match was given; else @error. Borrowed. Runs from the
 * main loop, never inside request_start(); the Request is dead by then. The Requests may be freed
 * by it. */
typedef void (*RequestDone)(const HttpAnswer *answer, const GError *error, gpointer data);

/* @http, @clock and @stats are borrowed; @stats is counted into. Runs on the thread's default main
 * context. */
Requests *requests_new(Http *http, const Clock *clock, ApiStats *stats,
                       const RequestsOptions *options);

/* Never to be quoted in an error; NULL: there is none. Copied. */
void requests_set_key(Requests *requests, const char *key);

/* What answer_check() of a request with this label and route is asked; borrows all. */
AnswerQuestion requests_question(const Requests *requests, const char *label, AnswerRoute route);

Request *request_start(Requests *requests, const RequestSpec *spec, RequestDone done,
                       gpointer data);

/* Ends it at once, without calling back. O(1). */
void request_cancel(Request *request);

/* Forgets back-off, Retry-After and the circuit. */
void requests_reset(Requests *requests);

/* As api_closed_until(). */
gint64 requests_closed_until(const Requests *requests);

/* Cancels all. */
void requests_free(Requests *requests);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Requests, requests_free)
