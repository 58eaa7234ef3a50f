/* SPDX-License-Identifier: MIT */
#include "ppiofs/model/object.h"

gboolean object_shows_full(const Object *object)
{
    return object->record != NULL && object->record == object->full;
}

/* The node of the item with the same path as @node of the record that is shown, or NODE_NONE. */
static NodeIndex item_twin(const Object *object, NodeIndex node)
{
    const Subtree *shown = record_tree(object->record);

    if (object->item == NULL)
        return NODE_NONE;
    if (node == 0 || object->record == object->item)
        return node;
    NodeIndex parent = item_twin(object, subtree_parent(shown, node));
    return parent == NODE_NONE
               ? NODE_NONE
               : subtree_child(record_tree(object->item), parent, subtree_name(shown, node));
}

gboolean object_confirms(const Object *object, NodeIndex node)
{
    return item_twin(object, node) != NODE_NONE;
}

/* Without a full answer nobody can tell what else an object has; an array has what it shows. */
gboolean object_confirms_listing(const Object *object, NodeIndex node)
{
    NodeIndex twin = item_twin(object, node), first;
    const Subtree *shown = record_tree(object->record);

    if (twin == NODE_NONE)
        return FALSE;
    if (!object_shows_full(object))
        return (subtree_flags(shown, node) & NODE_ARRAY) != 0;
    /* The item agrees with what is shown, or is older: so it has no name that is not shown. */
    return !object->contested && subtree_children(record_tree(object->item), twin, &first) ==
                                     subtree_children(shown, node, &first);
}

gint64 object_time(const Object *object)
{
    gint64 time = MAX(object->changed, record_own_time(object->record));

    return time != 0 ? time : subtree_mtime(record_tree(object->record), 0);
}

Object *object_ref(Object *object)
{
    object->refs++;
    return object;
}

void object_unref(Object *object)
{
    if (object == NULL || --object->refs > 0)
        return;
    g_free(object->name);
    record_unref(object->item);
    record_unref(object->full);
    g_free(object);
}
