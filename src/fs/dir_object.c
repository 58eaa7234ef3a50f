/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "ppiofs/fs/private.h"

const Object *op_object_detail(Op *op, const Top *top, const char *name, Keep *ret_keep)
{
    CacheAnswer answer = cache_ask_detail(top->cache, name, &op->ask);

    cache_walked_to(top->cache, name);
    if (!op_may_go_on(op, &answer))
        return NULL;
    *ret_keep = (Keep){ answer.keep_us, answer.keep_us };
    return collection_find(top_collection(top), name);
}

/* Whether only the full record can tell what is in the directory: for one name that is looked up
 * below, or with @whole for all. */
static gboolean directory_needs_detail(const Object *object, NodeIndex node, gboolean whole)
{
    if (node == NODE_NONE)
        return TRUE;
    return whole ? !object_confirms_listing(object, node) : !object_confirms(object, node);
}

/* The object in whose directory the op takes place, and that directory's node, once what it takes
 * to know is there: the full record if the directory, or with @whole its listing, needs it. NULL:
 * the op has been parked or answered. */
static const Object *open_directory(Op *op, const Directory *in, gboolean whole,
                                    NodeIndex *ret_node, Keep *ret_keep)
{
    Cache *cache = in->top->cache;
    CacheAnswer answer = cache_ask_item(cache, in->name, &op->ask);
    if (!op_may_go_on(op, &answer))
        return NULL;
    const Object *object = collection_find(cache_collection(cache), in->name);
    *ret_keep = (Keep){ answer.keep_us, cache_detail_keep_us(cache, object) };
    *ret_node = subtree_directory_by_key(record_tree(object->record), in->key);

    if (directory_needs_detail(object, *ret_node, whole)) {
        object = op_object_detail(op, in->top, in->name, ret_keep);
        if (object == NULL)
            return NULL;
        *ret_node = subtree_directory_by_key(record_tree(object->record), in->key);
    }
    if (*ret_node != NODE_NONE)
        return object;
    op_reply_missing(op, MIN(ret_keep->listed_us, ret_keep->detail_us));
    return NULL;
}

/* What nobody could have meant is not worth looking at the age of what we know. */
static gboolean is_junk_here(const Op *op, const Directory *in)
{
    const Object *object = collection_find(top_collection(in->top), in->name);
    if (object == NULL || !name_is_junk(op->name))
        return FALSE;

    const Subtree *tree = record_tree(object->record);
    NodeIndex node = subtree_directory_by_key(tree, in->key);
    return node == NODE_NONE || subtree_child(tree, node, op->name) == NODE_NONE;
}

/* Only the full record can tell what the list does not have. An array has what it shows. */
static gboolean child_needs_detail(const Object *object, NodeIndex directory, NodeIndex node)
{
    if (node != NODE_NONE)
        return !object_confirms(object, node);
    return !object_confirms(object, directory) ||
           (subtree_flags(record_tree(object->record), directory) & NODE_ARRAY) == 0;
}

static void lookup_in_object(Op *op, const Directory *in)
{
    NodeIndex directory;
    Keep keep;

    if (is_junk_here(op, in)) {
        op_reply_missing(op, 0);
        return;
    }
    const Object *object = open_directory(op, in, FALSE, &directory, &keep);
    if (object == NULL)
        return;
    NodeIndex node = subtree_child(record_tree(object->record), directory, op->name);

    if (child_needs_detail(object, directory, node) && !name_is_junk(op->name)) {
        object = op_object_detail(op, in->top, in->name, &keep);
        if (object == NULL)
            return;
        directory = subtree_directory_by_key(record_tree(object->record), in->key);
        node = directory == NODE_NONE
                   ? NODE_NONE
                   : subtree_child(record_tree(object->record), directory, op->name);
    }
    Shown shown = shown_object(in->top, object, keep);
    op_reply_node(op, &shown, node);
}

static void list_object(Op *op, const Directory *in)
{
    const Pin *pin = op_pin(op);
    Shown shown;
    NodeIndex node;

    if (pin != NULL) {
        /* The rest of a listing: as it began, and nothing of it is kept. */
        shown = (Shown){ .tree = pin->tree,
                         .top = in->top,
                         .name = in->name,
                         .root_ino = object_ino(in->top, in->name) };
        node = subtree_directory_by_key(pin->tree, in->key);
    } else {
        Keep keep;
        const Object *object = open_directory(op, in, TRUE, &node, &keep);
        if (object == NULL)
            return;
        shown = shown_object(in->top, object, keep);
        pin = op_add_pin(op, NULL, shown.tree, shown.root_ino);
    }
    reply_subtree(op, pin, &shown, node);
}

/* Where the directory with that key is shown. While the record that is shown is from a list, which
 * lacks some, the full one before stands for it. NULL: in neither. */
static const Subtree *find_directory(const Object *object, guint64 key, NodeIndex *ret_node)
{
    const Subtree *tree = record_tree(object->record);

    *ret_node = subtree_directory_by_key(tree, key);
    if (*ret_node == NODE_NONE && object->full != NULL) {
        tree = record_tree(object->full);
        *ret_node = subtree_directory_by_key(tree, key);
    }
    return *ret_node == NODE_NONE ? NULL : tree;
}

static void attr_of_object(Fs *fs, const Directory *directory, struct stat *attr,
                           gint64 *ret_keep_us)
{
    const Top *top = directory->top;
    const Object *object = collection_find(top_collection(top), directory->name);
    NodeIndex node;
    const Subtree *tree = object == NULL ? NULL : find_directory(object, directory->key, &node);
    guint64 ino = object_ino(top, directory->name);

    if (tree == NULL) {
        attr_unknown(fs, attr, ino, directory->key, ret_keep_us);
        return;
    }

    CacheAnswer answer = cache_ask_item(top->cache, directory->name, &only_look);
    Keep keep = { answer.keep_us, cache_detail_keep_us(top->cache, object) };
    gboolean fresh = answer.state == CACHE_FRESH && tree == record_tree(object->record) &&
                     attr_listing_is_good(object, node, &keep);
    attr_node(fs, attr, tree, node, ino);
    if (node == 0)
        attr_date_object(attr, object);
    *ret_keep_us = fresh ? keep.listed_us : 0;
    if (!fresh)
        attr_move_to_now(fs, attr);
    else if (object_shows_full(object) && !object_confirms_listing(object, node))
        *ret_keep_us = MIN(keep.listed_us, keep.detail_us);
}

/* Of both answers, also if the kernel holds no file of them. */
static const Subtree *each_of_object(const Directory *directory, guint n)
{
    const Object *object = collection_find(top_collection(directory->top), directory->name);
    const Record *known[2] = { NULL };
    guint n_known = 0;

    if (object != NULL && object->item != NULL)
        known[n_known++] = object->item;
    if (object != NULL && object->full != NULL)
        known[n_known++] = object->full;
    return n < n_known ? record_tree(known[n]) : NULL;
}

const DirectoryType object_directory = { lookup_in_object, list_object, attr_of_object,
                                         each_of_object };
