/* SPDX-License-Identifier: MIT */
#include "ppiofs/tree/subtree.h"

#include <stdlib.h>
#include <string.h>

#include "ppiofs/base/hash.h"
#include "ppiofs/tree/common_name.h"
#include "ppiofs/tree/name.h"
#include "ppiofs/tree/private.h"

/* Keys of paths are 1 to this: above it there is room for as many twins as there can be. */
#define KEY_MOST ((G_GUINT64_CONSTANT(1) << SUBTREE_KEY_BITS) - 1 - SUBTREE_MAX_NODES)

/* The second halves of the keys under which names, places and values are hashed. */
#define OF_NAME 1
#define OF_PLACE 2
#define OF_VALUE 3

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

    *ret_length = directory ? 0 : n->content.size;
    return directory ? NULL : tree->bytes + n->content.at;
}

guint32 subtree_children(const Subtree *tree, NodeIndex node, NodeIndex *ret_first)
{
    const Node *n = &tree->nodes[node];
    gboolean directory = n->kind == NODE_DIRECTORY;

    *ret_first = directory ? n->children.first : 0;
    return directory ? n->children.n : 0;
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
    NodeIndex node = 0;

    while (*path != '\0' && node != NODE_NONE) {
        gsize length = strcspn(path, "/");
        gboolean more = path[length] == '/';
        char name[NAME_MAX_BYTES + 1];

        if (length > NAME_MAX_BYTES || (more && path[length + 1] == '\0'))
            return NODE_NONE;
        memcpy(name, path, length);
        name[length] = '\0';
        node = subtree_child(tree, node, name);
        path += length + more;
    }
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

/* 0 means "no inode" to readdir(3), 1 is the root of the mount. */
static guint64 usable_ino(guint64 hash)
{
    return MAX(hash, 2);
}

guint64 subtree_step_ino(guint64 parent_ino, const char *name)
{
    const HashKey key = { parent_ino, OF_NAME };

    return usable_ino(hash_bytes(&key, name, strlen(name)));
}

guint64 subtree_value_ino(guint64 path_ino, gboolean secret, const char *bytes, gsize length)
{
    const HashKey *own = hash_key();
    const HashKey key = { secret ? path_ino ^ own->k0 : path_ino, secret ? own->k1 : OF_VALUE };

    return usable_ino(hash_bytes(&key, bytes, length));
}

static guint64 path_hash(const Subtree *tree, NodeIndex node)
{
    const Node *n = &tree->nodes[node];

    if (n->kind == NODE_DIRECTORY)
        return tree->hashes[n->children.number];
    return subtree_step_ino(tree->hashes[tree->nodes[n->parent].children.number],
                            subtree_name(tree, node));
}

guint64 subtree_ino(const Subtree *tree, NodeIndex node, guint64 root_ino)
{
    const HashKey key = { root_ino, OF_PLACE };
    guint64 path = GUINT64_TO_LE(path_hash(tree, node));
    guint64 ino = node == 0 ? root_ino : usable_ino(hash_bytes(&key, &path, sizeof path));
    gsize length;
    const char *value = subtree_content(tree, node, &length);

    return value == NULL ? ino
                         : subtree_value_ino(ino, (subtree_flags(tree, node) & NODE_SECRET) != 0,
                                             value, length);
}

guint64 path_key(guint64 path_hash)
{
    guint64 path = GUINT64_TO_LE(path_hash);

    return 1 + hash_bytes(hash_key(), &path, sizeof path) % KEY_MOST;
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
    guint32 at = directory == 0 ? 0 : find_key(tree, path_key(path_hash(tree, directory)));

    while (tree->keys[at].node != directory) /* a twin stands further up */
        at++;
    return tree->keys[at].key;
}

NodeIndex subtree_directory_by_key(const Subtree *tree, guint64 key)
{
    guint32 at = find_key(tree, key);

    return at < tree->n_directories && tree->keys[at].key == key ? tree->keys[at].node : NODE_NONE;
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
           (sizeof(guint64) + sizeof(DirectoryKey)) * tree->n_directories + tree->n_bytes;
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
