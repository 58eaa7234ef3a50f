/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/log.h"

#include "ppiofs/base/log_repeat.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

/* A syslog daemon on a busy machine gets its turn within this; a reader does not notice it. */
#define SYSLOG_PATIENCE_MS 50

/* GLib may log from any thread, hence the lock: of pthreads, which ThreadSanitizer knows. */
struct Log {
    pthread_mutex_t lock;
    LogLevel level;
    gboolean to_syslog;
    int room; /* a socket of our own at the syslog daemon, never written to; -1: none */
    gboolean syslog_hangs;
    LogRepeat repeat;
};

static const struct {
    const char *name;
    GLogLevelFlags flags;
    int priority;
} levels[] = {
    [LOG_LEVEL_ERROR] = { "error", G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL, LOG_ERR },
    [LOG_LEVEL_WARNING] = { "warning", G_LOG_LEVEL_WARNING, LOG_WARNING },
    [LOG_LEVEL_INFO] = { "info", G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO, LOG_INFO },
    [LOG_LEVEL_DEBUG] = { "debug", G_LOG_LEVEL_DEBUG, LOG_DEBUG },
};

static LogLevel level_of(GLogLevelFlags flags)
{
    for (guint i = 0; i < G_N_ELEMENTS(levels); i++)
        if (flags & levels[i].flags)
            return (LogLevel)i;
    return LOG_LEVEL_DEBUG; /* a level that someone invented */
}

/* Foreign libraries are named. What is left of control characters would break the line, or the
 * terminal. */
static char *line_text(const char *domain, const char *message)
{
    gboolean ours = g_strcmp0(domain, G_LOG_DOMAIN) == 0 || g_strcmp0(domain, LOG_DOMAIN_NEWS) == 0;
    char *text = g_strconcat(ours || !domain ? "" : domain, ours || !domain ? "" : ": ",
                             message ? message : "", NULL);

    for (char *at = text; *at; at++)
        if (g_ascii_iscntrl(*at))
            *at = ' ';
    return text;
}

/* At once and whole, or not at all: a reader of our standard error that has stopped reading must
 * not stop the file system. poll() promises room for PIPE_BUF bytes. */
static void write_stderr(LogLevel level, const char *text)
{
    struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
    char line[PIPE_BUF];
    int length = g_snprintf(line, sizeof line, "ppiofs: %s: %s\n", levels[level].name, text);

    if (length >= (int)sizeof line) {
        length = sizeof line - 1;
        line[length - 1] = '\n';
    }
    /* Not if there is an error too: a write to a pipe without a reader ends in SIGPIPE. */
    if (poll(&ready, 1, 0) == 1 && ready.revents == POLLOUT &&
        write(STDERR_FILENO, line, (gsize)length) < 0)
        return; /* nobody left to tell */
}

static int connect_to_syslog(void)
{
    const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = _PATH_LOG };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* syslog(3) waits while the daemon's queue is full: one that hangs would stop the file system.
 * poll() at a socket of our own looks at the same queue, which holds a dozen lines: a burst takes
 * some patience, but only once, then lines are lost. Without a daemon nothing waits. */
static gboolean syslog_has_room(Log *log)
{
    struct pollfd ready = { .fd = log->room, .events = POLLOUT };

    if (ready.fd < 0 || (poll(&ready, 1, 0) == 1 && ready.revents != POLLOUT)) {
        if (log->room >= 0) /* its daemon has gone: there may be a new one */
            close(log->room);
        ready.fd = log->room = connect_to_syslog();
    }
    log->syslog_hangs =
        ready.fd >= 0 && poll(&ready, 1, log->syslog_hangs ? 0 : SYSLOG_PATIENCE_MS) != 1;
    return !log->syslog_hangs;
}

static gboolean is_repeated(Log *log, const char *domain, LogLevel level, const char *text)
{
    return level != LOG_LEVEL_DEBUG && g_strcmp0(domain, LOG_DOMAIN_NEWS) != 0 &&
           !log_repeat_is_new(&log->repeat, text, g_get_monotonic_time());
}

static void log_write(Log *log, LogLevel level, const char *text)
{
    if (!log->to_syslog)
        write_stderr(level, text);
    else if (syslog_has_room(log))
        syslog(levels[level].priority, "%s", text);
}

static void on_message(const char *domain, GLogLevelFlags flags, const char *message, void *data)
{
    LogLevel level = level_of(flags);
    Log *log = data;

    pthread_mutex_lock(&log->lock);
    if (level <= log->level) {
        g_autofree char *text = line_text(domain, message);

        if (!is_repeated(log, domain, level, text))
            log_write(log, level, text);
    }
    pthread_mutex_unlock(&log->lock);
}

static void set_syslog(Log *log, gboolean to_syslog)
{
    if (to_syslog && !log->to_syslog)
        openlog("ppiofs", LOG_PID, LOG_DAEMON);
    if (!to_syslog && log->to_syslog) {
        closelog();
        if (log->room >= 0)
            close(log->room);
        log->room = -1;
    }
    log->to_syslog = to_syslog;
}

Log *log_open(LogLevel level, gboolean to_syslog)
{
    Log *log = g_new0(Log, 1);

    pthread_mutex_init(&log->lock, NULL);
    log->level = level;
    log->room = -1;
    set_syslog(log, to_syslog);
    g_log_set_default_handler(on_message, log);
    return log;
}

void log_to_syslog(Log *log, gboolean to_syslog)
{
    pthread_mutex_lock(&log->lock);
    set_syslog(log, to_syslog);
    pthread_mutex_unlock(&log->lock);
}

LogLevel log_step_level(Log *log)
{
    LogLevel level;

    pthread_mutex_lock(&log->lock);
    level = (log->level + 1) % G_N_ELEMENTS(levels);
    log->level = level;
    pthread_mutex_unlock(&log->lock);
    return level;
}

void log_close(Log *log)
{
    if (!log)
        return;
    g_log_set_default_handler(g_log_default_handler, NULL);
    set_syslog(log, FALSE);
    pthread_mutex_destroy(&log->lock);
    g_free(log);
}

gboolean log_level_from_name(const char *name, LogLevel *ret_level)
{
    for (guint i = 0; i < G_N_ELEMENTS(levels); i++) {
        if (g_strcmp0(name, levels[i].name) == 0) {
            *ret_level = (LogLevel)i;
            return TRUE;
        }
    }
    return FALSE;
}

const char *log_level_name(LogLevel level)
{
    return levels[level].name;
}
