/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "ppiofs/fs/private.h"

#define BLOCK_SIZE 4096
/* Every walk through a directory looks at its attributes. A moved time has done its work at once.
 */
#define MOVED_KEEP_US (G_USEC_PER_SEC / 2)
/* The stamp of an object's directory is in its mtime: less than a millisecond, and more steps
 * than there are changes between two listings. */
#define STAMP_NS 999999
#define STAT_BLOCK 512 /* the unit of st_blocks, stat(2) */

static void attr_common(const Fs *fs, struct stat *attr, guint64 ino, mode_t mode, gsize size,
                        gint64 mtime_us)
{
    *attr = (struct stat){
        .st_ino = ino,
        .st_mode = mode & ~(S_ISLNK(mode) ? 0 : fs->options.umask),
        .st_nlink = 1,
        .st_uid = fs->options.uid,
        .st_gid = fs->options.gid,
        .st_size = (off_t)size,
        .st_blocks = (blkcnt_t)((size + STAT_BLOCK - 1) / STAT_BLOCK),
        .st_blksize = BLOCK_SIZE,
        .st_mtim = { mtime_us / G_USEC_PER_SEC, mtime_us % G_USEC_PER_SEC * 1000 },
    };
    attr->st_atim = attr->st_ctim = attr->st_mtim;
}

void attr_directory(const Fs *fs, struct stat *attr, guint64 ino, gint64 mtime_us)
{
    attr_common(fs, attr, ino, S_IFDIR | 0555, 0, mtime_us);
}

void attr_node(const Fs *fs, struct stat *attr, const Subtree *tree, NodeIndex node,
               guint64 root_ino)
{
    static const mode_t modes[] = {
        [NODE_DIRECTORY] = S_IFDIR | 0555,
        [NODE_FILE] = S_IFREG | 0444,
        [NODE_SYMLINK] = S_IFLNK | 0777,
    };
    NodeKind kind = subtree_kind(tree, node);
    mode_t mode = modes[kind];
    gsize size;

    subtree_content(tree, node, &size);
    if (kind == NODE_FILE && (subtree_flags(tree, node) & NODE_SECRET))
        mode = S_IFREG | 0400;
    attr_common(fs, attr, subtree_ino(tree, node, root_ino), mode, size, subtree_mtime(tree, node));
}

void attr_body(const Fs *fs, struct stat *attr, const Version *version)
{
    attr_common(fs, attr, version->body_ino, S_IFREG | 0400, g_bytes_get_size(version->body),
                subtree_mtime(version->tree, 0));
}

void attr_growing(const Fs *fs, struct stat *attr)
{
    const FsGrowing *growing = fs->options.growing;

    attr_common(fs, attr, subtree_step_ino(NODEID_ROOT, growing->name), S_IFREG | 0444,
                growing->text.length, growing->mtime_us);
}

const CacheAsk only_look = { .started = G_MAXINT64 };

/* A listing's mtime is when its list was fetched. Where that is too old, the kernel must not show
 * the listing it keeps, and GETATTR may not wait: so the mtime moves at once, which makes the
 * kernel ask for the listing, and that waits. The moved time then stands for the list that this
 * listing showed (attr_listed()), and for no other; or the kernel would ask once more. */
static gint64 listing_mtime(Fs *fs, Top *top, gboolean fresh)
{
    gint64 fetched = collection_time(top_collection(top));

    if (!fresh) {
        top->moved_mtime = clock_wall(fs->clock);
        top->moved_to = 0;
        return top->moved_mtime;
    }
    return top->moved_mtime != 0 && top->moved_to == fetched ? top->moved_mtime : fetched;
}

void attr_listed(Top *top)
{
    if (top->moved_to == 0)
        top->moved_to = collection_time(top_collection(top));
}

/* Of the directory and of those in it. */
static gint64 top_mtime(Fs *fs, Top *top, gint64 *ret_keep_us)
{
    if (top->cache == NULL) {
        *ret_keep_us = KEEP_FOREVER_US;
        return fs->born;
    }
    CacheAnswer answer = cache_ask_list(top->cache, &only_look);
    gboolean fresh = answer.state == CACHE_FRESH;
    *ret_keep_us = fresh ? answer.keep_us : MIN(answer.keep_us, MOVED_KEEP_US);
    return listing_mtime(fs, top, fresh);
}

/* The mtime of a listing moves when its list is fetched, and that may be while it is read; from a
 * ctime that moves, too, tar(1) would conclude that the directory changed as it read it. */
void attr_top(Fs *fs, struct stat *attr, Top *top, gint64 *ret_keep_us)
{
    attr_directory(fs, attr, top->ino, top_mtime(fs, top, ret_keep_us));
    attr->st_ctim = (struct timespec){ fs->born / G_USEC_PER_SEC, 0 };
}

void attr_of_top(Fs *fs, const Directory *directory, struct stat *attr, gint64 *ret_keep_us)
{
    attr_top(fs, attr, directory->top, ret_keep_us);
}

guint64 object_ino(const Top *top, const char *name)
{
    return subtree_step_ino(top->ino, name);
}

void attr_date_object(struct stat *attr, const Object *object)
{
    gint64 time = object_time(object);

    attr->st_mtim = (struct timespec){ time / G_USEC_PER_SEC, time % G_USEC_PER_SEC * 1000 };
    attr->st_mtim.tv_nsec += (glong)(object->stamp % STAMP_NS);
    attr->st_ctim = attr->st_atim = attr->st_mtim;
}

gboolean attr_listing_is_good(const Object *object, NodeIndex node, const Keep *keep)
{
    return !object_shows_full(object) || object_confirms_listing(object, node) ||
           keep->detail_us > 0;
}

/* As in listing_mtime(). */
void attr_move_to_now(const Fs *fs, struct stat *attr)
{
    gint64 now = clock_wall(fs->clock);

    attr->st_mtim = (struct timespec){ now / G_USEC_PER_SEC, now % G_USEC_PER_SEC * 1000 };
}

void attr_unknown(Fs *fs, struct stat *attr, guint64 root_ino, guint64 key, gint64 *ret_keep_us)
{
    NodeIndex node;
    const Subtree *tree = versions_adopted_directory(fs->versions, root_ino, key, &node);

    if (tree == NULL)
        attr_directory(fs, attr, root_ino ^ key, fs->born);
    else
        attr_node(fs, attr, tree, node, root_ino);
    attr_move_to_now(fs, attr);
    *ret_keep_us = 0;
}
