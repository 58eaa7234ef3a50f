/* SPDX-License-Identifier: MIT */
/* handover: what a process is given by the one before it, which served the same mount: the
 * connection to the kernel and the KeepFile. sd_listen_fds(3) is the way, whoever gives:
 * $LISTEN_FDS descriptors from 3 on, which $LISTEN_FDNAMES calls "fuse" and "state". */
#pragma once

#include <glib.h>

#define HANDOVER_FUSE "fuse"
#define HANDOVER_STATE "state"

/* Both, or both -1. */
typedef struct {
    int fuse, state;
} Handover;

/* To be called once, early: the variables are taken out of the environment, and none of these
 * descriptors is passed on to a program. Others than the two, and what is no /dev/fuse, are closed:
 * nobody here has a use for them. */
Handover handover_take(void);

/* FALSE once the connection is unmounted or aborted. */
gboolean handover_is_alive(const Handover *handover);

/* Closes both. */
void handover_drop(Handover *handover);
