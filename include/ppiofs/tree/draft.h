/* SPDX-License-Identifier: MIT */
/* draft: how a subtree is made: nodes are added in any order, then draft_finish() names, sorts and
 * packs them.
 *
 * Raw names go through name_encode(). Two entries that want one name: the first keeps it, the next
 * are name~2, name~3 in the order they were added; an entry marked NODE_OPTIONAL is dropped.
 * When memory or node numbers end, the draft remembers it and draft_finish() fails: no call in
 * between needs checking. */
#pragma once

#include <glib.h>

#include "ppiofs/tree/subtree.h"

typedef struct Draft Draft;

/* Holds a root directory, node 0. */
Draft *draft_new(void);

/* Each adds to directory @parent and returns the new node's number in the draft. @content is
 * copied. @flags of the parent that pass on (NODE_SECRET) are added. A @raw_name of NULL is one for
 * which memory had ended already. */
NodeIndex draft_directory(Draft *draft, NodeIndex parent, const char *raw_name, NodeFlags flags);
NodeIndex draft_file(Draft *draft, NodeIndex parent, const char *raw_name, const char *content,
                     gsize length, NodeFlags flags);
NodeIndex draft_symlink(Draft *draft, NodeIndex parent, const char *raw_name, const char *target,
                        NodeFlags flags);

/* Appends to the file that was added last. */
void draft_append(Draft *draft, const char *content, gsize length);

/* Goes on towards the end for about @n nodes; from the first step on nothing may be added. TRUE:
 * draft_finish() takes no time any more. */
gboolean draft_step(Draft *draft, guint n);

/* Frees the draft. PPIOFS_ERROR_NO_MEMORY or PPIOFS_ERROR_TOO_LARGE. (transfer full) */
Subtree *draft_finish(Draft *draft, GError **error);

void draft_free(Draft *draft);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Draft, draft_free)
