/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ppiofs/base/error.h"

#define MAX_LINKS 40 /* as the kernel */

typedef struct {
    int fd;     /* where the walk is */
    char *rest; /* what is to be walked yet */
    guint links;
    gboolean foreign_link;
} Walk;

static gboolean step_to(Walk *walk, int fd)
{
    if (fd < 0)
        return FALSE;
    if (walk->fd >= 0)
        close(walk->fd);
    walk->fd = fd;
    return TRUE;
}

static gboolean step_to_root(Walk *walk)
{
    return step_to(walk, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* Takes the next component off the rest; NULL: there is none. (transfer full) */
static char *next_component(Walk *walk)
{
    const char *start = walk->rest + strspn(walk->rest, "/");
    gsize length = strcspn(start, "/");
    char *component = length > 0 ? g_strndup(start, length) : NULL;
    char *rest = g_strdup(start + length);

    g_free(walk->rest);
    walk->rest = rest;
    return component;
}

static gboolean follow(Walk *walk, int link, const char *target)
{
    struct stat attr;

    walk->foreign_link = geteuid() == 0 && (fstat(link, &attr) != 0 || attr.st_uid != 0);
    errno = ++walk->links > MAX_LINKS ? ELOOP : EPERM;
    if (walk->links > MAX_LINKS || walk->foreign_link)
        return FALSE;

    char *rest = g_strconcat(target, "/", walk->rest, NULL);
    g_free(walk->rest);
    walk->rest = rest;
    return *target != '/' || step_to_root(walk);
}

/* A directory on the way is opened as one: that is what makes an automounter mount. The last one is
 * not: there this process may be what is to be mounted. */
static gboolean step(Walk *walk, const char *component)
{
    gboolean is_last = walk->rest[strspn(walk->rest, "/")] == '\0';
    const int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    char target[PATH_MAX];
    int fd = is_last ? -1 : openat(walk->fd, component, flags | O_DIRECTORY);

    if (fd < 0 && (is_last || errno == ENOTDIR))
        fd = openat(walk->fd, component, flags);
    if (fd < 0)
        return FALSE;
    gssize length = readlinkat(fd, "", target, sizeof target - 1);
    if (length < 0)
        return step_to(walk, fd);
    target[length] = '\0';
    gboolean followed = follow(walk, fd, target);
    int why = errno;
    close(fd);
    errno = why;
    return followed;
}

/* From what the kernel knows, without asking the file system. The root of one that this user may
 * not look into is a directory. */
static gboolean is_directory(int fd)
{
    struct statx attr;

    return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &attr) != 0 ||
           S_ISDIR(attr.stx_mode);
}

static gboolean walk_all(Walk *walk)
{
    char *component;

    if (!step_to_root(walk))
        return FALSE;
    while ((component = next_component(walk))) {
        gboolean stepped = step(walk, component);

        g_free(component);
        if (!stepped)
            return FALSE;
    }
    errno = ENOTDIR;
    return is_directory(walk->fd);
}

int resolve_directory(const char *path, const char *shown, GError **error)
{
    Walk walk = { .fd = -1, .rest = g_strdup(path) };
    gboolean arrived = walk_all(&walk);
    int why = errno;

    g_free(walk.rest);
    if (arrived)
        return walk.fd;
    if (walk.fd >= 0)
        close(walk.fd);
    if (walk.foreign_link)
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE,
                    "%s: a symbolic link in this path belongs to another user, and root does not "
                    "follow it; give the path to which it leads",
                    shown);
    else
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE, "%s: %s", shown,
                    why == ENOTDIR  ? "is not a directory"
                    : why == ENOENT ? "does not exist; create it with mkdir -p"
                                    : g_strerror(why));
    return -1;
}
