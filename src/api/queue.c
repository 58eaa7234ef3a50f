/* SPDX-License-Identifier: MIT */
#include "ppiofs/api/private.h"
#include "ppiofs/base/alarm.h"

/* A request is in one of the queue's lists:
 *
 *   list      meaning               leaves it
 *   waiting   wants to be sent      room and an open gate: flying; the gate is offline, or closed
 *                                   beyond the deadline, or the deadline passes: rejected
 *   flying    is under way          queue_retry_at(), queue_hold(), queue_remove()
 *   resting   waits for a retry     the rest is over: waiting; the gate goes offline: rejected
 *   held      waits for a key       queue_release(): waiting; queue_give_up(), or the deadline
 *                                   passes: rejected
 *   rejected  waits to be told so   a turn of the main loop: it ends
 *
 * Waiting and held are in order of deadlines, resting in order of the end of the rest; so each list
 * is due when its head is. Who waits also stands in the line of its share; the lines of a lane take
 * turns, each line in order of deadlines.
 *
 * queue_pump() moves requests along and ends none. The end of one may free the queue: one request
 * per turn of the loop, and it is the last thing in that turn. */

/* Ids that nobody knows cost a request each, and there is no end of them. */
#define UNKNOWN_PART 4

/* Those of one lane and one share that wait. */
typedef struct {
    guint share;
    GQueue requests;
    GList link;
} Line;

typedef struct {
    GQueue lines;         /* Line, in the order of their turns */
    GHashTable *by_share; /* share -> Line */
    guint flying, most;
} LaneState;

struct Queue {
    Gate *gate;
    const Clock *clock;
    guint max_flying;
    LaneState lanes[N_LANES];
    GQueue waiting, flying, resting, held, rejected;
    Alarm *wake;
};

static Request *head_of(GQueue *list)
{
    return g_queue_peek_head(list);
}

static Line *find_line(LaneState *lane, guint share)
{
    Line *line = g_hash_table_lookup(lane->by_share, GUINT_TO_POINTER(share));

    if (line)
        return line;
    line = g_new0(Line, 1);
    line->share = share;
    line->link.data = line;
    g_hash_table_insert(lane->by_share, GUINT_TO_POINTER(share), line);
    g_queue_push_tail_link(&lane->lines, &line->link);
    return line;
}

static void leave_line(Queue *queue, Request *request)
{
    LaneState *lane = &queue->lanes[request->lane];
    Line *line = request->line;

    g_queue_unlink(&line->requests, &request->line_place);
    request->line = NULL;
    if (line->requests.length > 0)
        return;
    g_queue_unlink(&lane->lines, &line->link);
    g_hash_table_remove(lane->by_share, GUINT_TO_POINTER(line->share));
    g_free(line);
}

static void leave(Queue *queue, Request *request)
{
    if (request->line)
        leave_line(queue, request);
    if (request->home == &queue->flying)
        queue->lanes[request->lane].flying--;
    if (request->home)
        g_queue_unlink(request->home, &request->place);
    request->home = NULL;
}

/* From the tail: nearly always it belongs there. */
static void insert_by_time(GQueue *to, GList *link, gint64 at)
{
    GList *earlier;

    for (earlier = to->tail; earlier; earlier = earlier->prev)
        if (((Request *)earlier->data)->at <= at)
            break;
    g_queue_insert_after_link(to, earlier, link);
}

static void place(Queue *queue, Request *request, GQueue *to, gint64 at)
{
    leave(queue, request);
    insert_by_time(to, &request->place, at);
    request->home = to;
    request->at = at;
}

static void line_up(Queue *queue, Request *request)
{
    Line *line = find_line(&queue->lanes[request->lane], request->share);

    place(queue, request, &queue->waiting, request->deadline);
    insert_by_time(&line->requests, &request->line_place, request->at);
    request->line = line;
}

static void return_rested(Queue *queue, gint64 now)
{
    Request *request;

    while ((request = head_of(&queue->resting)) && request->at <= now)
        line_up(queue, request);
}

/* All of a list that are due by @until. */
static void reject_due(Queue *queue, GQueue *list, gint64 until, gboolean gate_closed, gint64 now)
{
    Request *request;

    while ((request = head_of(list)) && request->at <= until) {
        request_reject(request, gate_closed, now);
        place(queue, request, &queue->rejected, 0);
    }
}

/* The first of the line whose turn it is, in the first lane that has one and may send it. */
static Request *next_in_line(Queue *queue)
{
    for (guint i = 0; i < N_LANES; i++) {
        LaneState *lane = &queue->lanes[i];
        Line *line = lane->flying < lane->most ? g_queue_peek_head(&lane->lines) : NULL;

        if (line)
            return head_of(&line->requests);
    }
    return NULL;
}

