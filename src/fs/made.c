/* SPDX-License-Identifier: MIT */
/* A view of a large collection takes a second to make: it is made in turns of the loop, once for
 * all who wait for it.
 *
 * A making shows the records that the collection had when it began. The collection may change
 * meanwhile, and go on changing; so an op takes what was begun after it asked for the first time,
 * and never waits for more than the end of one that was under way and one of its own. */
#include <errno.h>

#include "ppiofs/fs/private.h"

/* Between two looks at the clock. */
#define STEP_NODES 64
#define STEPS_IN_A_HURRY 64

/* (transfer full) */
static GPtrArray *records_of(Collection *collection)
{
    g_autoptr(Listing) listing = collection_listing(collection);
    GPtrArray *objects = listing->objects;
    GPtrArray *records = g_ptr_array_new_full(objects->len, (GDestroyNotify)record_unref);

    for (guint i = 0; i < objects->len; i++)
        g_ptr_array_add(records, record_ref(((Object *)objects->pdata[i])->record));
    return records;
}

static void begin(Fs *fs, Made *made, const MakingOrder *order, Collection *collection,
                  guint64 version)
{
    made->coming = (MadeMark){ version, collection_removals(collection), ++fs->n_makings };
    made->making = making_new(order, records_of(collection), made->tree, clock_wall(fs->clock));
}

/* FALSE: memory ended. */
static gboolean end(Made *made)
{
    Subtree *tree = making_finish(g_steal_pointer(&made->making));

    if (tree == NULL)
        return FALSE;
    subtree_unref(made->tree);
    made->tree = tree;
    made->mark = made->coming;
    return TRUE;
}

/* Who is in a hurry works on for a little, so that a small view is made although the machine let
 * time go by. */
static gboolean work(const Op *op, Made *made)
{
    guint least = op->ask.impatient ? STEPS_IN_A_HURRY : 1;
    gboolean over = FALSE;

    for (guint i = 0; !over && (i < least || turn_has_time(op)); i++)
        over = making_step(made->making, STEP_NODES);
    return over;
}

static void attach(Op *op, Made *made)
{
    if (op->made == NULL)
        made->waiting++;
    op->made = made;
}

void made_leave(Op *op)
{
    Made *made = g_steal_pointer(&op->made);

    if (made != NULL && --made->waiting == 0)
        g_clear_pointer(&made->making, making_free);
}

Subtree *made_get(Op *op, Made *made, const MakingOrder *order, Collection *collection,
                  guint64 version)
{
    if (op->wanted == 0)
        op->wanted = op->fs->n_makings + 1;
    attach(op, made);
    while (made->mark.number < op->wanted) {
        if (made->making == NULL)
            begin(op->fs, made, order, collection, version);
        if (!work(op, made)) {
            /* Past its deadline: better what there was before than nothing. */
            if (op->ask.impatient && made->tree != NULL)
                break;
            turn_yield(op);
            return NULL;
        }
        if (!end(made)) {
            op_reply_error(op, ENOMEM);
            return NULL;
        }
    }
    return made->tree;
}

void made_clear(Made *made)
{
    making_free(made->making);
    subtree_unref(made->tree);
}
