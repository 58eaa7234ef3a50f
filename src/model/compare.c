/* SPDX-License-Identifier: MIT */
#include "ppiofs/model/compare.h"

#include <string.h>

gboolean record_agrees(Record *item, Record *full)
{
    return subtree_agrees(record_tree(item), 0, record_tree(full), 0);
}

gboolean record_equals(Record *a, Record *b)
{
    return a == b || (subtree_n_nodes(record_tree(a)) == subtree_n_nodes(record_tree(b)) &&
                      record_agrees(a, b));
}

gboolean record_is_same(Record *a, Record *b)
{
    GBytes *x = record_body(a), *y = record_body(b);

    return (x == y || (x != NULL && y != NULL && g_bytes_equal(x, y))) && record_equals(a, b);
}

/* The place of each node of @tree in @other; NULL when memory ends. */
static NodeIndex *twins_in(const Subtree *tree, const Subtree *other)
{
    NodeIndex *twins = g_try_new0(NodeIndex, subtree_n_nodes(tree));

    if (twins == NULL)
        return NULL;
    twins[0] = 0;
    for (NodeIndex i = 1; i < subtree_n_nodes(tree); i++) {
        NodeIndex parent = twins[subtree_parent(tree, i)];

        twins[i] =
            parent == NODE_NONE ? NODE_NONE : subtree_child(other, parent, subtree_name(tree, i));
    }
    return twins;
}

gboolean record_lost(Record *old, Record *new, Record *full)
{
    g_autofree NodeIndex *in_new = twins_in(record_tree(old), record_tree(new));
    g_autofree NodeIndex *in_full = twins_in(record_tree(old), record_tree(full));

    if (in_new == NULL || in_full == NULL)
        return TRUE;
    for (NodeIndex i = 1; i < subtree_n_nodes(record_tree(old)); i++)
        if (in_new[i] == NODE_NONE && in_full[i] != NODE_NONE)
            return TRUE;
    return FALSE;
}

static const char *value_at(Record *record, const char *path, gsize *ret_length)
{
    const Subtree *tree = record_tree(record);
    NodeIndex node = subtree_lookup(tree, path);

    *ret_length = 0;
    return node == NODE_NONE ? NULL : subtree_content(tree, node, ret_length);
}

gboolean records_share_value(Record *a, Record *b, const char *path)
{
    gsize x_length, y_length;
    const char *x = value_at(a, path, &x_length), *y = value_at(b, path, &y_length);

    if (x == NULL || y == NULL)
        return x == y;
    return x_length == y_length && memcmp(x, y, x_length) == 0;
}
