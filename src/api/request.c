/* SPDX-License-Identifier: MIT */
#include "ppiofs/api/private.h"
#include "ppiofs/base/alarm.h"
#include "ppiofs/base/error.h"

/* The life of a request: it lines up in the queue (queue.c has the table); is launched; the end of
 * the try is told to the gate. Then, the first that holds:
 *
 *   the try ended because                     the request
 *   a connection at hand said nothing         is sent at once over a new one
 *   an older key was refused                  is sent with the key in use
 *   the key in use was refused                waits until the key was read again, if it may be
 *   of what may be tried again (the tables)   rests, if there is time
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

/* What the end of a try says about the API. */
typedef enum {
    VERDICT_ANSWERED, /* somebody spoke HTTP with us */
    VERDICT_FAILED,   /* nobody did: counts for the circuit */
    VERDICT_MUTE,     /* nothing: it was our own trouble */
} Verdict;

typedef struct {
    PpiofsError code;
    guint max_tries;
    Verdict verdict;
} FailureRule;

/* Only GET is ever sent, so a repetition changes nothing over there. What TLS refuses or what is
 * too large will be so again. */
static const FailureRule failure_rules[] = {
    { PPIOFS_ERROR_TIMEOUT, REQUEST_MAX_TRIES, VERDICT_FAILED },
    { PPIOFS_ERROR_UNREACHABLE, REQUEST_MAX_TRIES, VERDICT_FAILED },
    { PPIOFS_ERROR_REFUSED, REQUEST_MAX_TRIES, VERDICT_FAILED },
    { PPIOFS_ERROR_SERVER, REQUEST_MAX_TRIES, VERDICT_FAILED }, /* connection lost */
    { PPIOFS_ERROR_BAD_ANSWER, 2, VERDICT_FAILED },             /* body cut short */
    { PPIOFS_ERROR_PROTOCOL, 1, VERDICT_FAILED },
    { PPIOFS_ERROR_TOO_LARGE, 1, VERDICT_ANSWERED },
};

static const guint passing_statuses[] = { 429, 500, 502, 503, 504 };

static const FailureRule *find_rule(const GError *error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(failure_rules); i++)
        if (g_error_matches(error, PPIOFS_ERROR, (gint)failure_rules[i].code))
            return &failure_rules[i];
    return NULL;
}

/* How often a request may be tried whose last try ended like this: 1 is "not again". */
static guint max_tries(const HttpAnswer *answer, const GError *error)
{
    const FailureRule *rule = answer ? NULL : find_rule(error);

    if (!answer)
        return rule ? rule->max_tries : 1;
    for (gsize i = 0; i < G_N_ELEMENTS(passing_statuses); i++)
        if (passing_statuses[i] == answer->status)
            return REQUEST_MAX_TRIES;
    return 1;
}

/* Nothing may be touched after this. */
void request_end(Request *request)
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
    Api *api = request->api;
    ApiStats *stats = &api->stats;
    gint64 elapsed = now - request->asked;

    stats->in_flight--;
    stats->last_elapsed_us = elapsed;
    stats->answers[answer ? MIN(answer->status / 100, 5) : 0]++;
    if (answer) {
        gsize length = g_bytes_get_size(answer->body);

        api->slowest_us = MAX(elapsed, api->slowest_us - api->slowest_us / SLOWEST_FADES);
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
    gint64 fair = request->api->timeout_us / FAIR_TRY_PART;

    return g_error_matches(request->get.error, PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT) &&
           now - request->asked < fair;
}

static void request_tell_gate(Request *request, const HttpAnswer *answer, gint64 now)
{
    Gate *gate = request->api->gate;
    const GError *error = request->get.error;
    const FailureRule *rule = find_rule(error);
    Verdict verdict = rule && !was_cut_short(request, now) ? rule->verdict : VERDICT_MUTE;

    if (answer)
        gate_answered(gate, &request->pass, now, answer->status, answer->retry_after_us);
    else if (verdict == VERDICT_ANSWERED)
        gate_answered(gate, &request->pass, now, 200, -1);
    else if (verdict == VERDICT_FAILED)
        gate_failed(gate, &request->pass, now, error->message);
    else
        gate_abandon(gate, &request->pass);
}

