/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/session.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <unistd.h>

#include "ppiofs/fs/connect.h"
#include "ppiofs/fs/detach.h"
#include "ppiofs/fs/greeting.h"
#include "ppiofs/fs/notifier.h"
#include "ppiofs/fs/private.h"
#include "ppiofs/fs/sweep.h"

/* After an answer the next request mostly comes at once; being there when it does saves the kernel
 * a sleep and a wake-up, which on a virtual machine is most of what a request costs. */
#define SPIN_US 50
/* The network, timers and signals get their turn at least that often. */
#define TURN_US 5000
/* Between two looks whether the notice that is being given has been: that takes microseconds. */
#define STOP_STEP_US 100

struct Session {
    Fs *fs;
    struct fuse_session *fuse;
    GMainContext *context;
    Notifier *notifier;
    Sweep *sweep;
    struct fuse_buf buffer;
    GSource *source;
    gpointer tag;
    gboolean may_spin;  /* on one processor it would keep the caller from running */
    gboolean over;      /* unmounted: the connection has ended */
    gboolean aborted;   /* the connection has ended, and the mount is still there */
    Greeting *greeting; /* NULL: the kernel has not greeted yet */
    OwnMount mount;     /* none if it was passed in */
    KeepFile *keep;     /* NULL: nothing is kept */
    gboolean adopts;    /* goes on with another process's connection, and has not begun to */
    gboolean adoptable; /* the kernel lets another process do so with this one */
    SessionEvents events;
    gpointer data;
};

typedef struct {
    GSource source;
    Session *session;
} SessionSource;

static void end(Session *session)
{
    g_source_remove_unix_fd(session->source, session->tag);
    session->tag = NULL;
    session->events.ended(session->aborted, session->data);
}

static gboolean is_over(const Session *session)
{
    return session->over || session->aborted;
}

/* ENODEV, which libfuse makes 0, is an unmount; another failure than these is an abort. */
static void take_failure(Session *session, int got)
{
    session->over = got == 0;
    session->aborted = got < 0 && got != -EINTR && got != -EAGAIN;
}

static void put_bytes(KeepFile *keep, KeepKind kind, GBytes *bytes)
{
    gsize length;
    gconstpointer data = g_bytes_get_data(bytes, &length);

    keep_put(keep, &(KeepRecord){ .kind = kind, .bytes = data, .length = length });
}

static void keep_greeting(Session *session)
{
    put_bytes(session->keep, KEEP_REQUEST, session->greeting->request);
    put_bytes(session->keep, KEEP_REPLY, session->greeting->reply);
    own_mount_keep(&session->mount, session->keep);
}

static void greet(Session *session)
{
    session->greeting = greeting_exchange(session->fuse, &session->buffer);
    if (session->greeting == NULL) {
        session->aborted = TRUE;
        return;
    }
    keep_greeting(session);
    session->adoptable = connect_resend(session->fuse); /* there is nothing to send: it only asks */
    session->events.live(session->data);
}

static void go_on(Session *session)
{
    session->adopts = FALSE;
    session->adoptable = connect_resend(session->fuse);
    session->events.live(session->data);
}

/* One request. FALSE: there is none at the moment, or the connection is over. */
static gboolean serve_one(Session *session)
{
    int got = is_over(session) ? 0 : fuse_session_receive_buf(session->fuse, &session->buffer);

    if (got <= 0) {
        take_failure(session, got);
        return FALSE;
    }
    if (session->greeting)
        fuse_session_process_buf(session->fuse, &session->buffer);
    else
        greet(session);
    return TRUE;
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    Session *session = ((SessionSource *)source)->session;
    gint64 now = g_get_monotonic_time();
    gint64 turn_ends = now + TURN_US, spin_ends = now;

    (void)callback;
    (void)data;
    if (session->adopts) {
        g_source_set_ready_time(source, -1);
        go_on(session);
    }
    do {
        gboolean served = serve_one(session);

        now = g_get_monotonic_time();
        if (served)
            spin_ends = session->may_spin ? now + SPIN_US : now + 1;
    } while (!is_over(session) && now < spin_ends && now < turn_ends);

    if (is_over(session))
        end(session);
    return G_SOURCE_CONTINUE;
}

