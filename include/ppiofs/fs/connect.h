/* SPDX-License-Identifier: MIT */
/* connect: libfuse's session with a connection to the kernel: of a mount that is made, or of one
 * that another process has served. */
#pragma once

#include <fuse_lowlevel.h>

#include "ppiofs/fs/detach.h"
#include "ppiofs/fs/greeting.h"
#include "ppiofs/fs/session.h"

/* Mounts. NULL: PPIOFS_ERROR_FAILED, PPIOFS_ERROR_MOUNTED. (transfer full) */
struct fuse_session *connect_mount(Fs *fs, const SessionOptions *options, OwnMount *ret_mount,
                                   GError **error);

/* Goes on with the connection @options->fuse_fd: its greeting, which the kernel does not repeat, is
 * the one in @options->keep. NULL: PPIOFS_ERROR_FAILED, and @ret_mount is what to detach then.
 * (transfer full) */
struct fuse_session *connect_adopt(Fs *fs, const SessionOptions *options, OwnMount *ret_mount,
                                   Greeting **ret_greeting, GError **error);

/* Asks the kernel to send again what another process has read from the connection and did not
 * answer. FALSE: this kernel cannot (before Linux 6.9); whoever waits for such an answer then waits
 * for ever. */
gboolean connect_resend(struct fuse_session *fuse);