/* When to try again, or ALARM_NEVER. */
static gint64 request_next_try(const Request *request, const HttpAnswer *answer, gint64 now)
{
    const Gate *gate = request->api->gate;
    gint64 at;

    if (!request->error || request->tries >= max_tries(answer, request->get.error))
        return ALARM_NEVER;
    at = now + gate_rest_us(gate, request->tries + 1);
    at = MAX(at, gate_closed_until(gate, now));
    return at + MIN_TRY_US <= request->deadline ? at : ALARM_NEVER;
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
    Api *api = request->api;

    request->asked = now;
    request->tries++;
    request->flying = TRUE;
    api->stats.requests++;
    api->stats.in_flight++;
    bearer_unref(request->bearer);
    request->bearer = bearer_ref(api->bearer);
    http_clear(&request->get);
    request->get = (HttpGet){
        .url = request->url,
        .if_none_match = request->if_none_match,
        .bearer = request->bearer,
        .max_body = request->max_body,
        .timeout_us = MAX(request->deadline - now, 1),
        .quiet_us = MAX(api->timeout_us / QUIET_PART, QUIET_TIMES * api->slowest_us),
        .fresh = fresh,
        .done = on_got,
        .data = request,
    };
    http_start(api->http, &request->get);
}

/* Whether it waits for another key, or is on its way with one. refused() may bring it at once. */
static gboolean request_try_key(Request *request, gint64 now)
{
    Api *api = request->api;
    gboolean waits;

    if (!g_error_matches(request->error, PPIOFS_ERROR, PPIOFS_ERROR_DENIED))
        return FALSE;
    waits = request->bearer == api->bearer && api->refused && api->refused(api->refused_data);
    if (request->bearer == api->bearer && !waits)
        return FALSE;
    request->tries--; /* this try says nothing about the API */
    if (waits)
        queue_hold(api->queue, request);
    else
        queue_retry_at(api->queue, request, now);
    return TRUE;
}

static void on_got(HttpGet *get)
{
    Request *request = get->data;
    Queue *queue = request->api->queue;
    const HttpAnswer *answer = get->error ? NULL : &get->answer;
    gint64 now = clock_now(request->api->clock);
    gint64 next_try;

    request->flying = FALSE;
    request_count(request, answer, now);
    if (get->went_quiet && request->tries < REQUEST_MAX_TRIES &&
        request->deadline - now >= MIN_TRY_US) {
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
    if (next_try != ALARM_NEVER) {
        queue_retry_at(queue, request, next_try);
        return;
    }
    if (answer)
        request->asked -= answer->age_us;
    /* Who is next is sent in the next turn, after done(). */
    queue_remove(queue, request);
    request_end(request);
}

void request_launch(Request *request, const GatePass *pass, gint64 now)
{
    /* However long it waited for its turn, its first try has the whole time. */
    if (request->asked == 0)
        request->deadline = now + request->api->timeout_us;
    request->pass = *pass;
    request_send(request, now, FALSE);
}

/* What the last try said is worth more than why there is no other. */
void request_reject(Request *request, gboolean gate_closed, gint64 now)
{
    const Api *api = request->api;

    if (request->error)
        return;
    if (gate_closed)
        request->error = gate_error(api->gate, now, request->label);
    else
        error_set(&request->error, PPIOFS_ERROR_TIMEOUT,
                  "%s: not sent within %.3g s: %u requests are already under way", request->label,
                  (double)api->timeout_us / G_USEC_PER_SEC, queue_n_flying(api->queue));
}

AnswerQuestion request_question(const Request *request)
{
    const Bearer *old = request->api->old_bearer;

    return (AnswerQuestion){
        .label = request->label,
        .route = request->route,
        .conditional = request->if_none_match != NULL,
        .key = request->bearer ? bearer_text(request->bearer) : NULL,
        .old_key = old ? bearer_text(old) : NULL,
    };
}

void request_init(Request *request, Api *api, void (*free_request)(Request *request), gpointer data)
{
    request->api = api;
    request->data = data;
    request->free = free_request;
    request->link.data = request;
    g_queue_push_tail_link(&api->requests, &request->link);
}

void request_start(Request *request)
{
    request->asked = 0;
    request->tries = 0;
    request->deadline = clock_now(request->api->clock) + request->api->timeout_us;
    queue_add(request->api->queue, request);
}

void request_cancel(Request *request)
{
    Api *api = request->api;

    if (request->flying) {
        http_cancel(&request->get);
        gate_abandon(api->gate, &request->pass);
        api->stats.in_flight--;
    }
    queue_remove(api->queue, request);
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

void request_free(Request *request)
{
    g_queue_unlink(&request->api->requests, &request->link);
    request_clear(request);
    request->free(request);
}
