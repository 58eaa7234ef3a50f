/* SPDX-License-Identifier: MIT */
/* A subtree as bytes that another process of the same machine can make one of again. They are its
 * tables as they are in memory: whoever reads them has looked at subtree_layout() first. */
#include <stdlib.h>
#include <string.h>

#include "ppiofs/base/hash.h"
#include "ppiofs/tree/common_name.h"
#include "ppiofs/tree/name.h"
#include "ppiofs/tree/private.h"

/* The tables follow in the order in which a Subtree has them. */
typedef struct {
    guint32 n_nodes, n_directories, n_bytes, unused;
} Header;

#define LAYOUT 1 /* another number when the meaning of a field changes */

static gsize tables_size(const Subtree *tree)
{
    return subtree_size(tree) - sizeof *tree;
}

static gsize node_bytes(const Subtree *tree)
{
    return sizeof(Node) * tree->n_nodes;
}

static gsize hash_bytes_of(const Subtree *tree)
{
    return sizeof(guint64) * tree->n_directories;
}

static gsize key_bytes(const Subtree *tree)
{
    return sizeof(DirectoryKey) * tree->n_directories;
}

GBytes *subtree_save(const Subtree *tree)
{
    const Header header = { tree->n_nodes, tree->n_directories, tree->n_bytes, 0 };
    gsize size = sizeof header + tables_size(tree);
    char *saved = g_try_malloc(size), *at = saved;

    if (saved == NULL)
        return NULL;
    at = mempcpy(at, &header, sizeof header);
    at = mempcpy(at, tree->nodes, node_bytes(tree));
    at = mempcpy(at, tree->hashes, hash_bytes_of(tree));
    at = mempcpy(at, tree->keys, key_bytes(tree));
    memcpy(at, tree->bytes, tree->n_bytes);
    return g_bytes_new_take(saved, size);
}

static gboolean is_terminated(const Subtree *tree, guint32 at)
{
    return at < tree->n_bytes &&
           memchr(tree->bytes + at, '\0', MIN(tree->n_bytes - at, NAME_MAX_BYTES + 1)) != NULL;
}

static gboolean name_is_sound(const Subtree *tree, guint32 name)
{
    return name & NAME_IS_COMMON ? (name & ~NAME_IS_COMMON) < common_name_count()
                                 : is_terminated(tree, name);
}

/* Breadth first: the children of @i begin where those of the directory before it ended. */
static gboolean directory_is_sound(const Subtree *tree, NodeIndex i, NodeIndex *next,
                                   guint32 *number)
{
    const Node *node = &tree->nodes[i];

    if (node->children.first != *next || node->children.n > tree->n_nodes - *next ||
        node->children.number != *number)
        return FALSE;
    for (guint32 child = 0; child < node->children.n; child++)
        if (tree->nodes[*next + child].parent != i)
            return FALSE;
    *next += (guint32)node->children.n;
    ++*number;
    return TRUE;
}

static gboolean leaf_is_sound(const Subtree *tree, const Node *node)
{
    return (node->kind == NODE_FILE || node->kind == NODE_SYMLINK) &&
           node->content.at <= tree->n_bytes &&
           node->content.size <= tree->n_bytes - node->content.at;
}

static gboolean nodes_are_sound(const Subtree *tree)
{
    NodeIndex next = 1;
    guint32 number = 0;

    for (NodeIndex i = 0; i < tree->n_nodes; i++) {
        const Node *node = &tree->nodes[i];
        gboolean sound = node->kind == NODE_DIRECTORY ? directory_is_sound(tree, i, &next, &number)
                                                      : i > 0 && leaf_is_sound(tree, node);

        if (!sound || !name_is_sound(tree, node->name))
            return FALSE;
    }
    return next == tree->n_nodes && number == tree->n_directories && tree->nodes[0].parent == 0;
}

