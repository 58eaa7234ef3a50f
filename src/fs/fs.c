/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/fs.h"

#include <errno.h>
#include <string.h>

#include "ppiofs/fs/private.h"

/* So many inodes are always free to df(1): the file system is never full. */
#define FREE_INODES (1u << 20)

static Fs *fs_of(fuse_req_t req, FsRequestKind kind)
{
    Fs *fs = fuse_req_userdata(req);

    fs->stats.requests[kind]++;
    return fs;
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
    const unsigned wanted = FUSE_CAP_READDIRPLUS | FUSE_CAP_CACHE_SYMLINKS |
                            FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_ASYNC_READ |
                            FUSE_CAP_NO_OPEN_SUPPORT | FUSE_CAP_NO_OPENDIR_SUPPORT |
                            FUSE_CAP_PARALLEL_DIROPS;

    /* All else libfuse would like is of no use, or slower, on a file system such as this. */
    (void)userdata;
    conn->want = conn->capable & wanted;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    Fs *fs = fs_of(req, FS_LOOKUP);

    if (strlen(name) > NAME_MAX_BYTES) /* as statfs says; the kernel asks for up to 1024 */
        fuse_reply_err(req, ENAMETOOLONG);
    else
        op_start(fs, req, lookup_run, parent, name, 0, 0);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                           struct fuse_file_info *info)
{
    (void)info;
    op_start(fs_of(req, FS_READDIR), req, list_run, ino, NULL, size, offset);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
    entry_forget(fs_of(req, FS_FORGET), ino, nlookup);
    fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    Fs *fs = fs_of(req, FS_FORGET);

    for (size_t i = 0; i < count; i++)
        entry_forget(fs, forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(req);
}

static gboolean attr_file(Fs *fs, NodeId id, struct stat *attr)
{
    const Version *version = versions_find(fs->versions, nodeid_serial(id));

    if (id == NODEID_GROWING) {
        attr_growing(fs, attr);
        return TRUE;
    }
    if (version == NULL)
        return FALSE;
    if (nodeid_node(id) == NODEID_BODY)
        attr_body(fs, attr, version);
    else
        attr_node(fs, attr, version->tree, nodeid_node(id), version->root_ino);
    return TRUE;
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    Fs *fs = fs_of(req, FS_GETATTR);
    struct stat attr;
    gint64 keep_us = ino == NODEID_GROWING ? 0 : KEEP_FOREVER_US;
    const Directory directory = directory_of(fs, ino);

    (void)info;
    if (directory.type != NULL && !nodeid_is_file(ino))
        directory.type->attr(fs, &directory, &attr, &keep_us);
    if (nodeid_is_file(ino) ? attr_file(fs, ino, &attr) : directory.type != NULL)
        fuse_reply_attr(req, &attr, fs_seconds(keep_us));
    else /* ENOENT would end a listing as if the directory were empty */
        fuse_reply_err(req, ESTALE);
}

/* The bytes behind a file's or symlink's nodeid; NULL if the kernel asks for what it gave back. */
static const char *content_of(Fs *fs, NodeId id, gsize *ret_length)
{
    const Version *version = versions_find(fs->versions, nodeid_serial(id));

    if (id == NODEID_GROWING) {
        *ret_length = fs->options.growing->text.length;
        return *ret_length == 0 ? "" : fs->options.growing->text.bytes;
    }
    if (version == NULL || !nodeid_is_file(id))
        return NULL;
    if (nodeid_node(id) == NODEID_BODY)
        return g_bytes_get_data(version->body, ret_length);
    return subtree_content(version->tree, nodeid_node(id), ret_length);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
    gsize length;
    const char *content = content_of(fs_of(req, FS_READLINK), ino, &length);

    if (content == NULL)
        fuse_reply_err(req, ESTALE);
    else
        fuse_reply_buf(req, content, length); /* what fuse_reply_readlink() does with a string */
}

/* ENOSYS once, and the kernel opens, keeps and closes without asking from then on. */
static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    (void)ino;
    (void)info;
    fs_of(req, FS_OPEN);
    fuse_reply_err(req, ENOSYS);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                    struct fuse_file_info *info)
{
    gsize length = 0;
    const char *content = content_of(fs_of(req, FS_READ), ino, &length);

    (void)info;
    if (content == NULL)
        fuse_reply_err(req, ESTALE);
    else if ((guint64)offset >= length)
        fuse_reply_buf(req, NULL, 0);
    else
        fuse_reply_buf(req, content + offset, MIN(size, length - (gsize)offset));
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
    Fs *fs = fs_of(req, FS_STATFS);
    fsfilcnt_t known = 0;
    for (guint i = 0; fs->caches[i] != NULL; i++)
        known += collection_size(cache_collection(fs->caches[i]));

    const struct statvfs stat = {
        .f_bsize = 4096,
        .f_frsize = 4096,
        .f_files = known + FREE_INODES,
        .f_ffree = FREE_INODES,
        .f_favail = FREE_INODES,
        .f_namemax = NAME_MAX_BYTES,
    };

    (void)ino;
    fuse_reply_statfs(req, &stat);
}

