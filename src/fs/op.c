/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "ppiofs/fs/errno.h"
#include "ppiofs/fs/private.h"

/* A request has the same deadline as the operation, or a little later if it was not sent at once,
 * and knows more of why it failed: it is given the time to say so first. */
#define LAST_WORD_US (G_USEC_PER_SEC / 10)

/* A sanitizer is to see who looks at an op after its end. */
#ifdef PPIOFS_SANITIZED
#define KEEPS_SPARE FALSE
#else
#define KEEPS_SPARE TRUE
#endif

static void schedule_deadline(Fs *fs);

static gint64 op_deadline(const Op *op)
{
    return op->ask.started + op->fs->options.timeout_us + LAST_WORD_US;
}

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
    if (KEEPS_SPARE && fs->spare == NULL)
        fs->spare = op;
    else
        g_free(op);
}

/* The deadline of the first in the queue has passed: it is run once more, and will not wait. */
static gboolean deadline_passed(gpointer data)
{
    Fs *fs = data;
    gint64 now = clock_now(fs->clock);

    while (fs->parked.length > 0) {
        Op *op = g_queue_peek_head(&fs->parked);

        if (op_deadline(op) > now)
            break;
        cache_leave(&op->waiter, TRUE);
        leave_queue(op);
        op->ask.impatient = TRUE;
        fs->stats.timed_out++;
        op->run(op);
    }
    schedule_deadline(fs);
    return G_SOURCE_REMOVE;
}

static void schedule_deadline(Fs *fs)
{
    const Op *first = g_queue_peek_head(&fs->parked);

    if (fs->deadline != NULL) {
        g_source_destroy(fs->deadline);
        g_clear_pointer(&fs->deadline, g_source_unref);
    }
    if (first == NULL)
        return;
    gint64 left = op_deadline(first) - clock_now(fs->clock);
    fs->deadline = g_timeout_source_new((guint)(MAX(left, 0) / 1000 + 1));
    g_source_set_callback(fs->deadline, deadline_passed, fs, NULL);
    g_source_attach(fs->deadline, fs->context);
}

static void interrupted(fuse_req_t req, void *data)
{
    Op *op = data;

    (void)req;
    op->fs->stats.interrupted++;
    cache_leave(&op->waiter, FALSE);
    op_reply_error(op, EINTR);
}

/* An op that waits is in the queue from its first wait to its end. */
static void enter_queue(Op *op)
{
    Fs *fs = op->fs;

    if (op->link.data != NULL)
        return;
    op->link.data = op;
    g_queue_push_tail_link(&fs->parked, &op->link);
    fs->stats.parked++;
    if (fs->parked.length == 1 || fs->deadline == NULL)
        schedule_deadline(fs);
    /* libfuse would use the request after it was answered in the callback made from here. */
    if (fuse_req_interrupted(op->req))
        interrupted(op->req, op);
    else
        fuse_req_interrupt_func(op->req, interrupted, op);
}

static void op_ready(gpointer data)
{
    Op *op = data;

    op->run(op);
}

void op_start(Fs *fs, fuse_req_t req, void (*run)(Op *op), NodeId directory, const char *name,
              size_t size, off_t offset)
{
    Op *op = op_take(fs);

    op->fs = fs;
    op->req = req;
    op->run = run;
    op->directory = directory;
    op->size = size;
    op->offset = offset;
    op->ask = (CacheAsk){ .started = clock_now(fs->clock), .waiter = &op->waiter };
    op->waiter = (CacheWaiter){ .ready = op_ready, .data = op };
    op->link = (GList){ 0 };
    op->name = name == NULL ? NULL : strcpy(op->name_bytes, name);
    run(op);
}

gboolean op_may_go_on(Op *op, const CacheAnswer *answer)
{
    switch (answer->state) {
    case CACHE_FRESH:
    case CACHE_STALE:
        return TRUE;
    case CACHE_WAIT:
        enter_queue(op);
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

static double seconds(gint64 us)
{
    return (double)us / G_USEC_PER_SEC;
}

void op_reply_entry(Op *op, const struct fuse_entry_param *entry)
{
    /* The kernel did not get it: nothing will be forgotten. */
    if (fuse_reply_entry(op->req, entry) == -ENOENT)
        entry_forget(op->fs, entry->ino, 1);
    op_free(op);
}

void op_reply_missing(Op *op, gint64 keep_us)
{
    struct fuse_entry_param none = { .entry_timeout = seconds(keep_us) };

    if (op->name == NULL)
        fuse_reply_err(op->req, ENOENT);
    else
        fuse_reply_entry(op->req, &none);
    op_free(op);
}

void op_reply_bytes(Op *op, const char *bytes, size_t length)
{
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
