/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/log_syslog.h"

#include <errno.h>
#include <glib-unix.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* A queue of datagrams holds a dozen lines where nobody raised the kernel's default. SIGUSR1 writes
 * some eighty at once, which are to arrive; a daemon that hangs costs no more memory than that. */
#define MAX_KEPT 256

struct LogSyslog {
    pthread_mutex_t lock; /* lines come from any thread, room is seen by the main loop's */
    char *path;
    int fd;          /* -1: not connected */
    gboolean stream; /* lines end in a NUL */
    GQueue kept;     /* char *, in order */
    guint watch;     /* source that waits for room; 0: none */
};

LogSyslog *log_syslog_new(const char *path)
{
    LogSyslog *syslog = g_new0(LogSyslog, 1);

    pthread_mutex_init(&syslog->lock, NULL);
    syslog->path = g_strdup(path);
    syslog->fd = -1;
    g_queue_init(&syslog->kept);
    return syslog;
}

static void disconnect(LogSyslog *syslog)
{
    if (syslog->watch)
        g_source_remove(syslog->watch);
    syslog->watch = 0;
    if (syslog->fd >= 0)
        close(syslog->fd);
    syslog->fd = -1;
}

static gboolean connect_as(LogSyslog *syslog, int type)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    g_strlcpy(address.sun_path, syslog->path, sizeof address.sun_path);
    syslog->stream = type == SOCK_STREAM;
    syslog->fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (syslog->fd >= 0 &&
        connect(syslog->fd, (const struct sockaddr *)&address, sizeof address) != 0)
        disconnect(syslog);
    return syslog->fd >= 0;
}

static gboolean is_connected(LogSyslog *syslog)
{
    return syslog->fd >= 0 || connect_as(syslog, SOCK_DGRAM) || connect_as(syslog, SOCK_STREAM);
}

/* FALSE: there is no room at the moment. A line that can never arrive counts as sent. */
static gboolean send_line(LogSyslog *syslog, const char *line)
{
    for (int tries = 0; tries < 2 && is_connected(syslog); tries++) {
        gsize size = strlen(line) + (syslog->stream ? 1 : 0);
        gssize sent = send(syslog->fd, line, size, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent == (gssize)size)
            return TRUE;
        if (sent < 0 && errno == EAGAIN)
            return FALSE;
        disconnect(syslog); /* the daemon has gone: there may be a new one */
    }
    return TRUE;
}

static gboolean on_room(gint fd, GIOCondition condition, gpointer data)
{
    LogSyslog *syslog = data;
    gboolean more;

    (void)fd, (void)condition;
    pthread_mutex_lock(&syslog->lock);
    while (!g_queue_is_empty(&syslog->kept) && send_line(syslog, g_queue_peek_head(&syslog->kept)))
        g_free(g_queue_pop_head(&syslog->kept));
    more = syslog->watch != 0 && !g_queue_is_empty(&syslog->kept);
    if (!more)
        syslog->watch = 0;
    pthread_mutex_unlock(&syslog->lock);
    return more;
}

static char *format_line(int priority, const char *text)
{
    time_t now = time(NULL);
    char when[sizeof "Jan  1 00:00:00"] = "";
    struct tm local;

    if (localtime_r(&now, &local))
        strftime(when, sizeof when, "%b %e %H:%M:%S", &local);
    return g_strdup_printf("<%d>%s ppiofs[%d]: %s", LOG_DAEMON | priority, when, (int)getpid(),
                           text);
}

void log_syslog_send(LogSyslog *syslog, int priority, const char *text)
{
    g_autofree char *line = format_line(priority, text);

    pthread_mutex_lock(&syslog->lock);
    if (!g_queue_is_empty(&syslog->kept) || !send_line(syslog, line)) {
        if (g_queue_get_length(&syslog->kept) < MAX_KEPT)
            g_queue_push_tail(&syslog->kept, g_steal_pointer(&line));
        if (syslog->watch == 0 && syslog->fd >= 0)
            syslog->watch = g_unix_fd_add(syslog->fd, G_IO_OUT, on_room, syslog);
    }
    pthread_mutex_unlock(&syslog->lock);
}

void log_syslog_free(LogSyslog *syslog)
{
    if (!syslog)
        return;
    for (char *line; (line = g_queue_pop_head(&syslog->kept)); g_free(line))
        send_line(syslog, line);
    disconnect(syslog);
    pthread_mutex_destroy(&syslog->lock);
    g_free(syslog->path);
    g_free(syslog);
}
