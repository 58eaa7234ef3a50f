/* SPDX-License-Identifier: MIT */
/* private: how a Subtree lies in memory, for subtree.c (making and reading) and compare.c (two
 * versions of one). */
#pragma once

#include "ppiofs/tree/subtree.h"

typedef struct {
    gint64 mtime;
    guint32 parent;
    guint32 name; /* into bytes, terminated */
    guint32 data; /* a file's or symlink's place in bytes; a directory's first child */
    guint32 size; /* its bytes; a directory's number of children */
    guint8 kind;
    guint8 flags;
} Node;

typedef struct {
    guint64 key;
    NodeIndex node;
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
