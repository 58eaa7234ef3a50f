/* SPDX-License-Identifier: MIT */
/* notifier: tells the kernel to forget what it keeps, from a thread of its own.
 *
 * The kernel takes the directory's lock for it, which a LOOKUP that waits for our answer may hold:
 * from the main loop that would be a deadlock. The thread touches nothing but the queue and the
 * connection, and no request ever waits for it. */
#pragma once

#include <fuse_lowlevel.h>
#include <glib.h>

typedef struct Notifier Notifier;

/* @session is borrowed. The thread starts with the first notice. */
Notifier *notifier_new(struct fuse_session *session);

/* The name in that directory, and all below it, is to be looked up again. Returns at once. Only for
 * directories in which no LOOKUP is ever parked: the root. */
void notifier_forget_name(Notifier *notifier, fuse_ino_t directory, const char *name);

/* The attributes of a node, and so a directory's listing, are to be asked for again. Returns at
 * once. */
void notifier_forget_attributes(Notifier *notifier, fuse_ino_t node);

/* Tells the thread to end, and returns whether it has: never waits. Before that the connection must
 * not be closed, or another descriptor could take the number that it writes to. The notice that is
 * being given may wait for a LOOKUP to be answered, and not even unmounting ends that, since the
 * connection stays open while it writes: go on answering, and ask again. */
gboolean notifier_stop(Notifier *notifier);

/* To be called when notifier_stop() has returned TRUE, and the mount is gone. */
void notifier_free(Notifier *notifier);
