/* SPDX-License-Identifier: MIT */
/* private: what the files of credentials/ share; for nobody else.
 *
 *   key_text.c      what counts as a key
 *   key_file.c      reads a key from a file that nobody else can read or swap
 *   key_command.c   runs a program whose first line of output is the key */
#pragma once

#include <glib.h>

/* 1-1024 characters of visible ASCII on one line: so a key can carry neither a second header nor a
 * terminal escape. */
#define KEY_MAX_LENGTH 1024

/* @bytes may end in one newline (or CR LF). @where is the subject of the error, PPIOFS_ERROR_KEY:
 * "the file /...". Free with key_free(). */
char *key_parse(const char *bytes, gsize length, const char *where, GError **error);

/* Overwrites it first. */
void key_free(char *key);

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

/* No shell; its own process group, killed as a whole when its time is over. Its
 * standard error explains a failure. */
#define KEY_COMMAND_TIMEOUT_US (10 * G_USEC_PER_SEC) /* enough for an agent that asks the user */

typedef struct KeyCommand KeyCommand;

/* Exactly one of @key and @error is set; both are borrowed. Called from the context, never from
 * inside key_command_start(). The KeyCommand is dead then. */
typedef void (*KeyCommandDone)(const char *key, const GError *error, gpointer data);

/* @command is split as a shell would split it. PPIOFS_ERROR_KEY if it cannot be started. */
KeyCommand *key_command_start(const char *command, gint64 timeout_us, GMainContext *context,
                              KeyCommandDone done, gpointer data, GError **error);

/* Kills it, without calling back. */
void key_command_cancel(KeyCommand *run);
