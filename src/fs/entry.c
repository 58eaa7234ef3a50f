/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/private.h"

#define NS_PER_S 1000000000
/* See move_mtime(): less than a millisecond, and more steps than there are lookups between two
 * listings. */
#define MOVE_MOST_NS 999999

gboolean entry_top(Fs *fs, struct fuse_entry_param *entry, Top *top)
{
    gint64 keep_us;

    *entry = (struct fuse_entry_param){ .ino = nodeid_directory(top_slot(fs, top), 0) };
    attr_top(fs, &entry->attr, top, &keep_us);
    entry->attr_timeout = fs_seconds(keep_us);
    entry->entry_timeout = fs_seconds(KEEP_FOREVER_US);
    return TRUE;
}

gboolean entry_growing(Fs *fs, struct fuse_entry_param *entry)
{
    *entry = (struct fuse_entry_param){ .ino = NODEID_GROWING,
                                        .entry_timeout = fs_seconds(KEEP_FOREVER_US) };
    attr_growing(fs, &entry->attr); /* which the kernel may not keep: attr_timeout is 0 */
    return TRUE;
}

Shown shown_object(const Top *top, const Object *object, Keep keep)
{
    return (Shown){ .tree = record_tree(object->record),
                    .top = top,
                    .name = object->name,
                    .object = object,
                    .root_ino = object_ino(top, object->name),
                    .keep = keep };
}

Shown shown_top(const Top *top, Subtree *tree, gint64 keep_us)
{
    return (Shown){ .tree = tree, .top = top, .root_ino = top->ino, .keep = { keep_us, keep_us } };
}

/* The listing that the kernel may keep has names of a detail that is too old by now. It goes when
 * the mtime is another than before: by so little that nobody is told a wrong one. */
static void move_mtime(Fs *fs, struct stat *attr)
{
    gint64 ns = attr->st_mtim.tv_nsec + 1 + (gint64)(fs->moves++ % MOVE_MOST_NS);

    attr->st_mtim.tv_sec += ns / NS_PER_S;
    attr->st_mtim.tv_nsec = ns % NS_PER_S;
}

static gint64 smaller_keep(const Keep *keep)
{
    return MIN(keep->listed_us, keep->detail_us);
}

/* Of a directory in a listing: it has the listing's times. What goes leaves its tree in place. */
static void date_like_top(Fs *fs, struct stat *attr, const Top *of)
{
    ino_t ino = attr->st_ino;
    gint64 keep_us;

    attr_top(fs, attr, &fs->tops[top_slot(fs, of)], &keep_us);
    attr->st_ino = ino;
}

static gboolean entry_directory(Fs *fs, struct fuse_entry_param *entry, const Shown *shown,
                                NodeIndex node)
{
    const Object *object = shown->object;
    guint slot = top_slot(fs, shown->top);

    if (shown->name != NULL)
        slot = slots_hold(fs->slots, slot, shown->name);

    entry->ino = nodeid_directory(slot, subtree_directory_key(shown->tree, node));
    entry->attr_timeout = fs_seconds(shown->keep.listed_us);
    if (shown->name == NULL)
        date_like_top(fs, &entry->attr, shown->top);
    if (object == NULL)
        return slot != 0;
    if (node == 0)
        attr_date_object(&entry->attr, object);
    if (!attr_listing_is_good(object, node, &shown->keep))
        move_mtime(fs, &entry->attr);
    else if (object_shows_full(object) && !object_confirms_listing(object, node))
        entry->attr_timeout = fs_seconds(smaller_keep(&shown->keep));
    return slot != 0;
}

gboolean entry_node(Fs *fs, struct fuse_entry_param *entry, const Shown *shown, NodeIndex node)
{
    gboolean listed = shown->object == NULL || object_confirms(shown->object, node);
    gint64 keep_us = listed ? shown->keep.listed_us : smaller_keep(&shown->keep);

    *entry = (struct fuse_entry_param){ .entry_timeout = fs_seconds(keep_us) };
    attr_node(fs, &entry->attr, shown->tree, node, shown->root_ino);
    if (subtree_kind(shown->tree, node) == NODE_DIRECTORY)
        return entry_directory(fs, entry, shown, node);

    guint slot = top_slot(fs, shown->top);
    versions_hold(fs->versions, shown->tree, shown->root_ino,
                  shown->name == NULL ? slot : slots_find(fs->slots, slot, shown->name));
    entry->ino = nodeid_file(subtree_serial(shown->tree), node);
    entry->attr_timeout = fs_seconds(KEEP_FOREVER_US); /* these bytes never change */
    return TRUE;
}

static void hold_body(Fs *fs, const Top *top, Version *version, const Object *object)
{
    GBytes *body = record_body(object->record);
    g_autofree char *name = body_name(object);
    guint64 place = subtree_step_ino(top->ino, name);

    versions_set_body(
        fs->versions, version, body,
        subtree_value_ino(place, TRUE, g_bytes_get_data(body, NULL), g_bytes_get_size(body)));
}

gboolean entry_body(Fs *fs, struct fuse_entry_param *entry, const Top *top, const Object *object,
                    gint64 keep_us)
{
    Subtree *tree = record_tree(object->record);
    const Top *home = fs_objects(fs, top->cache);
    Version *version = versions_hold(fs->versions, tree, object_ino(home, object->name),
                                     slots_find(fs->slots, top_slot(fs, home), object->name));

    if (version->body != NULL && !g_bytes_equal(version->body, record_body(object->record)))
        version = versions_part(fs->versions, version, tree); /* an adopted one of the same tree */
    if (version->body == NULL)
        hold_body(fs, top, version, object);
    *entry = (struct fuse_entry_param){ .ino = nodeid_file(subtree_serial(tree), NODEID_BODY),
                                        .entry_timeout = fs_seconds(keep_us),
                                        .attr_timeout = fs_seconds(KEEP_FOREVER_US) };
    attr_body(fs, &entry->attr, version);
    return TRUE;
}

void entry_forget(Fs *fs, NodeId id, guint64 n)
{
    if (nodeid_is_file(id))
        versions_forget(fs->versions, nodeid_serial(id), n);
    else
        slots_forget(fs->slots, nodeid_slot(id), n);
}
