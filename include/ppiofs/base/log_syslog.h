/* SPDX-License-Identifier: MIT */
/* log_syslog: lines to a syslog daemon, without ever waiting for it. syslog(3) waits while the
 * daemon's queue is full: one that hangs would stop the file system. */
#pragma once

#include <glib.h>

typedef struct LogSyslog LogSyslog;

/* @path is a UNIX socket, of datagrams or a stream; nobody needs to listen there yet.
 * (transfer full) */
LogSyslog *log_syslog_new(const char *path);

/* @priority as in syslog(3), without a facility. If the syslog daemon has no room, the line is
 * kept, up to a bound, and sent from the default main context once there is room. Lines beyond the
 * bound are lost. Not from two threads at once. */
void log_syslog_send(LogSyslog *syslog, int priority, const char *text);

/* Lines that are still kept get one last try. NULL is allowed. */
void log_syslog_free(LogSyslog *syslog);
