/* SPDX-License-Identifier: MIT */
/* Two versions of one tree: whether they agree, and since when a newer one is as it is. */
#include <string.h>

#include "ppiofs/tree/private.h"

static gboolean same_leaf(const Subtree *a, NodeIndex a_node, const Subtree *b, NodeIndex b_node)
{
    const Node *x = &a->nodes[a_node], *y = &b->nodes[b_node];

    return x->kind == y->kind && x->kind != NODE_DIRECTORY && x->size == y->size &&
           memcmp(a->bytes + x->data, b->bytes + y->data, x->size) == 0;
}

static gboolean same_names(const Subtree *a, NodeIndex a_node, const Subtree *b, NodeIndex b_node)
{
    NodeIndex x, y;
    guint32 n = subtree_children(a, a_node, &x);

    if (subtree_kind(b, b_node) != NODE_DIRECTORY || subtree_children(b, b_node, &y) != n)
        return FALSE;
    for (guint32 i = 0; i < n; i++)
        if (strcmp(subtree_name(a, x + i), subtree_name(b, y + i)) != 0)
            return FALSE;
    return TRUE;
}

/* The node of @older with the same path, given that of the parent. */
static NodeIndex counterpart(const Subtree *tree, NodeIndex node, const Subtree *older,
                             const NodeIndex *counterparts)
{
    if (node == 0)
        return 0;
    NodeIndex parent = counterparts[tree->nodes[node].parent];
    return parent == NODE_NONE ? NODE_NONE : subtree_child(older, parent, subtree_name(tree, node));
}

/* Of every node; NULL when there is no @older, or no memory for it: everything then counts as new,
 * an mtime too young and nothing worse. */
static NodeIndex *counterparts_in(const Subtree *tree, const Subtree *older)
{
    NodeIndex *found = older == NULL ? NULL : g_try_new(NodeIndex, tree->n_nodes);

    for (NodeIndex i = 0; found != NULL && i < tree->n_nodes; i++)
        found[i] = counterpart(tree, i, older, found);
    return found;
}

/* FALSE if @older has nothing in that place. */
static gboolean date_by(Subtree *tree, NodeIndex i, const Subtree *older,
                        const NodeIndex *counterparts, gint64 now_us)
{
    Node *node = &tree->nodes[i];
    NodeIndex twin = counterparts == NULL ? NODE_NONE : counterparts[i];

    if (twin == NODE_NONE)
        return FALSE;
    gboolean same = node->kind == NODE_DIRECTORY ? same_names(tree, i, older, twin)
                                                 : same_leaf(tree, i, older, twin);
    node->mtime = same ? older->nodes[twin].mtime : now_us;
    return TRUE;
}

void subtree_date_after(Subtree *tree, const Subtree *older, const Subtree *oldest, gint64 now_us,
                        gint64 born_us)
{
    g_autofree NodeIndex *old = counterparts_in(tree, older);
    g_autofree NodeIndex *oldest_ones = counterparts_in(tree, oldest);

    for (NodeIndex i = 0; i < tree->n_nodes; i++)
        if (!date_by(tree, i, older, old, now_us) && !date_by(tree, i, oldest, oldest_ones, now_us))
            tree->nodes[i].mtime = born_us;
    for (NodeIndex i = tree->n_nodes - 1; i > 0; i--) {
        Node *parent = &tree->nodes[tree->nodes[i].parent];
        parent->mtime = MAX(parent->mtime, tree->nodes[i].mtime);
    }
}

void subtree_date(Subtree *tree, const Subtree *older, gint64 now_us, gint64 born_us)
{
    subtree_date_after(tree, older, NULL, now_us, born_us);
}

gboolean subtree_agrees(const Subtree *a, NodeIndex a_node, const Subtree *b, NodeIndex b_node)
{
    NodeIndex first, other;
    guint32 n = subtree_children(a, a_node, &first);

    if (subtree_kind(a, a_node) != NODE_DIRECTORY)
        return same_leaf(a, a_node, b, b_node);
    if (subtree_kind(b, b_node) != NODE_DIRECTORY)
        return FALSE;
    if ((subtree_flags(a, a_node) & NODE_ARRAY) && subtree_children(b, b_node, &other) != n)
        return FALSE;
    for (guint32 i = 0; i < n; i++) {
        NodeIndex twin = subtree_child(b, b_node, subtree_name(a, first + i));
        if (twin == NODE_NONE || !subtree_agrees(a, first + i, b, twin))
            return FALSE;
    }
    return TRUE;
}