static void add_source(Session *session, GMainContext *context)
{
    static GSourceFuncs functions = { .dispatch = dispatch };

    session->source = g_source_new(&functions, sizeof(SessionSource));
    ((SessionSource *)session->source)->session = session;
    session->tag = g_source_add_unix_fd(session->source, fuse_session_fd(session->fuse), G_IO_IN);
    if (session->adopts)
        g_source_set_ready_time(session->source, 0);
    g_source_attach(session->source, context);
}

static gboolean connect_session(Session *session, const SessionOptions *options, GError **error)
{
    session->fuse = session->adopts ? connect_adopt(session->fs, options, &session->mount,
                                                    &session->greeting, error)
                                    : connect_mount(session->fs, options, &session->mount, error);
    if (session->fuse == NULL)
        return FALSE;
    session->notifier = notifier_new(session->fuse, fs_root_names(session->fs));
    session->sweep = sweep_new(session->fs, session->fuse, session->context);
    return TRUE;
}

Session *session_new(Fs *fs, const SessionOptions *options, GMainContext *context,
                     const SessionEvents *events, gpointer data, GError **error)
{
    g_autoptr(Session) session = g_new0(Session, 1);

    session->fs = fs;
    session->context = context;
    session->keep = options->keep;
    session->adopts = options->fuse_fd >= 0;
    session->events = *events;
    session->data = data;
    session->may_spin = g_get_num_processors() > 1;
    if (!connect_session(session, options, error))
        return NULL;
    add_source(session, context);
    return g_steal_pointer(&session);
}

gboolean session_handover(const Session *session, Handover *ret_handover)
{
    if (session->keep == NULL || !session->adoptable || !keep_is_whole(session->keep))
        return FALSE;
    *ret_handover = (Handover){ fuse_session_fd(session->fuse), keep_fd(session->keep) };
    return TRUE;
}

/* Ages every name the kernel keeps at once and without a lock; from Linux 6.16 on, others refuse
 * it. Debian 12's header does not know it. */
#define NOTIFY_INC_EPOCH 8

static gboolean age_all_names(Session *session)
{
    struct fuse_out_header notice = { .len = sizeof notice, .error = NOTIFY_INC_EPOCH };

    return write(fuse_session_fd(session->fuse), &notice, sizeof notice) >= 0;
}

void session_expire_names(Session *session)
{
    sweep_begin(session->sweep, FALSE);
    if (age_all_names(session))
        return;
    g_debug("this kernel forgets only the names that nobody uses at the moment");
    notifier_forget_names(session->notifier);
}

void session_forget_names(Session *session)
{
    session_expire_names(session);
    sweep_begin(session->sweep, TRUE);
}

/* Whoever looks something up holds a lock that the last notice may wait for: he gets an answer, and
 * so does whoever comes next, until the notice has been given. Nothing else would end the wait, so
 * there is no limit to it. */
static void stop_notifier(Session *session)
{
    while (!notifier_stop(session->notifier)) {
        if (!serve_one(session))
            g_usleep(STOP_STEP_US);
        fs_answer_all(session->fs);
    }
}

/* The connection is closed first: unmounting could wait for an answer of this very process. The
 * number stays, for libfuse to close. */
static void close_connection(Session *session)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null >= 0) {
        dup3(null, fuse_session_fd(session->fuse), O_CLOEXEC);
        close(null);
    }
}

void session_free(Session *session)
{
    if (session == NULL)
        return;
    if (session->source != NULL) {
        g_source_destroy(session->source);
        g_source_unref(session->source);
    }
    sweep_free(session->sweep);
    stop_notifier(session);
    if (session->mount.id != 0) {
        if (session->fuse != NULL)
            close_connection(session);
        if (!session->over)
            own_mount_detach(&session->mount);
    }
    notifier_free(session->notifier);
    if (session->fuse != NULL)
        fuse_session_destroy(session->fuse);
    greeting_free(session->greeting);
    own_mount_clear(&session->mount);
    free(session->buffer.mem);
    g_free(session);
}
