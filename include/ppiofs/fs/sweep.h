/* SPDX-License-Identifier: MIT */
/* sweep: makes the kernel ask again for the attributes of every directory that it may hold, and so
 * for the listings that it keeps: those of the top level, of objects, and of all below them.
 *
 * It goes on in turns of the main loop, and takes the same memory however often it is begun. The
 * notices take no lock that a parked request holds. */
#pragma once

#include <fuse_lowlevel.h>
#include <glib.h>

#include "ppiofs/fs/fs.h"

typedef struct Sweep Sweep;

/* All borrowed, and outlive the Sweep. */
Sweep *sweep_new(Fs *fs, struct fuse_session *session, GMainContext *context);

/* Begins, or lets one that is under way be followed by another. @whole FALSE: only of the top
 * level, and of what is below it but objects. */
void sweep_begin(Sweep *sweep, gboolean whole);

void sweep_free(Sweep *sweep);
