/* SPDX-License-Identifier: MIT */
/* mount_table: what is mounted where in the mount namespace of this process, from
 * /proc/self/mountinfo. Never asks a file system. */
#pragma once

#include <glib.h>

#define MOUNT_TYPE "fuse.ppiofs" /* of every mount of ppiofs */

typedef struct {
    int id;        /* stays through mount --move; used again once the mount is gone */
    int parent;    /* the id of the mount that this one lies on */
    char *device;  /* "0:52": of the file system, whatever mounts it has */
    char *path;    /* where the mount is now */
    char *type;    /* "fuse.ppiofs", "ext4" */
    char *options; /* of the file system: "rw,user_id=1000,..." */
} MountEntry;

/* MountEntry *, in the table's order: of several at one path the last lies on top.
 * PPIOFS_ERROR_FAILED when there is no /proc. (transfer full) */
GPtrArray *mount_table_read(GError **error);

/* The mount with that id, or the topmost at @path; NULL: there is none. Borrowed from @table. */
const MountEntry *mount_table_find(const GPtrArray *table, int id);
const MountEntry *mount_table_find_at(const GPtrArray *table, const char *path);

/* TRUE if another mount lies on that mount, anywhere in it. */
gboolean mount_table_has_child(const GPtrArray *table, int id);

/* The id of the mount that the open file @fd is on, -1 if that cannot be told. */
int mount_table_id_of(int fd);

/* The path of the open file @fd as it is now, without links; NULL if that cannot be told.
 * (transfer full) */
char *mount_table_path_of(int fd);