/* What is not here is answered ENOSYS by libfuse, once: flush and the extended attributes, too.
 * Everything that would change something is refused by the kernel: the mount is read-only. */
const struct fuse_lowlevel_ops *fs_operations(void)
{
    static const struct fuse_lowlevel_ops operations = {
        .init = op_init,
        .lookup = op_lookup,
        .forget = op_forget,
        .forget_multi = op_forget_multi,
        .getattr = op_getattr,
        .readlink = op_readlink,
        .open = op_open,
        .opendir = op_open,
        .read = op_read,
        .readdirplus = op_readdirplus,
        .statfs = op_statfs,
    };
    return &operations;
}

const char *fs_request_name(FsRequestKind kind)
{
    static const char *const names[] = {
        [FS_LOOKUP] = "lookup",     [FS_FORGET] = "forget", [FS_GETATTR] = "getattr",
        [FS_READLINK] = "readlink", [FS_OPEN] = "open",     [FS_READ] = "read",
        [FS_READDIR] = "readdir",   [FS_STATFS] = "statfs",
    };
    return names[kind];
}

Fs *fs_new(Cache *const *caches, const FsOptions *options, const Clock *clock,
           GMainContext *context)
{
    Fs *fs = g_new0(Fs, 1);

    fs->caches = caches;
    fs->options = *options;
    fs->clock = clock;
    fs->context = context;
    fs->born = clock_wall(clock);
    fs->versions = versions_new();
    fs->alarm = alarm_new(context, clock, op_on_alarm, fs);
    tops_init(fs);
    fs->slots = slots_new(fs->n_tops);
    return fs;
}

void fs_on_operation(Fs *fs, void (*begins)(gpointer data), gpointer data)
{
    fs->begins = begins;
    fs->begins_data = data;
}

FsStats fs_stats(const Fs *fs)
{
    FsStats stats = fs->stats;

    stats.directories = slots_count(fs->slots);
    stats.versions = versions_count(fs->versions);
    stats.version_bytes = versions_bytes(fs->versions);
    return stats;
}

const char **fs_root_names(const Fs *fs)
{
    const char **names = g_new0(const char *, fs->n_tops + 1);

    Top *top;
    for (guint i = 0; (top = top_child((Fs *)fs, 0, i)) != NULL; i++)
        names[i] = top->name;
    return names;
}

void fs_free(Fs *fs)
{
    if (fs == NULL)
        return;
    fs_answer_all(fs);
    alarm_free(fs->alarm);
    turns_clear(fs);
    pins_clear(fs);
    tops_clear(fs);
    slots_free(fs->slots);
    versions_free(fs->versions);
    g_free(fs->spare);
    g_free(fs->scratch);
    g_free(fs);
}
