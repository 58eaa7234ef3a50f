/* SPDX-License-Identifier: MIT */
/* private: what the files of api/ share; for nobody else.
 *
 *   api.c      the Api: what all its requests have in common
 *   request.c  one polite GET, from its start to its end
 *   queue.c    which request goes next, when, and which has no chance any more
 *   detail.c   a request for one instance
 *   list.c     a request for each page of the list, one after the other */
#pragma once

#include "ppiofs/api/answer.h"
#include "ppiofs/api/api.h"
#include "ppiofs/api/gate.h"

/* Tries of one request, the first included. */
#define REQUEST_MAX_TRIES 3

typedef struct Queue Queue;

/* The last list of a kind that went well. */
typedef struct {
    GPtrArray *pages;   /* Page* */
    GPtrArray *records; /* of these pages, merged */
} KnownList;

struct Api {
    Http *http;
    const Clock *clock;
    Gate *gate;
    Queue *queue;
    gint64 timeout_us;
    char *base_url;  /* without a slash at its end */
    guint page_size; /* 0: the server's default */
    RecordFlags flags;
    ApiStats stats;
    gint64 slowest_us;  /* what answers take lately */
    Bearer *bearer;     /* the key in use */
    Bearer *old_bearer; /* the key before: the API may quote it for a while */
    ApiRefused refused;
    gpointer refused_data;
    GHashTable *lists; /* Kind -> KnownList */
    GQueue requests;   /* all that have not ended */
};

/* The first lane goes first. */
typedef enum {
    LANE_LISTS,
    LANE_KNOWN,   /* an instance that is known */
    LANE_UNKNOWN, /* an id that nobody knows: a quarter of the room at most */
    N_LANES
} Lane;

/* One polite GET, first in the struct of who makes it: one object from its start to its end. It
 * queues until there is room (parallel_requests at once) and the gate is open, for at most the
 * timeout; then it has the timeout for up to three tries. The starter of a request watches its own
 * deadline.
 *
 * A request knows the key it was sent with. One that was refused with an older key is sent again
 * with the key in use. One that was refused with the key in use asks for the key to be read again,
 * and waits for it. */
struct Request {
    /* To be set before request_start(); the texts are freed by request_clear(). */
    Lane lane;
    guint share; /* the uid of who asks */
    char *url;
    char *label;         /* "GET /path": for messages and the log */
    char *if_none_match; /* or NULL */
    gsize max_body;
    AnswerRoute route;
    /* @answer with status 200, or 304 if @if_none_match was given; else @error. Borrowed. Runs from
     * the main loop, never inside request_start(). May start the request again, free it, and free
     * the Api. */
    void (*done)(Request *request, const HttpAnswer *answer, const GError *error);

    /* When the try was sent that was answered (clock_now()), less what the answer says of its age;
     * 0: nothing was sent at all. */
    gint64 asked;

    Api *api;
    gpointer data;                  /* of who started it */
    void (*free)(Request *request); /* what is beside the request, and the struct it is first in */
    GList link;                     /* in Api.requests */

    /* request.c's own */
    HttpGet get;
    gboolean flying;
    guint tries;
    GatePass pass;
    Bearer *bearer; /* it was sent with */
    GError *error;  /* of the last try; or what rejected it */

    /* queue.c's own */
    gint64 deadline;
    gint64 at;
    GList place, line_place;
    GQueue *home;
    gpointer line;
};

/* @request is zeroed. */
void request_init(Request *request, Api *api, void (*free_request)(Request *request),
                  gpointer data);

/* It is under way from now on. */
void request_start(Request *request);

/* Ends it at once, without calling back; it still has to be freed. O(1). */
void request_cancel(Request *request);

/* Frees what was set for one GET, which is not under way. Another may be set, then. */
void request_clear(Request *request);

/* It is not under way. */
void request_free(Request *request);

/* The question for answer_check() about its response; borrows all. */
AnswerQuestion request_question(const Request *request);

/* For the queue, and not to call it: there is room and the gate is open. */
void request_launch(Request *request, const GatePass *pass, gint64 now);

/* For the queue, and not to call it: the request has no chance, because the gate is closed or it is
 * overdue. */
void request_reject(Request *request, gboolean gate_closed, gint64 now);

/* For the queue, from a turn of the main loop of its own: the request is out of the queue. May do
 * anything, queue_free() included. */
void request_end(Request *request);

/* At most @max_flying are launched at a time. @gate and @clock are borrowed. Runs on the thread's
 * default main context.
 *
 * Within a lane the shares take turns, so nobody's thousand requests make another's one wait for
 * more than a round. The requests of one share go in the order in which they came. */
Queue *queue_new(Gate *gate, const Clock *clock, guint max_flying);

/* Lines it up; may launch it from inside. */
void queue_add(Queue *queue, Request *request);

/* A flying request rests until @until, and then lines up again. */
void queue_retry_at(Queue *queue, Request *request, gint64 until);

/* A flying request is held back until queue_release(), or until its deadline: then it is rejected.
 */
void queue_hold(Queue *queue, Request *request);

/* Every request that is held back lines up again. */
void queue_release(Queue *queue);

/* Every request that is held back has no chance, and ends. */
void queue_give_up(Queue *queue);

/* Takes it out, wherever it is. O(1); what can go now goes in the next turn of the loop. */
void queue_remove(Queue *queue, Request *request);

/* To be looked at in the next turn: the gate has changed. */
void queue_wake(Queue *queue);

guint queue_n_flying(const Queue *queue);

/* Its requests must be out. */
void queue_free(Queue *queue);
