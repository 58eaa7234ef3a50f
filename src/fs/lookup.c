/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "ppiofs/fs/private.h"
#include "ppiofs/tree/name.h"

static void reply(Op *op, gboolean filled_in, const struct fuse_entry_param *entry)
{
    if (filled_in)
        op_reply_entry(op, entry);
    else
        op_reply_error(op, ENFILE);
}

static void reply_node(Op *op, const Shown *shown, NodeIndex node)
{
    struct fuse_entry_param entry;

    if (node == NODE_NONE)
        op_reply_missing(op, MIN(shown->keep.listed_us, shown->keep.detail_us));
    else
        reply(op, entry_node(op->fs, &entry, shown, node), &entry);
}

static gboolean is_growing(const Fs *fs, const char *name)
{
    return fs->options.growing != NULL && strcmp(fs->options.growing->name, name) == 0;
}

static void lookup_in_root(Op *op)
{
    Top *top = top_find(op->fs, op->name);
    struct fuse_entry_param entry;

    if (top == NULL && is_growing(op->fs, op->name))
        reply(op, entry_growing(op->fs, &entry), &entry);
    else if (top == NULL)
        op_reply_missing(op, KEEP_FOREVER_US);
    else
        reply(op, entry_top(op->fs, &entry, top), &entry);
}

static void lookup_in_instances(Op *op)
{
    Fs *fs = op->fs;
    CacheAnswer answer = cache_ask_item(fs->cache, op->name, &op->ask);
    struct fuse_entry_param entry;

    if (!op_may_go_on(op, &answer))
        return;
    const Instance *instance = fleet_find(cache_fleet(fs->cache), op->name);
    Keep keep = { answer.keep_us, cache_detail_keep_us(fs->cache, instance) };
    reply(op, entry_instance(fs, &entry, instance, keep), &entry);
}

const Instance *op_instance_detail(Op *op, const char *name, Keep *ret_keep)
{
    Fs *fs = op->fs;
    CacheAnswer answer = cache_ask_detail(fs->cache, name, &op->ask);

    cache_walked_to(fs->cache, name);
    if (!op_may_go_on(op, &answer))
        return NULL;
    *ret_keep = (Keep){ answer.keep_us, answer.keep_us };
    return fleet_find(cache_fleet(fs->cache), name);
}

/* Whether only the full record can tell what is in the directory: for one name that is looked up
 * below, or with @whole for all. */
static gboolean directory_needs_detail(const Instance *instance, NodeIndex node, gboolean whole)
{
    if (node == NODE_NONE)
        return TRUE;
    return whole ? !instance_confirms_listing(instance, node) : !instance_confirms(instance, node);
}

const Instance *op_instance_directory(Op *op, gboolean whole, NodeIndex *ret_node, Keep *ret_keep)
{
    Fs *fs = op->fs;
    guint64 key = nodeid_key(op->directory);
    const char *name = slots_name(fs->slots, nodeid_slot(op->directory));
    if (name == NULL) {
        op_reply_error(op, ESTALE);
        return NULL;
    }

    CacheAnswer answer = cache_ask_item(fs->cache, name, &op->ask);
    if (!op_may_go_on(op, &answer))
        return NULL;
    const Instance *instance = fleet_find(cache_fleet(fs->cache), name);
    *ret_keep = (Keep){ answer.keep_us, cache_detail_keep_us(fs->cache, instance) };
    *ret_node = subtree_directory_by_key(record_tree(instance->record), key);

    if (directory_needs_detail(instance, *ret_node, whole)) {
        instance = op_instance_detail(op, name, ret_keep);
        if (instance == NULL)
            return NULL;
        *ret_node = subtree_directory_by_key(record_tree(instance->record), key);
    }
    if (*ret_node != NODE_NONE)
        return instance;
    op_reply_missing(op, MIN(ret_keep->listed_us, ret_keep->detail_us));
    return NULL;
}

/* What nobody could have meant is not worth looking at the age of what we know. */
static gboolean is_junk_here(Op *op)
{
    const char *name = slots_name(op->fs->slots, nodeid_slot(op->directory));
    const Instance *instance = name == NULL ? NULL : fleet_find(cache_fleet(op->fs->cache), name);
    if (instance == NULL || !name_is_junk(op->name))
        return FALSE;

    const Subtree *tree = record_tree(instance->record);
    NodeIndex node = subtree_directory_by_key(tree, nodeid_key(op->directory));
    return node == NODE_NONE || subtree_child(tree, node, op->name) == NODE_NONE;
}

