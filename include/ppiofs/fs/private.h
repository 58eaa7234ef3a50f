/* SPDX-License-Identifier: MIT */
/* private: what the files of fs/ share; for nobody else.
 *
 *   fs.c          the Fs, its table of operations, everything that is answered from memory
 *   op.c          parking: an operation that waits, its deadline, its interrupt
 *   directory.c   which directories there are, and which one an operation takes place in
 *   dir_root.c    the root
 *   dir_objects.c instances/ and the like
 *   dir_object.c  instances/<id>/ and below
 *   dir_bodies.c  json/
 *   dir_links.c   by-*
 *   dir_files.c   tables/, ssh/ and .ppiofs/
 *   made.c        what is generated in them, made in turns of the loop
 *   turn.c        an operation that has more to do than one turn of the loop may take
 *   reply.c       READDIRPLUS
 *   entry.c       what it and LOOKUP hand out, and the kernel's references to it
 *   attr.c        attributes
 *   adopt.c       what another process has left is gone on with */
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

/* The state that a view shows: see made.c. */
typedef struct {
    guint64 version;  /* of the collection, or of its link */
    guint64 removals; /* collection_removals() likewise: links to what has gone are left out */
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

/* A generated file of the top level. */
typedef struct {
    const char *directory;
    Cache *cache; /* of what it shows */
    MakingOrder order;
    gboolean needs_details; /* of the objects that run; else the list is enough */
    Made made;
} File;

typedef struct Op Op;
typedef struct Top Top;

/* The directory of a nodeid. */
typedef struct {
    const struct DirectoryType *type;
    Top *top;         /* of an object's directories: the one that the object is in */
    const char *name; /* of the object; NULL: it is none's */
    guint slot;
    guint64 key; /* of a directory below the one that has the slot; 0: that one itself */
} Directory;

/* The operations of a directory. */
typedef struct DirectoryType {
    /* Each answers or parks the op. */
    void (*lookup)(Op *op, const Directory *in);
    void (*list)(Op *op, const Directory *in);
    /* Also of one that is gone: only the API can tell, and GETATTR cannot wait; what the kernel
     * asks next can. @ret_keep_us: how long the kernel may keep it. */
    void (*attr)(Fs *fs, const Directory *directory, struct stat *attr, gint64 *ret_keep_us);
    /* The trees whose directories lie below it, by number; NULL after the last. NULL: none ever. */
    const Subtree *(*each)(const Directory *directory, guint n);
} DirectoryType;

extern const DirectoryType root_directory, objects_directory, object_directory, bodies_directory,
    links_directory, files_directory, about_directory;

/* A directory that is always there; its slot is its place in Fs.tops. The root is the first. */
struct Top {
    const char *name;
    const DirectoryType *type;
    guint parent; /* the slot of the directory that it is in */
    guint64 ino;
    Cache *cache;         /* of what it shows; NULL: nothing of the API */
    const KindLink *link; /* links_directory */
    Made made;            /* links_directory */
    gint64 moved_mtime;   /* see listing_mtime() in attr.c */
    gint64 moved_to;
};

/* Listings that are being read, so that a directory does not change between two READDIRPLUS. So
 * many, and so much of what they keep, that a listing is only lost while its reader stands still.
 */
#define PINS_MOST 256
#define PINS_BYTES_MOST (32 << 20)
typedef struct {
    guint32 id;
    guint slot;       /* of the directory */
    Listing *listing; /* one of the two; none yet if it is another process's listing */
    Subtree *tree;
    guint64 names;   /* a hash of those of the listing */
    guint64 kept_at; /* in Fs.keep; a listing's */
} Pin;

/* A path on its way through several LOOKUPs of one thread, the last of which waited. */
#define PATHS 32
typedef struct {
    pid_t thread;
    NodeId node; /* that the last LOOKUP handed out; 0: a symlink, so the next may be anywhere */
    gint64 started, answered;
} Path;

struct Fs {
    FsOptions options;
    Cache *const *caches; /* one for each kind that is shown; ends with NULL */
    const Clock *clock;
    GMainContext *context;
    Top *tops;
    guint n_tops;
    File *files;
    guint n_files;
    Slots *slots;
    Versions *versions;
    GQueue pins; /* Pin: the one that was used last first */
    gsize pins_bytes;
    char *scratch; /* for replies of READDIRPLUS */
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
    gint64 swept;      /* when the kernel was last told to forget */
    KeepFile *keep;    /* NULL: nothing is kept */
    guint64 adoptions; /* how many processes have served this mount before */
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
const Listing *op_listing(Op *op, Collection *collection);

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

/* TRUE if @answer is fresh or stale, so that the op goes on. FALSE: @op was parked or answered. May
 * set the time that the kernel may keep @answer to 0. */
gboolean op_may_go_on(Op *op, CacheAnswer *answer);

/* Answers LOOKUP with what was filled in, or, with FALSE, that the numbers have run out. */
void op_reply_filled(Op *op, gboolean filled_in, const struct fuse_entry_param *entry);

/* directory */
void tops_init(Fs *fs);
void tops_clear(Fs *fs);
guint top_slot(const Fs *fs, const Top *top);
Directory directory_of_slot(Fs *fs, guint slot); /* type NULL: there is none */
Directory directory_of(Fs *fs, NodeId id);

/* The top directories that are in one, by number; NULL after the last. */
Top *top_child(Fs *fs, guint parent, guint n);

/* The cache of a kind; NULL: it is not shown. */
Cache *fs_cache(const Fs *fs, const Kind *kind);

/* The directory with the objects of the cache. */
const Top *fs_objects(const Fs *fs, const Cache *cache);

static inline Collection *top_collection(const Top *top)
{
    return cache_collection(top->cache);
}

/* An op runs these. */
void lookup_run(Op *op);
void list_run(Op *op);

/* LOOKUP of a top directory. FALSE: none of that name is in this one. */
gboolean op_reply_top(Op *op, const Directory *in);

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

/* DirectoryType.attr of one that has no directories below but top ones. */
void attr_of_top(Fs *fs, const Directory *directory, struct stat *attr, gint64 *ret_keep_us);

/* A listing of @top, or of a directory in it, is being shown from its beginning. */
void attr_listed(Top *top);

/* Without waiting and without starting anything. */
extern const CacheAsk only_look;

/* Makes the kernel ask for the listing again. */
void attr_move_to_now(const Fs *fs, struct stat *attr);

/* The attributes of a held directory below @root_ino that is not known just now: as another process
 * has shown it, if one has; the kernel must ask again. */
void attr_unknown(Fs *fs, struct stat *attr, guint64 root_ino, guint64 key, gint64 *ret_keep_us);

guint64 object_ino(const Top *top, const char *name);

/* Sets the mtime of an object's directory: another one whenever it may list other names. */
void attr_date_object(struct stat *attr, const Object *object);

/* TRUE if the listing of an object's directory is fresh enough. */
gboolean attr_listing_is_good(const Object *object, NodeIndex node, const Keep *keep);

/* entry: fills in what LOOKUP and READDIRPLUS hand out, and counts the kernel's reference to it.
 * FALSE: the numbers have run out. */
gboolean entry_top(Fs *fs, struct fuse_entry_param *entry, Top *top);
gboolean entry_growing(Fs *fs, struct fuse_entry_param *entry);
/* json/<id>.json, in @top. */
gboolean entry_body(Fs *fs, struct fuse_entry_param *entry, const Top *top, const Object *object,
                    gint64 keep_us);

/* A node of a subtree that is shown in a top directory, or as an object in one. */
typedef struct {
    Subtree *tree;
    const Top *top;
    const char *name;     /* of the object; NULL: it is none's */
    const Object *object; /* that shows this very tree; NULL: none, or not any more */
    guint64 root_ino;
    Keep keep;
} Shown;
Shown shown_object(const Top *top, const Object *object, Keep keep);
Shown shown_top(const Top *top, Subtree *tree, gint64 keep_us);
gboolean entry_node(Fs *fs, struct fuse_entry_param *entry, const Shown *shown, NodeIndex node);

/* Answers LOOKUP with it; NODE_NONE: it does not exist. */
void op_reply_node(Op *op, const Shown *shown, NodeIndex node);

void entry_forget(Fs *fs, NodeId id, guint64 n);

/* dir_object: the object with its full record, for LOOKUP in @top or in what is below. NULL: the op
 * has been parked or answered. */
const Object *op_object_detail(Op *op, const Top *top, const char *name, Keep *ret_keep);

/* made: what @made shows if that is new enough for the op: the @version that the collection has
 * now, or one that was begun after the op first asked, whatever changed since. Else it is made, for
 * all who wait for it, and the op has been parked or answered: NULL. Borrowed. */
Subtree *made_get(Op *op, Made *made, const MakingOrder *order, Collection *collection,
                  guint64 version);

/* The op waits for it no more; what nobody waits for is not made. */
void made_leave(Op *op);
void made_clear(Made *made);

/* dir_bodies: the name of an object's body. */
char *body_name(const Object *object);

/* reply: READDIRPLUS under construction. An offset handed to the kernel is where to go on: the
 * number of the pin that keeps what is being listed, and a position in it. */
typedef struct {
    Op *op;
    guint32 pin;
    guint position; /* the first to add; what is behind "." and ".." begins at 2 */
    gsize used;
    gboolean full;
    gboolean is_lost; /* how the listing began is not known any more: ESTALE, not a position in
                         another */
} Reply;

/* The state with which the continued listing began; NULL at the beginning of a listing, and if that
 * state is lost. */
Pin *op_pin(const Op *op);

/* Keeps one of the two, whatever takes its place meanwhile, for the requests that go on with it. */
Pin *op_add_pin(const Op *op, Listing *listing, Subtree *tree, guint64 root_ino);
void pins_clear(Fs *fs);

/* Enters a listing that another process had begun. FALSE: the record cannot be one of that. */
gboolean pins_adopt(Fs *fs, const KeepRecord *record);

/* TRUE if the list that @top shows is there, or is not needed for the rest of a listing. FALSE: @op
 * was parked or answered. */
gboolean op_needs_list(Op *op, const Top *top, const Pin *pin, gint64 *ret_keep_us);

/* The same, and the pin of the objects. NULL: the op has been parked or answered. */
Pin *op_pin_objects(Op *op, Top *top, gint64 *ret_keep_us);

Reply reply_new(Op *op, const Pin *pin); /* NULL: of what never changes */

/* TRUE if the reply has room for an entry of that name. Call it before the entry counts as handed
 * out. */
gboolean reply_has_room(Reply *reply, const char *name);
void reply_add(Reply *reply, guint position, const char *name,
               const struct fuse_entry_param *entry);

/* A name without attributes: who wants them looks it up. */
void reply_add_bare(Reply *reply, guint position, const char *name, guint64 ino, mode_t type);

/* The top directories that are in the one with that slot. Returns how many there are. */
guint reply_add_tops(Reply *reply, guint slot);
void reply_send(Reply *reply);

/* The whole answer: the children of a directory of a subtree; NODE_NONE: it is gone. */
void reply_subtree(Op *op, const Pin *pin, const Shown *shown, NodeIndex node);
