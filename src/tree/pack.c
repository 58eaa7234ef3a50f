/* SPDX-License-Identifier: MIT */
/* A draft becomes a Subtree: the nodes of each directory are sorted and become neighbours. */
#include <stdlib.h>
#include <string.h>

#include "ppiofs/base/sort.h"
#include "ppiofs/tree/common_name.h"
#include "ppiofs/tree/private.h"

/* Where the children of each node stand in the order. */
typedef struct {
    guint32 first, n;
} Children;

/* What packing does next; each stage goes on to the next:
 *
 *   SORT      the nodes of a directory become neighbours, in the order of their names
 *   TWINS     those that want one name get another: they are sorted once more
 *   CHILDREN  where those of each node are
 *   NODES     they are copied into the tree
 *   DONE */
typedef enum { PACK_SORT, PACK_TWINS, PACK_CHILDREN, PACK_NODES, PACK_DONE } Stage;

struct Packing {
    Stage stage;
    gboolean renamed; /* TWINS is over */
    Sort sort;
    guint32 at;         /* CHILDREN: the next in order; NODES: the directory of the tree */
    guint32 from, left; /* NODES: the next of its children in order, and how many are left */
    guint32 *origins;   /* for each node of the tree the one of the draft */
    Children *children;
    Subtree *tree;
};

/* The root, then by parent, then name, then real entries before optional ones, then order of
 * adding. */
static int compare_siblings(guint32 a, guint32 b, gconstpointer data)
{
    const Draft *draft = data;
    const DraftNode *x = &draft->nodes[a], *y = &draft->nodes[b];
    int order;

    if (a == 0 || b == 0)
        return (a != 0) - (b != 0);
    if (x->parent != y->parent)
        return x->parent < y->parent ? -1 : 1;
    order = strcmp(draft_name_of(draft, a), draft_name_of(draft, b));
    if (order == 0)
        order = (x->flags & NODE_OPTIONAL) - (y->flags & NODE_OPTIONAL);
    return order != 0 ? order : (a < b ? -1 : 1);
}

static gboolean no_memory(Draft *draft)
{
    draft_fail(draft, PPIOFS_ERROR_NO_MEMORY);
    return FALSE;
}

static gboolean sort_nodes(Draft *draft)
{
    Packing *packing = draft->packing;

    sort_clear(&packing->sort);
    return sort_init(&packing->sort, draft->n_nodes, compare_siblings, draft) || no_memory(draft);
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

static void note_child(const Draft *draft, guint32 place)
{
    Packing *packing = draft->packing;
    const DraftNode *node = &draft->nodes[packing->sort.items[place]];

    if (!node->dropped && packing->children[node->parent].n++ == 0)
        packing->children[node->parent].first = place;
}

/* The next directory of the tree, whose children follow. FALSE: that was the last. */
static gboolean next_directory(Packing *packing)
{
    Subtree *tree = packing->tree;

    while (++packing->at < tree->n_nodes && tree->nodes[packing->at].kind != NODE_DIRECTORY)
        continue;
    if (packing->at >= tree->n_nodes)
        return FALSE;
    const Children *below = &packing->children[packing->origins[packing->at]];
    tree->nodes[packing->at].children.first = tree->n_nodes;
    tree->nodes[packing->at].children.n = below->n;
    packing->from = below->first;
    packing->left = below->n;
    return TRUE;
}

/* Breadth first: so the children of every directory are neighbours. A dropped node is the last of
 * a run of its name, never the first child, and skipped here. FALSE: that was the last. */
static gboolean pack_next(Packing *packing, const Draft *draft)
{
    Subtree *tree = packing->tree;

    if (packing->left == 0)
        return next_directory(packing);
    guint32 from = packing->sort.items[packing->from++];
    if (draft->nodes[from].dropped)
        return TRUE;
    packing->origins[tree->n_nodes] = from;
    add_node(tree, draft, from, packing->at);
    packing->left--;
    return TRUE;
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

static gboolean begin_children(Draft *draft)
{
    Packing *packing = draft->packing;

    packing->children = g_try_new0(Children, draft->n_nodes);
    packing->origins = g_try_new0(guint32, draft->n_nodes);
    packing->at = 1;
    packing->stage = PACK_CHILDREN;
    return (packing->children != NULL && packing->origins != NULL) || no_memory(draft);
}

static gboolean begin_nodes(Draft *draft)
{
    Packing *packing = draft->packing;

    packing->tree = subtree_new(draft);
    if (packing->tree == NULL)
        return no_memory(draft);
    add_node(packing->tree, draft, 0, 0);
    packing->at = G_MAXUINT32; /* the directory before the root */
    packing->stage = PACK_NODES;
    return TRUE;
}

static gboolean name_twins(Draft *draft)
{
    Packing *packing = draft->packing;

    if (packing->renamed || !draft_rename_twins(draft, packing->sort.items))
        return begin_children(draft);
    packing->renamed = TRUE;
    packing->stage = PACK_SORT;
    return sort_nodes(draft);
}

/* Goes on with the stage for about @n nodes. */
static void pack_on(Draft *draft, guint n)
{
    Packing *packing = draft->packing;

    switch (packing->stage) {
    case PACK_SORT:
        if (sort_step(&packing->sort, n))
            packing->stage = PACK_TWINS;
        break;
    case PACK_TWINS:
        name_twins(draft);
        break;
    case PACK_CHILDREN:
        for (; n > 0 && packing->at < draft->n_nodes; n--)
            note_child(draft, packing->at++);
        if (packing->at == draft->n_nodes)
            begin_nodes(draft);
        break;
    case PACK_NODES:
        while (n > 0 && pack_next(packing, draft))
            n--;
        if (n > 0) {
            sort_keys(packing->tree);
            packing->stage = PACK_DONE;
        }
        break;
    case PACK_DONE:
        break;
    }
}

gboolean draft_step(Draft *draft, guint n)
{
    if (draft->packing == NULL && !draft->failed) {
        draft->packing = g_new0(Packing, 1);
        sort_nodes(draft);
    }
    if (!draft->failed)
        pack_on(draft, n);
    return draft->failed || draft->packing->stage == PACK_DONE;
}

Subtree *draft_take_tree(Draft *draft)
{
    return draft->failed ? NULL : g_steal_pointer(&draft->packing->tree);
}

void packing_free(Packing *packing)
{
    if (packing == NULL)
        return;
    sort_clear(&packing->sort);
    g_free(packing->origins);
    g_free(packing->children);
    subtree_unref(packing->tree);
    g_free(packing);
}
