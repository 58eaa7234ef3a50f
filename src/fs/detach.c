/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "ppiofs/base/error.h"
#include "ppiofs/fs/mount_table.h"

static gboolean ask_fusermount(const char *path)
{
    const char *argv[] = { "fusermount3", "-u", "-q", "-z", "--", path, NULL };
    gint status = 0;

    return g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                        &status, NULL) &&
           g_spawn_check_wait_status(status, NULL);
}

gboolean detach_mount(int fd, const char *path, GError **error)
{
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);

    if (umount2(link, MNT_DETACH) == 0 || ask_fusermount(path))
        return TRUE;
    g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_MOUNTED,
                "%s: cannot remove the mount; try: fusermount3 -u -z %s", path, path);
    return FALSE;
}

/* The descriptor keeps the mount busy, so nobody could unmount it while this process held one: it
 * is opened when it is needed, and looked at. */
static gboolean detach_entry(const MountEntry *entry, GError **error)
{
    int fd = open(entry->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    gboolean reached = fd >= 0 && mount_table_id_of(fd) == entry->id;
    gboolean detached = reached && detach_mount(fd, entry->path, error);

    if (fd >= 0)
        close(fd);
    if (!reached)
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_FAILED,
                    "%s: cannot reach the mount, so it stays", entry->path);
    return detached;
}

static guint count_at(const GPtrArray *table, const char *path)
{
    guint n = 0;

    for (guint i = 0; i < table->len; i++) {
        const MountEntry *entry = g_ptr_array_index(table, i);

        n += strcmp(entry->path, path) == 0 && strcmp(entry->type, MOUNT_TYPE) == 0;
    }
    return n;
}

gboolean own_mount_find(OwnMount *own, const Place *place, GError **error)
{
    g_autoptr(GPtrArray) table = mount_table_read(error);
    g_autofree char *path = mount_table_path_of(place->fd);
    const MountEntry *top = table && path ? mount_table_find_at(table, path) : NULL;

    if (!table)
        return FALSE;
    if (!top || strcmp(top->type, MOUNT_TYPE) != 0) {
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_FAILED,
                    "%s: mounted, but the mount cannot be found", place->shown);
        return FALSE;
    }
    if (top->parent != place->mount_id || count_at(table, path) > 1) {
        detach_entry(top, NULL);
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_MOUNTED,
                    "%s: another ppiofs was mounted there at the same moment", place->shown);
        return FALSE;
    }
    own->id = top->id;
    own->device = g_strdup(top->device);
    return TRUE;
}

static void detach_found(const GPtrArray *table, const MountEntry *entry)
{
    g_autoptr(GError) error = NULL;

    if (mount_table_has_child(table, entry->id))
        g_warning("%s: something is mounted on it, so it stays; unmount that, then: "
                  "fusermount3 -u -z %s",
                  entry->path, entry->path);
    else if (!detach_entry(entry, &error))
        g_warning("%s", error->message);
}

static const MountEntry *find_own(const OwnMount *own, const GPtrArray *table)
{
    const MountEntry *entry = table && own->id ? mount_table_find(table, own->id) : NULL;

    return entry && strcmp(entry->device, own->device) == 0 ? entry : NULL;
}

void own_mount_detach(const OwnMount *own)
{
    g_autoptr(GPtrArray) table = mount_table_read(NULL);
    const MountEntry *entry = find_own(own, table);
    sigset_t ends, before;

    if (!entry)
        return;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &ends, &before);
    detach_found(table, entry);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void own_mount_keep(const OwnMount *own, KeepFile *keep)
{
    g_autofree char *text = g_strdup_printf("%d %s", own->id, own->id == 0 ? "" : own->device);

    keep_put(keep, &(KeepRecord){ .kind = KEEP_MOUNT, .bytes = text, .length = strlen(text) });
}

gboolean own_mount_of_keep(OwnMount *own, const KeepFile *keep)
{
    g_autoptr(GBytes) found = keep_find(keep, KEEP_MOUNT);
    gsize length = 0;
    g_autofree char *text =
        found ? g_strndup(g_bytes_get_data(found, &length), g_bytes_get_size(found)) : NULL;
    char *blank = text ? strchr(text, ' ') : NULL;
    guint64 id;

    if (!blank)
        return FALSE;
    *blank = '\0';
    if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT, &id, NULL))
        return FALSE;
    *own = (OwnMount){ .id = (int)id, .device = g_strdup(blank + 1) };
    return TRUE;
}

gboolean own_mount_is_there(const OwnMount *own)
{
    g_autoptr(GPtrArray) table = mount_table_read(NULL);

    return own->id == 0 || find_own(own, table) != NULL;
}

void own_mount_clear(OwnMount *own)
{
    g_clear_pointer(&own->device, g_free);
    own->id = 0;
}
