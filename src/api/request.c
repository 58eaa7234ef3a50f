/* SPDX-License-Identifier: MIT */
#include "ppiofs/api/request.h"

#include <string.h>

#include "ppiofs/api/attempt.h"
#include "ppiofs/base/alarm.h"
#include "ppiofs/base/error.h"

/* The life of a request: it lines up in the queue (queue.c has the table); is launched; the end of
 * the try is told to the gate. Then, the first that holds:
 *
 *   the try ended because                     the request
 *   a connection at hand said nothing         is sent at once over a new one
 *   an older key was refused                  is sent with the key in use
 *   the key in use was refused                waits until the key was read again, if it may be
 *   of what may be tried again (attempt.c)    rests, if there is time
 *   of anything else                          is over: done(), as the last thing in the turn */

/* No connection is made, let alone an answer given, in less: not worth a try. */
#define MIN_TRY_US (50 * G_USEC_PER_SEC / 1000)

/* A timeout says something about the API only if the try had this part of the whole timeout: one
 * that left the queue with its last milliseconds says nothing. */
#define FAIR_TRY_PART 4

/* A connection at hand may have died without a word: it is given this part of the timeout, or twice
 * what answers take lately. */
#define QUIET_PART 3
#define QUIET_TIMES 2
/* What answers take lately: the slowest, less an eighth with each answer since. */
#define SLOWEST_FADES 8

#define NEVER ALARM_NEVER

struct Requests {
    Http *http;
    const Clock *clock;
    ApiStats *stats;
    Gate *gate;
    Queue *queue;
    gint64 timeout_us;
    gint64 slowest_us;
    Bearer *bearer;     /* the key in use */
    Bearer *old_bearer; /* the key before: the API may quote it for a while */
    ApiRefused refused;
    gpointer refused_data;
};

/* The request is out of the queue. Nothing may be touched after this. */
static void request_end(Request *request)
{
    g_autoptr(GError) error = g_steal_pointer(&request->error);
    HttpGet end = { .answer = request->get.answer };

    request->get.answer = (HttpAnswer){ 0 };
    http_clear(&request->get);
    request->done(request, error ? NULL : &end.answer, error);
    http_clear(&end);
}

static void request_count(Request *request, const HttpAnswer *answer, gint64 now)
{
    Requests *requests = request->requests;
    ApiStats *stats = requests->stats;
    gint64 elapsed = now - request->asked;

    stats->in_flight--;
    stats->last_elapsed_us = elapsed;
    stats->answers[answer ? MIN(answer->status / 100, 5) : 0]++;
    if (answer) {
        gsize length = g_bytes_get_size(answer->body);

        requests->slowest_us =
            MAX(elapsed, requests->slowest_us - requests->slowest_us / SLOWEST_FADES);
        stats->bytes += length;
        g_debug("%s: %u, %.0f ms, %" G_GSIZE_FORMAT " bytes", request->label, answer->status,
                (double)elapsed / 1000, length);
    } else {
        g_debug("%s: no answer, %.0f ms: %s", request->label, (double)elapsed / 1000,
                request->get.error->message);
    }
}

/* Whether the try ended because it had only the last milliseconds. */
static gboolean was_cut_short(const Request *request, gint64 now)
{
    gint64 fair = request->requests->timeout_us / FAIR_TRY_PART;

    return g_error_matches(request->get.error, PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT) &&
           now - request->asked < fair;
}

