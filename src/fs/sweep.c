/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/sweep.h"

#include "ppiofs/fs/private.h"

/* Requests, the network and timers get their turn at least that often. */
#define TURN_US 5000
/* A tree of links as large as this is swept in one turn. */
#define AT_ONCE_NODES 10000

struct Sweep {
    Fs *fs;
    struct fuse_session *session;
    GMainContext *context;
    GSource *turns; /* NULL: none is under way */
    gboolean again; /* it was begun once more meanwhile */
    gboolean whole;
    guint slot;      /* the next */
    GArray *serials; /* of the versions that are still to do, from the end on */
};

Sweep *sweep_new(Fs *fs, struct fuse_session *session, GMainContext *context)
{
    Sweep *sweep = g_new0(Sweep, 1);

    sweep->fs = fs;
    sweep->session = session;
    sweep->context = context;
    return sweep;
}

/* A directory that the kernel does not hold is fine. An offset below 0: attributes only. */
static void forget_attributes(const Sweep *sweep, NodeId id)
{
    fuse_lowlevel_notify_inval_inode(sweep->session, id, -1, 0);
}

static void forget_tree(const Sweep *sweep, guint slot, const Subtree *tree)
{
    for (NodeIndex i = 1; i < subtree_n_nodes(tree); i++)
        if (subtree_kind(tree, i) == NODE_DIRECTORY)
            forget_attributes(sweep, nodeid_directory(slot, subtree_directory_key(tree, i)));
}

/* The directories of a slot, unless those of a tree are more than @most. TRUE if that was all. */
static gboolean forget_slot(const Sweep *sweep, guint slot, guint most)
{
    const Directory directory = directory_of_slot(sweep->fs, slot);
    const Subtree *tree;
    gboolean all = TRUE;

    if (directory.type == NULL)
        return TRUE;
    forget_attributes(sweep, nodeid_directory(slot, 0));
    for (guint i = 0; directory.type->each != NULL; i++) {
        if ((tree = directory.type->each(&directory, i)) == NULL)
            break;
        if (subtree_n_nodes(tree) <= most)
            forget_tree(sweep, slot, tree);
        else
            all = FALSE;
    }
    return all;
}

/* FALSE: that was the last slot. */
static gboolean forget_next_slot(Sweep *sweep)
{
    const Fs *fs = sweep->fs;

    if (sweep->slot >= (sweep->whole ? slots_end(fs->slots) : fs->n_tops))
        return FALSE;
    forget_slot(sweep, sweep->slot++, G_MAXUINT);
    return TRUE;
}

/* The directories of every version of which the kernel holds a file, the newest or not. FALSE: all
 * are done. */
static gboolean forget_next_version(Sweep *sweep)
{
    GArray *serials = sweep->serials;

    if (serials->len == 0)
        return FALSE;
    const Version *version =
        versions_find(sweep->fs->versions, g_array_index(serials, guint64, serials->len - 1));
    g_array_set_size(serials, serials->len - 1);
    if (version != NULL && version->slot >= sweep->fs->n_tops)
        forget_tree(sweep, version->slot, version->tree);
    return TRUE;
}

static void start(Sweep *sweep)
{
    sweep->again = FALSE;
    sweep->slot = 1;
    g_clear_pointer(&sweep->serials, g_array_unref);
    sweep->serials = sweep->whole ? versions_serials(sweep->fs->versions)
                                  : g_array_new(FALSE, FALSE, sizeof(guint64));
}

static gboolean on_turn(gpointer data)
{
    Sweep *sweep = data;
    gint64 ends = g_get_monotonic_time() + TURN_US;

    while (forget_next_slot(sweep) || forget_next_version(sweep))
        if (g_get_monotonic_time() >= ends)
            return G_SOURCE_CONTINUE;
    if (sweep->again) {
        start(sweep);
        return G_SOURCE_CONTINUE;
    }
    sweep->whole = FALSE;
    g_clear_pointer(&sweep->turns, g_source_unref);
    return G_SOURCE_REMOVE;
}

/* At once, before anybody hears of the answer that made it necessary: a listing of the top level
 * must not outlive it. FALSE: that is too much for one turn. */
static gboolean forget_top_level(const Sweep *sweep)
{
    gboolean all = TRUE;

    for (guint slot = 1; slot < sweep->fs->n_tops; slot++)
        all &= forget_slot(sweep, slot, AT_ONCE_NODES);
    return all;
}

void sweep_begin(Sweep *sweep, gboolean whole)
{
    sweep->fs->swept = clock_now(sweep->fs->clock);
    if (forget_top_level(sweep) && !whole)
        return;
    sweep->whole |= whole; /* a smaller one that is under way goes on as a whole one, and again */
    if (sweep->turns != NULL) {
        sweep->again = TRUE;
        return;
    }
    start(sweep);
    sweep->turns = g_idle_source_new();
    g_source_set_priority(sweep->turns, G_PRIORITY_DEFAULT);
    g_source_set_callback(sweep->turns, on_turn, sweep, NULL);
    g_source_attach(sweep->turns, sweep->context);
}

void sweep_free(Sweep *sweep)
{
    if (sweep == NULL)
        return;
    if (sweep->turns != NULL) {
        g_source_destroy(sweep->turns);
        g_source_unref(sweep->turns);
    }
    g_clear_pointer(&sweep->serials, g_array_unref);
    g_free(sweep);
}