/* Only the full record can tell what the list does not have. An array has what it shows. */
static gboolean child_needs_detail(const Instance *instance, NodeIndex directory, NodeIndex node)
{
    if (node != NODE_NONE)
        return !instance_confirms(instance, node);
    return !instance_confirms(instance, directory) ||
           (subtree_flags(record_tree(instance->record), directory) & NODE_ARRAY) == 0;
}

static void lookup_in_instance(Op *op)
{
    NodeIndex directory;
    Keep keep;

    if (is_junk_here(op)) {
        op_reply_missing(op, 0);
        return;
    }
    const Instance *instance = op_instance_directory(op, FALSE, &directory, &keep);
    if (instance == NULL)
        return;
    NodeIndex node = subtree_child(record_tree(instance->record), directory, op->name);

    if (child_needs_detail(instance, directory, node) && !name_is_junk(op->name)) {
        guint64 key = nodeid_key(op->directory);
        instance = op_instance_detail(op, instance->name, &keep);
        if (instance == NULL)
            return;
        directory = subtree_directory_by_key(record_tree(instance->record), key);
        node = directory == NODE_NONE
                   ? NODE_NONE
                   : subtree_child(record_tree(instance->record), directory, op->name);
    }
    Shown shown = shown_instance(op->fs, instance, keep);
    reply_node(op, &shown, node);
}

static void lookup_in_json(Op *op)
{
    Fs *fs = op->fs;
    g_autofree char *name = NULL;
    struct fuse_entry_param entry;
    Keep keep;

    if (!json_instance_name(op, &name))
        return;
    if (name == NULL ||
        (name_is_junk(op->name) && fleet_find(cache_fleet(fs->cache), name) == NULL)) {
        op_reply_missing(op, 0);
        return;
    }
    const Instance *instance = op_instance_detail(op, name, &keep);
    if (instance != NULL)
        reply(op, entry_body(fs, &entry, instance, keep.detail_us), &entry);
}

static void lookup_in_links(Op *op, Top *top)
{
    Fs *fs = op->fs;
    CacheAnswer answer;
    Subtree *tree = top->made.tree;
    NodeIndex directory =
        tree == NULL ? NODE_NONE : subtree_directory_by_key(tree, nodeid_key(op->directory));

    if (name_is_junk(op->name) &&
        (directory == NODE_NONE || subtree_child(tree, directory, op->name) == NODE_NONE)) {
        op_reply_missing(op, 0);
        return;
    }
    answer = cache_ask_list(fs->cache, &op->ask);
    if (!op_may_go_on(op, &answer))
        return;
    tree = top_links(op, top, FALSE);
    if (tree == NULL)
        return;
    directory = subtree_directory_by_key(tree, nodeid_key(op->directory));
    Shown shown = shown_top(fs, top, tree, answer.keep_us);
    NodeIndex node = directory == NODE_NONE ? NODE_NONE : subtree_child(tree, directory, op->name);
    reply_node(op, &shown, top_link_is_gone(fs, top, node) ? NODE_NONE : node);
}

static void lookup_in_files(Op *op, Top *top)
{
    gint64 keep_us;
    g_autoptr(Subtree) tree = top_make_file(op, top, op->name, &keep_us);

    if (tree == NULL)
        return;
    Shown shown = shown_top(op->fs, top, tree, keep_us);
    reply_node(op, &shown, 1);
}

void lookup_run(Op *op)
{
    guint slot = nodeid_slot(op->directory);
    Top *top = top_of_slot(op->fs, slot);

    if (slot == 0)
        lookup_in_root(op);
    else if (top == NULL)
        lookup_in_instance(op);
    else if (top->kind == TOP_INSTANCES)
        lookup_in_instances(op);
    else if (top->kind == TOP_JSON)
        lookup_in_json(op);
    else if (top->kind == TOP_LINKS)
        lookup_in_links(op, top);
    else
        lookup_in_files(op, top);
}
