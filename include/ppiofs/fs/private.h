/* SPDX-License-Identifier: MIT */
/* private: what the files of fs/ share; for nobody else.
 *
 *   fs.c     the Fs, its table of operations, everything that is answered from memory
 *   top.c    the directories of the top level
 *   made.c   what is generated in them, made in turns of the loop
 *   op.c     parking: an operation that waits, its deadline, its interrupt
 *   turn.c   an operation that has more to do than one turn of the loop may take
 *   lookup.c LOOKUP
 *   list.c   READDIRPLUS
 *   entry.c  what both hand out, and the kernel's references to it
 *   attr.c   attributes */
#pragma once

#include "ppiofs/base/alarm.h"
#include "ppiofs/fs/fs.h"
#include "ppiofs/fs/nodeid.h"
#include "ppiofs/fs/slot.h"
#include "ppiofs/fs/version.h"
#include "ppiofs/tree/name.h"
#include "ppiofs/view/making.h"

/* The kernel may keep what never changes that long; it takes no "for ever". */
#define KEEP_FOREVER_US (365 * 24 * 3600 * (gint64)G_USEC_PER_SEC)

typedef enum { TOP_INSTANCES, TOP_JSON, TOP_LINKS, TOP_FILES, TOP_ABOUT } TopKind;

/* Of what a view shows: see made.c. */
typedef struct {
    guint64 version;  /* of the fleet, or of its field */
    guint64 removals; /* fleet_removals() likewise: links to what was removed since are left out */
    guint64 number;   /* of the making; they are counted from 1 on */
} MadeMark;

/* A generated file, or a directory of links, as it was last made. */
typedef struct {
    Subtree *tree; /* NULL: never; a file is node 1 */
    MadeMark mark;
    Making *making; /* the next; NULL: none is under way */
    MadeMark coming;
    guint waiting; /* ops */
} Made;

/* A directory of the top level; its slot is its place in Fs.tops, plus one. */
typedef struct {
    char *name;
    TopKind kind;
    guint64 ino;
    const LinkView *links; /* TOP_LINKS */
    Made made;             /* TOP_LINKS */
    gint64 moved_mtime;    /* see listing_mtime() in attr.c */
    gint64 moved_to;
} Top;

/* Listings that are being read, so that a directory does not change between two READDIRPLUS. */
#define PINS 8
typedef struct {
    guint32 id;
    guint slot;       /* of the directory */
    Listing *listing; /* one of the two */
    Subtree *tree;
} Pin;

/* A path on its way through several LOOKUPs of one thread, the last of which waited. */
#define PATHS 32
typedef struct {
    pid_t thread;
    NodeId node; /* that the last LOOKUP handed out; 0: a symlink, so the next may be anywhere */
    gint64 started, answered;
} Path;

typedef struct Op Op;

struct Fs {
    FsOptions options;
    Cache *cache;
    const Clock *clock;
    GMainContext *context;
    Top *tops;
    guint n_tops;
    Made *made_files; /* one for each view_files() */
    Slots *slots;
    Versions *versions;
    Pin pins[PINS];
    guint next_pin; /* to be replaced */
    char *scratch;  /* for replies of READDIRPLUS */
    gsize scratch_size;
    Op *spare;     /* the last that ended: most ops end before the next begins */
    GQueue parked; /* Op */
    Alarm *alarm;  /* for the first of them that is to be run again */
    Path paths[PATHS];
    guint next_path;   /* to be replaced */
    GQueue turns;      /* Op: those that go on in the next turn of the loop */
    GSource *turn;     /* NULL: nobody does */
    gint64 turn_ends;  /* clock_now() */
    guint64 n_makings; /* see MadeMark */
    gint64 born;       /* wall: the mtime of what never changes */
    guint64 moves;     /* of directories' mtimes so far: see entry.c */
    FsStats stats;
    void (*begins)(gpointer data);
    gpointer begins_data;
};

/* op: one LOOKUP or READDIRPLUS on its way. run() looks at the data; when that is not there the
 * cache parks it (cache_ask_*(), op_may_go_on()), and it is run again. */
