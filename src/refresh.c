/* SPDX-License-Identifier: MIT */
#include "ppiofs/refresh.h"

#include "ppiofs/base/beside.h"
#include "ppiofs/base/error.h"
#include "ppiofs/fs/mount_table.h"
#include "ppiofs/fs/place.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PID_MAX_BYTES 32 /* more is no number of a process */
#define ANSWER_MS 2000   /* .ppiofs/ is answered from memory */
#define PROGRAM "ppiofs" /* main() calls itself so, however it was called */

static gboolean is_served(const Place *place, GError **error)
{
    const char *shown = place->shown;
    gboolean is_ppiofs = g_strcmp0(place->type, MOUNT_TYPE) == 0;

    if (is_ppiofs && place->state == PLACE_DEAD)
        return error_set(error, PPIOFS_ERROR_USAGE,
                         "%s: the ppiofs that was mounted there is dead; unmount it with: "
                         "fusermount3 -u -z %s",
                         shown, shown);
    if (is_ppiofs && place->state == PLACE_SILENT)
        return error_set(error, PPIOFS_ERROR_FAILED,
                         "%s: the ppiofs there does not respond; its process may be stopped",
                         shown);
    return is_ppiofs ||
           error_set(error, PPIOFS_ERROR_USAGE, "%s: no ppiofs is mounted there", shown);
}

/* Any file system may call itself ppiofs and have any file there: neither a link nor a fifo, and no
 * more than a number. */
static gssize read_pid(char *answer, gsize size, gpointer data)
{
    const Place *place = data;
    struct stat status;
    int fd = openat(place->fd, ".ppiofs/pid", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    gboolean is_file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    gssize length = is_file ? read(fd, answer, size) : -1;
    close(fd);
    return length;
}

/* 0 if the file holds no number of a process. */
static pid_t ask_pid(const Place *place)
{
    char text[PID_MAX_BYTES + 1];
    gssize length = beside_call(read_pid, (gpointer)place, text, PID_MAX_BYTES, ANSWER_MS);
    guint64 pid;

    if (length <= 0)
        return 0;
    text[length] = '\0';
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
static gboolean hang_up(pid_t pid, const char *shown, GError **error)
{
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    gboolean is_ours = process >= 0 && is_ppiofs(pid);
    gboolean told = is_ours && syscall(SYS_pidfd_send_signal, process, SIGHUP, NULL, 0) == 0;
    int why = errno;

    if (process >= 0)
        close(process);
    if (!is_ours)
        return error_set(error, PPIOFS_ERROR_FAILED,
                         "%s: its process %d is not visible from here; run ppiofs --refresh in the "
                         "container or namespace where it runs",
                         shown, (int)pid);
    if (!told && why == EPERM)
        return error_set(error, PPIOFS_ERROR_FAILED,
                         "%s: another user runs this ppiofs (process %d); ask that user or root",
                         shown, (int)pid);
    if (!told)
        return error_set(error, PPIOFS_ERROR_FAILED, "cannot send SIGHUP to process %d: %s",
                         (int)pid, g_strerror(why));
    return TRUE;
}

gboolean refresh_run(const char *mountpoint, GError **error)
{
    g_autoptr(Place) place = place_look(mountpoint, error);
    pid_t pid;

    if (!place)
        return FALSE;
    if (place->passed_in)
        return error_set(error, PPIOFS_ERROR_USAGE, "%s: not a mount point", place->shown);
    if (!is_served(place, error))
        return FALSE;
    pid = ask_pid(place);
    if (pid == 0)
        return error_set(error, PPIOFS_ERROR_FAILED,
                         "%s: cannot read the number of its process from .ppiofs/pid",
                         place->shown);
    return hang_up(pid, place->shown, error);
}