static void request_tell_gate(Request *request, const HttpAnswer *answer, gint64 now)
{
    Gate *gate = request->requests->gate;
    const GError *error = request->get.error;
    AttemptVerdict verdict = attempt_verdict(answer, error);

    if (was_cut_short(request, now))
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
static gint64 request_next_try(const Request *request, const HttpAnswer *answer, gint64 now)
{
    const Gate *gate = request->requests->gate;
    gint64 at;

    if (!request->error || request->tries >= attempt_max_tries(answer, request->get.error))
        return NEVER;
    at = now + gate_rest_us(gate, request->tries + 1);
    at = MAX(at, gate_closed_until(gate, now));
    return at + MIN_TRY_US <= request->entry.deadline ? at : NEVER;
}

/* The error of this try, or NULL if the answer is one. (transfer full) */
static GError *request_try_error(const Request *request, const HttpAnswer *answer)
{
    const GError *error = request->get.error;
    AnswerQuestion question = request_question(request);
    GError *failure = NULL;

    if (!answer)
        return g_error_new(error->domain, error->code, "%s: %s", request->label, error->message);
    answer_check(&question, answer, &failure);
    return failure;
}

static void on_got(HttpGet *get);

static void request_send(Request *request, gint64 now, gboolean fresh)
{
    Requests *requests = request->requests;

    request->asked = now;
    request->tries++;
    request->flying = TRUE;
    requests->stats->requests++;
    requests->stats->in_flight++;
    bearer_unref(request->bearer);
    request->bearer = bearer_ref(requests->bearer);
    http_clear(&request->get);
    request->get = (HttpGet){
        .url = request->url,
        .if_none_match = request->if_none_match,
        .bearer = request->bearer,
        .max_body = request->max_body,
        .timeout_us = MAX(request->entry.deadline - now, 1),
        .quiet_us = MAX(requests->timeout_us / QUIET_PART, QUIET_TIMES * requests->slowest_us),
        .fresh = fresh,
        .done = on_got,
        .data = request,
    };
    http_start(requests->http, &request->get);
}

/* Whether it waits for another key, or is on its way with one. refused() may bring it at once. */
static gboolean request_try_key(Request *request, gint64 now)
{
    Requests *requests = request->requests;
    gboolean waits;

    if (!g_error_matches(request->error, PPIOFS_ERROR, PPIOFS_ERROR_DENIED))
        return FALSE;
    waits = request->bearer == requests->bearer && requests->refused &&
            requests->refused(requests->refused_data);
    if (request->bearer == requests->bearer && !waits)
        return FALSE;
    request->tries--; /* this try says nothing about the API */
    if (waits)
        queue_hold(requests->queue, &request->entry);
    else
        queue_rest(requests->queue, &request->entry, now);
    return TRUE;
}

static void on_got(HttpGet *get)
{
    Request *request = get->data;
    Queue *queue = request->requests->queue;
    const HttpAnswer *answer = get->error ? NULL : &get->answer;
    gint64 now = clock_now(request->requests->clock);
    gint64 next_try;

    request->flying = FALSE;
    request_count(request, answer, now);
    if (get->went_quiet && request->tries < ATTEMPT_MAX_TRIES &&
        request->entry.deadline - now >= MIN_TRY_US) {
        request_send(request, now, TRUE);
        return;
    }
    if (!request->error || !was_cut_short(request, now)) { /* the one before says more */
        g_clear_error(&request->error);
        request->error = request_try_error(request, answer);
    }
    request_tell_gate(request, answer, now);
    if (request_try_key(request, now))
        return;
    next_try = request_next_try(request, answer, now);
    if (next_try != NEVER) {
        queue_rest(queue, &request->entry, next_try);
        return;
    }
    if (answer)
        request->asked -= answer->age_us;
    /* Who is next is sent in the next turn, after done(). */
    queue_remove(queue, &request->entry);
    request_end(request);
}

static void on_launch(QueueEntry *entry, const GatePass *pass, gint64 now, gpointer data)
{
    Request *request = (Request *)entry;
    Requests *requests = data;

    /* However long it waited for its turn, its first try has the whole time. */
    if (request->asked == 0)
        entry->deadline = now + requests->timeout_us;
    request->pass = *pass;
    request_send(request, now, FALSE);
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
    request_end((Request *)entry);
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
    requests->bearer = bearer_new(NULL);
    requests->gate = gate_new(options->random, options->random_data);
    requests->queue =
        queue_new(requests->gate, clock, options->parallel_requests, &queue_ops, requests);
    return requests;
}

gboolean requests_set_key(Requests *requests, const char *key)
{
    gboolean is_another = g_strcmp0(bearer_text(requests->bearer), key) != 0;

    if (is_another) {
        bearer_unref(requests->old_bearer);
        requests->old_bearer = requests->bearer;
        requests->bearer = bearer_new(key);
        queue_release(requests->queue);
    } else {
        queue_give_up(requests->queue);
    }
    return is_another;
}

void requests_on_refused(Requests *requests, ApiRefused refused, gpointer data)
{
    requests->refused = refused;
    requests->refused_data = data;
}

AnswerQuestion request_question(const Request *request)
{
    const Bearer *old = request->requests->old_bearer;

    return (AnswerQuestion){
        .label = request->label,
        .route = request->route,
        .conditional = request->if_none_match != NULL,
        .key = request->bearer ? bearer_text(request->bearer) : NULL,
        .old_key = old ? bearer_text(old) : NULL,
    };
}

void request_start(Requests *requests, Request *request)
{
    request->requests = requests;
    request->asked = 0;
    request->tries = 0;
    request->entry.deadline = clock_now(requests->clock) + requests->timeout_us;
    queue_add(requests->queue, &request->entry);
}

void request_cancel(Request *request)
{
    Requests *requests = request->requests;

    if (request->flying) {
        http_cancel(&request->get);
        gate_abandon(requests->gate, &request->pass);
        requests->stats->in_flight--;
    }
    queue_remove(requests->queue, &request->entry);
}

void request_clear(Request *request)
{
    g_clear_pointer(&request->url, g_free);
    g_clear_pointer(&request->label, g_free);
    g_clear_pointer(&request->if_none_match, g_free);
    g_clear_pointer(&request->bearer, bearer_unref);
    g_clear_error(&request->error);
    http_clear(&request->get);
}

void requests_reset(Requests *requests)
{
    gate_reset(requests->gate);
    http_drop_idle(requests->http);
    queue_wake(requests->queue);
}

gint64 requests_closed_until(const Requests *requests)
{
    return gate_closed_until(requests->gate, clock_now(requests->clock));
}

void requests_free(Requests *requests)
{
    if (!requests)
        return;
    queue_free(requests->queue);
    gate_free(requests->gate);
    bearer_unref(requests->bearer);
    bearer_unref(requests->old_bearer);
    g_free(requests);
}
