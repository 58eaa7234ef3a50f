/* SPDX-License-Identifier: MIT */
/* place: where the file system is mounted. The path is resolved once, links and all; from then on
 * a descriptor stands for it, so that nobody can swap what lies in between. The mount table tells
 * first which file system is there: a stopped one would not respond. */
#pragma once

#include <glib.h>

typedef enum {
    PLACE_FREE,   /* a directory; other file systems than FUSE's may be mounted there */
    PLACE_LIVE,   /* a ppiofs is mounted there and answers */
    PLACE_SILENT, /* a FUSE file system is mounted there and does not answer: stopped, or hangs */
    PLACE_DEAD,   /* the daemon of the FUSE file system there has ended */
} PlaceState;

typedef struct {
    char *shown;  /* as the user wrote it, fit for a terminal */
    char *path;   /* resolved; NULL if it was passed in */
    int fd;       /* O_PATH: what is there now; -1 if it was passed in */
    int lock;     /* flock(2) on the directory above; -1: none */
    int mount_id; /* of what @fd is on */
    PlaceState state;
    char *type;         /* of the file system that is mounted exactly there; NULL: none is */
    gboolean is_own;    /* that was mounted by this user */
    gboolean passed_in; /* it is /dev/fd/N: who started this process has mounted, and unmounts */
} Place;

/* @path is absolute. Changes nothing. As root, a link of another user is not followed.
 * PPIOFS_ERROR_USAGE: there is no such directory. (transfer full) */
Place *place_look(const char *path, GError **error);

/* TRUE if a ppiofs can mount there; else PPIOFS_ERROR_MOUNTED says why not. */
gboolean place_check(const Place *place, GError **error);

/* TRUE if a mount there would first detach a dead ppiofs of this user. */
gboolean place_is_takeover(const Place *place);

/* Looks, and makes it ready for a mount: from now until place_release() no other ppiofs mounts
 * there. A dead ppiofs of this user is detached. PPIOFS_ERROR_MOUNTED when a live one is mounted
 * there, somebody else's dead mount, or one is being mounted just now. (transfer full) */
Place *place_take(const char *path, GError **error);

/* Lets others try, too; the descriptors are closed. */
void place_release(Place *place);

void place_free(Place *place);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Place, place_free)
