/* SPDX-License-Identifier: MIT */
/* queue: which request goes next, when, and which has no chance any more. Knows the gate and the
 * time, but neither HTTP nor what a request is: entries are embedded in the caller's structs.
 *
 * Within a lane the shares take turns, so nobody's thousand requests make another's one wait for
 * more than a round. The requests of one share go in the order in which they came. */
#pragma once

#include <glib.h>

#include "ppiofs/api/gate.h"
#include "ppiofs/base/clock.h"

typedef struct Queue Queue;

/* The first lane goes first. */
typedef enum {
    LANE_LISTS,
    LANE_KNOWN,   /* an instance that is known */
    LANE_UNKNOWN, /* an id that nobody knows: a quarter of the room at most */
    N_LANES
} Lane;

/* To be zeroed, then @lane, @share and @deadline set, then given to queue_add(). */
typedef struct {
    Lane lane;
    guint share; /* the uid of who asks */
    gint64 deadline;
    GList link, line_link; /* from here on the queue's own */
    GQueue *home;
    gpointer line;
    gint64 at;
} QueueEntry;

typedef enum { DOOM_OVERDUE, DOOM_GATE_CLOSED } Doom;

typedef struct {
    /* There is room and the gate is open: send it. May not call the queue. */
    void (*launch)(QueueEntry *entry, const GatePass *pass, gint64 now, gpointer data);
    /* It has no chance: remember why. May not call the queue. */
    void (*doom)(QueueEntry *entry, Doom doom, gint64 now, gpointer data);
    /* From a turn of the main loop of its own: the doomed entry is out of the queue; tell its
     * owner. May do anything, queue_free() included. */
    void (*over)(QueueEntry *entry, gpointer data);
} QueueOps;

/* At most @max_flying are launched at a time. All but @data is borrowed for the queue's life. Runs
 * on the thread's default main context. */
Queue *queue_new(Gate *gate, const Clock *clock, guint max_flying, const QueueOps *ops,
                 gpointer data);

/* Lines it up; may launch it from inside. */
void queue_add(Queue *queue, QueueEntry *entry);

/* A flying entry rests until @until, and then lines up again. */
void queue_rest(Queue *queue, QueueEntry *entry, gint64 until);

/* A flying entry is held back until queue_release(), or until its deadline: then it is doomed. */
void queue_hold(Queue *queue, QueueEntry *entry);

/* Every entry that is held back lines up again. */
void queue_release(Queue *queue);

/* Every entry that is held back has no chance: over() is called for each. */
void queue_give_up(Queue *queue);

/* Takes it out, wherever it is. O(1); what can go now goes in the next turn of the loop. */
void queue_remove(Queue *queue, QueueEntry *entry);

/* To be looked at in the next turn: the gate has changed. */
void queue_wake(Queue *queue);

guint queue_n_flying(const Queue *queue);

/* Its entries must be out. */
void queue_free(Queue *queue);
