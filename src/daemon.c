/* SPDX-License-Identifier: MIT */
#include "ppiofs/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ppiofs/base/error.h"

struct Daemon {
    gboolean foreground;
    int pipe; /* to the parent; -1 in the foreground, and once it has gone */
};

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

static gboolean fork_child(Daemon *daemon, GError **error)
{
    int ends[2];
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) != 0 || (child = fork()) < 0) {
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_FAILED, "cannot go to the background: %s",
                    g_strerror(errno));
        return FALSE;
    }
    if (child > 0) {
        close(ends[1]);
        wait_for_child(child, ends[0]);
    }
    close(ends[0]);
    daemon->pipe = ends[1];
    setsid();
    return TRUE;
}

Daemon *daemon_start(gboolean foreground, GError **error)
{
    g_autoptr(Daemon) daemon = g_new0(Daemon, 1);

    daemon->foreground = foreground;
    daemon->pipe = -1;
    return foreground || fork_child(daemon, error) ? g_steal_pointer(&daemon) : NULL;
}

static void notify_service_manager(void)
{
    static const char message[] = "READY=1";
    const char *path = g_getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    gsize length = path == NULL ? 0 : strlen(path);

    if (length == 0 || length >= sizeof address.sun_path || (*path != '/' && *path != '@'))
        return;
    memcpy(address.sun_path, path, length);
    if (*path == '@') /* an abstract socket */
        address.sun_path[0] = '\0';

    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    if (fd < 0 || sendto(fd, message, sizeof message - 1, MSG_NOSIGNAL,
                         (const struct sockaddr *)&address, size) < 0)
        g_warning("the service manager could not be told: %s", g_strerror(errno));
    if (fd >= 0)
        close(fd);
}

/* The terminal is not ours any more. */
static void leave_terminal(void)
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
    if (daemon->pipe >= 0) {
        leave_terminal();
        while (write(daemon->pipe, "", 1) < 0 && errno == EINTR)
            continue;
        close(daemon->pipe);
        daemon->pipe = -1;
    }
    notify_service_manager();
}

void daemon_free(Daemon *daemon)
{
    if (daemon == NULL)
        return;
    if (daemon->pipe >= 0)
        close(daemon->pipe);
    g_free(daemon);
}
