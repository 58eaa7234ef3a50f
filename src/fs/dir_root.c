/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "ppiofs/fs/private.h"

static void lookup_in_root(Op *op, const Directory *in)
{
    const FsGrowing *growing = op->fs->options.growing;
    struct fuse_entry_param entry;

    if (op_reply_top(op, in))
        return;
    if (growing != NULL && strcmp(growing->name, op->name) == 0)
        op_reply_filled(op, entry_growing(op->fs, &entry), &entry);
    else
        op_reply_missing(op, KEEP_FOREVER_US);
}

static void list_root(Op *op, const Directory *in)
{
    const FsGrowing *growing = op->fs->options.growing;
    Reply reply = reply_new(op, NULL);
    guint place = reply_add_tops(&reply, in->slot) + 2;
    struct fuse_entry_param entry;

    if (growing != NULL && reply.position == place && reply_has_room(&reply, growing->name)) {
        entry_growing(op->fs, &entry);
        reply_add(&reply, place, growing->name, &entry);
    }
    reply_send(&reply);
}

static void attr_of_root(Fs *fs, const Directory *directory, struct stat *attr, gint64 *ret_keep_us)
{
    (void)directory;
    attr_directory(fs, attr, NODEID_ROOT, fs->born);
    *ret_keep_us = KEEP_FOREVER_US;
}

const DirectoryType root_directory = { lookup_in_root, list_root, attr_of_root, NULL };
