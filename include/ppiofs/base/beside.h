/* SPDX-License-Identifier: MIT */
/* beside: a call that may never return, made in a child process that is given up after a while. A
 * file system whose daemon is stopped keeps whoever asks it, and no signal but SIGKILL helps. */
#pragma once

#include <glib.h>

/* Runs in the child: async-signal-safe calls only. Returns how many bytes of @answer it has set, or
 * a negative errno. */
typedef gssize (*BesideCall)(char *answer, gsize size, gpointer data);

/* Returns the result of @call, with its bytes in @answer; -ETIMEDOUT after @patience_ms. */
gssize beside_call(BesideCall call, gpointer data, char *answer, gsize size, int patience_ms);
