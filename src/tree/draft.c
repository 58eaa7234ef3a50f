/* SPDX-License-Identifier: MIT */
#include "ppiofs/tree/draft.h"

#include <stdlib.h>
#include <string.h>

#include "ppiofs/tree/common_name.h"
#include "ppiofs/tree/name.h"
#include "ppiofs/tree/private.h"

/* Places in a Subtree's bytes have 31 bits: see private.h. */
#define MAX_BYTES G_MAXINT32

void draft_fail(Draft *draft, PpiofsError failure)
{
    if (!draft->failed)
        draft->failure = failure;
    draft->failed = TRUE;
}

gboolean draft_make_room(Draft *draft, gpointer array, gsize *room, gsize wanted, gsize element)
{
    gsize larger = MAX(*room * 2, wanted);
    gpointer moved;

    if (wanted <= *room)
        return TRUE;
    moved = realloc(*(gpointer *)array, larger * element);
    if (moved == NULL) {
        draft_fail(draft, PPIOFS_ERROR_NO_MEMORY);
        return FALSE;
    }
    *(gpointer *)array = moved;
    *room = larger;
    return TRUE;
}

guint32 draft_add_bytes(Draft *draft, const char *bytes, gsize length)
{
    gsize at = draft->n_bytes;

    if (draft->n_bytes + length > MAX_BYTES) {
        draft_fail(draft, PPIOFS_ERROR_TOO_LARGE);
        return 0;
    }
    if (!draft_make_room(draft, &draft->bytes, &draft->bytes_room, at + length, 1))
        return 0;
    if (length > 0)
        memcpy(draft->bytes + at, bytes, length);
    draft->n_bytes += length;
    return (guint32)at;
}

const char *draft_name_of(const Draft *draft, guint32 node)
{
    const DraftNode *n = &draft->nodes[node];

    return n->common == COMMON_NAME_NONE ? draft->bytes + n->name : common_name(n->common);
}

static void set_name(Draft *draft, guint32 node, const char *name)
{
    guint32 common = common_name_find(name);

    draft->nodes[node].common = common;
    if (common == COMMON_NAME_NONE)
        draft->nodes[node].name = draft_add_bytes(draft, name, strlen(name) + 1);
}

static NodeIndex add_node(Draft *draft, NodeIndex parent, const char *raw_name, NodeKind kind,
                          NodeFlags flags)
{
    gsize room = draft->nodes_room;

    if (raw_name == NULL)
        draft_fail(draft, PPIOFS_ERROR_NO_MEMORY);
    if (draft->n_nodes >= SUBTREE_MAX_NODES)
        draft_fail(draft, PPIOFS_ERROR_TOO_LARGE);
    if (draft->failed ||
        !draft_make_room(draft, &draft->nodes, &room, draft->n_nodes + 1, sizeof(DraftNode)))
        return 0;
    draft->nodes_room = (guint32)room;

    g_autofree char *name = parent == NODE_NONE ? g_strdup("") : name_encode(raw_name);
    guint8 inherited = draft->n_nodes > 0 ? draft->nodes[parent].flags & NODE_SECRET : 0;
    draft->nodes[draft->n_nodes] = (DraftNode){
        .parent = parent,
        .kind = (guint8)kind,
        .flags = (guint8)flags | inherited,
    };
    set_name(draft, draft->n_nodes, name);
    return draft->n_nodes++;
}

Draft *draft_new(void)
{
    Draft *draft = g_new0(Draft, 1);

    add_node(draft, NODE_NONE, "", NODE_DIRECTORY, 0);
    return draft;
}

NodeIndex draft_directory(Draft *draft, NodeIndex parent, const char *raw_name, NodeFlags flags)
{
    return add_node(draft, parent, raw_name, NODE_DIRECTORY, flags);
}

static NodeIndex add_leaf(Draft *draft, NodeIndex parent, const char *raw_name, NodeKind kind,
                          const char *content, gsize length, NodeFlags flags)
{
    NodeIndex node = add_node(draft, parent, raw_name, kind, flags);

    if (!draft->failed) {
        draft->nodes[node].data = draft_add_bytes(draft, content, length);
        draft->nodes[node].size = (guint32)length;
    }
    return node;
}

NodeIndex draft_file(Draft *draft, NodeIndex parent, const char *raw_name, const char *content,
                     gsize length, NodeFlags flags)
{
    return add_leaf(draft, parent, raw_name, NODE_FILE, content, length, flags);
}

NodeIndex draft_symlink(Draft *draft, NodeIndex parent, const char *raw_name, const char *target,
                        NodeFlags flags)
{
    return add_leaf(draft, parent, raw_name, NODE_SYMLINK, target, strlen(target), flags);
}

void draft_append(Draft *draft, const char *content, gsize length)
{
    if (draft->failed)
        return;
    draft_add_bytes(draft, content, length);
    if (!draft->failed)
        draft->nodes[draft->n_nodes - 1].size += (guint32)length;
}

Subtree *draft_finish(Draft *draft, GError **error)
{
    while (!draft_step(draft, G_MAXUINT))
        continue;
    Subtree *tree = draft_take_tree(draft);
    gboolean too_large = draft->failed && draft->failure == PPIOFS_ERROR_TOO_LARGE;

    if (tree == NULL && too_large)
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE,
                    "the record has more than %d entries", SUBTREE_MAX_NODES);
    else if (tree == NULL)
        g_set_error_literal(error, PPIOFS_ERROR, PPIOFS_ERROR_NO_MEMORY,
                            "not enough memory for the record");
    draft_free(draft);
    return tree;
}

void draft_free(Draft *draft)
{
    if (draft == NULL)
        return;
    packing_free(draft->packing);
    free(draft->nodes);
    free(draft->bytes);
    g_free(draft);
}