/* The root's is 0. Another is that of its path, or stands further up: a search begins there. */
static gboolean key_is_sound(const Subtree *tree, guint32 i, gboolean *seen)
{
    guint64 key = tree->keys[i].key;
    NodeIndex node = (NodeIndex)tree->keys[i].node;

    if (node >= tree->n_nodes || tree->nodes[node].kind != NODE_DIRECTORY)
        return FALSE;
    guint32 number = (guint32)tree->nodes[node].children.number;
    gboolean again = seen[number];

    seen[number] = TRUE;
    if (i == 0)
        return node == 0 && key == 0;
    return !again && node != 0 && key > tree->keys[i - 1].key &&
           key >= path_key(tree->hashes[number]);
}

/* In ascending order, each of another directory; so each directory has one. */
static gboolean keys_are_sound(const Subtree *tree)
{
    g_autofree gboolean *seen = g_try_new0(gboolean, tree->n_directories);

    for (guint32 i = 0; seen != NULL && i < tree->n_directories; i++)
        if (!key_is_sound(tree, i, seen))
            return FALSE;
    return seen != NULL;
}

/* With the tables of @header's numbers, which may be anything, from @tables. */
static Subtree *copy_tables(const Header *header, const char *tables, gsize length)
{
    Subtree counts = { .n_nodes = header->n_nodes,
                       .n_directories = header->n_directories,
                       .n_bytes = header->n_bytes };
    Subtree *tree;

    if (header->n_nodes == 0 || header->n_nodes > SUBTREE_MAX_NODES ||
        header->n_directories > header->n_nodes || length != tables_size(&counts) ||
        (tree = malloc(sizeof *tree + length)) == NULL)
        return NULL;
    *tree = counts;
    tree->refs = 1;
    memcpy(tree + 1, tables, length);
    tree->nodes = (Node *)(gpointer)(tree + 1);
    tree->hashes = (guint64 *)(gpointer)((char *)tree->nodes + node_bytes(tree));
    tree->keys = (DirectoryKey *)(gpointer)((char *)tree->hashes + hash_bytes_of(tree));
    tree->bytes = (char *)tree->keys + key_bytes(tree);
    return tree;
}

Subtree *subtree_restore(gconstpointer saved, gsize length)
{
    Header header;

    if (length < sizeof header)
        return NULL;
    memcpy(&header, saved, sizeof header);
    g_autoptr(Subtree) tree =
        copy_tables(&header, (const char *)saved + sizeof header, length - sizeof header);
    if (tree == NULL || !nodes_are_sound(tree) || !keys_are_sound(tree))
        return NULL;
    return g_steal_pointer(&tree);
}

/* The numbers of common names stand in the nodes. */
static guint64 hash_of_common_names(void)
{
    HashKey key = { LAYOUT, 0 };

    for (guint32 i = 0; i < common_name_count(); i++)
        key.k1 = hash_bytes(&key, common_name(i), strlen(common_name(i)));
    return key.k1;
}

char *subtree_layout(void)
{
    return g_strdup_printf("tree %d %zu %zu %d %d %016" G_GINT64_MODIFIER "x", LAYOUT, sizeof(Node),
                           sizeof(DirectoryKey), SUBTREE_NODE_BITS, SUBTREE_KEY_BITS,
                           hash_of_common_names());
}

static gboolean same_node(const Subtree *a, const Subtree *b, NodeIndex i)
{
    const Node *x = &a->nodes[i], *y = &b->nodes[i];

    if (x->kind != y->kind || x->flags != y->flags || x->name != y->name || x->parent != y->parent)
        return FALSE;
    if (x->kind == NODE_DIRECTORY)
        return x->children.n == y->children.n;
    return x->mtime == y->mtime && x->content.at == y->content.at &&
           x->content.size == y->content.size;
}

gboolean subtree_is_same(const Subtree *a, const Subtree *b)
{
    if (a->n_nodes != b->n_nodes || a->n_bytes != b->n_bytes ||
        memcmp(a->bytes, b->bytes, a->n_bytes) != 0)
        return FALSE;
    for (NodeIndex i = 0; i < a->n_nodes; i++)
        if (!same_node(a, b, i))
            return FALSE;
    return TRUE;
}
