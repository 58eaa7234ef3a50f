/* SPDX-License-Identifier: MIT */
/* A draft becomes a Subtree: the nodes of each directory are sorted and become neighbours. */
#include <stdlib.h>
#include <string.h>

#include "ppiofs/tree/common_name.h"
#include "ppiofs/tree/private.h"

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

/* The root stays first: it has no siblings, and its parent number is the largest. */
static void sort_nodes(Draft *draft, guint32 *order)
{
    qsort_r(order + 1, draft->n_nodes - 1, sizeof *order, compare_siblings, draft);
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

/* With room for the whole draft, though dropped nodes are left out. */
static Subtree *subtree_new(const Draft *draft)
{
    guint32 n_directories = count_directories(draft);
    gsize nodes = sizeof(Subtree);
    gsize hashes = nodes + sizeof(Node) * draft->n_nodes;
    gsize keys = hashes + sizeof(guint64) * n_directories;
    gsize bytes = keys + sizeof(DirectoryKey) * n_directories;
    Subtree *tree = malloc(bytes + draft->n_bytes);

    if (tree == NULL)
        return NULL;
    *tree = (Subtree){ .refs = 1 };
    tree->nodes = (Node *)(gpointer)((char *)tree + nodes);
    tree->hashes = (guint64 *)(gpointer)((char *)tree + hashes);
    tree->keys = (DirectoryKey *)(gpointer)((char *)tree + keys);
    tree->bytes = (char *)tree + bytes;
    return tree;
}

static guint32 add_bytes(Subtree *tree, const char *bytes, gsize length)
{
    guint32 at = tree->n_bytes;

    if (length > 0)
        memcpy(tree->bytes + at, bytes, length);
    tree->n_bytes += (guint32)length;
    return at;
}

/* The path's hash goes on from the parent's, so no node costs a walk from the root. */
static void add_directory(Subtree *tree, Node *node, const char *name, NodeIndex parent)
{
    guint32 number = tree->n_directories++;

    node->children.number = number;
    tree->hashes[number] =
        number == 0 ? 0 : subtree_step_ino(tree->hashes[tree->nodes[parent].children.number], name);
    tree->keys[number] = (DirectoryKey){ .key = number == 0 ? 0 : path_key(tree->hashes[number]),
                                         .node = tree->n_nodes };
}

static void add_node(Subtree *tree, const Draft *draft, guint32 from, NodeIndex parent)
{
    const DraftNode *source = &draft->nodes[from];
    const char *name = draft_name_of(draft, from);
    Node *node = &tree->nodes[tree->n_nodes];

    *node =
        (Node){ .parent = parent,
                .kind = source->kind,
                .flags = source->flags & ~(guint32)NODE_OPTIONAL,
                .name = source->common == COMMON_NAME_NONE ? add_bytes(tree, name, strlen(name) + 1)
                                                           : NAME_IS_COMMON | source->common };
    if (source->kind == NODE_DIRECTORY) {
        add_directory(tree, node, name, parent);
    } else {
        node->content.at = add_bytes(tree, draft->bytes + source->data, source->size);
        node->content.size = source->size;
    }
    tree->n_nodes++;
}

/* Breadth first: so the children of every directory are neighbours. A dropped node is the last of
 * a run of its name, never the first child, and skipped here. @origins: for each node of the tree
 * the one of the draft. */
static void add_all(Subtree *tree, const Draft *draft, const guint32 *order,
                    const Children *children, guint32 *origins)
{
    origins[0] = 0;
    add_node(tree, draft, 0, 0);
    for (NodeIndex at = 0; at < tree->n_nodes; at++) {
        const Children *below = &children[origins[at]];

        if (tree->nodes[at].kind != NODE_DIRECTORY)
            continue;
        tree->nodes[at].children.first = tree->n_nodes;
        tree->nodes[at].children.n = below->n;
        for (guint32 i = below->first, left = below->n; left > 0; i++) {
            if (draft->nodes[order[i]].dropped)
                continue;
            origins[tree->n_nodes] = order[i];
            add_node(tree, draft, order[i], at);
            left--;
        }
    }
}

static int compare_keys(gconstpointer a, gconstpointer b)
{
    const DirectoryKey *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->node < y->node ? -1 : x->node > y->node;
}

/* Twins, of which chance makes one in thousands of large trees, move up to the next free key. */
static void sort_keys(Subtree *tree)
{
    qsort(tree->keys, tree->n_directories, sizeof *tree->keys, compare_keys);
    for (guint32 i = 1; i < tree->n_directories; i++)
        if (tree->keys[i].key <= tree->keys[i - 1].key)
            tree->keys[i].key = tree->keys[i - 1].key + 1;
}

Subtree *draft_pack(Draft *draft)
{
    g_autofree guint32 *order = g_try_new(guint32, draft->n_nodes);
    g_autofree guint32 *origins = g_try_new0(guint32, draft->n_nodes);
    g_autofree Children *children = g_try_new0(Children, draft->n_nodes);
    Subtree *tree;

    if (order == NULL || origins == NULL || children == NULL)
        return NULL;
    for (guint32 i = 0; i < draft->n_nodes; i++)
        order[i] = i;
    sort_nodes(draft, order);
    if (draft_rename_twins(draft, order))
        sort_nodes(draft, order);
    tree = draft->failed ? NULL : subtree_new(draft);
    if (tree == NULL)
        return NULL;
    find_children(draft, order, children);
    add_all(tree, draft, order, children, origins);
    sort_keys(tree);
    return tree;
}