struct Op {
    Fs *fs;
    fuse_req_t req;
    void (*run)(Op *op);
    NodeId directory;
    size_t size; /* READDIRPLUS */
    off_t offset;
    CacheAsk ask;
    CacheWaiter waiter;
    gint64 arrived;   /* clock_now(); ask.started may be earlier: see op.c */
    gint64 deadline;  /* after it, it does not wait any more */
    gint64 wake;      /* when it is to be run again although what it waits for is not there */
    GList link;       /* in Fs.parked; data is NULL while it is not in there */
    GList turn;       /* in Fs.turns; likewise */
    Made *made;       /* that it waits for; NULL: none */
    guint64 wanted;   /* the first making that is new enough for it; 0: it wants none yet */
    Listing *listing; /* that it goes through in turns; NULL: none yet */
    guint walked;     /* how far */
    gint64 keep_us;   /* how long the kernel may keep what it met on the way */
    const char *name; /* LOOKUP: the next; else NULL */
    char name_bytes[NAME_MAX_BYTES + 1];
};

/* Runs it for the first time. @name, which may have NAME_MAX_BYTES, is copied. */
void op_start(Fs *fs, fuse_req_t req, void (*run)(Op *op), NodeId directory, const char *name,
              size_t size, off_t offset);

/* Waits at most @time_us, from its start, for anything. */
void op_limit(Op *op, gint64 time_us);

/* It waits: it is run again after @wake_us, or at its deadline, if nothing does so earlier. */
void op_park(Op *op, gint64 wake_us);

/* For Fs.alarm. */
void op_on_alarm(gpointer data);

/* turn: whether the op may work on. If not, it yields: it waits, and is run again in the next turn
 * of the loop. A list of 100,000 is a walk of many turns; others are served in between. */
gboolean turn_has_time(const Op *op);
void turn_yield(Op *op);

/* For a walk through op_listing(): looks at the clock now and then. Also without any time left a
 * walk gets on by a few. */
gboolean turn_walks_on(const Op *op);
const Listing *op_listing(Op *op);

/* An op begins, or is run again. */
void turn_begin(Fs *fs, gint64 now);

/* It does not go on in the next turn, whatever else it does. */
void turn_leave(Op *op);
void turns_clear(Fs *fs);

/* The ends of an op; each frees it. */
void op_reply_entry(Op *op, const struct fuse_entry_param *entry);
void op_reply_missing(Op *op, gint64 keep_us);
void op_reply_bytes(Op *op, const char *bytes, size_t length);
void op_reply_error(Op *op, int number);

/* Whether @answer lets the op go on: fresh or stale. If not it has been parked or answered. */
gboolean op_may_go_on(Op *op, const CacheAnswer *answer);

/* top */
void top_init(Fs *fs);
void top_clear(Fs *fs);
Top *top_find(Fs *fs, const char *name);
Top *top_of_slot(Fs *fs, guint slot); /* NULL for the root and for instances */
guint top_slot(const Fs *fs, const Top *top);

/* The tree of a TOP_LINKS as of now. Borrowed; NULL: the op has been parked or answered. @whole:
 * all of it is to be listed, so it is made anew also if instances were only removed. */
Subtree *top_links(Op *op, Top *top, gboolean whole);

/* TRUE if @node of it is a link to an instance that has gone since the tree was made. */
gboolean top_link_is_gone(Fs *fs, const Top *top, NodeIndex node);

/* The files of a TOP_FILES or TOP_ABOUT directory, by position; NULL after the last. */
const char *top_file_name(Fs *fs, const Top *top, guint position);

/* Makes the file with that name: (transfer full), one file as node 1. The op may be parked or
 * answered instead: NULL. @ret_keep_us: how long the kernel may keep the name. */
Subtree *top_make_file(Op *op, Top *top, const char *name, gint64 *ret_keep_us);

/* made: what @made shows if that is new enough for the op: the version that the fleet has now, or
 * one that was begun after the op first asked, whatever changed since. Else it is made, for all who
 * wait for it, and the op has been parked or answered: NULL. Borrowed. */
