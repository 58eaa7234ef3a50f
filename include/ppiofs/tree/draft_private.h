/* SPDX-License-Identifier: MIT */
/* draft_private: a Draft in the making, for draft.c and twins.c alone. */
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

struct Draft {
    DraftNode *nodes;
    guint32 n_nodes, nodes_room;
    char *bytes; /* names, terminated, and contents */
    gsize n_bytes, bytes_room;
    PpiofsError failure;
    gboolean failed;
};

/* Grows an array by doubling; the number of elements comes from the network, so it may fail. */
gboolean draft_make_room(Draft *draft, gpointer array, gsize *room, gsize wanted, gsize element);

/* Where in Draft.bytes they are. */
guint32 draft_add_bytes(Draft *draft, const char *bytes, gsize length);

/* Terminated; good until bytes are added. */
const char *draft_name_of(const Draft *draft, guint32 node);

/* Names twins by number, and drops optional ones. @order: of the nodes, as they are sorted. */
void draft_rename_twins(Draft *draft, const guint32 *order);
