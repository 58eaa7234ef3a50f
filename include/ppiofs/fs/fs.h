/* SPDX-License-Identifier: MIT */
/* fs: the thin adapter between FUSE and the rest. Requests come in as fuse_lowlevel_ops; what needs
 * the network is parked in the cache and answered later: nothing here ever blocks.
 *
 * The network is only waited for in LOOKUP and READDIRPLUS, which the kernel lets a signal
 * interrupt. All else is answered from memory. */
#pragma once

#include <fuse_lowlevel.h>
#include <glib.h>
#include <sys/types.h>

#include "ppiofs/base/buffer.h"
#include "ppiofs/base/clock.h"
#include "ppiofs/cache/cache.h"
#include "ppiofs/keep/keep.h"
#include "ppiofs/view/view.h"

typedef struct Fs Fs;

/* A file of .ppiofs/, made anew for each who looks. */
typedef struct {
    const char *name;
    void (*write)(GString *out, gpointer data);
    gpointer data;
} AboutFile;

/* A file of the root that only grows, under the same node: the one exception to "an open file never
 * changes", so that `tail -f` works. */
typedef struct {
    const char *name;
    Buffer text;
    gint64 mtime_us; /* wall */
} FsGrowing;

typedef struct {
    gint64 timeout_us;  /* deadline of one operation */
    gint64 patience_us; /* deadline of one that makes ssh/config */
    uid_t uid;
    gid_t gid;
    mode_t umask;
    gboolean hide_secrets;
    ViewSettings view;        /* what it points to outlives the Fs */
    const FsGrowing *growing; /* NULL: there is none; outlives the Fs */
    const AboutFile *about;   /* ends with a NULL name; outlives the Fs */
} FsOptions;

/* Requests by kind, for stats; `parked` is how many wait now. */
typedef enum {
    FS_LOOKUP,
    FS_FORGET,
    FS_GETATTR,
    FS_READLINK,
    FS_OPEN,
    FS_READ,
    FS_READDIR,
    FS_STATFS,
    FS_N_KINDS
} FsRequestKind;
typedef struct {
    guint64 requests[FS_N_KINDS];
    guint64 interrupted, timed_out;
    guint parked;
    guint directories, versions; /* that the kernel holds */
    gsize version_bytes;
} FsStats;
const char *fs_request_name(FsRequestKind kind);

/* @caches, one for each kind that is shown, end with NULL; they and @clock are borrowed and outlive
 * the Fs. @options is copied. @context runs the deadlines. */
Fs *fs_new(Cache *const *caches, const FsOptions *options, const Clock *clock,
           GMainContext *context);

/* The operations, for a session whose user data is the Fs. */
const struct fuse_lowlevel_ops *fs_operations(void);

/* Called before each LOOKUP and READDIRPLUS that is answered. */
void fs_on_operation(Fs *fs, void (*begins)(gpointer data), gpointer data);

/* From now on what the kernel knows is kept in @keep, which outlives the Fs. If another process has
 * kept something in there, this one goes on with it. PPIOFS_ERROR_FAILED: it cannot, and the Fs is
 * of no use any more. */
gboolean fs_keep(Fs *fs, KeepFile *keep, GError **error);

FsStats fs_stats(const Fs *fs);

/* The names in the root, which never change; ends with NULL. (transfer container) */
const char **fs_root_names(const Fs *fs);

/* Answers everything that is parked with ENOTCONN: the mount goes away. */
void fs_answer_all(Fs *fs);

void fs_free(Fs *fs);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fs, fs_free)