Subtree *made_get(Op *op, Made *made, const MakingOrder *order, guint64 version);

/* The op waits for it no more; what nobody waits for is not made. */
void made_leave(Op *op);
void made_clear(Made *made);

/* instances/ and json/ names of an instance. */
char *json_file_name(const Instance *instance);

/* The file name in instances/ of the instance that json/NAME of the op shows; NULL: none. FALSE:
 * the op has yielded. (transfer full) */
gboolean json_instance_name(Op *op, char **ret_name);

/* How long the kernel may keep what the list confirms, and what only the full record has. */
typedef struct {
    gint64 listed_us, detail_us;
} Keep;

static inline double fs_seconds(gint64 us)
{
    return (double)us / G_USEC_PER_SEC;
}

/* attr: what stat(2) shows. @ret_keep_us: how long the kernel may keep it. */
void attr_directory(const Fs *fs, struct stat *attr, guint64 ino, gint64 mtime_us);
void attr_node(const Fs *fs, struct stat *attr, const Subtree *tree, NodeIndex node,
               guint64 root_ino);
void attr_body(const Fs *fs, struct stat *attr, const Version *version);
void attr_root(const Fs *fs, struct stat *attr, gint64 *ret_keep_us);
void attr_growing(const Fs *fs, struct stat *attr);
void attr_top(Fs *fs, struct stat *attr, Top *top, gint64 *ret_keep_us);

/* A listing of @top, or of a directory in it, is being shown from its beginning. */
void attr_listed(const Fs *fs, Top *top);

/* Any directory that is not in the root, by nodeid; FALSE when it is gone. */
gboolean attr_by_nodeid(Fs *fs, NodeId id, struct stat *attr, gint64 *ret_keep_us);

guint64 instance_ino(const Fs *fs, const char *name);

/* Sets the mtime of an instance's directory: another one whenever it may list other names. */
void attr_date_instance(struct stat *attr, const Instance *instance);

/* Whether the listing of a directory of an instance is no older than it may be. */
gboolean attr_listing_is_good(const Instance *instance, NodeIndex node, const Keep *keep);

/* entry: fills in what LOOKUP and READDIRPLUS hand out, and counts the kernel's reference to it.
 * FALSE: the numbers have run out. */
gboolean entry_top(Fs *fs, struct fuse_entry_param *entry, Top *top);
gboolean entry_growing(Fs *fs, struct fuse_entry_param *entry);
gboolean entry_instance(Fs *fs, struct fuse_entry_param *entry, const Instance *instance,
                        Keep keep);
gboolean entry_body(Fs *fs, struct fuse_entry_param *entry, const Instance *instance,
                    gint64 keep_us);

/* A node of a subtree that is shown at a slot: an instance's, a view's, or a generated file. */
typedef struct {
    Subtree *tree;
    guint slot;
    const char *name;         /* of the instance whose slot it is; NULL for one of the top level */
    const Instance *instance; /* that shows this very tree; NULL: none, or not any more */
    guint64 root_ino;
    Keep keep;
} Shown;
Shown shown_instance(Fs *fs, const Instance *instance, Keep keep);
Shown shown_top(Fs *fs, const Top *top, Subtree *tree, gint64 keep_us);
gboolean entry_node(Fs *fs, struct fuse_entry_param *entry, const Shown *shown, NodeIndex node);

void entry_forget(Fs *fs, NodeId id, guint64 n);

/* lookup, list: what an Op runs. */
void lookup_run(Op *op);
void list_run(Op *op);
void list_clear_pins(Fs *fs);

/* The instance in whose directory the op takes place, and that directory's node, once what it takes
 * to know is there: the full record if the directory, or with @whole its listing, needs it. NULL:
 * the op has been parked or answered. */
const Instance *op_instance_directory(Op *op, gboolean whole, NodeIndex *ret_node, Keep *ret_keep);

/* The same once more with the full record. */
const Instance *op_instance_detail(Op *op, const char *name, Keep *ret_keep);