static void end_turn(Queue *queue, const Request *request)
{
    GQueue *lines = &queue->lanes[request->lane].lines;
    Line *line = request->line;

    g_queue_unlink(lines, &line->link);
    g_queue_push_tail_link(lines, &line->link);
}

static void launch(Queue *queue, gint64 now)
{
    Request *request;
    GatePass pass;

    while (queue->flying.length < queue->max_flying && (request = next_in_line(queue)) &&
           gate_enter(queue->gate, now, &pass) == GATE_OPEN) {
        end_turn(queue, request);
        place(queue, request, &queue->flying, 0);
        queue->lanes[request->lane].flying++;
        request_launch(request, &pass, now);
    }
}

/* Offline nobody waits; else those wait whose deadline comes after the gate opens. */
static void reject_closed_out(Queue *queue, gint64 now)
{
    GateView view = gate_look(queue->gate, now);
    gint64 until = view == GATE_OFFLINE ? ALARM_NEVER : gate_closed_until(queue->gate, now);

    if (view == GATE_OPEN)
        return;
    reject_due(queue, &queue->waiting, until, TRUE, now);
    if (view == GATE_OFFLINE)
        reject_due(queue, &queue->resting, ALARM_NEVER, TRUE, now);
}

static gint64 next_event(Queue *queue, gint64 now)
{
    gboolean waits = gate_look(queue->gate, now) == GATE_WAITING && queue->waiting.length > 0;
    gint64 next = waits ? gate_closed_until(queue->gate, now) : ALARM_NEVER;
    GQueue *timed[] = { &queue->waiting, &queue->resting, &queue->held };

    if (queue->rejected.length > 0)
        return now;
    for (gsize i = 0; i < G_N_ELEMENTS(timed); i++)
        if (head_of(timed[i]))
            next = MIN(next, head_of(timed[i])->at);
    return next;
}

/* Moves every request as far as it can go now. */
static void queue_pump(Queue *queue)
{
    gint64 now = clock_now(queue->clock);

    return_rested(queue, now);
    reject_due(queue, &queue->waiting, now, FALSE, now);
    reject_due(queue, &queue->held, now, FALSE, now);
    launch(queue, now);
    reject_closed_out(queue, now);
    alarm_set(queue->wake, next_event(queue, now));
}

static void on_wake(gpointer data)
{
    Queue *queue = data;
    Request *request;

    queue_pump(queue); /* comes back for the other rejected ones */
    request = head_of(&queue->rejected);
    if (request) {
        leave(queue, request);
        request_end(request);
    }
}

Queue *queue_new(Gate *gate, const Clock *clock, guint max_flying)
{
    Queue *queue = g_new0(Queue, 1);

    queue->gate = gate;
    queue->clock = clock;
    queue->max_flying = MAX(max_flying, 1);
    queue->wake = alarm_new(g_main_context_get_thread_default(), clock, on_wake, queue);
    for (guint i = 0; i < N_LANES; i++) {
        queue->lanes[i].most = queue->max_flying;
        queue->lanes[i].by_share = g_hash_table_new(NULL, NULL);
    }
    queue->lanes[LANE_UNKNOWN].most = MAX(queue->max_flying / UNKNOWN_PART, 1);
    return queue;
}

void queue_add(Queue *queue, Request *request)
{
    request->place.data = request->line_place.data = request;
    line_up(queue, request);
    queue_pump(queue);
}

void queue_retry_at(Queue *queue, Request *request, gint64 until)
{
    place(queue, request, &queue->resting, until);
    queue_pump(queue);
}

void queue_hold(Queue *queue, Request *request)
{
    place(queue, request, &queue->held, request->deadline);
    queue_pump(queue);
}

void queue_release(Queue *queue)
{
    Request *request;

    while ((request = head_of(&queue->held)))
        line_up(queue, request);
    queue_wake(queue);
}

void queue_give_up(Queue *queue)
{
    Request *request;

    while ((request = head_of(&queue->held)))
        place(queue, request, &queue->rejected, 0);
    queue_wake(queue);
}

void queue_remove(Queue *queue, Request *request)
{
    leave(queue, request);
    queue_wake(queue);
}

void queue_wake(Queue *queue)
{
    alarm_set(queue->wake, 0);
}

guint queue_n_flying(const Queue *queue)
{
    return queue->flying.length;
}

void queue_free(Queue *queue)
{
    if (!queue)
        return;
    for (guint i = 0; i < N_LANES; i++)
        g_hash_table_unref(queue->lanes[i].by_share);
    alarm_free(queue->wake);
    g_free(queue);
}
