/* SPDX-License-Identifier: MIT */
#include "ppiofs/api/request.h"

#include "ppiofs/api/attempt.h"
#include "ppiofs/api/queue.h"
#include "ppiofs/base/error.h"

#include <string.h>

/* The life of a request: it lines up in the queue (queue.c has the table); is launched; the end of
 * the try is told to the gate; then it rests for another try, or it is over and done() is called,
 * always as the last thing, because done() may start, cancel and free anything. */

/* No connection is made, let alone an answer given, in less: not worth a try. */
#define MIN_TRY_US (50 * G_USEC_PER_SEC / 1000)

/* A timeout says something about the API only if the try had this part of the whole timeout: one
 * that left the queue with its last milliseconds says nothing. */
#define FAIR_TRY_PART 4

#define NEVER G_MAXINT64

struct Requests {
    Http *http;
    const Clock *clock;
    ApiStats *stats;
    Gate *gate;
    Queue *queue;
    gint64 timeout_us;
    char *key, *old_key;
};

struct Request {
    QueueEntry entry; /* first: an entry is its request */
    Requests *requests;
    RequestDone done;
    gpointer data;
    char *url, *label, *if_none_match;
    gsize max_body;
    AnswerRoute route;
    guint tries;
    GatePass pass;  /* while under way */
    HttpCall *call; /* while under way */
    GError *error;  /* of the last try; or what doomed it */
};

static void request_free(Request *request)
{
    g_free(request->url);
    g_free(request->label);
    g_free(request->if_none_match);
    g_clear_error(&request->error);
    g_free(request);
}

/* The request is out of the queue. Nothing may be touched after this. */
static void request_end(Request *request, const HttpAnswer *answer)
{
    RequestDone done = request->done;
    gpointer data = request->data;
    g_autoptr(GError) error = g_steal_pointer(&request->error);

    request_free(request);
    done(answer, error, data);
}

static void request_count(Request *request, const HttpAnswer *answer, const GError *error,
                          gint64 now)
{
    ApiStats *stats = request->requests->stats;
    gint64 elapsed = answer ? answer->elapsed_us : now - request->pass.sent_at;

    stats->in_flight--;
    stats->last_elapsed_us = elapsed;
    stats->answers[answer ? MIN(answer->status / 100, 5) : 0]++;
    if (answer) {
        stats->bytes += answer->length;
        g_debug("%s: %u, %.0f ms, %" G_GSIZE_FORMAT " bytes", request->label, answer->status,
                (double)elapsed / 1000, answer->length);
    } else {
        g_debug("%s: no answer, %.0f ms: %s", request->label, (double)elapsed / 1000,
                error->message);
    }
}

/* Whether the try ended because it had only the last milliseconds. */
static gboolean was_cut_short(const Request *request, const GError *error, gint64 now)
{
    gint64 fair = request->requests->timeout_us / FAIR_TRY_PART;

    return g_error_matches(error, PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT) &&
           now - request->pass.sent_at < fair;
}

static void request_tell_gate(Request *request, const HttpAnswer *answer, const GError *error,
                              gint64 now)
{
    Gate *gate = request->requests->gate;
    AttemptVerdict verdict = attempt_verdict(answer, error);

    if (was_cut_short(request, error, now))
        verdict = ATTEMPT_MUTE;

    if (answer)
        gate_answered(gate, &request->pass, now, answer->status, answer->retry_after_us);
    else if (verdict == ATTEMPT_ANSWERED)
        gate_answered(gate, &request->pass, now, 200, -1);
    else if (verdict == ATTEMPT_FAILED)
        gate_failed(gate, &request->pass, now, error->message);
    else
        gate_abandon(gate, &request->pass);
}

/* When to try again, or NEVER. */
static gint64 request_next_try(Request *request, const HttpAnswer *answer, const GError *error,
                               gint64 now)
{
    const Gate *gate = request->requests->gate;
    gint64 at;

    if (request->tries >= attempt_max_tries(answer, error))
        return NEVER;
    at = now + gate_rest_us(gate, request->tries + 1);
    at = MAX(at, gate_closed_until(gate, now));
    return at + MIN_TRY_US <= request->entry.deadline ? at : NEVER;
}

/* The error of this try, or NULL if the answer is one. (transfer full) */
static GError *request_try_error(Request *request, const HttpAnswer *answer, const GError *error)
{
    const Requests *requests = request->requests;
    AnswerQuestion question = requests_question(requests, request->label, request->route);
    GError *failure = NULL;

    if (!answer)
        return g_error_new(error->domain, error->code, "%s: %s", request->label, error->message);
    question.conditional = request->if_none_match != NULL;
    answer_check(&question, answer, &failure);
    return failure;
}

