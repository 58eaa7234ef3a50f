/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/private.h"

/* Requests, the network and timers get their turn at least that often. */
#define TURN_US 5000
/* Objects between two looks at the clock. */
#define STEP 16

/* Where others wait for their turn already, one more does not come before them: sixty-four that
 * begin at once would work for sixty-four turns before anybody else is served. */
void turn_begin(Fs *fs, gint64 now)
{
    if (fs->turns.length == 0)
        fs->turn_ends = now + TURN_US;
}

gboolean turn_has_time(const Op *op)
{
    return clock_now(op->fs->clock) < op->fs->turn_ends;
}

gboolean turn_walks_on(const Op *op)
{
    return op->walked % STEP != STEP - 1 || turn_has_time(op);
}

const Listing *op_listing(Op *op, Collection *collection)
{
    if (op->listing == NULL)
        op->listing = collection_listing(collection);
    return op->listing;
}

void turn_leave(Op *op)
{
    if (op->turn.data == NULL)
        return;
    op->turn.data = NULL;
    g_queue_unlink(&op->fs->turns, &op->turn);
}

static gboolean on_turn(gpointer data)
{
    Fs *fs = data;

    fs->turn_ends = clock_now(fs->clock) + TURN_US;
    for (guint left = fs->turns.length; left > 0 && fs->turns.length > 0; left--) {
        Op *op = g_queue_peek_head(&fs->turns);

        turn_leave(op);
        op->run(op);
    }
    if (fs->turns.length > 0)
        return G_SOURCE_CONTINUE;
    g_clear_pointer(&fs->turn, g_source_unref);
    return G_SOURCE_REMOVE;
}

/* With the priority of everything else, so that neither waits for the other. */
void turn_yield(Op *op)
{
    Fs *fs = op->fs;

    op->turn.data = op;
    g_queue_push_tail_link(&fs->turns, &op->turn);
    if (fs->turn == NULL) {
        fs->turn = g_idle_source_new();
        g_source_set_priority(fs->turn, G_PRIORITY_DEFAULT);
        g_source_set_callback(fs->turn, on_turn, fs, NULL);
        g_source_attach(fs->turn, fs->context);
    }
    op_park(op, G_MAXINT64);
}

void turns_clear(Fs *fs)
{
    if (fs->turn != NULL)
        g_source_destroy(fs->turn);
    g_clear_pointer(&fs->turn, g_source_unref);
}
