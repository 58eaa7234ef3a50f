/* SPDX-License-Identifier: MIT */
#include "ppiofs/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ppiofs/base/error.h"
#include "ppiofs/keeper.h"

#define LARGE_BLOCK_BYTES (128 << 10)

struct Daemon {
    gboolean has_terminal; /* in the foreground, and SIGHUP was not ignored, as by nohup(1) */
    int pipe;              /* to the parent; -1 in the foreground, and once it has gone */
    gboolean has_keeper;
    Worker worker;
};

/* No other process of this user may look into this one, and it leaves no core: it holds the key.
 * The leak checker of a sanitized build has to look into it. */
static void protect_memory(void)
{
    const struct rlimit none = { 0, 0 };

#ifndef PPIOFS_SANITIZED
    prctl(PR_SET_DUMPABLE, 0);
#endif
    setrlimit(RLIMIT_CORE, &none);
    g_unsetenv("SSLKEYLOGFILE"); /* libcurl's TLS library would write session keys there */
}

/* Large blocks go back to the system when they are freed. Left alone, glibc's malloc() raises its
 * bound with the first of them, and what was once held open then stays resident for good. */
static void give_memory_back(void)
{
#ifdef M_MMAP_THRESHOLD /* musl gives them back anyway */
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES);
#endif
}

/* Those of 0, 1 and 2 that are closed: else what is opened next would be taken for standard error.
 */
static void open_standard(void)
{
    int fd;

    do /* the lowest that is free, so all three are taken when it is above them */
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0)
        _exit(EXIT_FAILURE); /* there may be nothing to say it with */
    close(fd);
}

void daemon_prepare(void)
{
    protect_memory();
    give_memory_back();
    open_standard();
    prctl(PR_SET_NAME, "ppiofs"); /* for ps and --refresh, also when mount.ppiofs was called */
}

/* From @first up to @last. */
static void close_all(unsigned first, unsigned last)
{
    if (syscall(SYS_close_range, first, last, 0) == 0)
        return;
    long most = sysconf(_SC_OPEN_MAX); /* Linux before 5.9, or a filter of system calls */
    for (unsigned fd = first; fd <= last && (long)fd < most; fd++)
        close((int)fd);
}

void daemon_close_others(const int *kept, gsize n_kept)
{
    for (unsigned first = STDERR_FILENO + 1;;) {
        unsigned next = G_MAXUINT;

        for (gsize i = 0; i < n_kept; i++)
            if (kept[i] >= (int)first)
                next = MIN(next, (unsigned)kept[i]);
        if (next > first)
            close_all(first, next == G_MAXUINT ? next : next - 1);
        if (next == G_MAXUINT)
            return;
        first = next + 1;
    }
}

static gboolean has_terminal(void)
{
    int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static gboolean ignores_hangup(void)
{
    struct sigaction action;

    return sigaction(SIGHUP, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void *end_at_once(void *data)
{
    return data;
}

/* GLib aborts where it cannot have its thread. */
static gboolean can_make_threads(GError **error)
{
    pthread_t thread;
    int why = pthread_create(&thread, NULL, end_at_once, NULL);

    if (why == 0)
        return pthread_join(thread, NULL) == 0;
    return error_set(error, PPIOFS_ERROR_FAILED,
                     "cannot start a thread: %s; allow more processes with: ulimit -u NUMBER",
                     g_strerror(why));
}

/* Does not return: the status is 0 if the child said it is ready, else the child's own. */
G_NORETURN static void wait_for_child(pid_t child, int pipe)
{
    char byte;
    int status = 0;
    ssize_t got;

    do
        got = read(pipe, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got == 1)
        _exit(0);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static gboolean fork_child(Daemon *daemon, const int *kept, gsize n_kept, GError **error)
{
    int ends[2];
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) != 0 || (child = fork()) < 0)
        return error_set(error, PPIOFS_ERROR_FAILED, "cannot go to the background: %s",
                         g_strerror(errno));
    if (child > 0) {
        close(ends[1]);
        wait_for_child(child, ends[0]);
    }
    g_autofree int *all = g_memdup2(kept, n_kept * sizeof *kept);
    all = g_renew(int, all, n_kept + 1);
    all[n_kept] = daemon->pipe = ends[1];
    daemon_close_others(all, n_kept + 1);
    return TRUE;
}

/* What was to be kept is the first worker's business; what comes later has what that one left. */
static gboolean start_worker(Daemon *daemon, GError **error)
{
    if (!keeper_start(&daemon->worker, error))
        return FALSE;
    daemon->has_keeper = TRUE;
    if (daemon->worker.inherited.fuse >= 0)
        daemon->pipe = -1; /* the keeper has closed it: the parent has gone */
    return TRUE;
}

Daemon *daemon_start(DaemonKind kind, const int *kept, gsize n_kept, GError **error)
{
    g_autoptr(Daemon) daemon = g_new0(Daemon, 1);

    daemon->pipe = daemon->worker.keeper = -1;
    daemon->worker.inherited = (Handover){ -1, -1 };
    daemon->has_terminal = kind == DAEMON_FOREGROUND && !ignores_hangup() && has_terminal();
    if ((kind != DAEMON_FOREGROUND && !fork_child(daemon, kept, n_kept, error)) ||
        (kind == DAEMON_KEPT && !start_worker(daemon, error)))
        return NULL;
    return can_make_threads(error) ? g_steal_pointer(&daemon) : NULL;
}

const Worker *daemon_worker(const Daemon *daemon)
{
    return daemon->has_keeper ? &daemon->worker : NULL;
}

void daemon_mounted(Daemon *daemon)
{
    if (daemon->pipe >= 0)
        setsid();
}

gboolean daemon_lost_terminal(const Daemon *daemon)
{
    return daemon->has_terminal && !has_terminal();
}

void daemon_leave_terminal(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = 0; fd <= 2 && null >= 0; fd++)
        dup2(null, fd);
    if (null > 2)
        close(null);
    if (chdir("/") != 0)
        g_warning("cannot change to /: %s", g_strerror(errno));
}

void daemon_ready(Daemon *daemon)
{
    if (daemon->pipe < 0)
        return;
    daemon_leave_terminal();
    while (write(daemon->pipe, "", 1) < 0 && errno == EINTR)
        continue;
    close(daemon->pipe);
    daemon->pipe = -1;
}

void daemon_free(Daemon *daemon)
{
    if (daemon == NULL)
        return;
    if (daemon->pipe >= 0)
        close(daemon->pipe);
    g_free(daemon);
}
