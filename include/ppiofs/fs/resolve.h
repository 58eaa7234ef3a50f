/* SPDX-License-Identifier: MIT */
/* resolve: a path becomes a descriptor, component by component. Asks no file system that is mounted
 * at the end of the path. */
#pragma once

#include <glib.h>

/* An O_PATH descriptor of the directory @path, which is absolute. As root, a symbolic link that
 * belongs to another user is not followed: that user could make it lead anywhere. -1 and
 * PPIOFS_ERROR_USAGE, which calls it @shown, if it cannot be had. */
int resolve_directory(const char *path, const char *shown, GError **error);
