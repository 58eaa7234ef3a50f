/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "ppiofs/fs/errno.h"
#include "ppiofs/fs/private.h"

/* A request has the same deadline as the operation, or a little later if it was not sent at once,
 * and knows more of why it failed: it is given the time to say so first. */
#define LAST_WORD_US (G_USEC_PER_SEC / 10)
/* A system call that walks a path looks up the next name at once after the answer. */
#define NEXT_NAME_US (G_USEC_PER_SEC / 20)

/* A sanitizer is to see who looks at an op after its end. */
#ifdef PPIOFS_SANITIZED
#define KEEPS_SPARE FALSE
#else
#define KEEPS_SPARE TRUE
#endif

static void leave_queue(Op *op)
{
    if (op->link.data == NULL)
        return;
    op->link.data = NULL;
    g_queue_unlink(&op->fs->parked, &op->link);
    op->fs->stats.parked--;
}

static Op *op_take(Fs *fs)
{
    return fs->spare != NULL ? g_steal_pointer(&fs->spare) : g_new(Op, 1);
}

static void op_free(Op *op)
{
    Fs *fs = op->fs;

    leave_queue(op);
    turn_leave(op);
    made_leave(op);
    g_clear_pointer(&op->listing, listing_unref);
    if (KEEPS_SPARE && fs->spare == NULL)
        fs->spare = op;
    else
        g_free(op);
}

void op_limit(Op *op, gint64 time_us)
{
    op->deadline = MIN(op->deadline, op->ask.started - op->ask.waited + time_us);
}

/* It is run once more: with an older answer if there is one, or, past its deadline, without waiting
 * again. */
static void wake(Op *op, gint64 now)
{
    cache_leave(&op->waiter, TRUE);
    turn_leave(op);
    turn_begin(op->fs, now);
    op->wake = G_MAXINT64;
    if (now >= op->deadline) {
        op->ask.impatient = TRUE;
        op->fs->stats.timed_out++;
    }
    op->run(op);
}

static Op *find_due(Fs *fs, gint64 now, gint64 *ret_next)
{
    *ret_next = ALARM_NEVER;
    for (GList *link = fs->parked.head; link != NULL; link = link->next) {
        Op *op = link->data;

        if (op->wake <= now)
            return op;
        *ret_next = MIN(*ret_next, op->wake);
    }
    return NULL;
}

void op_on_alarm(gpointer data)
{
    Fs *fs = data;
    gint64 now = clock_now(fs->clock), next;
    Op *op;

    while ((op = find_due(fs, now, &next)) != NULL)
        wake(op, now);
    alarm_set(fs->alarm, MIN(next, alarm_at(fs->alarm)));
}

static void interrupted(fuse_req_t req, void *data)
{
    Op *op = data;

    (void)req;
    op->fs->stats.interrupted++;
    cache_leave(&op->waiter, FALSE);
    op_reply_error(op, EINTR);
}

void op_park(Op *op, gint64 wake_us)
{
    Fs *fs = op->fs;
    gint64 now = clock_now(fs->clock);

    if (op->ask.impatient) /* its deadline has passed: it goes on in the next turn */
        op->wake = G_MAXINT64;
    else
        op->wake = wake_us < op->deadline - now ? now + wake_us : op->deadline;
    if (op->wake < alarm_at(fs->alarm))
        alarm_set(fs->alarm, op->wake);
    if (op->link.data != NULL) /* an op that waits is in the queue from its first wait to its end */
        return;
    op->link.data = op;
    g_queue_push_tail_link(&fs->parked, &op->link);
    fs->stats.parked++;
    /* libfuse would use the request after it was answered in the callback made from here. */
    if (fuse_req_interrupted(op->req))
        interrupted(op->req, op);
    else
        fuse_req_interrupt_func(op->req, interrupted, op);
}

static void op_ready(gpointer data)
{
    Op *op = data;

    turn_begin(op->fs, clock_now(op->fs->clock));
    op->wake = G_MAXINT64;
    op->run(op);
}

/* A path of many names is one operation to the caller, and has one deadline: a LOOKUP that follows
 * at once where another of the same thread waited goes on with the time that one had. */
static Path *path_of(Fs *fs, pid_t thread)
{
    for (guint i = 0; i < PATHS; i++)
        if (fs->paths[i].thread == thread)
            return &fs->paths[i];
    return NULL;
}

/* A thread walks one path at a time: what does not go on with it has left it. Beyond a symlink only
 * the waiting goes on: what was received before need not be fresh for the path that it names. */
static void find_start(Op *op)
{
    pid_t thread = fuse_req_ctx(op->req)->pid;
    Path *path = thread == 0 ? NULL : path_of(op->fs, thread);

    if (path == NULL)
        return;
    gboolean at_once = op->name != NULL && op->arrived - path->answered <= NEXT_NAME_US;
    if (at_once && path->node == op->directory)
        op->ask.started = path->started;
    else if (at_once && path->node == 0)
        op->ask.waited = op->arrived - path->started;
    else
        path->thread = 0;
}

