/* SPDX-License-Identifier: MIT */
/* log: where g_critical, g_warning, g_message, g_info and g_debug of ppiofs go.
 *
 * Levels as users name them: error (g_critical), warning (g_warning), info (g_message, g_info),
 * debug (g_debug). Callers pass API text only through text_printable(). */
#pragma once

#include <glib.h>

/* The domain, for g_log(), of lines that tell a change: one that repeats is written again, and more
 * of a kind are. */
#define LOG_DOMAIN_STATE "ppiofs-state"

typedef enum { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG } LogLevel;

typedef struct Log Log;

/* From now on all log lines of the process at @level or above go to standard error. Where that is
 * the journal's ($JOURNAL_STREAM), each begins with its priority: "<3>" to "<7>". A line that
 * repeats within a minute is written once, and of lines that differ only behind the first colon a
 * few are; the next one after that tells how many there were. No line ever waits for its reader.
 * (transfer full) */
Log *log_open(LogLevel level);

/* Sends the lines to the syslog daemon at the socket @path (_PATH_LOG) instead; NULL: to standard
 * error again. */
void log_to_syslog(Log *log, const char *path);

/* error -> warning -> info -> debug -> error (SIGUSR2). Returns the new level. */
LogLevel log_step_level(Log *log);

/* GLib's own handler takes over again. */
void log_close(Log *log);

/* "error", "warning", "info" or "debug". */
const char *log_level_name(LogLevel level);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Log, log_close)
