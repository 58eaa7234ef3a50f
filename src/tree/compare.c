/* SPDX-License-Identifier: MIT */
/* Two versions of one tree: whether they agree, where they differ, and since when a newer one is as
 * it is. The children of both are sorted, so a step goes through both directories side by side. */
#include <string.h>

#include "ppiofs/tree/private.h"

static gboolean same_leaf(const Subtree *a, NodeIndex a_node, const Subtree *b, NodeIndex b_node)
{
    const Node *x = &a->nodes[a_node], *y = &b->nodes[b_node];

    return x->kind == y->kind && x->kind != NODE_DIRECTORY && x->content.size == y->content.size &&
           memcmp(a->bytes + x->content.at, b->bytes + y->content.at, x->content.size) == 0;
}

/* A step through the children of two directories; either may be none: it then has no children. */
typedef struct {
    const Subtree *a, *b;
    NodeIndex a_at, a_end, b_at, b_end;
} Pairing;

static void children_of(const Subtree *tree, NodeIndex node, NodeIndex *ret_first,
                        NodeIndex *ret_end)
{
    *ret_first = *ret_end = 0;
    if (node != NODE_NONE)
        *ret_end = subtree_children(tree, node, ret_first);
    *ret_end += *ret_first;
}

static Pairing pairing(const Subtree *a, NodeIndex a_node, const Subtree *b, NodeIndex b_node)
{
    Pairing p = { .a = a, .b = b };

    children_of(a, a_node, &p.a_at, &p.a_end);
    children_of(b, b_node, &p.b_at, &p.b_end);
    return p;
}

/* The next name that one of them has: NODE_NONE for who lacks it. FALSE after the last. */
static gboolean next_pair(Pairing *p, NodeIndex *ret_a, NodeIndex *ret_b)
{
    gboolean a_left = p->a_at < p->a_end, b_left = p->b_at < p->b_end;
    int order = a_left && b_left ? strcmp(subtree_name(p->a, p->a_at), subtree_name(p->b, p->b_at))
                                 : (int)b_left - (int)a_left;

    *ret_a = a_left && order <= 0 ? p->a_at++ : NODE_NONE;
    *ret_b = b_left && order >= 0 ? p->b_at++ : NODE_NONE;
    return a_left || b_left;
}

static gboolean same_names(const Subtree *a, NodeIndex a_node, const Subtree *b, NodeIndex b_node)
{
    Pairing names = pairing(a, a_node, b, b_node);
    NodeIndex x, y;

    if (subtree_kind(b, b_node) != NODE_DIRECTORY)
        return FALSE;
    while (next_pair(&names, &x, &y))
        if (x == NODE_NONE || y == NODE_NONE)
            return FALSE;
    return TRUE;
}

gboolean subtree_agrees(const Subtree *a, NodeIndex a_node, const Subtree *b, NodeIndex b_node)
{
    gboolean whole = (subtree_flags(a, a_node) & NODE_ARRAY) != 0;
    NodeIndex x, y;

    if (subtree_kind(a, a_node) != NODE_DIRECTORY)
        return same_leaf(a, a_node, b, b_node);
    if (subtree_kind(b, b_node) != NODE_DIRECTORY)
        return FALSE;
    for (Pairing pairs = pairing(a, a_node, b, b_node); next_pair(&pairs, &x, &y);) {
        if (x == NODE_NONE && !whole)
            continue;
        if (x == NODE_NONE || y == NODE_NONE || !subtree_agrees(a, x, b, y))
            return FALSE;
    }
    return TRUE;
}

/* For every node of @tree the one of @older with the same path. NULL when there is no @older, or no
 * memory for it: everything then counts as new, an mtime too young and nothing worse. */
static NodeIndex *counterparts_in(const Subtree *tree, const Subtree *older)
{
    NodeIndex *found = older == NULL ? NULL : g_try_new0(NodeIndex, tree->n_nodes);
    NodeIndex own, other;

    if (found == NULL)
        return NULL;
    found[0] = 0;
    for (NodeIndex i = 0; i < tree->n_nodes; i++) /* parents come before their children */
        for (Pairing pairs = pairing(tree, i, older, found[i]); next_pair(&pairs, &own, &other);)
            if (own != NODE_NONE)
                found[own] = other;
    return found;
}

