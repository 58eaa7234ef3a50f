/* SPDX-License-Identifier: MIT */
/* session: the FUSE connection as a source of the main loop. The only place that reads the
 * descriptor. */
#pragma once

#include <glib.h>

#include "ppiofs/fs/fs.h"
#include "ppiofs/fs/place.h"
#include "ppiofs/keep/handover.h"

typedef struct Session Session;

typedef struct {
    const Place *place; /* taken; may be released once it is mounted. NULL when one is adopted */
    KeepFile *keep;     /* of fs_keep(); outlives the Session; NULL: nobody can go on with it */
    int fuse_fd;        /* of the process that @keep is from, taken; -1: a new mount is made */
    const char *fsname; /* what mount(8) and df(1) show as the source */
    gboolean allow_other;
    gboolean auto_unmount;
} SessionOptions;

/* Each is called from the loop, once. */
typedef struct {
    void (*live)(gpointer data); /* the kernel was greeted; what it asks now is answered */
    void (*ended)(gboolean aborted, gpointer data); /* unmounted by somebody, or the connection was
                                                        aborted (/sys/fs/fuse/connections) */
} SessionEvents;

/* Mounts, or goes on with a mount. PPIOFS_ERROR_FAILED, PPIOFS_ERROR_MOUNTED. A mount that cannot
 * be gone on with is detached. */
Session *session_new(Fs *fs, const SessionOptions *options, GMainContext *context,
                     const SessionEvents *events, gpointer data, GError **error);

/* The descriptors that a successor needs; they stay the Session's. FALSE: nobody can go on with it.
 */
gboolean session_handover(const Session *session, Handover *ret_handover);

/* Makes the kernel look up again every name that it keeps, and list again the directories of the
 * top level and their subdirectories; what is below instances/ keeps its listings. From Linux 6.16
 * on the cost does not depend on the number of names: call it for each response that differs from a
 * fresh one. */
void session_expire_names(Session *session);

/* Makes the kernel forget every name below the root, so that all is looked up again. Returns at
 * once. */
void session_forget_names(Session *session);

/* Unmounts what it has mounted, wherever that has been moved to, and closes. */
void session_free(Session *session);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Session, session_free)
