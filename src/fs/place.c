/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "ppiofs/base/beside.h"
#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"
#include "ppiofs/fs/detach.h"
#include "ppiofs/fs/mount_table.h"
#include "ppiofs/fs/resolve.h"

#define ANSWER_MS 2000 /* a daemon on a busy machine answers STATFS from memory within this */
#define LOCK_MS 5000   /* others that mount there are done within this */
#define LOCK_STEP_MS 20

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Not stat(): the kernel may still know the attributes of the root, and answers from there. */
static gssize ask_statfs(char *answer, gsize size, gpointer data)
{
    struct statfs status;

    (void)answer, (void)size;
    return fstatfs(*(int *)data, &status) == 0 ? 0 : -errno;
}

static PlaceState state_of(Place *place)
{
    if (!place->type || !g_str_has_prefix(place->type, "fuse"))
        return PLACE_FREE;
    switch (beside_call(ask_statfs, &place->fd, NULL, 0, ANSWER_MS)) {
    case -ENOTCONN:
    case -ECONNABORTED:
        return PLACE_DEAD;
    case -ETIMEDOUT:
        return PLACE_SILENT;
    default:
        return strcmp(place->type, MOUNT_TYPE) == 0 ? PLACE_LIVE : PLACE_FREE;
    }
}

static gboolean is_own(const char *options)
{
    g_autofree char *own = g_strdup_printf("user_id=%u", (guint)geteuid());
    g_auto(GStrv) all = g_strsplit(options, ",", -1);

    return g_strv_contains((const char *const *)all, own);
}

static gboolean find_mounted(Place *place, GError **error)
{
    g_autoptr(GPtrArray) table = mount_table_read(error);
    const MountEntry *entry;

    if (!table)
        return FALSE;
    place->mount_id = mount_table_id_of(place->fd);
    entry = mount_table_find(table, place->mount_id);
    if (entry && strcmp(entry->path, place->path) == 0) {
        place->type = g_strdup(entry->type);
        place->is_own = is_own(entry->options);
    }
    place->state = state_of(place);
    return TRUE;
}

Place *place_look(const char *path, GError **error)
{
    g_autoptr(Place) place = g_new0(Place, 1);

    place->shown = text_printable(path, -1, PATH_MAX);
    place->fd = place->lock = -1;
    place->passed_in = g_str_has_prefix(path, "/dev/fd/");
    if (place->passed_in)
        return g_steal_pointer(&place);
    place->fd = resolve_directory(path, place->shown, error);
    if (place->fd < 0)
        return NULL;
    place->path = mount_table_path_of(place->fd);
    if (!place->path) {
        error_set(error, PPIOFS_ERROR_FAILED, "%s: cannot read /proc/self/fd; is /proc mounted?",
                  place->shown);
        return NULL;
    }
    return find_mounted(place, error) ? g_steal_pointer(&place) : NULL;
}

static gboolean try_lock(int fd)
{
    for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited += LOCK_STEP_MS) {
        if (errno != EWOULDBLOCK)
            return TRUE; /* this file system has no locks */
        if (waited >= LOCK_MS)
            return FALSE;
        g_usleep(LOCK_STEP_MS * 1000);
    }
    return TRUE;
}

/* The directory above stays the same file whatever is mounted below it, dead mounts too. Who may
 * not read it locks its own. */
static gboolean lock(Place *place, GError **error)
{
    g_autofree char *above = g_path_get_dirname(place->path);
    const char *tried[] = { above, place->path };

    for (gsize i = 0; i < G_N_ELEMENTS(tried) && place->lock < 0; i++)
        place->lock = open(tried[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY);
    if (place->lock < 0 || try_lock(place->lock))
        return TRUE;
    return error_set(error, PPIOFS_ERROR_MOUNTED,
                     "%s: another process (a ppiofs that mounts there?) locks %s; try again",
                     place->shown, above);
}

gboolean place_check(const Place *place, GError **error)
{
    const char *shown = place->shown;

    if (place->state == PLACE_FREE)
        return TRUE;
    if (place->state == PLACE_LIVE)
        return error_set(error, PPIOFS_ERROR_MOUNTED,
                         "%s: ppiofs is already mounted there; unmount it with: fusermount3 -u %s",
                         shown, shown);
    if (place->state == PLACE_SILENT)
        return error_set(
            error, PPIOFS_ERROR_MOUNTED,
            "%s: a file system (type %s) is mounted here and does not respond; its process "
            "may be stopped. Unmount it with: fusermount3 -u -z %s",
            shown, place->type, shown);
    return error_set(
        error, PPIOFS_ERROR_MOUNTED,
        "%s: a file system (type %s) of another program or user is mounted here, but its "
        "process has ended; unmount it with: fusermount3 -u -z %s, or choose another directory",
        shown, place->type, shown);
}

gboolean place_is_takeover(const Place *place)
{
    return place->state == PLACE_DEAD && place->is_own && strcmp(place->type, MOUNT_TYPE) == 0;
}

/* What is there under the lock: FREE, or a reason why not. */
static Place *take_locked(const char *path, GError **error)
{
    g_autoptr(Place) place = place_look(path, error);

    while (place && place_is_takeover(place)) {
        if (!detach_mount(place->fd, place->path, error))
            return NULL;
        g_message("%s: removed a dead ppiofs mount", place->shown);
        place_free(place);
        place = place_look(path, error);
    }
    return place && place_check(place, error) ? g_steal_pointer(&place) : NULL;
}

Place *place_take(const char *path, GError **error)
{
    g_autoptr(Place) first = place_look(path, error);
    Place *place;

    if (!first || first->passed_in)
        return g_steal_pointer(&first);
    if (!lock(first, error))
        return NULL;
    place = take_locked(path, error); /* what was seen before the lock may have changed */
    if (place) {
        place->lock = first->lock;
        first->lock = -1;
    }
    return place;
}

/* The lock belongs to the open file, which a parent that waits has, too: so it is not enough to
 * close it. */
void place_release(Place *place)
{
    if (place->lock >= 0)
        flock(place->lock, LOCK_UN);
    close_one(&place->lock);
    close_one(&place->fd);
}

void place_free(Place *place)
{
    if (!place)
        return;
    close_one(&place->lock);
    close_one(&place->fd);
    g_free(place->shown);
    g_free(place->path);
    g_free(place->type);
    g_free(place);
}
