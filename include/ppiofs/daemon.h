/* SPDX-License-Identifier: MIT */
/* daemon: going to the background, with the parent waiting until the mount is live. */
#pragma once

#include <glib.h>

typedef struct Daemon Daemon;

/* Forks, unless @foreground. In the child it returns; the parent waits for daemon_ready() and exits
 * with 0, or with the child's exit status when it ends before. (transfer full) */
Daemon *daemon_start(gboolean foreground, GError **error);

/* The mount is live: lets the parent go, and standard input, output and error with it; tells a
 * service manager READY=1 ($NOTIFY_SOCKET, sd_notify(3)). */
void daemon_ready(Daemon *daemon);

void daemon_free(Daemon *daemon);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Daemon, daemon_free)
