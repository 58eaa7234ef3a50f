/* SPDX-License-Identifier: MIT */
/* version: the subtrees of which the kernel holds files, by serial number. A version lives here as
 * long as the kernel may ask for one of its files, even when a newer one has taken its place. */
#pragma once

#include <glib.h>

#include "ppiofs/keep/keep.h"
#include "ppiofs/tree/subtree.h"

typedef struct Versions Versions;

typedef struct {
    Subtree *tree;
    GBytes *body;     /* json/<id>.json; NULL if there is none */
    guint64 root_ino; /* the inode number of the subtree's root */
    guint64 body_ino; /* of json/<id>.json */
    guint64 lookups;  /* the kernel's references to its files */
    guint slot;       /* of the directory that shows the tree; 0: not known */
} Version;

Versions *versions_new(void);

/* Counts one more reference of the kernel to a file of @tree, which the directory @slot shows, and
 * returns the version, which is entered when it is not there. */
Version *versions_hold(Versions *versions, Subtree *tree, guint64 root_ino, guint slot);

/* The serial number of @tree, whether the kernel holds anything of it or not: that of an adopted
 * one that is the same, else a new one. */
guint64 versions_serial(Versions *versions, Subtree *tree, guint64 root_ino);

/* Gives the version its body; once is enough. */
void versions_set_body(Versions *versions, Version *version, GBytes *body, guint64 body_ino);

/* In place of the version that was held a moment ago, one of the same tree with a number, and so a
 * body, of its own. */
Version *versions_part(Versions *versions, Version *version, Subtree *tree);

/* The serial numbers of all, guint64, in any order. (transfer full) */
GArray *versions_serials(const Versions *versions);

/* NULL for a serial that the kernel holds nothing of. */
const Version *versions_find(const Versions *versions, guint64 serial);

/* The kernel gives @n references back. */
void versions_forget(Versions *versions, guint64 serial, guint64 n);

guint versions_count(const Versions *versions);

/* Memory of all versions, in bytes. */
gsize versions_bytes(const Versions *versions);

/* From now on each version is kept in @keep, which outlives it, as long as the kernel may ask for
 * it. */
void versions_keep(Versions *versions, KeepFile *keep);

/* To be called before the kernel hears of what was held: what is kept then counts it, too. */
void versions_flush(Versions *versions);

/* Enters a version that another process has kept, or the body of one, after all trees. It has as
 * many references, or a few more if that process ended before it told the kernel. FALSE: the record
 * cannot be one of those. */
gboolean versions_adopt(Versions *versions, const KeepRecord *record);
gboolean versions_adopt_body(Versions *versions, const KeepRecord *record);

/* Where the directory with that key is in what was adopted with that root, the newest first; NULL:
 * nowhere. */
const Subtree *versions_adopted_directory(const Versions *versions, guint64 root_ino, guint64 key,
                                          NodeIndex *ret_node);

/* The newest adopted with that root that has @path; NULL: there is none. */
const Subtree *versions_adopted_tree(const Versions *versions, guint64 root_ino, const char *path);

/* The newest tree that was adopted with that root, and the newest one that has more nodes. NULL:
 * there is none. */
void versions_ancestors(const Versions *versions, guint64 root_ino, const Subtree *ret_found[2]);

void versions_free(Versions *versions);
