/* SPDX-License-Identifier: MIT */
/* nodeid: what the 64 bits under which the kernel knows a node say.
 *
 *   directory  01 | slot (24 bits) | directory key (38 bits)   the same for ever
 *   file       1  | serial (43 bits) | node number (20 bits)   one version of one file
 *
 * So no table of nodes is needed: a directory is found by its place (slot.h) and the key of its
 * path, a file by the version it is part of (version.h). */
#pragma once

#include <glib.h>

#include "ppiofs/tree/subtree.h"

#define NODEID_ROOT 1 /* FUSE_ROOT_ID */
#define NODEID_SLOTS (1u << 24)
#define NODEID_SERIALS (G_GUINT64_CONSTANT(1) << 43)
#define NODEID_GROWING (G_GUINT64_CONSTANT(1) << 63) /* FsGrowing: no version has serial 0 */
#define NODEID_BODY 0xfffff /* the node number of a version's body: json/<id>.json */

typedef guint64 NodeId;

static inline NodeId nodeid_directory(guint slot, guint64 key)
{
    return slot == 0 ? NODEID_ROOT
                     : G_GUINT64_CONSTANT(1) << 62 | (guint64)slot << SUBTREE_KEY_BITS | key;
}

static inline NodeId nodeid_file(guint64 serial, NodeIndex node)
{
    return G_GUINT64_CONSTANT(1) << 63 | serial << 20 | node;
}

static inline gboolean nodeid_is_file(NodeId id)
{
    return (id >> 63) != 0;
}

static inline guint nodeid_slot(NodeId id)
{
    return id == NODEID_ROOT ? 0 : (guint)(id >> SUBTREE_KEY_BITS) & (NODEID_SLOTS - 1);
}

static inline guint64 nodeid_key(NodeId id)
{
    return id == NODEID_ROOT ? 0 : id & ((G_GUINT64_CONSTANT(1) << SUBTREE_KEY_BITS) - 1);
}

static inline guint64 nodeid_serial(NodeId id)
{
    return (id & ~(G_GUINT64_CONSTANT(1) << 63)) >> 20;
}

static inline NodeIndex nodeid_node(NodeId id)
{
    return (NodeIndex)(id & NODEID_BODY);
}
