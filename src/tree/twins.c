/* SPDX-License-Identifier: MIT */
/* Entries of a draft that want one name: each gets one of its own. */
#include <string.h>

#include "ppiofs/tree/common_name.h"
#include "ppiofs/tree/name.h"
#include "ppiofs/tree/private.h"

static gboolean same_name(const Draft *draft, guint32 a, guint32 b)
{
    return draft->nodes[a].parent == draft->nodes[b].parent &&
           strcmp(draft_name_of(draft, a), draft_name_of(draft, b)) == 0;
}

/* Whether some sibling of @node was given @name from the start. */
static gboolean name_is_taken(Draft *draft, const guint32 *order, guint32 node, const char *name)
{
    guint32 low = 1, high = draft->n_nodes; /* order[0] is the root */

    while (low < high) {
        guint32 middle = low + (high - low) / 2;
        const DraftNode *other = &draft->nodes[order[middle]];
        int side = other->parent != draft->nodes[node].parent
                       ? (other->parent < draft->nodes[node].parent ? -1 : 1)
                       : strcmp(draft_name_of(draft, order[middle]), name);

        if (side == 0)
            return TRUE;
        if (side < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return FALSE;
}

/* "name~k" within the bound on names; @k moves on to the next free number. */
static char *numbered_name(Draft *draft, const guint32 *order, guint32 node, guint32 *k)
{
    const char *base = draft_name_of(draft, node);
    char numbered[NAME_MAX_BYTES + sizeof "~4294967295"];
    char *name = NULL;

    do {
        g_free(name);
        g_snprintf(numbered, sizeof numbered, "%s~%u", base, ++*k);
        name = strlen(numbered) > NAME_MAX_BYTES ? name_encode(numbered) : g_strdup(numbered);
    } while (name_is_taken(draft, order, node, name));
    return name;
}

typedef struct {
    guint32 node;
    guint32 name; /* into Draft.bytes */
} Rename;

/* Gives each entry of a run that wants one name a name of its own. The new names are collected
 * first and set at the end, so that name_is_taken() searches a sorted table. */
gboolean draft_rename_twins(Draft *draft, const guint32 *order)
{
    g_autofree Rename *renames = NULL;
    gsize n = 0, room = 0;
    guint32 k = 1;

    for (guint32 i = 2; i < draft->n_nodes && !draft->failed; i++) {
        if (!same_name(draft, order[i - 1], order[i])) {
            k = 1;
        } else if (draft->nodes[order[i]].flags & NODE_OPTIONAL) {
            draft->nodes[order[i]].dropped = TRUE;
        } else {
            g_autofree char *name = numbered_name(draft, order, order[i], &k);
            if (draft_make_room(draft, &renames, &room, n + 1, sizeof *renames))
                renames[n++] = (Rename){ order[i], draft_add_bytes(draft, name, strlen(name) + 1) };
        }
    }
    for (gsize i = 0; i < n && !draft->failed; i++) {
        draft->nodes[renames[i].node].name = renames[i].name;
        draft->nodes[renames[i].node].common = COMMON_NAME_NONE;
    }
    return n > 0;
}
