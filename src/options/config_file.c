/* SPDX-License-Identifier: MIT */
#include "ppiofs/options/config_file.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ConfigFile {
    GKeyFile *keys;
    char *path;
};

char *config_file_user_path(const char *name)
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
    g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE, "configuration file %s: %s", path, why);
    return FALSE;
}

/* It could send the key elsewhere, or name a program to run. A device, such as /dev/null, says
 * nothing. */
static gboolean is_trusted(const struct stat *status)
{
    return S_ISCHR(status->st_mode) || ((status->st_uid == geteuid() || status->st_uid == 0) &&
                                        !(status->st_mode & (S_IWGRP | S_IWOTH)));
}

/* At most @size bytes, to the end of the file if that comes first. -1 and errno on failure. */
static gssize read_all(int fd, char *buffer, gsize size)
{
    gsize length = 0;

    while (length < size) {
        gssize n = read(fd, buffer + length, size - length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -1 : (gssize)length;
        length += n;
    }
    return length;
}

/* O_NONBLOCK: a fifo must not keep the start waiting. */
static char *read_text(int fd, ConfigFile *file, GError **error)
{
    g_autofree char *text = g_malloc(CONFIG_FILE_MAX_BYTES + 2);
    struct stat status;

    if (fstat(fd, &status) < 0 || (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode))) {
        fail(error, file->path, "is not a regular file");
        return NULL;
    }
    if (!is_trusted(&status)) {
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE,
                    "configuration file %s: others can change it (owner %u, mode %04o), and could "
                    "send the key elsewhere; make it your own and chmod go-w it",
                    file->path, (guint)status.st_uid, (guint)status.st_mode & 07777);
        return NULL;
    }
    gssize length = read_all(fd, text, CONFIG_FILE_MAX_BYTES + 1);
    if (length < 0) {
        fail(error, file->path, g_strerror(errno));
        return NULL;
    }
    text[length] = '\0';
    if (length > (gssize)CONFIG_FILE_MAX_BYTES || strlen(text) != (gsize)length) {
        fail(error, file->path, "is too large or no text: 64 KiB of lines are allowed");
        return NULL;
    }
    return g_steal_pointer(&text);
}

static gboolean loads(const char *text, gsize length, GError **error)
{
    g_autoptr(GKeyFile) keys = g_key_file_new();

    return g_key_file_load_from_data(keys, text, length, G_KEY_FILE_NONE, error);
}

static gsize line_offset(const char *text, guint line)
{
    const char *p = text;

    for (; line > 0 && p; line--) {
        p = strchr(p, '\n');
        p = p ? p + 1 : NULL;
    }
    return p ? (gsize)(p - text) : strlen(text);
}

/* GKeyFile stops at the first bad line but does not count. How many lines load is found by
 * bisection. */
static guint first_bad_line(const char *text)
{
    guint good = 0, bad = 1;

    for (const char *p = text; (p = strchr(p, '\n')); p++)
        bad++;
    while (bad - good > 1) {
        guint middle = good + (bad - good) / 2;

        if (loads(text, line_offset(text, middle), NULL))
            good = middle;
        else
            bad = middle;
    }
    return bad;
}

/* Not GKeyFile's own message: it repeats the line, and a key may stand there. */
static gboolean parse_keys(ConfigFile *file, const char *text, GError **error)
{
    g_autoptr(GError) cause = NULL;

    if (g_key_file_load_from_data(file->keys, text, strlen(text), G_KEY_FILE_NONE, &cause))
        return TRUE;
    gboolean homeless = g_error_matches(cause, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_GROUP_NOT_FOUND);
    g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE, "configuration file %s, line %u: %s",
                file->path, first_bad_line(text),
                homeless ? "stands before the first [section]"
                         : "is neither a [section], an option=value nor a # comment");
    return FALSE;
}

static ConfigFile *load(int fd, const char *path, GError **error)
{
    g_autoptr(ConfigFile) file = g_new0(ConfigFile, 1);

    file->path = g_strdup(path);
    file->keys = g_key_file_new();
    g_autofree char *text = read_text(fd, file, error);
    if (!text || !parse_keys(file, text, error))
        return NULL;
    return g_steal_pointer(&file);
}

gboolean config_file_open(const char *const *paths, gboolean must_exist, ConfigFile **ret_file,
                          GError **error)
{
    int missing = ENOENT;

    for (; *paths; paths++) {
        int fd = open(*paths, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

        if (fd >= 0) {
            *ret_file = load(fd, *paths, error);
            close(fd);
            return *ret_file != NULL;
        }
        missing = errno;
        if (must_exist || (missing != ENOENT && missing != ENOTDIR))
            return fail(error, *paths, g_strerror(missing));
    }
    *ret_file = NULL;
    return TRUE;
}

const char *config_file_path(const ConfigFile *file)
{
    return file->path;
}

gboolean config_file_has(const ConfigFile *file, const char *section)
{
    return g_key_file_has_group(file->keys, section);
}

char **config_file_profiles(const ConfigFile *file)
{
    char **groups = g_key_file_get_groups(file->keys, NULL);
    gsize kept = 0;

    for (gsize i = 0; groups[i]; i++) {
        if (strcmp(groups[i], CONFIG_FILE_DEFAULTS) == 0)
            g_free(groups[i]);
        else
            groups[kept++] = groups[i];
    }
    groups[kept] = NULL;
    return groups;
}

char **config_file_keys(const ConfigFile *file, const char *section)
{
    char **keys = g_key_file_get_keys(file->keys, section, NULL, NULL);

    return keys ? keys : g_new0(char *, 1);
}

char *config_file_value(const ConfigFile *file, const char *section, const char *key,
                        GError **error)
{
    g_autoptr(GError) cause = NULL; /* may be set although there is a value */
    g_autofree char *value = g_key_file_get_string(file->keys, section, key, &cause);

    if (!value || cause) {
        g_autofree char *shown = text_printable(key, -1, 64);

        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE,
                    "configuration file %s, [%s] %s: the value is not UTF-8 or has a broken "
                    "backslash escape",
                    file->path, section, shown);
        return NULL;
    }
    return g_strchomp(g_steal_pointer(&value));
}

void config_file_free(ConfigFile *file)
{
    if (!file)
        return;
    g_key_file_unref(file->keys);
    g_free(file->path);
    g_free(file);
}
