/* SPDX-License-Identifier: MIT */
#include "ppiofs/api/queue.h"

/* An entry is in one of the queue's lists:
 *
 *   list      meaning               leaves it
 *   lanes     wants to be sent      room and an open gate: flying; the gate is offline, or closed
 *                                   beyond the deadline, or the deadline passes: doomed
 *   flying    is under way          queue_rest(), queue_remove()
 *   resting   waits for a retry     the rest is over: its lane; the gate goes offline: doomed
 *   doomed    waits to be told so   a turn of the main loop: over()
 *
 * Lanes are in order of deadlines (as all have the same timeout: in order of arrival), resting in
 * order of the end of the rest; so each list is due when its head is.
 *
 * queue_pump() moves entries along and never calls over(). over() may free the queue: one entry per
 * turn of the loop, and it is the last thing in that turn. */

#define NEVER G_MAXINT64

struct Queue {
    Gate *gate;
    const Clock *clock;
    guint max_flying;
    const QueueOps *ops;
    gpointer data;
    GQueue lanes[N_LANES], flying, resting, doomed;
    GSource *wake;
};

static void wake_in(Queue *queue, gint64 delay_us)
{
    gint64 ready = delay_us == NEVER ? -1 : delay_us <= 0 ? 0 : g_get_monotonic_time() + delay_us;

    g_source_set_ready_time(queue->wake, ready);
}

static QueueEntry *head_of(GQueue *list)
{
    return g_queue_peek_head(list);
}

static void entry_leave(QueueEntry *entry)
{
    if (entry->home)
        g_queue_unlink(entry->home, &entry->link);
    entry->home = NULL;
}

/* From the tail: nearly always it belongs there. */
static void entry_place(QueueEntry *entry, GQueue *to, gint64 at)
{
    GList *earlier;

    entry_leave(entry);
    for (earlier = to->tail; earlier; earlier = earlier->prev)
        if (((QueueEntry *)earlier->data)->at <= at)
            break;
    g_queue_insert_after_link(to, earlier, &entry->link);
    entry->home = to;
    entry->at = at;
}

static void line_up(Queue *queue, QueueEntry *entry)
{
    entry_place(entry, &queue->lanes[entry->lane], entry->deadline);
}

static void return_rested(Queue *queue, gint64 now)
{
    QueueEntry *entry;

    while ((entry = head_of(&queue->resting)) && entry->at <= now)
        line_up(queue, entry);
}

/* All of a list that are due by @until. */
static void doom_due(Queue *queue, GQueue *list, gint64 until, Doom doom, gint64 now)
{
    QueueEntry *entry;

    while ((entry = head_of(list)) && entry->at <= until) {
        queue->ops->doom(entry, doom, now, queue->data);
        entry_place(entry, &queue->doomed, 0);
    }
}

static QueueEntry *next_in_line(Queue *queue)
{
    QueueEntry *entry = NULL;

    for (guint i = 0; i < N_LANES && !entry; i++)
        entry = head_of(&queue->lanes[i]);
    return entry;
}

static void launch(Queue *queue, gint64 now)
{
    QueueEntry *entry;
    GatePass pass;

    while (queue->flying.length < queue->max_flying && (entry = next_in_line(queue)) &&
           gate_enter(queue->gate, now, &pass) == GATE_OPEN) {
        entry_place(entry, &queue->flying, 0);
        queue->ops->launch(entry, &pass, now, queue->data);
    }
}

/* Offline nobody waits; else those wait whose deadline comes after the gate opens. */
static void doom_closed_out(Queue *queue, gint64 now)
{
    GateView view = gate_look(queue->gate, now);
    gint64 until = view == GATE_OFFLINE ? NEVER : gate_closed_until(queue->gate, now);

    if (view == GATE_OPEN)
        return;
    for (guint i = 0; i < N_LANES; i++)
        doom_due(queue, &queue->lanes[i], until, DOOM_GATE_CLOSED, now);
    if (view == GATE_OFFLINE)
        doom_due(queue, &queue->resting, NEVER, DOOM_GATE_CLOSED, now);
}

static gint64 next_event(Queue *queue, gint64 now)
{
    gboolean waits = gate_look(queue->gate, now) == GATE_WAITING && next_in_line(queue);
    gint64 next = waits ? gate_closed_until(queue->gate, now) : NEVER;
    GQueue *timed[] = { &queue->lanes[LANE_LISTS], &queue->lanes[LANE_SINGLES], &queue->resting };

    for (gsize i = 0; i < G_N_ELEMENTS(timed); i++)
        if (head_of(timed[i]))
            next = MIN(next, head_of(timed[i])->at);
    return next;
}

/* Moves every entry as far as it can go now. */
static void queue_pump(Queue *queue)
{
    gint64 now = clock_now(queue->clock);
    gint64 next;

    return_rested(queue, now);
    for (guint i = 0; i < N_LANES; i++)
        doom_due(queue, &queue->lanes[i], now, DOOM_OVERDUE, now);
    launch(queue, now);
    doom_closed_out(queue, now);

    next = queue->doomed.length > 0 ? now : next_event(queue, now);
    wake_in(queue, next == NEVER ? NEVER : next - now);
}

static gboolean on_wake(gpointer data)
{
    Queue *queue = data;
    QueueEntry *entry;

    queue_pump(queue); /* comes back for the other doomed ones */
    entry = head_of(&queue->doomed);
    if (entry) {
        entry_leave(entry);
        queue->ops->over(entry, queue->data);
    }
    return G_SOURCE_CONTINUE;
}

static gboolean wake_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    (void)source;
    return callback(data);
}

Queue *queue_new(Gate *gate, const Clock *clock, guint max_flying, const QueueOps *ops,
                 gpointer data)
{
    static GSourceFuncs wake_funcs = { .dispatch = wake_dispatch };
    Queue *queue = g_new0(Queue, 1);

    queue->gate = gate;
    queue->clock = clock;
    queue->max_flying = MAX(max_flying, 1);
    queue->ops = ops;
    queue->data = data;
    queue->wake = g_source_new(&wake_funcs, sizeof(GSource));
    g_source_set_callback(queue->wake, on_wake, queue, NULL);
    g_source_attach(queue->wake, g_main_context_get_thread_default());
    return queue;
}

void queue_add(Queue *queue, QueueEntry *entry)
{
    entry->link.data = entry;
    line_up(queue, entry);
    queue_pump(queue);
}

void queue_rest(Queue *queue, QueueEntry *entry, gint64 until)
{
    entry_place(entry, &queue->resting, until);
    queue_pump(queue);
}

void queue_remove(Queue *queue, QueueEntry *entry)
{
    entry_leave(entry);
    queue_wake(queue);
}

void queue_wake(Queue *queue)
{
    wake_in(queue, 0);
}

guint queue_n_flying(const Queue *queue)
{
    return queue->flying.length;
}

QueueEntry *queue_any(Queue *queue)
{
    GQueue *others[] = { &queue->flying, &queue->resting, &queue->doomed };
    QueueEntry *entry = next_in_line(queue);

    for (gsize i = 0; i < G_N_ELEMENTS(others) && !entry; i++)
        entry = head_of(others[i]);
    return entry;
}

void queue_free(Queue *queue)
{
    if (!queue)
        return;
    g_source_destroy(queue->wake);
    g_source_unref(queue->wake);
    g_free(queue);
}
