/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "ppiofs/fs/private.h"

/* What was only removed is left out one by one: see is_gone(). But a name that several shared may
 * be another's alone now. */
static gboolean is_up_to_date(const Top *top, gboolean whole)
{
    const Collection *collection = top_collection(top);
    const Made *made = &top->made;

    return made->tree != NULL &&
           made->mark.version == collection_link_version(collection, top->link) &&
           (made->mark.removals == collection_removals(collection) ||
            (!whole && !kind_link_is_by_name(collection_kind(collection), top->link)));
}

/* The tree of the links as of now. Borrowed; NULL: the op has been parked or answered. @whole: all
 * of it is to be listed, so it is made anew also if objects were only removed. */
static Subtree *op_links(Op *op, Top *top, gboolean whole)
{
    Collection *collection = top_collection(top);
    const MakingOrder order = view_of_links(collection_kind(collection), top->link);

    if (is_up_to_date(top, whole))
        return top->made.tree;
    return made_get(op, &top->made, &order, collection,
                    collection_link_version(collection, top->link));
}

/* TRUE if @node is a link to an object that has gone since the tree was made. */
static gboolean is_gone(const Top *top, NodeIndex node)
{
    gsize length;
    const char *target;

    if (node == NODE_NONE || subtree_kind(top->made.tree, node) != NODE_SYMLINK)
        return FALSE;
    target = subtree_content(top->made.tree, node, &length);
    g_autofree char *path = g_strndup(target, length);
    return collection_find(top_collection(top), strrchr(path, '/') + 1) == NULL;
}

static NodeIndex find_directory(const Subtree *tree, const Directory *in)
{
    return tree == NULL ? NODE_NONE : subtree_directory_by_key(tree, in->key);
}

static NodeIndex find_child(const Subtree *tree, const Directory *in, const char *name)
{
    NodeIndex directory = find_directory(tree, in);

    return directory == NODE_NONE ? NODE_NONE : subtree_child(tree, directory, name);
}

static void lookup_in_links(Op *op, const Directory *in)
{
    Top *top = in->top;
    gint64 keep_us;

    if (name_is_junk(op->name) && find_child(top->made.tree, in, op->name) == NODE_NONE) {
        op_reply_missing(op, 0);
        return;
    }
    if (!op_needs_list(op, top, NULL, &keep_us))
        return;
    Subtree *tree = op_links(op, top, FALSE);
    if (tree == NULL)
        return;
    NodeIndex node = find_child(tree, in, op->name);
    Shown shown = shown_top(top, tree, keep_us);
    op_reply_node(op, &shown, is_gone(top, node) ? NODE_NONE : node);
}

static void list_links(Op *op, const Directory *in)
{
    Top *top = in->top;
    Pin *pin = op_pin(op);
    gint64 keep_us;

    if (!op_needs_list(op, top, pin, &keep_us))
        return;
    if (pin == NULL) {
        Subtree *tree = op_links(op, top, TRUE);
        if (tree == NULL)
            return;
        pin = op_add_pin(op, NULL, tree, top->ino);
        attr_listed(top);
    }
    Shown shown = shown_top(top, pin->tree, keep_us);
    reply_subtree(op, pin, &shown, find_directory(pin->tree, in));
}

static void attr_of_links(Fs *fs, const Directory *directory, struct stat *attr,
                          gint64 *ret_keep_us)
{
    const Subtree *tree = directory->top->made.tree;
    NodeIndex node = find_directory(tree, directory);
    guint64 ino = directory->top->ino;

    attr_top(fs, attr, directory->top, ret_keep_us);
    if (node == NODE_NONE && directory->key != 0)
        attr_unknown(fs, attr, ino, directory->key, ret_keep_us);
    else if (directory->key != 0)
        attr->st_ino = subtree_ino(tree, node, ino);
}

static const Subtree *each_of_links(const Directory *directory, guint n)
{
    return n == 0 ? directory->top->made.tree : NULL;
}

const DirectoryType links_directory = { lookup_in_links, list_links, attr_of_links, each_of_links };
