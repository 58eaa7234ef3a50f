/* SPDX-License-Identifier: MIT */
#include "ppiofs/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ppiofs/base/error.h"
#include "ppiofs/daemon.h"

/* So many workers in so long a time: the next one would end as they did. */
#define DEATHS_MOST 5
#define DEATHS_US (10 * (gint64)G_USEC_PER_SEC)
#define HANDED 2

typedef struct {
    int socket;  /* to the worker */
    int signals; /* signalfd(2) */
    sigset_t before;
    pid_t worker;
    Handover handover;
    gint64 deaths[DEATHS_MOST]; /* the times of the last, in a ring */
    guint n_deaths;
} Keeper;

static const int passed_on[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2 };

void worker_give(const Worker *worker, const Handover *handover)
{
    char byte = 0;
    struct iovec text = { &byte, 1 };
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(HANDED * sizeof(int))] = { 0 };
    const int fds[HANDED] = { handover->fuse, handover->state };
    struct msghdr header = {
        .msg_iov = &text, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
    };
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);

    *rights = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                                .cmsg_type = SCM_RIGHTS,
                                .cmsg_len = CMSG_LEN(sizeof fds) };
    memcpy(CMSG_DATA(rights), fds, sizeof fds);
    if (sendmsg(worker->keeper, &header, MSG_NOSIGNAL) < 0)
        g_warning("cannot give the keeper what a successor needs: %s; a crash would end this mount",
                  g_strerror(errno));
}

/* FALSE: the worker has ended. */
static gboolean take(Keeper *keeper)
{
    char byte;
    struct iovec text = { &byte, 1 };
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(HANDED * sizeof(int))];
    struct msghdr header = {
        .msg_iov = &text, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
    };
    ssize_t got = recvmsg(keeper->socket, &header, MSG_CMSG_CLOEXEC);
    const struct cmsghdr *rights = got > 0 ? CMSG_FIRSTHDR(&header) : NULL;
    int fds[HANDED];

    if (rights != NULL && rights->cmsg_len == CMSG_LEN(sizeof fds)) {
        handover_drop(&keeper->handover);
        memcpy(fds, CMSG_DATA(rights), sizeof fds);
        keeper->handover = (Handover){ fds[0], fds[1] };
        daemon_leave_terminal();
        setsid();
    }
    return got > 0 || (got < 0 && errno == EINTR);
}

static void pass_on(const Keeper *keeper)
{
    struct signalfd_siginfo signal;

    if (read(keeper->signals, &signal, sizeof signal) == sizeof signal)
        kill(keeper->worker, (int)signal.ssi_signo);
}

/* Until the worker has ended. Returns its status. */
static int watch(Keeper *keeper)
{
    struct pollfd sources[] = { { .fd = keeper->socket, .events = POLLIN },
                                { .fd = keeper->signals, .events = POLLIN } };
    gboolean lives = TRUE;
    int status = 0;

    while (lives) {
        if (poll(sources, G_N_ELEMENTS(sources), -1) < 0)
            continue;
        if (sources[1].revents != 0)
            pass_on(keeper);
        if (sources[0].revents != 0)
            lives = take(keeper);
    }
    close(keeper->socket);
    while (waitpid(keeper->worker, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

/* TRUE: it is worth while to start another one. */
static gboolean note_death(Keeper *keeper)
{
    gint64 now = g_get_monotonic_time();
    gint64 *oldest = &keeper->deaths[keeper->n_deaths++ % DEATHS_MOST];
    gboolean seldom = keeper->n_deaths < DEATHS_MOST ||
                      now - keeper->deaths[keeper->n_deaths % DEATHS_MOST] > DEATHS_US;

    *oldest = now;
    return seldom;
}

static gboolean was_told_to_end(int status)
{
    int signal = WTERMSIG(status);

    return signal == SIGTERM || signal == SIGINT || signal == SIGHUP;
}

/* In the worker TRUE; in the keeper FALSE. */
static gboolean fork_worker(Keeper *keeper, Worker *worker)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 ||
        (keeper->worker = fork()) < 0)
        _exit(EXIT_FAILURE); /* who uses the mount finds it dead, as without a keeper */
    if (keeper->worker == 0) {
        close(ends[0]);
        close(keeper->signals);
        sigprocmask(SIG_SETMASK, &keeper->before, NULL);
        prctl(PR_SET_NAME, "ppiofs");
        worker->keeper = ends[1];
        worker->inherited = keeper->handover;
        return TRUE;
    }
    const int kept[] = { ends[0], keeper->signals, keeper->handover.fuse, keeper->handover.state };
    daemon_close_others(kept, G_N_ELEMENTS(kept));
    prctl(PR_SET_NAME, "ppiofs-keeper");
    keeper->socket = ends[0];
    return FALSE;
}

gboolean keeper_start(Worker *ret_worker, GError **error)
{
    Keeper keeper = { .handover = { -1, -1 } };
    sigset_t signals;

    sigemptyset(&signals);
    for (gsize i = 0; i < G_N_ELEMENTS(passed_on); i++)
        sigaddset(&signals, passed_on[i]);
    sigprocmask(SIG_BLOCK, &signals, &keeper.before);
    keeper.signals = signalfd(-1, &signals, SFD_CLOEXEC);
    if (keeper.signals < 0)
        return error_set(error, PPIOFS_ERROR_FAILED, "cannot start the keeper: %s",
                         g_strerror(errno));
    *ret_worker = (Worker){ 0 };
    while (!fork_worker(&keeper, ret_worker)) {
        if (ret_worker->is_last)
            handover_drop(&keeper.handover); /* the connection is to end with that one */
        int status = watch(&keeper);
        if (WIFEXITED(status) || keeper.handover.fuse < 0)
            _exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
        ret_worker->signal = WTERMSIG(status);
        ret_worker->is_last = was_told_to_end(status) || !note_death(&keeper);
    }
    return TRUE;
}