/* FALSE if @older has nothing in that place. */
static gboolean date_by(Subtree *tree, NodeIndex i, const Subtree *older,
                        const NodeIndex *counterparts, gint64 now_us)
{
    Node *node = &tree->nodes[i];

    if (older == NULL || counterparts == NULL || counterparts[i] == NODE_NONE)
        return FALSE;
    NodeIndex twin = counterparts[i];
    gint64 then = older->nodes[twin].mtime;
    gboolean same = node->kind == NODE_DIRECTORY ? same_names(tree, i, older, twin)
                                                 : same_leaf(tree, i, older, twin);
    node->mtime = same ? then : MAX(now_us, then + 1);
    return TRUE;
}

/* The root shows what changed: of what did not change it is no younger than before. */
static void date_root(Subtree *tree, const Subtree *older, const NodeIndex *counterparts,
                      gint64 now_us, gint64 own_us)
{
    Node *root = &tree->nodes[0];

    if (older == NULL || counterparts == NULL) {
        root->mtime = own_us == 0 ? now_us : own_us;
        return;
    }
    root->mtime = MAX(root->mtime, own_us);
    for (NodeIndex i = 1; i < tree->n_nodes; i++) {
        NodeIndex twin = counterparts[i];

        if (twin == NODE_NONE || older->nodes[twin].mtime != tree->nodes[i].mtime)
            root->mtime = MAX(root->mtime, tree->nodes[i].mtime);
    }
}

void subtree_date_after(Subtree *tree, const Subtree *older, const Subtree *oldest, gint64 now_us,
                        gint64 own_us)
{
    g_autofree NodeIndex *old = counterparts_in(tree, older);
    g_autofree NodeIndex *oldest_ones = counterparts_in(tree, oldest);

    for (NodeIndex i = 0; i < tree->n_nodes; i++)
        if (!date_by(tree, i, older, old, now_us) && !date_by(tree, i, oldest, oldest_ones, now_us))
            tree->nodes[i].mtime = now_us;
    for (NodeIndex i = tree->n_nodes - 1; i > 0; i--) {
        Node *parent = &tree->nodes[tree->nodes[i].parent];

        if (tree->nodes[i].parent != 0)
            parent->mtime = MAX(parent->mtime, tree->nodes[i].mtime);
    }
    date_root(tree, older, old, now_us, own_us);
}

void subtree_date(Subtree *tree, const Subtree *older, gint64 now_us, gint64 own_us)
{
    subtree_date_after(tree, older, NULL, now_us, own_us);
}

typedef struct {
    const Subtree *old, *new;
    GString *path; /* bounded: as deep as a tree is, names of 255 bytes */
    SubtreeDifference tell;
    gpointer data;
} Differing;

static void tell_pair(const Differing *d, NodeIndex old_node, NodeIndex new_node)
{
    gboolean was = old_node != NODE_NONE && subtree_kind(d->old, old_node) != NODE_DIRECTORY;
    gboolean is = new_node != NODE_NONE && subtree_kind(d->new, new_node) != NODE_DIRECTORY;

    if (was && is && same_leaf(d->old, old_node, d->new, new_node))
        return;
    if (was || is)
        d->tell(was ? old_node : NODE_NONE, is ? new_node : NODE_NONE, d->path->str, d->data);
}

static void tell_below(const Differing *d, NodeIndex old_node, NodeIndex new_node)
{
    gsize length = d->path->len;
    NodeIndex x, y;

    for (Pairing pairs = pairing(d->old, old_node, d->new, new_node); next_pair(&pairs, &x, &y);) {
        if (length > 0)
            g_string_append_c(d->path, '/');
        g_string_append(d->path,
                        x != NODE_NONE ? subtree_name(d->old, x) : subtree_name(d->new, y));
        tell_pair(d, x, y);
        tell_below(d, x, y);
        g_string_truncate(d->path, length);
    }
}

void subtree_differences(const Subtree *old, const Subtree *new, SubtreeDifference tell,
                         gpointer data)
{
    Differing differing = { old, new, g_string_new(NULL), tell, data };

    tell_below(&differing, 0, 0);
    g_string_free(differing.path, TRUE);
}
