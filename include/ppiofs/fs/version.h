/* SPDX-License-Identifier: MIT */
/* version: the subtrees of which the kernel holds files, by serial number. A version lives here as
 * long as the kernel may ask for one of its files, even when a newer one has taken its place. */
#pragma once

#include <glib.h>

#include "ppiofs/tree/subtree.h"

typedef struct Versions Versions;

typedef struct {
    Subtree *tree;
    GBytes *body;     /* json/<id>.json; NULL if there is none */
    guint64 root_ino; /* the inode number of the subtree's root */
    guint64 body_ino; /* of json/<id>.json */
    guint64 lookups;  /* the kernel's references to its files */
    guint slot;       /* of the directory that shows the tree; 0: not known. The fs sets it. */
} Version;

Versions *versions_new(void);

/* Counts one more reference of the kernel to a file of @tree and returns the version, which is
 * entered when it is not there. */
Version *versions_hold(Versions *versions, Subtree *tree, guint64 root_ino);

/* The serial number of @tree, whether the kernel holds anything of it or not. */
guint64 versions_serial(Versions *versions, Subtree *tree);

/* Gives the version its body; once is enough. */
void versions_set_body(Versions *versions, Version *version, GBytes *body, guint64 body_ino);

/* The serial numbers of all, guint64, in any order. (transfer full) */
GArray *versions_serials(const Versions *versions);

/* NULL for a serial that the kernel holds nothing of. */
const Version *versions_find(const Versions *versions, guint64 serial);

/* The kernel gives @n references back. */
void versions_forget(Versions *versions, guint64 serial, guint64 n);

guint versions_count(const Versions *versions);

/* Memory of all versions, in bytes. */
gsize versions_bytes(const Versions *versions);

void versions_free(Versions *versions);