static void on_answered(const HttpAnswer *answer, const GError *error, gpointer data)
{
    Request *request = data;
    Queue *queue = request->requests->queue;
    gint64 now = clock_now(request->requests->clock);
    gint64 next_try = NEVER;

    request->call = NULL;
    if (!request->error || !was_cut_short(request, error, now)) { /* the one before says more */
        g_clear_error(&request->error);
        request->error = request_try_error(request, answer, error);
    }
    request_count(request, answer, error, now);
    request_tell_gate(request, answer, error, now);

    if (request->error)
        next_try = request_next_try(request, answer, error, now);
    if (next_try != NEVER) {
        queue_rest(queue, &request->entry, next_try);
        return;
    }
    /* Who is next is sent in the next turn, after done(). */
    queue_remove(queue, &request->entry);
    request_end(request, request->error ? NULL : answer);
}

static void on_launch(QueueEntry *entry, const GatePass *pass, gint64 now, gpointer data)
{
    Request *request = (Request *)entry;
    Requests *requests = data;
    gint64 left_ms;

    /* However long it waited for its turn, its first try has the whole time. */
    if (request->tries == 0)
        entry->deadline = now + requests->timeout_us;
    left_ms = (entry->deadline - now) / 1000;
    request->pass = *pass;
    request->tries++;
    requests->stats->requests++;
    requests->stats->in_flight++;
    request->call =
        http_get(requests->http, request->url, request->if_none_match,
                 (guint)CLAMP(left_ms, 1, G_MAXINT), request->max_body, on_answered, request);
}

/* What the last try said is worth more than why there is no other. */
static void on_doom(QueueEntry *entry, Doom doom, gint64 now, gpointer data)
{
    Request *request = (Request *)entry;
    Requests *requests = data;

    if (request->error)
        return;
    if (doom == DOOM_GATE_CLOSED)
        request->error = gate_error(requests->gate, now, request->label);
    else
        request->error = g_error_new(
            PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT,
            "%s: not sent within %.3g s: %u requests are already under way", request->label,
            (double)requests->timeout_us / G_USEC_PER_SEC, queue_n_flying(requests->queue));
}

static void on_over(QueueEntry *entry, gpointer data)
{
    (void)data;
    request_end((Request *)entry, NULL);
}

static const QueueOps queue_ops = { on_launch, on_doom, on_over };

Requests *requests_new(Http *http, const Clock *clock, ApiStats *stats,
                       const RequestsOptions *options)
{
    Requests *requests = g_new0(Requests, 1);

    requests->http = http;
    requests->clock = clock;
    requests->stats = stats;
    requests->timeout_us = options->timeout_us;
    requests->gate = gate_new(options->random, options->random_data);
    requests->queue = queue_new(requests->gate, clock, options->max_requests, &queue_ops, requests);
    return requests;
}

static void wipe_key(char **key)
{
    if (*key)
        explicit_bzero(*key, strlen(*key));
    g_clear_pointer(key, g_free);
}

void requests_set_key(Requests *requests, const char *key)
{
    wipe_key(&requests->old_key);
    requests->old_key = requests->key;
    requests->key = g_strdup(key);
}

AnswerQuestion requests_question(const Requests *requests, const char *label, AnswerRoute route)
{
    return (AnswerQuestion){ label, route, FALSE, requests->key, requests->old_key };
}

Request *request_start(Requests *requests, const RequestSpec *spec, RequestDone done, gpointer data)
{
    Request *request = g_new0(Request, 1);

    request->requests = requests;
    request->done = done;
    request->data = data;
    request->url = g_strdup(spec->url);
    request->label = g_strdup(spec->label);
    request->if_none_match = g_strdup(spec->if_none_match);
    request->max_body = spec->max_body;
    request->route = spec->route;
    request->entry.lane = spec->route == ANSWER_OF_LIST ? LANE_LISTS : LANE_SINGLES;
    request->entry.deadline = clock_now(requests->clock) + requests->timeout_us;
    queue_add(requests->queue, &request->entry);
    return request;
}

void request_cancel(Request *request)
{
    Requests *requests = request->requests;

    if (request->call) {
        http_cancel(request->call);
        gate_abandon(requests->gate, &request->pass);
        requests->stats->in_flight--;
    }
    queue_remove(requests->queue, &request->entry);
    request_free(request);
}

void requests_reset(Requests *requests)
{
    gate_reset(requests->gate);
    queue_wake(requests->queue);
}

gint64 requests_closed_until(const Requests *requests)
{
    return gate_closed_until(requests->gate, clock_now(requests->clock));
}

void requests_free(Requests *requests)
{
    QueueEntry *entry;

    if (!requests)
        return;
    while ((entry = queue_any(requests->queue)))
        request_cancel((Request *)entry);
    queue_free(requests->queue);
    gate_free(requests->gate);
    wipe_key(&requests->key);
    wipe_key(&requests->old_key);
    g_free(requests);
}
