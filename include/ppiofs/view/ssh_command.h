/* SPDX-License-Identifier: MIT */
/* ssh_command: how an instance is reached, out of the command line that the API gives for it.
 *
 * The API has no fields for host, port and user. The result is safe as a word of ssh_config(5)
 * without any quoting: it has no blank, quote, backslash, '%', '#', '=' or '$'. */
#pragma once

#include <glib.h>

#define SSH_HOST_MAX_BYTES 253 /* the longest name that DNS can hold */
#define SSH_USER_MAX_BYTES 64  /* useradd(8) stops at 32; directories have somewhat longer ones */

typedef struct {
    char host[SSH_HOST_MAX_BYTES + 1]; /* a name or an IP literal, IPv6 without brackets */
    char user[SSH_USER_MAX_BYTES + 1]; /* "" if none is given */
    guint16 port;                      /* 0 if none is given */
} SshCommand;

/* TRUE if @text is exactly `ssh [-p PORT] [USER@]HOST`, one blank between the words. Sets
 * @ret_command only then. */
gboolean ssh_command_parse(const char *text, SshCommand *ret_command);
