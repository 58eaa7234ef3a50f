/* SPDX-License-Identifier: MIT */
/* detach: unmounts one mount and no other, whatever its path has become. */
#pragma once

#include <glib.h>

#include "ppiofs/fs/place.h"
#include "ppiofs/keep/keep.h"

/* Which mount this process has made. */
typedef struct {
    int id;       /* 0: none */
    char *device; /* an id may be used again, so both must agree */
} OwnMount;

/* Detaches the mount that the O_PATH descriptor @fd is the root of, at @path. Only root can do so
 * by the descriptor; fusermount3 takes the path. PPIOFS_ERROR_MOUNTED. */
gboolean detach_mount(int fd, const char *path, GError **error);

/* Finds the mount that was made at @place a moment ago. PPIOFS_ERROR_MOUNTED when another ppiofs
 * was mounted there at the same moment: then this one is detached. */
gboolean own_mount_find(OwnMount *own, const Place *place, GError **error);

/* Detaches it, wherever it has been moved to. It stays, with a warning, when something is mounted
 * on it. SIGTERM and the like wait meanwhile: they would end a helper, too, and leave a dead mount.
 * Does nothing when the mount has gone. */
void own_mount_detach(const OwnMount *own);

/* The process that goes on with it must detach it, too. FALSE: @keep does not say which it is. */
void own_mount_keep(const OwnMount *own, KeepFile *keep);
gboolean own_mount_of_keep(OwnMount *own, const KeepFile *keep);

/* TRUE if it is still mounted, and for a mount that was passed in: of that nobody here can know. */
gboolean own_mount_is_there(const OwnMount *own);

void own_mount_clear(OwnMount *own);
