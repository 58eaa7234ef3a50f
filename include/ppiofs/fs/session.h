/* SPDX-License-Identifier: MIT */
/* session: the FUSE connection as a source of the main loop. The only place that reads the
 * descriptor. */
#pragma once

#include <glib.h>

#include "ppiofs/fs/fs.h"

typedef struct Session Session;

typedef struct {
    const char *mountpoint; /* absolute, or /dev/fd/N as a mount helper passes it */
    const char *fsname;     /* what mount(8) and df(1) show as the source */
    gboolean allow_other;
    gboolean auto_unmount;
} SessionOptions;

/* Mounts. @ended is called once from the loop when the mount is gone (unmounted by somebody, or the
 * connection broke). PPIOFS_ERROR_FAILED. */
Session *session_mount(Fs *fs, const SessionOptions *options, GMainContext *context,
                       void (*ended)(gpointer data), gpointer data, GError **error);

/* Makes the kernel look up again every name that it keeps; attributes and listings stay as long as
 * was said. Cheap, however many there are: for each answer that differs from a fresh one. */
void session_age_names(Session *session);

/* Makes the kernel forget every name below the root, so that all is looked up again. Returns at
 * once. */
void session_forget_names(Session *session);

/* Unmounts, if it still is, and closes. */
void session_free(Session *session);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Session, session_free)
