/* SPDX-License-Identifier: MIT */
#include "ppiofs/options/private.h"

#include "ppiofs/base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_CONFIG PPIOFS_SYSCONFDIR "/ppiofs/config"
#define MAX_BYTES (64u << 10) /* a few hundred profiles; more is some other file */

char *options_user_path(const char *name)
{
    const char *config_home = g_getenv("XDG_CONFIG_HOME");
    const char *home = g_getenv("HOME");

    if (config_home && g_path_is_absolute(config_home))
        return g_build_filename(config_home, "ppiofs", name, NULL);
    if (home && g_path_is_absolute(home))
        return g_build_filename(home, ".config", "ppiofs", name, NULL);
    return NULL;
}

static gboolean fail(GError **error, const char *path, const char *why)
{
    return error_set(error, PPIOFS_ERROR_USAGE, "configuration file %s: %s", path, why);
}

/* It could send the key elsewhere, or name a program to run. A device, such as /dev/null, says
 * nothing. */
static gboolean check_status(int fd, const char *path, GError **error)
{
    struct stat status;

    if (fstat(fd, &status) < 0 || (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode)))
        return fail(error, path, "is not a regular file");
    if (S_ISCHR(status.st_mode) || ((status.st_uid == geteuid() || status.st_uid == 0) &&
                                    !(status.st_mode & (S_IWGRP | S_IWOTH))))
        return TRUE;
    return error_set(error, PPIOFS_ERROR_USAGE,
                     "configuration file %s: other users can write to it (owner %u, mode %04o) and "
                     "could send the key elsewhere; make it your own, then run: chmod go-w %s",
                     path, (guint)status.st_uid, (guint)status.st_mode & 07777, path);
}

static char *read_text(int fd, const char *path, GError **error)
{
    g_autofree char *text = g_malloc0(MAX_BYTES + 2);
    gssize n, length = 0;

    if (!check_status(fd, path, error))
        return NULL;
    while ((n = read(fd, text + length, MAX_BYTES + 1 - length)) > 0 || (n < 0 && errno == EINTR))
        length += MAX(n, 0);
    if (n == 0 && length <= (gssize)MAX_BYTES && strlen(text) == (gsize)length)
        return g_steal_pointer(&text);
    fail(error, path,
         n < 0 ? g_strerror(errno) : "is too large, or not text; at most 64 KiB are allowed");
    return NULL;
}

static gboolean loads(GKeyFile *keys, const char *text, GError **error)
{
    return g_key_file_load_from_data(keys, text, strlen(text), G_KEY_FILE_NONE, error);
}

/* GKeyFile stops at the first bad line but does not count. What a line is does not depend on those
 * before it, but for the section that a value needs: @homeless says that this is what is wrong. */
static guint first_bad_line(const char *text, gboolean homeless)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    guint i;

    for (i = 0; lines[i]; i++) {
        g_autoptr(GKeyFile) keys = g_key_file_new();
        g_autofree char *alone = g_strconcat(homeless ? "" : "[section]\n", lines[i], NULL);

        if (!loads(keys, alone, NULL))
            break;
    }
    return i + 1;
}

/* Not GKeyFile's own message: it repeats the line, and a key may stand there. */
static gboolean load(GKeyFile *keys, int fd, const char *path, GError **error)
{
    g_autofree char *text = read_text(fd, path, error);
    g_autoptr(GError) cause = NULL;

    if (!text || loads(keys, text, &cause))
        return text != NULL;
    gboolean homeless = g_error_matches(cause, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_GROUP_NOT_FOUND);
    return error_set(error, PPIOFS_ERROR_USAGE, "configuration file %s, line %u: %s", path,
                     first_bad_line(text, homeless),
                     homeless ? "an option must be in a section; write [defaults] above it"
                              : "not a [section], an option=value or a # comment");
}

/* By errno. The system's may be for root alone, who keeps the key of a service beside it. */
static gboolean is_absent(const char *path)
{
    return errno == ENOENT || errno == ENOTDIR ||
           (errno == EACCES && strcmp(path, SYSTEM_CONFIG) == 0);
}

gboolean config_file_load(GKeyFile *keys, char **path, GError **error)
{
    g_autofree char *of_user = options_user_path("config");
    const char *named[] = { *path, NULL };
    const char *usual[] = { of_user ? of_user : SYSTEM_CONFIG, SYSTEM_CONFIG, NULL };

    for (const char **next = *path ? named : usual; *next; next++) {
        /* O_NONBLOCK: a fifo must not keep the start waiting. */
        int fd = open(*next, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

        if (fd >= 0) {
            gboolean loaded = load(keys, fd, *next, error);

            close(fd);
            if (!*path)
                *path = g_strdup(*next);
            return loaded;
        }
        if (*path || !is_absent(*next))
            return fail(error, *next, g_strerror(errno));
    }
    return TRUE;
}
