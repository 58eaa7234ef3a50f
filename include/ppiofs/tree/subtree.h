/* SPDX-License-Identifier: MIT */
/* subtree: an immutable tree of directories, files and symlinks in one block of memory, with exact
 * contents. Every directory of the mount that comes from data is a place in one of these.
 *
 * Nodes are numbered from 0, the root; the children of a directory are neighbours, sorted by the
 * bytes of their names. Reference-counted; all strings are borrowed from it. */
#pragma once

#include <glib.h>

typedef struct Subtree Subtree;

typedef guint32 NodeIndex;
#define NODE_NONE G_MAXUINT32
/* A subtree never has more nodes than this: a node number fits its bits, with one to spare. */
#define SUBTREE_NODE_BITS 20
#define SUBTREE_MAX_NODES ((1 << SUBTREE_NODE_BITS) - 2)

typedef enum { NODE_DIRECTORY, NODE_FILE, NODE_SYMLINK } NodeKind;

typedef enum {
    NODE_SECRET = 1 << 0,   /* mode 0400; passes on to everything below */
    NODE_ARRAY = 1 << 1,    /* a directory that shows an array: its children are all there are */
    NODE_OPTIONAL = 1 << 2, /* gives way to any other entry of the same name */
} NodeFlags;

NodeKind subtree_kind(const Subtree *tree, NodeIndex node);
NodeFlags subtree_flags(const Subtree *tree, NodeIndex node);
NodeIndex subtree_parent(const Subtree *tree, NodeIndex node); /* NODE_NONE for the root */
const char *subtree_name(const Subtree *tree, NodeIndex node); /* encoded; "" for the root */

/* A file's bytes or a symlink's target (not terminated); NULL and 0 for a directory. */
const char *subtree_content(const Subtree *tree, NodeIndex node, gsize *ret_length);

/* Children of a directory: the first, and how many. 0 for anything else. */
guint32 subtree_children(const Subtree *tree, NodeIndex node, NodeIndex *ret_first);

/* The child called @name, or NODE_NONE. O(log children). */
NodeIndex subtree_child(const Subtree *tree, NodeIndex directory, const char *name);

/* "a/b/c" below the root, or NODE_NONE. */
NodeIndex subtree_lookup(const Subtree *tree, const char *path);

guint32 subtree_n_nodes(const Subtree *tree);

/* When the value was first seen, wall clock in microseconds. A directory's is the newest among its
 * children's and its own (the set of names); the root's: see subtree_date(). */
gint64 subtree_mtime(const Subtree *tree, NodeIndex node);

/* Dates a new version: what @older has with the same path, kind and bytes keeps its time; what
 * differs gets @now_us, or a microsecond more than it had where that is later (the clock may have
 * been set back); what @older lacks gets @now_us. The root is as young as what changed since
 * @older, and no older than @own_us; without @older it has that time (0: @now_us). @older may be
 * NULL. To be called when the version becomes the newest. */
void subtree_date(Subtree *tree, const Subtree *older, gint64 now_us, gint64 own_us);

/* The same where @older lacks a part that an @oldest version had: what @older has not is compared
 * with that one. Without it a directory whose names changed meanwhile could keep its mtime, and the
 * kernel the listing that goes with it. @oldest may be NULL. */
void subtree_date_after(Subtree *tree, const Subtree *older, const Subtree *oldest, gint64 now_us,
                        gint64 own_us);

/* TRUE if everything below directory @a_node of @a is in @b_node of @b with the same bytes. A
 * directory of @b may have more, unless it shows an array. */
gboolean subtree_agrees(const Subtree *a, NodeIndex a_node, const Subtree *b, NodeIndex b_node);

/* Calls @tell for each file or symlink that only one of the two has, or that differs, in the order
 * of their paths; a node is NODE_NONE where there is none. @path is relative to the roots; all are
 * borrowed. Both trees are walked once, side by side. */
typedef void (*SubtreeDifference)(NodeIndex old_node, NodeIndex new_node, const char *path,
                                  gpointer data);
void subtree_differences(const Subtree *old, const Subtree *new, SubtreeDifference tell,
                         gpointer data);

/* The inode number of a node, below a root that has @root_ino: a directory's is a 64-bit hash of
 * its path; a file's and a symlink's one of path and value, so that the same number means the same
 * bytes, also after a remount. A secret's is keyed with hash_key(): who may not read it learns
 * nothing about the value. */
guint64 subtree_ino(const Subtree *tree, NodeIndex node, guint64 root_ino);

/* The parts of subtree_ino(), for names that are in no tree: the number of @name in the directory
 * @parent_ino, and the number of a file with those bytes at @path_ino. */
guint64 subtree_step_ino(guint64 parent_ino, const char *name);
guint64 subtree_value_ino(guint64 path_ino, gboolean secret, const char *bytes, gsize length);

/* A directory's key: non-zero for all but the root (0), equal for the same path in every version
 * made under the same hash_key() (whoever takes a mount over goes on with that key), and different
 * for different directories of one version. SUBTREE_KEY_BITS wide. */
#define SUBTREE_KEY_BITS 38
guint64 subtree_directory_key(const Subtree *tree, NodeIndex directory);
NodeIndex subtree_directory_by_key(const Subtree *tree, guint64 key);

/* A number its user may give it, 0 until then: under it the kernel knows this version. */
void subtree_set_serial(Subtree *tree, guint64 serial);
guint64 subtree_serial(const Subtree *tree);

/* Memory of the tree, in bytes. */
gsize subtree_size(const Subtree *tree);

/* The tree as bytes, without its serial number, for another process of this machine; NULL when
 * memory ends. (transfer full) */
GBytes *subtree_save(const Subtree *tree);

/* Makes a tree of the bytes of subtree_save(), which another process with the same subtree_layout()
 * called. NULL when memory ends, or when the bytes are no tree: every offset in them is looked at.
 * (transfer full) */
Subtree *subtree_restore(gconstpointer saved, gsize length);
char *subtree_layout(void);

/* TRUE if one may stand for the other under one serial number: it has the same nodes in the same
 * order, with the same bytes and, for all but directories, the same times. */
gboolean subtree_is_same(const Subtree *a, const Subtree *b);

Subtree *subtree_ref(Subtree *tree);
void subtree_unref(Subtree *tree);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Subtree, subtree_unref)
