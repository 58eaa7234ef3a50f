/* SPDX-License-Identifier: MIT */
#include "ppiofs/credentials/private.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean is_owner_ours(const struct stat *status)
{
    return status->st_uid == geteuid() || status->st_uid == 0;
}

static gboolean is_private(const struct stat *status, KeyFileKind kind)
{
    mode_t others = status->st_mode & (S_IRWXG | S_IRWXO);

    return others == 0 || (kind == KEY_FILE_SYSTEMD && others == S_IRGRP && status->st_uid == 0);
}

static gboolean check_kind(const struct stat *status, const char *shown, GError **error)
{
    if (!S_ISREG(status->st_mode))
        return error_set(error, PPIOFS_ERROR_KEY, "the key file %s is not a regular file", shown);
    if (!is_owner_ours(status))
        return error_set(error, PPIOFS_ERROR_KEY,
                         "the key file %s belongs to user %u, who could replace the key; "
                         "make it the file of user %u",
                         shown, (unsigned)status->st_uid, (unsigned)geteuid());
    return TRUE;
}

/* Only for a file that holds a key: chmod 600 on another one, such as /etc/passwd, would harm. */
static gboolean check_mode(const struct stat *status, const char *shown, KeyFileKind kind,
                           GError **error)
{
    if (is_private(status, kind))
        return TRUE;
    return error_set(error, PPIOFS_ERROR_KEY,
                     "other users can read the key file %s (mode %04o); if this is the right "
                     "file, run: chmod 600 %s",
                     shown, status->st_mode & 07777, shown);
}

/* O_NONBLOCK: opening a fifo must not wait. O_NOCTTY: opening a terminal must not take it. */
static int open_file(const char *path, const char *shown, GError **error)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd >= 0)
        return fd;
    if (errno == ELOOP)
        error_set(error, PPIOFS_ERROR_KEY,
                  "the key file %s is a symbolic link; name the file itself", shown);
    else if (errno == ENOENT)
        error_set(error, PPIOFS_ERROR_KEY,
                  "the key file %s does not exist; write the key into it, then run: chmod 600 %s",
                  shown, shown);
    else
        error_set(error, PPIOFS_ERROR_KEY, "cannot open the key file %s: %s", shown,
                  g_strerror(errno));
    return -1;
}

static char *read_key(int fd, const char *shown, GError **error)
{
    g_autofree char *where = g_strdup_printf("the key file %s", shown);
    char bytes[KEY_FILE_MAX_BYTES + 1];
    gssize n, length = 0;
    char *key = NULL;

    while ((n = read(fd, bytes + length, sizeof bytes - length)) > 0 || (n < 0 && errno == EINTR))
        length += MAX(n, 0);
    if (n < 0)
        error_set(error, PPIOFS_ERROR_KEY, "cannot read %s: %s", where, g_strerror(errno));
    else if (length > KEY_FILE_MAX_BYTES)
        error_set(error, PPIOFS_ERROR_KEY, "%s is too large; it must hold the key and nothing else",
                  where);
    else
        key = key_parse(bytes, length, where, error);
    explicit_bzero(bytes, sizeof bytes);
    return key;
}

char *key_file_read(const char *path, KeyFileKind kind, GError **error)
{
    g_autofree char *shown = text_printable(path, -1, 4096);
    struct stat status;
    int fd = open_file(path, shown, error);
    char *key = NULL;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) < 0)
        error_set(error, PPIOFS_ERROR_KEY, "cannot examine the key file %s: %s", shown,
                  g_strerror(errno));
    else if (check_kind(&status, shown, error))
        key = read_key(fd, shown, error);
    close(fd);
    if (key && !check_mode(&status, shown, kind, error)) {
        key_free(key);
        return NULL;
    }
    return key;
}
