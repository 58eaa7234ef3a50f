/* SPDX-License-Identifier: MIT */
/* key_command: a program whose first line of output is the key. No shell; its own process group,
 * killed as a whole when its time is over. Its standard error explains a failure. */
#pragma once

#include <glib.h>

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
