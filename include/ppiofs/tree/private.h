/* SPDX-License-Identifier: MIT */
/* private: what the files of tree/ share; for nobody else.
 *
 *   draft.c   a tree in the making: nodes are added
 *   twins.c   its entries that want one name
 *   pack.c    a draft becomes a Subtree
 *   subtree.c reading one
 *   saved.c   one as bytes
 *   compare.c two versions of one */
#pragma once

#include "ppiofs/base/error.h"
#include "ppiofs/tree/draft.h"

/* A node as it was added; offsets are into Draft.bytes. */
typedef struct {
    guint32 parent;
    guint32 name;   /* unless it is a common one */
    guint32 common; /* its number, or COMMON_NAME_NONE */
    guint32 data;
    guint32 size;
    guint8 kind;
    guint8 flags;
    guint8 dropped;
} DraftNode;

typedef struct Packing Packing; /* see pack.c */

struct Draft {
    DraftNode *nodes;
    guint32 n_nodes, nodes_room;
    char *bytes; /* names, terminated, and contents */
    gsize n_bytes, bytes_room;
    PpiofsError failure;
    gboolean failed;
    Packing *packing; /* NULL: nodes may still be added */
};

/* From now on the draft cannot be finished. */
void draft_fail(Draft *draft, PpiofsError failure);

/* Grows an array by doubling; the number of elements comes from the network, so it may fail. */
gboolean draft_make_room(Draft *draft, gpointer array, gsize *room, gsize wanted, gsize element);

/* Where in Draft.bytes they are. */
guint32 draft_add_bytes(Draft *draft, const char *bytes, gsize length);

/* Terminated; good until bytes are added. */
const char *draft_name_of(const Draft *draft, guint32 node);

/* Names twins by number, and drops optional ones. @order: of the nodes, as they are sorted. TRUE if
 * a name changed, so that the nodes must be sorted again. */
gboolean draft_rename_twins(Draft *draft, const guint32 *order);

/* The tree that draft_step() has made; NULL if the draft failed. (transfer full) */
Subtree *draft_take_tree(Draft *draft);
void packing_free(Packing *packing);

/* There are tens of each for every instance of the account: they are as small as they can be. */
typedef struct {
    gint64 mtime;
    union {
        struct {
            guint32 at, size; /* in bytes */
        } content;            /* of a file or a symlink */
        struct {
            /* .number: the directory's place in Subtree.hashes */
            guint64 first : SUBTREE_NODE_BITS, n : SUBTREE_NODE_BITS, number : SUBTREE_NODE_BITS;
        } children; /* of a directory */
    };
    guint32 name; /* into bytes, terminated; or NAME_IS_COMMON and the number of a common name */
    guint32 parent : SUBTREE_NODE_BITS, kind : 2, flags : 10;
} Node;

#define NAME_IS_COMMON (1u << 31)

typedef struct {
    guint64 key : SUBTREE_KEY_BITS, node : SUBTREE_NODE_BITS;
} DirectoryKey;

/* One allocation: this, then the nodes, the hashes, the keys and the bytes. */
struct Subtree {
    guint refs;
    guint32 n_nodes, n_directories;
    guint32 n_bytes;
    guint64 serial;
    Node *nodes;
    guint64 *hashes;    /* of the paths of the directories, in the order of the nodes */
    DirectoryKey *keys; /* sorted by key */
    char *bytes;
};

/* The key that a directory has whose path has that hash, unless a twin took it. */
guint64 path_key(guint64 path_hash);