static void note_path(const Op *op, const struct fuse_entry_param *entry)
{
    Fs *fs = op->fs;
    pid_t thread = fuse_req_ctx(op->req)->pid;
    Path *path = path_of(fs, thread);
    gboolean goes_on = op->ask.started != op->arrived || op->ask.waited != 0;

    if (thread == 0 || (op->link.data == NULL && !goes_on))
        return; /* it did not wait, and goes on with nothing */
    if (path == NULL)
        path = &fs->paths[fs->next_path++ % PATHS];
    *path = (Path){ thread, S_ISLNK(entry->attr.st_mode) ? 0 : entry->ino,
                    op->ask.started - op->ask.waited, clock_now(fs->clock) };
}

void op_start(Fs *fs, fuse_req_t req, void (*run)(Op *op), NodeId directory, const char *name,
              size_t size, off_t offset)
{
    if (fs->begins != NULL)
        fs->begins(fs->begins_data);

    Op *op = op_take(fs);
    op->fs = fs;
    op->req = req;
    op->run = run;
    op->directory = directory;
    op->size = size;
    op->offset = offset;
    op->waiter = (CacheWaiter){ .ready = op_ready, .data = op };
    op->link = op->turn = (GList){ 0 };
    op->made = NULL;
    op->wanted = 0;
    op->listing = NULL;
    op->walked = 0;
    op->keep_us = KEEP_FOREVER_US;
    op->wake = G_MAXINT64;
    op->name = name == NULL ? NULL : strcpy(op->name_bytes, name);
    op->arrived = clock_now(fs->clock);
    turn_begin(fs, op->arrived);
    op->ask = (CacheAsk){ .started = op->arrived,
                          .dropped = cache_dropped(fs->caches[0]),
                          .share = fuse_req_ctx(req)->uid,
                          .waiter = &op->waiter };
    find_start(op);
    op->deadline = op->ask.started - op->ask.waited + fs->options.timeout_us + LAST_WORD_US;
    run(op);
}

/* What was asked before the kernel was told to forget is nothing to keep: of attributes it has seen
 * since, the kernel takes the older ones for the newer. */
gboolean op_may_go_on(Op *op, CacheAnswer *answer)
{
    switch (answer->state) {
    case CACHE_FRESH:
    case CACHE_STALE:
        if (op->arrived <= op->fs->swept)
            answer->keep_us = 0;
        return TRUE;
    case CACHE_WAIT:
        op_park(op, answer->keep_us);
        return FALSE;
    case CACHE_MISSING:
        op_reply_missing(op, answer->keep_us);
        return FALSE;
    case CACHE_FAILED:
        break;
    }
    op_reply_error(op, errno_from_error(answer->error));
    return FALSE;
}

/* What is kept says all that the kernel is about to hear. */
static void flush(Fs *fs)
{
    slots_flush(fs->slots);
    versions_flush(fs->versions);
}

void op_reply_entry(Op *op, const struct fuse_entry_param *entry)
{
    note_path(op, entry);
    flush(op->fs);
    /* The kernel did not get it: nothing will be forgotten. */
    if (fuse_reply_entry(op->req, entry) == -ENOENT)
        entry_forget(op->fs, entry->ino, 1);
    op_free(op);
}

void op_reply_filled(Op *op, gboolean filled_in, const struct fuse_entry_param *entry)
{
    if (filled_in)
        op_reply_entry(op, entry);
    else
        op_reply_error(op, ENFILE);
}

void op_reply_node(Op *op, const Shown *shown, NodeIndex node)
{
    struct fuse_entry_param entry;

    if (node == NODE_NONE)
        op_reply_missing(op, MIN(shown->keep.listed_us, shown->keep.detail_us));
    else
        op_reply_filled(op, entry_node(op->fs, &entry, shown, node), &entry);
}

/* To readdir(3), ENOENT means the end of the directory: `ls` would show an empty one. */
void op_reply_missing(Op *op, gint64 keep_us)
{
    struct fuse_entry_param none = { .entry_timeout = fs_seconds(keep_us) };

    if (op->name == NULL)
        fuse_reply_err(op->req, ESTALE);
    else
        fuse_reply_entry(op->req, &none);
    op_free(op);
}

void op_reply_bytes(Op *op, const char *bytes, size_t length)
{
    flush(op->fs);
    fuse_reply_buf(op->req, bytes, length);
    op_free(op);
}

void op_reply_error(Op *op, int number)
{
    fuse_reply_err(op->req, number);
    op_free(op);
}

void fs_answer_all(Fs *fs)
{
    while (fs->parked.length > 0) {
        Op *op = g_queue_peek_head(&fs->parked);

        cache_leave(&op->waiter, FALSE);
        op_reply_error(op, ENOTCONN);
    }
}
