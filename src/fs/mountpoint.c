/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "ppiofs/base/error.h"

/* The fields of a line of /proc/self/mountinfo that matter, see proc(5). */
typedef struct {
    char *type;
    gboolean own; /* mounted by this user */
} Mounted;

static void mounted_free(Mounted *mounted)
{
    if (mounted == NULL)
        return;
    g_free(mounted->type);
    g_free(mounted);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Mounted, mounted_free)

static gboolean is_own(const char *super_options)
{
    g_autofree char *own = g_strdup_printf("user_id=%u", (guint)geteuid());
    g_auto(GStrv) options = g_strsplit(super_options, ",", -1);

    return geteuid() == 0 || g_strv_contains((const char *const *)options, own);
}

/* "... 4:mount point ... - type source super_options" if it is at @path. */
static Mounted *parse_line(const char *line, const char *path)
{
    g_auto(GStrv) fields = g_strsplit(line, " ", -1);
    guint n = g_strv_length(fields), dash = 6;

    while (dash < n && strcmp(fields[dash], "-") != 0)
        dash++;
    if (dash + 3 >= n)
        return NULL;
    g_autofree char *mountpoint = g_strcompress(fields[4]); /* \040 and the like */
    if (strcmp(mountpoint, path) != 0)
        return NULL;

    Mounted *mounted = g_new0(Mounted, 1);
    mounted->type = g_strdup(fields[dash + 1]);
    mounted->own = is_own(fields[dash + 3]);
    return mounted;
}

/* The last line at @path is that of the topmost mount. */
static Mounted *find_mounted(const char *path)
{
    g_autofree char *text = NULL;
    g_autoptr(Mounted) found = NULL;

    if (!g_file_get_contents("/proc/self/mountinfo", &text, NULL, NULL))
        return NULL;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (gsize i = 0; lines[i] != NULL; i++) {
        Mounted *mounted = parse_line(lines[i], path);
        if (mounted != NULL) {
            mounted_free(found);
            found = mounted;
        }
    }
    return g_steal_pointer(&found);
}

/* Without looking at the last component itself: a dead mount there cannot be looked at. */
static char *resolve(const char *path)
{
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *real = realpath(directory, NULL);

    if (real == NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return realpath(path, NULL);
    return strcmp(name, "/") == 0 ? g_strdup("/") : g_build_filename(real, name, NULL);
}

char *mountpoint_type(const char *path)
{
    g_autofree char *real = resolve(path);
    g_autoptr(Mounted) mounted = real == NULL ? NULL : find_mounted(real);

    return mounted == NULL ? NULL : g_steal_pointer(&mounted->type);
}

static gboolean detach(const char *path, GError **error)
{
    const char *argv[] = { "fusermount3", "-u", "-z", "-q", "--", path, NULL };
    gint status = 0;

    if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        return TRUE;
    if (g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                     &status, NULL) &&
        g_spawn_check_wait_status(status, NULL))
        return TRUE;
    g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_MOUNTED,
                "%s holds a dead mount that cannot be removed; try: fusermount3 -u -z %s", path,
                path);
    return FALSE;
}

/* Not stat(): the kernel may still know the attributes of the root, and answers from there. */
gboolean mountpoint_is_dead(const char *path)
{
    struct statfs status;

    return statfs(path, &status) != 0 && (errno == ENOTCONN || errno == ECONNABORTED);
}

static gboolean refuse_type(const char *path, const Mounted *mounted, gboolean dead, GError **error)
{
    if (!dead && strcmp(mounted->type, MOUNTPOINT_TYPE) == 0)
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_MOUNTED,
                    "ppiofs is already mounted at %s; unmount it with: fusermount3 -u %s", path,
                    path);
    else if (dead)
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_MOUNTED,
                    "%s holds a dead mount of type %s that is not this user's ppiofs: it is left "
                    "alone",
                    path, mounted->type);
    else
        return TRUE;
    return FALSE;
}

gboolean mountpoint_prepare(const char *path, GError **error)
{
    struct stat attr;

    if (g_str_has_prefix(path, "/dev/fd/"))
        return TRUE;
    g_autofree char *real = resolve(path);
    g_autoptr(Mounted) mounted = real == NULL ? NULL : find_mounted(real);
    gboolean dead = mountpoint_is_dead(path);
    gboolean failed = stat(path, &attr) != 0;

    if (mounted != NULL && dead && mounted->own && strcmp(mounted->type, MOUNTPOINT_TYPE) == 0) {
        g_message("%s held a dead ppiofs mount: removed", path);
        return detach(real, error) && mountpoint_prepare(path, error);
    }
    if (mounted != NULL && !refuse_type(path, mounted, dead, error))
        return FALSE;
    if (failed)
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE,
                    "the mount point %s cannot be used: %s%s", path, g_strerror(errno),
                    errno == ENOENT ? "; create it with mkdir" : "");
    else if (!S_ISDIR(attr.st_mode))
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE,
                    "the mount point %s is not a directory", path);
    else
        return TRUE;
    return FALSE;
}
