/* SPDX-License-Identifier: MIT */
#include "ppiofs/keep/handover.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define FIRST_FD 3
#define FDS_MOST 1024 /* of a store; more is a slip of the pen */
/* /dev/fuse, whatever it is called. */
#define FUSE_MAJOR 10
#define FUSE_MINOR 229

/* 0 if they are meant for another process. */
static guint count_inherited(void)
{
    const char *pid = g_getenv("LISTEN_PID"), *n = g_getenv("LISTEN_FDS");
    guint64 whose = 0, count = 0;

    if (pid == NULL || n == NULL ||
        !g_ascii_string_to_unsigned(pid, 10, 1, G_MAXINT, &whose, NULL) ||
        whose != (guint64)getpid() || !g_ascii_string_to_unsigned(n, 10, 1, FDS_MOST, &count, NULL))
        return 0;
    return (guint)count;
}

static gboolean is_fuse(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) &&
           status.st_rdev == makedev(FUSE_MAJOR, FUSE_MINOR);
}

static void take_one(Handover *handover, int fd, const char *name)
{
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return;
    if (g_strcmp0(name, HANDOVER_FUSE) == 0 && handover->fuse < 0 && is_fuse(fd))
        handover->fuse = fd;
    else if (g_strcmp0(name, HANDOVER_STATE) == 0 && handover->state < 0)
        handover->state = fd;
    else
        close(fd);
}

Handover handover_take(void)
{
    const char *text = g_getenv("LISTEN_FDNAMES");
    g_auto(GStrv) names = g_strsplit(text == NULL ? "" : text, ":", -1);
    guint n = count_inherited(), n_names = g_strv_length(names);
    Handover handover = { -1, -1 };

    for (guint i = 0; i < n; i++)
        take_one(&handover, FIRST_FD + (int)i, i < n_names ? names[i] : NULL);
    g_unsetenv("LISTEN_PID");
    g_unsetenv("LISTEN_FDS");
    g_unsetenv("LISTEN_FDNAMES");
    if (handover.fuse < 0 || handover.state < 0)
        handover_drop(&handover);
    return handover;
}

gboolean handover_is_alive(const Handover *handover)
{
    struct pollfd connection = { .fd = handover->fuse };

    return poll(&connection, 1, 0) >= 0 && (connection.revents & (POLLERR | POLLHUP)) == 0;
}

void handover_drop(Handover *handover)
{
    if (handover->fuse >= 0)
        close(handover->fuse);
    if (handover->state >= 0)
        close(handover->state);
    *handover = (Handover){ -1, -1 };
}
