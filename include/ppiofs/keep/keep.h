/* SPDX-License-Identifier: MIT */
/* keep: what must outlive this process, in a memfd that the next process is handed together with
 * /dev/fuse: which numbers the kernel was given, and for what.
 *
 * Records of any length, written with pwrite(2), data first and head last: whenever the process is
 * ended, a record is there as a whole or not at all; and no wild pointer can reach one. A record
 * that was dropped gives its memory back, and its place to the next one of that size. */
#pragma once

#include <glib.h>

typedef struct KeepFile KeepFile;

typedef enum {
    KEEP_LAYOUT = 1, /* how the nodes are numbered and stored: a line of text, exactly one */
    KEEP_HASH,       /* hash_key() */
    KEEP_BIRTH,      /* id: when the mount was made, wall us; extra: how many adopted it so far */
    KEEP_MOUNT,      /* own_mount_text(); the last thing that a whole one is given */
    KEEP_REQUEST,    /* FUSE_INIT */
    KEEP_REPLY,      /* and what was answered */
    KEEP_SLOT,       /* number; id: its owner; the bytes: the name */
    KEEP_TREE,    /* number: its slot; id: serial; extra: inode of its root; the bytes: a block */
    KEEP_BODY,    /* id: serial; extra: inode; the bytes */
    KEEP_LISTING, /* number: of its directory's slot; id: its own; extra: hash of its names */
    KEEP_LOG,     /* of changes.log, in this order; id: mtime, wall us; the bytes: text */
    KEEP_KINDS
} KeepKind;

typedef struct {
    KeepKind kind;
    guint32 number;
    guint32 count; /* of references that the kernel has, or more; the only thing that changes */
    guint64 id, extra;
    gconstpointer bytes; /* with a NUL behind them when they were read */
    gsize length;
    guint64 at; /* where it is: for keep_drop() */
} KeepRecord;

/* An empty one. PPIOFS_ERROR_FAILED when the kernel has no memfd. (transfer full) */
KeepFile *keep_new(GError **error);

/* Reads the keep that another process left in @fd, which is taken in any case. From now on this
 * process alone writes to it. PPIOFS_ERROR_MOUNTED while another one has it. PPIOFS_ERROR_FAILED
 * when it is damaged, or has another format. (transfer full) */
KeepFile *keep_open(int fd, GError **error);

/* For whoever passes it on; stays the KeepFile's. */
int keep_fd(const KeepFile *keep);

/* Adds it (@record->at is not looked at) and returns where it is. When there is no room for it, a
 * warning says so, once, and nothing is kept from then on: a successor cannot adopt the mount. 0
 * then, and without a @keep. */
guint64 keep_put(KeepFile *keep, const KeepRecord *record);

/* Sets the count of the record there; from KEEP_COUNTLESS on it is not known any more. */
#define KEEP_COUNTLESS G_MAXUINT32
void keep_count(KeepFile *keep, guint64 at, guint64 count);

/* @at 0 is nothing. */
void keep_drop(KeepFile *keep, guint64 at);

/* Calls @visit with each record, in the order of their places, until it returns FALSE. FALSE: it
 * did, or the memfd could not be read. */
typedef gboolean (*KeepVisit)(const KeepRecord *record, gpointer data);
gboolean keep_each(const KeepFile *keep, KeepVisit visit, gpointer data);

/* The bytes of the first record of that kind; NULL: there is none. (transfer full) */
GBytes *keep_find(const KeepFile *keep, KeepKind kind);

/* The process has from now on the hash_key() that was kept: directory keys depend on it. Before the
 * first table is made. FALSE: none was kept. */
gboolean keep_start_hash(const KeepFile *keep);

/* FALSE once something could not be kept. */
gboolean keep_is_whole(const KeepFile *keep);

void keep_free(KeepFile *keep);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeepFile, keep_free)
