/* SPDX-License-Identifier: MIT */
/* mountpoint: whether one may mount there. */
#pragma once

#include <glib.h>

#define MOUNTPOINT_TYPE "fuse.ppiofs" /* of every mount of ppiofs */

/* Detaches a dead ppiofs mount of this user ("Transport endpoint is not connected"), and only such
 * a one. PPIOFS_ERROR_USAGE when the directory is missing or none, PPIOFS_ERROR_MOUNTED when a live
 * ppiofs is mounted there, or somebody else's dead mount is. /dev/fd/N is always fine. */
gboolean mountpoint_prepare(const char *path, GError **error);

/* The file system type of the topmost mount at @path, or NULL. (transfer full) */
char *mountpoint_type(const char *path);

/* Whether a FUSE mount is at @path whose daemon has gone ("Transport endpoint is not connected").
 */
gboolean mountpoint_is_dead(const char *path);
