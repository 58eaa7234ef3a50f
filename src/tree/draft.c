/* SPDX-License-Identifier: MIT */
#include "ppiofs/tree/draft.h"

#include <stdlib.h>
#include <string.h>

#include "ppiofs/base/error.h"
#include "ppiofs/tree/common_name.h"
#include "ppiofs/tree/draft_private.h"
#include "ppiofs/tree/name.h"
#include "ppiofs/tree/packed.h"

/* Places in a Subtree's bytes have 31 bits: see private.h. */
#define MAX_BYTES G_MAXINT32

static void draft_fail(Draft *draft, PpiofsError failure)
{
    if (!draft->failed)
        draft->failure = failure;
    draft->failed = TRUE;
}

gboolean draft_make_room(Draft *draft, gpointer array, gsize *room, gsize wanted, gsize element)
{
    gsize larger = MAX(*room * 2, wanted);
    gpointer moved;

    if (wanted <= *room)
        return TRUE;
    moved = realloc(*(gpointer *)array, larger * element);
    if (moved == NULL) {
        draft_fail(draft, PPIOFS_ERROR_NO_MEMORY);
        return FALSE;
    }
    *(gpointer *)array = moved;
    *room = larger;
    return TRUE;
}

guint32 draft_add_bytes(Draft *draft, const char *bytes, gsize length)
{
    gsize at = draft->n_bytes;

    if (draft->n_bytes + length > MAX_BYTES) {
        draft_fail(draft, PPIOFS_ERROR_TOO_LARGE);
        return 0;
    }
    if (!draft_make_room(draft, &draft->bytes, &draft->bytes_room, at + length, 1))
        return 0;
    if (length > 0)
        memcpy(draft->bytes + at, bytes, length);
    draft->n_bytes += length;
    return (guint32)at;
}

const char *draft_name_of(const Draft *draft, guint32 node)
{
    const DraftNode *n = &draft->nodes[node];

    return n->common == COMMON_NAME_NONE ? draft->bytes + n->name : common_name(n->common);
}

static void set_name(Draft *draft, guint32 node, const char *name)
{
    guint32 common = common_name_find(name);

    draft->nodes[node].common = common;
    if (common == COMMON_NAME_NONE)
        draft->nodes[node].name = draft_add_bytes(draft, name, strlen(name) + 1);
}

static NodeIndex add_node(Draft *draft, NodeIndex parent, const char *raw_name, NodeKind kind,
                          NodeFlags flags)
{
    gsize room = draft->nodes_room;

    if (raw_name == NULL)
        draft_fail(draft, PPIOFS_ERROR_NO_MEMORY);
    if (draft->n_nodes >= SUBTREE_MAX_NODES)
        draft_fail(draft, PPIOFS_ERROR_TOO_LARGE);
    if (draft->failed ||
        !draft_make_room(draft, &draft->nodes, &room, draft->n_nodes + 1, sizeof(DraftNode)))
        return 0;
    draft->nodes_room = (guint32)room;

    g_autofree char *name = parent == NODE_NONE ? g_strdup("") : name_encode(raw_name);
    guint8 inherited = draft->n_nodes > 0 ? draft->nodes[parent].flags & NODE_SECRET : 0;
    draft->nodes[draft->n_nodes] = (DraftNode){
        .parent = parent,
        .kind = (guint8)kind,
        .flags = (guint8)flags | inherited,
    };
    set_name(draft, draft->n_nodes, name);
    return draft->n_nodes++;
}

Draft *draft_new(void)
{
    Draft *draft = g_new0(Draft, 1);

    add_node(draft, NODE_NONE, "", NODE_DIRECTORY, 0);
    return draft;
}

NodeIndex draft_directory(Draft *draft, NodeIndex parent, const char *raw_name, NodeFlags flags)
{
    return add_node(draft, parent, raw_name, NODE_DIRECTORY, flags);
}

static NodeIndex add_leaf(Draft *draft, NodeIndex parent, const char *raw_name, NodeKind kind,
                          const char *content, gsize length, NodeFlags flags)
{
    NodeIndex node = add_node(draft, parent, raw_name, kind, flags);

    if (!draft->failed) {
        draft->nodes[node].data = draft_add_bytes(draft, content, length);
        draft->nodes[node].size = (guint32)length;
    }
    return node;
}

NodeIndex draft_file(Draft *draft, NodeIndex parent, const char *raw_name, const char *content,
                     gsize length, NodeFlags flags)
{
    return add_leaf(draft, parent, raw_name, NODE_FILE, content, length, flags);
}

NodeIndex draft_symlink(Draft *draft, NodeIndex parent, const char *raw_name, const char *target,
                        NodeFlags flags)
{
    return add_leaf(draft, parent, raw_name, NODE_SYMLINK, target, strlen(target), flags);
}

