/* SPDX-License-Identifier: MIT */
/* private: how a Subtree lies in memory, for subtree.c (making and reading) and compare.c (two
 * versions of one). */
#pragma once

#include "ppiofs/tree/subtree.h"

/* There are tens of each for every instance of the account: they are as small as they can be. */
typedef struct {
    gint64 mtime;
    guint32 name; /* into bytes, terminated; or NAME_IS_COMMON and the number of a common name */
    guint32 data; /* a file's or symlink's place in bytes; a directory's first child */
    guint32 size; /* its bytes; a directory's number of children */
    guint32 parent : SUBTREE_NODE_BITS, kind : 2, flags : 10;
} Node;

#define NAME_IS_COMMON (1u << 31)

typedef struct {
    guint64 key : SUBTREE_KEY_BITS, node : SUBTREE_NODE_BITS;
} DirectoryKey;

/* One allocation: this, then the nodes, the keys and the bytes. */
struct Subtree {
    guint refs;
    guint32 n_nodes, n_directories;
    guint32 n_bytes;
    guint64 serial;
    Node *nodes;
    DirectoryKey *keys; /* sorted by key */
    char *bytes;
};
