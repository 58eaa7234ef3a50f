/* SPDX-License-Identifier: MIT */
#include "ppiofs/refresh.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"
#include "ppiofs/fs/mountpoint.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PROGRAM "ppiofs" /* main() calls itself so, however it was called */

G_GNUC_PRINTF(3, 4)
static gboolean refuse(GError **error, PpiofsError code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, PPIOFS_ERROR, (gint)code, message);
    return FALSE;
}

/* (transfer full) */
static char *find_mount(const char *mountpoint, GError **error)
{
    g_autofree char *shown = text_printable(mountpoint, -1, 4096);
    g_autofree char *real = realpath(mountpoint, NULL); /* NULL also if it cannot be looked at */
    int why = errno;
    g_autofree char *type = mountpoint_type(real ? real : mountpoint);

    if (g_strcmp0(type, MOUNTPOINT_TYPE) == 0 && (!real || mountpoint_is_dead(real)))
        refuse(error, PPIOFS_ERROR_USAGE,
               "the ppiofs that was mounted at %s is dead; unmount it "
               "with: fusermount3 -u -z %s",
               shown, shown);
    else if (!real)
        refuse(error, PPIOFS_ERROR_USAGE, "%s: %s", shown, g_strerror(why));
    else if (g_strcmp0(type, MOUNTPOINT_TYPE) != 0)
        refuse(error, PPIOFS_ERROR_USAGE, "no ppiofs is mounted at %s", shown);
    else
        return g_steal_pointer(&real);
    return NULL;
}

/* 0 if the file holds no number of a process. */
static pid_t read_pid(const char *mountpoint)
{
    g_autofree char *path = g_build_filename(mountpoint, ".ppiofs", "pid", NULL);
    g_autofree char *text = NULL;
    guint64 pid;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return 0;
    return g_ascii_string_to_unsigned(g_strchomp(text), 10, 2, G_MAXINT, &pid, NULL) ? (pid_t)pid
                                                                                     : 0;
}

static gboolean is_ppiofs(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/comm", (int)pid);
    g_autofree char *name = NULL;

    return g_file_get_contents(path, &name, NULL, NULL) && strcmp(g_strchomp(name), PROGRAM) == 0;
}

/* The file system's own word for its pid is not enough to signal a process: anybody can mount a
 * file system of this type. So it must be called ppiofs, and the kernel must let this user signal
 * it. The descriptor holds on to the process that was looked at. */
static gboolean hang_up(pid_t pid, const char *mountpoint, GError **error)
{
    g_autofree char *shown = text_printable(mountpoint, -1, 4096);
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    gboolean is_ours = process >= 0 && is_ppiofs(pid);
    gboolean told = is_ours && syscall(SYS_pidfd_send_signal, process, SIGHUP, NULL, 0) == 0;
    int why = errno;

    if (process >= 0)
        close(process);
    if (!is_ours)
        return refuse(error, PPIOFS_ERROR_FAILED,
                      "%s says it is served by process %d, which is no ppiofs that can be seen "
                      "from here",
                      shown, (int)pid);
    if (!told && why == EPERM)
        return refuse(error, PPIOFS_ERROR_FAILED,
                      "the ppiofs at %s (process %d) is another user's: ask them, or root", shown,
                      (int)pid);
    if (!told)
        return refuse(error, PPIOFS_ERROR_FAILED, "process %d cannot be told: %s", (int)pid,
                      g_strerror(why));
    return TRUE;
}

gboolean refresh_run(const char *mountpoint, GError **error)
{
    g_autofree char *real = find_mount(mountpoint, error);
    pid_t pid;

    if (!real)
        return FALSE;
    pid = read_pid(real);
    if (pid == 0)
        return refuse(error, PPIOFS_ERROR_FAILED, "%s/.ppiofs/pid cannot be read", mountpoint);
    return hang_up(pid, real, error);
}
