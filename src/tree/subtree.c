/* SPDX-License-Identifier: MIT */
#include "ppiofs/tree/subtree.h"

#include <stdlib.h>
#include <string.h>

#include "ppiofs/tree/common_name.h"
#include "ppiofs/tree/packed.h"
#include "ppiofs/tree/private.h"

/* Keys of paths are 1 to this: above it there is room for as many twins as there can be. */
#define KEY_MOST ((G_GUINT64_CONSTANT(1) << SUBTREE_KEY_BITS) - 1 - SUBTREE_MAX_NODES)
#define KEY_SEED G_GUINT64_CONSTANT(0x9e3779b97f4a7c15)

Subtree *packed_new(guint32 n_nodes, guint32 n_directories, gsize n_bytes)
{
    gsize nodes = sizeof(Subtree);
    gsize keys = nodes + sizeof(Node) * n_nodes;
    gsize bytes = keys + sizeof(DirectoryKey) * n_directories;
    Subtree *tree = malloc(bytes + n_bytes);

    if (tree == NULL)
        return NULL;
    *tree = (Subtree){ .refs = 1 };
    tree->nodes = (Node *)(gpointer)((char *)tree + nodes);
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

void packed_add(Subtree *tree, const char *name, guint32 common, NodeKind kind, NodeFlags flags,
                const char *content, guint32 length)
{
    Node *node = &tree->nodes[tree->n_nodes];

    /* A parent that was added before has claimed this place already; the root has none. */
    *node = (Node){
        .parent = tree->n_nodes == 0 ? 0 : node->parent,
        .name = common == COMMON_NAME_NONE ? add_bytes(tree, name, strlen(name) + 1)
                                           : NAME_IS_COMMON | common,
        .kind = kind,
        .flags = flags,
    };
    if (kind == NODE_DIRECTORY) {
        tree->keys[tree->n_directories++].node = tree->n_nodes;
    } else {
        node->data = add_bytes(tree, content, length);
        node->size = length;
    }
    tree->n_nodes++;
}

void packed_set_children(Subtree *tree, NodeIndex node, NodeIndex first, guint32 n)
{
    tree->nodes[node].data = first;
    tree->nodes[node].size = n;
    for (guint32 i = 0; i < n; i++)
        tree->nodes[first + i].parent = node;
}

static int compare_keys(gconstpointer a, gconstpointer b)
{
    const DirectoryKey *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->node < y->node ? -1 : x->node > y->node;
}

static guint64 path_key(const Subtree *tree, NodeIndex directory)
{
    return directory == 0 ? 0 : 1 + subtree_ino(tree, directory, KEY_SEED) % KEY_MOST;
}

Subtree *packed_seal(Subtree *tree)
{
    for (guint32 i = 0; i < tree->n_directories; i++)
        tree->keys[i].key = path_key(tree, tree->keys[i].node);
    qsort(tree->keys, tree->n_directories, sizeof *tree->keys, compare_keys);

    /* Twins (only a hostile API makes any) move up to the next free key. */
    for (guint32 i = 1; i < tree->n_directories; i++)
        if (tree->keys[i].key <= tree->keys[i - 1].key)
            tree->keys[i].key = tree->keys[i - 1].key + 1;
    return tree;
}

NodeKind subtree_kind(const Subtree *tree, NodeIndex node)
{
    return (NodeKind)tree->nodes[node].kind;
}

NodeFlags subtree_flags(const Subtree *tree, NodeIndex node)
{
    return (NodeFlags)tree->nodes[node].flags;
}

NodeIndex subtree_parent(const Subtree *tree, NodeIndex node)
{
    return node == 0 ? NODE_NONE : tree->nodes[node].parent;
}

const char *subtree_name(const Subtree *tree, NodeIndex node)
{
    guint32 name = tree->nodes[node].name;

    return name & NAME_IS_COMMON ? common_name(name & ~NAME_IS_COMMON) : tree->bytes + name;
}

const char *subtree_content(const Subtree *tree, NodeIndex node, gsize *ret_length)
{
    const Node *n = &tree->nodes[node];
    gboolean directory = n->kind == NODE_DIRECTORY;

    *ret_length = directory ? 0 : n->size;
    return directory ? NULL : tree->bytes + n->data;
}

guint32 subtree_children(const Subtree *tree, NodeIndex node, NodeIndex *ret_first)
{
    const Node *n = &tree->nodes[node];

    *ret_first = n->data;
    return n->kind == NODE_DIRECTORY ? n->size : 0;
}

NodeIndex subtree_child(const Subtree *tree, NodeIndex directory, const char *name)
{
    NodeIndex low;
    NodeIndex high = subtree_children(tree, directory, &low);

    for (high += low; low < high;) {
        NodeIndex middle = low + (high - low) / 2;
        int order = strcmp(subtree_name(tree, middle), name);

        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NODE_NONE;
}

NodeIndex subtree_lookup(const Subtree *tree, const char *path)
{
    g_auto(GStrv) names = g_strsplit(path, "/", -1);
    NodeIndex node = 0;

    for (gsize i = 0; names[i] != NULL && node != NODE_NONE; i++)
        node = subtree_child(tree, node, names[i]);
    return node;
}

guint32 subtree_n_nodes(const Subtree *tree)
{
    return tree->n_nodes;
}

gint64 subtree_mtime(const Subtree *tree, NodeIndex node)
{
    return tree->nodes[node].mtime;
}

/* FNV-1a over the name, started from the parent, and MurmurHash3's finalizer to mix all bits. */
guint64 subtree_step_ino(guint64 parent_ino, const char *name)
{
    guint64 hash = parent_ino ^ G_GUINT64_CONSTANT(0xcbf29ce484222325);

    for (const guchar *at = (const guchar *)name; *at != '\0'; at++)
        hash = (hash ^ *at) * G_GUINT64_CONSTANT(0x100000001b3);
    hash = (hash ^ (hash >> 33)) * G_GUINT64_CONSTANT(0xff51afd7ed558ccd);
    hash = (hash ^ (hash >> 33)) * G_GUINT64_CONSTANT(0xc4ceb9fe1a85ec53);
    hash ^= hash >> 33;
    return MAX(hash, 2); /* 0 means "no inode" to readdir(3), 1 is the root of the mount */
}

guint64 subtree_ino(const Subtree *tree, NodeIndex node, guint64 root_ino)
{
    /* The depth is bounded by that of the JSON (64) and of the views. */
    return node == 0 ? root_ino
                     : subtree_step_ino(subtree_ino(tree, tree->nodes[node].parent, root_ino),
                                        subtree_name(tree, node));
}

/* The first place in keys whose key is not below @key. */
static guint32 find_key(const Subtree *tree, guint64 key)
{
    guint32 low = 0, high = tree->n_directories;

    while (low < high) {
        guint32 middle = low + (high - low) / 2;

        if (tree->keys[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

guint64 subtree_directory_key(const Subtree *tree, NodeIndex directory)
{
    guint32 at = find_key(tree, path_key(tree, directory));

    while (tree->keys[at].node != directory) /* a twin stands further up */
        at++;
    return tree->keys[at].key;
}

NodeIndex subtree_directory_by_key(const Subtree *tree, guint64 key)
{
    guint32 at = find_key(tree, key);

    return at < tree->n_directories && tree->keys[at].key == key ? tree->keys[at].node : NODE_NONE;
}

void subtree_mark(Subtree *tree, NodeIndex node, NodeFlags flag)
{
    tree->nodes[node].flags |= flag;
}

void subtree_set_serial(Subtree *tree, guint64 serial)
{
    tree->serial = serial;
}

guint64 subtree_serial(const Subtree *tree)
{
    return tree->serial;
}

gsize subtree_size(const Subtree *tree)
{
    return sizeof *tree + sizeof(Node) * tree->n_nodes +
           sizeof(DirectoryKey) * tree->n_directories + tree->n_bytes;
}

Subtree *subtree_ref(Subtree *tree)
{
    tree->refs++;
    return tree;
}

void subtree_unref(Subtree *tree)
{
    if (tree != NULL && --tree->refs == 0)
        free(tree);
}
