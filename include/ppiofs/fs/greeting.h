/* SPDX-License-Identifier: MIT */
/* greeting: the first exchange of a FUSE connection: INIT and its reply. The kernel sends INIT
 * once; who takes a connection over must give libfuse the same request again, and get the same
 * reply. */
#pragma once

#include <fuse_lowlevel.h>
#include <glib.h>

typedef struct {
    GBytes *request; /* of INIT, as the kernel sent it */
    GBytes *reply;   /* as it was written to the kernel */
} Greeting;

/* Has libfuse process @request, the INIT that was received, and writes its reply with the flags
 * that libfuse leaves out. NULL if that fails: the connection is of no use then. (transfer full) */
Greeting *greeting_exchange(struct fuse_session *session, const struct fuse_buf *request);

/* Has libfuse process the INIT that another process got from the kernel. NULL when its reply would
 * be another than @reply: then the kernel has been promised something else. (transfer full) */
Greeting *greeting_repeat(struct fuse_session *session, GBytes *request, GBytes *reply);

void greeting_free(Greeting *greeting);
