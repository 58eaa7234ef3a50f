/* SPDX-License-Identifier: MIT */
/* key_file: reads a key from a file that nobody else can read or swap. */
#pragma once

#include <glib.h>

#define KEY_FILE_MAX_BYTES 4096 /* any key and its newline; more is some other file */

typedef enum {
    /* No bits for group and others. */
    KEY_FILE_PRIVATE,
    /* Below $CREDENTIALS_DIRECTORY: the group may have r if root owns the file. systemd writes it
     * 0400 and lets a unit's user in with an ACL entry; stat(2) then shows the ACL's mask where
     * the group's bits are, and mode 0440, though no group can read it. */
    KEY_FILE_SYSTEMD,
} KeyFileKind;

/* Refuses symbolic links, anything but a regular file, another owner than this user or root, and
 * open modes. Never waits (fifo). PPIOFS_ERROR_KEY. Free with key_free(). */
char *key_file_read(const char *path, KeyFileKind kind, GError **error);
