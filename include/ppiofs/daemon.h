/* SPDX-License-Identifier: MIT */
/* daemon: a process in the background, with its parent waiting until the mount is live; and what it
 * has from its caller. */
#pragma once

#include <glib.h>

#include "ppiofs/keeper.h"

typedef struct Daemon Daemon;

/* Shuts this process off from others (it will hold the key), opens those of 0, 1 and 2 that are
 * closed on /dev/null, and gives it its name. To be called before anything else. */
void daemon_prepare(void);

typedef enum {
    DAEMON_FOREGROUND,
    DAEMON_ALONE, /* in the background */
    DAEMON_KEPT,  /* in the background, and a crash is followed by another worker */
} DaemonKind;

/* Forks, unless it is to stay in the foreground. In the child it returns; the parent waits for
 * daemon_ready() and exits with 0, or with the child's exit status when it ends before. Above
 * descriptor 2 the child keeps only the @n_kept of @kept: another one may be a lock, or a pipe for
 * whose end a program waits. PPIOFS_ERROR_FAILED, also when no thread can be made. (transfer full)
 */
Daemon *daemon_start(DaemonKind kind, const int *kept, gsize n_kept, GError **error);

/* This process as a worker of its keeper; NULL: it has none. A worker after the first has none of
 * the descriptors that were to be kept. */
const Worker *daemon_worker(const Daemon *daemon);

/* The mount was made: leaves the caller's session. Not before: an automounter lets only its own
 * process group through to the directory that is to be mounted on. */
void daemon_mounted(Daemon *daemon);

/* The mount is live: lets the parent go, and standard input, output and error with it. */
void daemon_ready(Daemon *daemon);

/* TRUE if the process was started from a terminal in the foreground and the terminal has gone: a
 * SIGHUP then means that. */
gboolean daemon_lost_terminal(const Daemon *daemon);

/* For the keeper: closes what is above descriptor 2 but @kept; takes /dev/null as standard input,
 * output and error, and / as its directory. */
void daemon_close_others(const int *kept, gsize n_kept);
void daemon_leave_terminal(void);

void daemon_free(Daemon *daemon);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Daemon, daemon_free)