void draft_append(Draft *draft, const char *content, gsize length)
{
    if (draft->failed)
        return;
    draft_add_bytes(draft, content, length);
    if (!draft->failed)
        draft->nodes[draft->n_nodes - 1].size += (guint32)length;
}

/* By parent, then name, then real entries before optional ones, then order of adding. */
static int compare_siblings(gconstpointer a, gconstpointer b, gpointer data)
{
    const Draft *draft = data;
    guint32 x_node = *(const guint32 *)a, y_node = *(const guint32 *)b;
    const DraftNode *x = &draft->nodes[x_node], *y = &draft->nodes[y_node];
    int order;

    if (x->parent != y->parent)
        return x->parent < y->parent ? -1 : 1;
    order = strcmp(draft_name_of(draft, x_node), draft_name_of(draft, y_node));
    if (order == 0)
        order = (x->flags & NODE_OPTIONAL) - (y->flags & NODE_OPTIONAL);
    return order != 0 ? order : (x < y ? -1 : 1);
}

static guint32 *sort_nodes(Draft *draft)
{
    guint32 *order = malloc(sizeof *order * draft->n_nodes);

    if (order == NULL) {
        draft_fail(draft, PPIOFS_ERROR_NO_MEMORY);
        return NULL;
    }
    for (guint32 i = 0; i < draft->n_nodes; i++)
        order[i] = i;
    /* The root stays first: it has no siblings, and its parent number is the largest. */
    qsort_r(order + 1, draft->n_nodes - 1, sizeof *order, compare_siblings, draft);
    return order;
}

/* Where the children of each node stand in @order. */
typedef struct {
    guint32 first, n;
} Children;

static void find_children(const Draft *draft, const guint32 *order, Children *children)
{
    for (guint32 i = 1; i < draft->n_nodes; i++) {
        const DraftNode *node = &draft->nodes[order[i]];

        if (node->dropped)
            continue;
        if (children[node->parent].n++ == 0)
            children[node->parent].first = i;
    }
}

static guint32 count_directories(const Draft *draft)
{
    guint32 n = 0;

    for (guint32 i = 0; i < draft->n_nodes; i++)
        n += draft->nodes[i].kind == NODE_DIRECTORY;
    return n;
}

/* Breadth first: so the children of every directory are neighbours. A dropped node is the last of
 * a run of its name, never the first child, and skipped here. */
static Subtree *pack(Draft *draft, const guint32 *order, const Children *children, guint32 *queue)
{
    Subtree *tree = packed_new(draft->n_nodes, count_directories(draft), draft->n_bytes);
    guint32 n = 1;

    if (tree == NULL)
        return NULL;
    queue[0] = 0;
    for (guint32 at = 0; at < n; at++) {
        const DraftNode *node = &draft->nodes[queue[at]];
        const Children *below = &children[queue[at]];

        packed_add(tree, draft_name_of(draft, queue[at]), node->common, (NodeKind)node->kind,
                   (NodeFlags)(node->flags & ~NODE_OPTIONAL), draft->bytes + node->data,
                   node->size);
        if (node->kind != NODE_DIRECTORY)
            continue;
        packed_set_children(tree, at, n, below->n);
        for (guint32 i = below->first, left = below->n; left > 0; i++) {
            if (draft->nodes[order[i]].dropped)
                continue;
            queue[n++] = order[i];
            left--;
        }
    }
    return packed_seal(tree);
}

static Subtree *sort_and_pack(Draft *draft)
{
    g_autofree guint32 *names = sort_nodes(draft);
    if (names == NULL)
        return NULL;
    draft_rename_twins(draft, names);

    g_autofree guint32 *order = draft->failed ? NULL : sort_nodes(draft);
    g_autofree Children *children = g_try_new0(Children, draft->n_nodes);
    g_autofree guint32 *queue = g_try_new(guint32, draft->n_nodes);
    if (order == NULL || children == NULL || queue == NULL)
        return NULL;
    find_children(draft, order, children);
    return pack(draft, order, children, queue);
}

Subtree *draft_finish(Draft *draft, GError **error)
{
    Subtree *tree = draft->failed ? NULL : sort_and_pack(draft);
    gboolean too_large = draft->failed && draft->failure == PPIOFS_ERROR_TOO_LARGE;

    if (tree == NULL && too_large)
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE,
                    "the record has more than %d entries", SUBTREE_MAX_NODES);
    else if (tree == NULL)
        g_set_error_literal(error, PPIOFS_ERROR, PPIOFS_ERROR_NO_MEMORY,
                            "not enough memory for the record");
    draft_free(draft);
    return tree;
}

void draft_free(Draft *draft)
{
    if (draft == NULL)
        return;
    free(draft->nodes);
    free(draft->bytes);
    g_free(draft);
}
