/* SPDX-License-Identifier: MIT */
/* packed: the making of a Subtree, for draft.c alone.
 *
 * Nodes are added breadth first, the root first; packed_seal() makes it a Subtree for everybody. */
#pragma once

#include "ppiofs/tree/subtree.h"

/* Room for at most that many nodes, directories among them, and bytes of terminated names and
 * contents. NULL when memory ends. */
Subtree *packed_new(guint32 n_nodes, guint32 n_directories, gsize n_bytes);

/* Adds the next node; @content is copied, and @name unless it is a common one, of number @common.
 */
void packed_add(Subtree *tree, const char *name, guint32 common, NodeKind kind, NodeFlags flags,
                const char *content, guint32 length);

/* Says that the children of directory @node are the @n nodes from @first on. */
void packed_set_children(Subtree *tree, NodeIndex node, NodeIndex first, guint32 n);

/* Computes the directory keys. Returns @tree. */
Subtree *packed_seal(Subtree *tree);
