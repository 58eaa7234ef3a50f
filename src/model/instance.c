/* SPDX-License-Identifier: MIT */
#include "ppiofs/model/instance.h"

gboolean instance_shows_full(const Instance *instance)
{
    return instance->record != NULL && instance->record == instance->full;
}

/* The node of the item with the same path as @node of the record that is shown, or NODE_NONE. */
static NodeIndex item_twin(const Instance *instance, NodeIndex node)
{
    const Subtree *shown = record_tree(instance->record);

    if (instance->item == NULL)
        return NODE_NONE;
    if (node == 0 || instance->record == instance->item)
        return node;
    NodeIndex parent = item_twin(instance, subtree_parent(shown, node));
    return parent == NODE_NONE
               ? NODE_NONE
               : subtree_child(record_tree(instance->item), parent, subtree_name(shown, node));
}

gboolean instance_confirms(const Instance *instance, NodeIndex node)
{
    return item_twin(instance, node) != NODE_NONE;
}

/* Without a full answer nobody can tell what else an object has; an array has what it shows. */
gboolean instance_confirms_listing(const Instance *instance, NodeIndex node)
{
    NodeIndex twin = item_twin(instance, node), first;
    const Subtree *shown = record_tree(instance->record);

    if (twin == NODE_NONE)
        return FALSE;
    if (!instance_shows_full(instance))
        return (subtree_flags(shown, node) & NODE_ARRAY) != 0;
    /* The item agrees with what is shown, or is older: so it has no name that is not shown. */
    return !instance->contested && subtree_children(record_tree(instance->item), twin, &first) ==
                                       subtree_children(shown, node, &first);
}

gint64 instance_time(const Instance *instance)
{
    gint64 time = MAX(instance->changed, record_own_time(instance->record));

    return time != 0 ? time : subtree_mtime(record_tree(instance->record), 0);
}

Instance *instance_ref(Instance *instance)
{
    instance->refs++;
    return instance;
}

void instance_unref(Instance *instance)
{
    if (instance == NULL || --instance->refs > 0)
        return;
    g_free(instance->name);
    record_unref(instance->item);
    record_unref(instance->full);
    g_free(instance);
}
