/* SPDX-License-Identifier: MIT */
/* keeper: the parent of the process that serves a mount in the background, the worker. It holds
 * what a successor needs, and starts one when the worker has crashed or was killed. It does nothing
 * else, so that nothing can end it. */
#pragma once

#include <glib.h>

#include "ppiofs/keep/handover.h"

typedef struct {
    int keeper;         /* the connection to it */
    Handover inherited; /* of the worker before this one; -1: this is the first */
    int signal;         /* that ended that one */
    gboolean is_last;   /* too many ended in a short time: this one is to unmount */
} Worker;

/* Returns in the worker, and in each one that follows. The keeper does not return: it passes
 * signals on to the worker, and ends when the worker does, with its exit status. FALSE: it cannot
 * fork. PPIOFS_ERROR_FAILED. */
gboolean keeper_start(Worker *ret_worker, GError **error);

/* Gives the keeper the descriptors that a successor needs: the mount is live. */
void worker_give(const Worker *worker, const Handover *handover);
