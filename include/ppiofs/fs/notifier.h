/* SPDX-License-Identifier: MIT */
/* notifier: makes a kernel before Linux 6.16 forget the names of the root, from a thread of its
 * own.
 *
 * The kernel takes the root's lock for it, which a LOOKUP that waits for our reply may hold: from
 * the main loop that would be a deadlock. The thread touches nothing but its names and the
 * connection, and no request ever waits for it. */
#pragma once

#include <fuse_lowlevel.h>
#include <glib.h>

typedef struct Notifier Notifier;

/* @session is borrowed; so are the strings of @names, which ends with NULL and is taken. The thread
 * starts with the first notice. */
Notifier *notifier_new(struct fuse_session *session, const char **names);

/* Every name, and all below it, is to be looked up again. Returns at once. */
void notifier_forget_names(Notifier *notifier);

/* Tells the thread to end, and returns whether it has: never waits. Before that the connection must
 * not be closed, or another descriptor could take the number that it writes to. The notice that is
 * being given may wait for a LOOKUP to be answered, and not even unmounting ends that, since the
 * connection stays open while it writes: go on answering, and ask again. */
gboolean notifier_stop(Notifier *notifier);

/* To be called when notifier_stop() has returned TRUE, and the mount is gone. */
void notifier_free(Notifier *notifier);
