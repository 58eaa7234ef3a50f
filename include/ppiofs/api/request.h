/* SPDX-License-Identifier: MIT */
/* request: one polite GET, embedded in the struct of who makes it. It queues until there is room
 * (parallel_requests at once) and the gate is open, for at most the timeout; then it has the
 * timeout for up to three tries (attempt.h). Who started it keeps the time of his own.
 *
 * A request knows the key it was sent with. One that was refused with an older key is sent again
 * with the key in use. One that was refused with the key in use asks for the key to be read again,
 * and waits for it. */
#pragma once

#include <glib.h>

#include "ppiofs/api/answer.h"
#include "ppiofs/api/api.h"
#include "ppiofs/api/gate.h"
#include "ppiofs/api/queue.h"

typedef struct Requests Requests;
typedef struct Request Request;

typedef struct {
    guint parallel_requests;
    gint64 timeout_us;
    GateRandom random; /* NULL: GLib's */
    gpointer random_data;
} RequestsOptions;

struct Request {
    QueueEntry entry; /* first: an entry is its request. lane and share are to be set */

    /* To be set; freed by request_clear(). */
    char *url;
    char *label;         /* "GET /path": for messages and the log */
    char *if_none_match; /* or NULL */
    gsize max_body;
    AnswerRoute route;
    /* @answer with status 200, or 304 if @if_none_match was given; else @error. Borrowed. Runs from
     * the main loop, never inside request_start(). May start the request again, free it, and free
     * the Requests. */
    void (*done)(Request *request, const HttpAnswer *answer, const GError *error);

    /* When the try was sent that was answered (clock_now()), less what the answer says of its age;
     * 0: nothing was sent at all. */
    gint64 asked;

    /* request.c's own */
    Requests *requests;
    HttpGet get;
    gboolean flying;
    guint tries;
    GatePass pass;
    Bearer *bearer; /* it was sent with */
    GError *error;  /* of the last try; or what doomed it */
};

/* @http, @clock and @stats are borrowed; @stats is counted into. Runs on the thread's default main
 * context. */
Requests *requests_new(Http *http, const Clock *clock, ApiStats *stats,
                       const RequestsOptions *options);

/* The key for what is sent from now on, or NULL. What waits for a key is sent again if this is
 * another one, and else ends. Returns whether it is another one. */
gboolean requests_set_key(Requests *requests, const char *key);

/* As api_on_refused(). */
void requests_on_refused(Requests *requests, ApiRefused refused, gpointer data);

/* What answer_check() is asked about an answer to it; borrows all. */
AnswerQuestion request_question(const Request *request);

void request_start(Requests *requests, Request *request);

/* Ends it at once, without calling back. O(1). */
void request_cancel(Request *request);

/* Frees what was set. It is not under way. */
void request_clear(Request *request);

/* Forgets the circuit, but not that the API asked to wait. No idle connection is used again. */
void requests_reset(Requests *requests);

/* As api_closed_until(). */
gint64 requests_closed_until(const Requests *requests);

/* None is under way. */
void requests_free(Requests *requests);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Requests, requests_free)
