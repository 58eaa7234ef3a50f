/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/session.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ppiofs/base/error.h"
#include "ppiofs/fs/notifier.h"
#include "ppiofs/fs/private.h"

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
    Notifier *notifier;
    struct fuse_buf buffer;
    GSource *source;
    gpointer tag;
    gboolean may_spin; /* on one processor it would keep the caller from running */
    gboolean mounted;
    void (*ended)(gpointer data);
    gpointer data;
};

typedef struct {
    GSource source;
    Session *session;
} SessionSource;

/* libfuse 3.14 does not pass FUSE_PARALLEL_DIROPS on, though it is asked for: then the kernel lets
 * one parked LOOKUP block every other one in its directory, and `ls` of it, too. */
static void want_parallel_dirops(struct iovec *iov, int count)
{
    if (count >= 2 && iov[1].iov_len >= offsetof(struct fuse_init_out, max_background))
        ((struct fuse_init_out *)iov[1].iov_base)->flags |= FUSE_PARALLEL_DIROPS;
}

static ssize_t write_reply(int fd, struct iovec *iov, int count, void *userdata)
{
    Fs *fs = userdata;

    if (!fs->greeted) { /* only before the notifier's thread is there */
        fs->greeted = TRUE;
        want_parallel_dirops(iov, count); /* the first reply is that of INIT */
    }
    return writev(fd, iov, count);
}

static ssize_t read_request(int fd, void *buffer, size_t size, void *userdata)
{
    (void)userdata;
    return read(fd, buffer, size);
}

static void add_option(struct fuse_args *args, const char *option)
{
    fuse_opt_add_arg(args, "-o");
    fuse_opt_add_arg(args, option);
}

/* A comma in the name would end the option. */
static char *fsname_option(const char *fsname)
{
    g_auto(GStrv) parts = g_strsplit(fsname, "\\", -1);
    g_autofree char *backslashes = g_strjoinv("\\\\", parts);
    g_auto(GStrv) commas = g_strsplit(backslashes, ",", -1);
    g_autofree char *escaped = g_strjoinv("\\,", commas);
    return g_strconcat("fsname=", escaped, NULL);
}

static struct fuse_session *new_fuse_session(Fs *fs, const SessionOptions *options)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    g_autofree char *fsname = fsname_option(options->fsname);

    fuse_opt_add_arg(&args, "ppiofs");
    add_option(&args, "subtype=ppiofs,ro,nosuid,nodev,noexec,default_permissions");
    add_option(&args, fsname);
    if (options->allow_other)
        add_option(&args, "allow_other");
    if (options->auto_unmount)
        add_option(&args, "auto_unmount");

    struct fuse_session *fuse =
        fuse_session_new(&args, fs_operations(), sizeof(struct fuse_lowlevel_ops), fs);
    fuse_opt_free_args(&args);
    return fuse;
}

static void end(Session *session)
{
    g_source_remove_unix_fd(session->source, session->tag);
    session->tag = NULL;
    session->ended(session->data);
}

/* One request. FALSE: there is none at the moment, or the connection is over. */
static gboolean serve_one(Session *session)
{
    int got = fuse_session_receive_buf(session->fuse, &session->buffer);

    if (got <= 0)
        return FALSE;
    fuse_session_process_buf(session->fuse, &session->buffer);
    return TRUE;
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    Session *session = ((SessionSource *)source)->session;
    gint64 now = g_get_monotonic_time();
    gint64 turn_ends = now + TURN_US, spin_ends = now;

    (void)callback;
    (void)data;
    do {
        gboolean served = serve_one(session);

        now = g_get_monotonic_time();
        if (served)
            spin_ends = session->may_spin ? now + SPIN_US : now + 1;
    } while (!fuse_session_exited(session->fuse) && now < spin_ends && now < turn_ends);

    if (fuse_session_exited(session->fuse))
        end(session);
    return G_SOURCE_CONTINUE;
}

static void add_source(Session *session, GMainContext *context)
{
    static GSourceFuncs functions = { .dispatch = dispatch };

    session->source = g_source_new(&functions, sizeof(SessionSource));
    ((SessionSource *)session->source)->session = session;
    session->tag = g_source_add_unix_fd(session->source, fuse_session_fd(session->fuse), G_IO_IN);
    g_source_attach(session->source, context);
}

static gboolean mount_session(Session *session, const char *mountpoint)
{
    static const struct fuse_custom_io io = { .writev = write_reply, .read = read_request };
    int fd;

    if (session->fuse == NULL || fuse_session_mount(session->fuse, mountpoint) != 0)
        return FALSE;
    session->mounted = TRUE;
    session->notifier = notifier_new(session->fuse);
    fd = fuse_session_fd(session->fuse);
    return fuse_session_custom_io(session->fuse, &io, fd) == 0 &&
           g_unix_set_fd_nonblocking(fd, TRUE, NULL);
}

Session *session_mount(Fs *fs, const SessionOptions *options, GMainContext *context,
                       void (*ended)(gpointer data), gpointer data, GError **error)
{
    g_autoptr(Session) session = g_new0(Session, 1);

    session->fs = fs;
    session->ended = ended;
    session->data = data;
    session->may_spin = g_get_num_processors() > 1;
    session->fuse = new_fuse_session(fs, options);
    if (!mount_session(session, options->mountpoint)) {
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_FAILED,
                    "%s could not be mounted; the reason stands above, from fusermount3 or the "
                    "FUSE library",
                    options->mountpoint);
        return NULL;
    }
    add_source(session, context);
    return g_steal_pointer(&session);
}

/* Ages every name the kernel keeps at once and without a lock; from Linux 6.16 on, others refuse
 * it. Debian 12's header does not know it. */
#define NOTIFY_INC_EPOCH 8

static gboolean age_all_names(Session *session)
{
    struct fuse_out_header notice = { .len = sizeof notice, .error = NOTIFY_INC_EPOCH };

    return write(fuse_session_fd(session->fuse), &notice, sizeof notice) >= 0;
}

static void forget_name(guint64 nodeid, const char *name, gpointer data)
{
    Session *session = data;

    (void)nodeid;
    if (name != NULL)
        notifier_forget_name(session->notifier, FUSE_ROOT_ID, name);
}

void session_age_names(Session *session)
{
    if (age_all_names(session))
        return;
    g_debug("this kernel forgets only the names that nobody uses at the moment");
    fs_each_directory(session->fs, forget_name, session);
}

static void forget_attributes(guint64 nodeid, const char *name, gpointer data)
{
    Session *session = data;

    (void)name;
    notifier_forget_attributes(session->notifier, nodeid);
}

void session_forget_names(Session *session)
{
    session_age_names(session);
    fs_each_directory(session->fs, forget_attributes, session);
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

void session_free(Session *session)
{
    if (session == NULL)
        return;
    if (session->source != NULL) {
        g_source_destroy(session->source);
        g_source_unref(session->source);
    }
    stop_notifier(session);
    if (session->mounted)
        fuse_session_unmount(session->fuse);
    notifier_free(session->notifier);
    if (session->fuse != NULL)
        fuse_session_destroy(session->fuse);
    free(session->buffer.mem);
    g_free(session);
}
