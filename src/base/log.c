/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/log.h"

#include "ppiofs/base/log_repeat.h"
#include "ppiofs/base/log_syslog.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

/* Lines of one kind within a minute: what the API fills with ever new words is no news. What tells
 * a change is, until it flaps. */
#define MOST_OF_A_KIND 5
#define MOST_NEWS 20

/* GLib may log from any thread, hence the lock: of pthreads, which ThreadSanitizer knows. */
struct Log {
    pthread_mutex_t lock;
    LogLevel level;
    LogSyslog *syslog;   /* NULL: lines go to standard error */
    gboolean to_journal; /* standard error is the journal's, which knows prefixes like "<4>" */
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
    gboolean ours =
        g_strcmp0(domain, G_LOG_DOMAIN) == 0 || g_strcmp0(domain, LOG_DOMAIN_STATE) == 0;
    char *text = g_strconcat(ours || !domain ? "" : domain, ours || !domain ? "" : ": ",
                             message ? message : "", NULL);

    for (char *at = text; *at; at++)
        if (g_ascii_iscntrl(*at))
            *at = ' ';
    return text;
}

/* At once and whole, or not at all: a reader of our standard error that has stopped reading must
 * not stop the file system. poll() promises room for PIPE_BUF bytes. */
static void write_stderr(const Log *log, LogLevel level, const char *text)
{
    struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
    char prefix[sizeof "<0>"] = "";
    char line[PIPE_BUF];

    if (log->to_journal)
        g_snprintf(prefix, sizeof prefix, "<%d>", levels[level].priority);
    int length =
        g_snprintf(line, sizeof line, "%sppiofs: %s: %s\n", prefix, levels[level].name, text);

    if (length >= (int)sizeof line) {
        length = sizeof line - 1;
        line[length - 1] = '\n';
    }
    /* Not if there is an error too: a write to a pipe without a reader ends in SIGPIPE. */
    if (poll(&ready, 1, 0) == 1 && ready.revents == POLLOUT &&
        write(STDERR_FILENO, line, (gsize)length) < 0)
        return; /* nobody left to tell */
}

/* As systemd.exec(5) has it: the variable names the file that standard error was. */
static gboolean stderr_is_journal(void)
{
    const char *stream = g_getenv("JOURNAL_STREAM");
    struct stat status;

    if (!stream || fstat(STDERR_FILENO, &status) != 0)
        return FALSE;
    g_autofree char *own =
        g_strdup_printf("%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    return strcmp(stream, own) == 0;
}

/* FALSE if the line repeats, or is one of too many. What was held back before it is said in it. */
static gboolean is_worth_a_line(Log *log, const char *domain, char **text)
{
    gboolean news = g_strcmp0(domain, LOG_DOMAIN_STATE) == 0;
    gint64 now = g_get_monotonic_time();
    guint held;

    if (!log_repeat_may_write(&log->repeat, *text, news, news ? MOST_NEWS : MOST_OF_A_KIND, now,
                              &held))
        return FALSE;
    if (held > 0) {
        g_autofree char *alone = *text;
        *text = g_strdup_printf("%s (and %u more of this kind before)", alone, held);
    }
    return TRUE;
}

static void log_write(Log *log, LogLevel level, const char *text)
{
    if (log->syslog)
        log_syslog_send(log->syslog, levels[level].priority, text);
    else
        write_stderr(log, level, text);
}

static void on_message(const char *domain, GLogLevelFlags flags, const char *message, void *data)
{
    LogLevel level = level_of(flags);
    Log *log = data;

    pthread_mutex_lock(&log->lock);
    if (level <= log->level) {
        g_autofree char *text = line_text(domain, message);

        if (level == LOG_LEVEL_DEBUG || is_worth_a_line(log, domain, &text))
            log_write(log, level, text);
    }
    pthread_mutex_unlock(&log->lock);
}

Log *log_open(LogLevel level)
{
    Log *log = g_new0(Log, 1);

    pthread_mutex_init(&log->lock, NULL);
    log->level = level;
    log->to_journal = stderr_is_journal();
    g_log_set_default_handler(on_message, log);
    return log;
}

void log_to_syslog(Log *log, const char *path)
{
    LogSyslog *syslog = path ? log_syslog_new(path) : NULL;

    pthread_mutex_lock(&log->lock);
    log_syslog_free(log->syslog);
    log->syslog = syslog;
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
    log_syslog_free(log->syslog);
    pthread_mutex_destroy(&log->lock);
    g_free(log);
}

const char *log_level_name(LogLevel level)
{
    return levels[level].name;
}
