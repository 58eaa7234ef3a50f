/* SPDX-License-Identifier: MIT */
#include "ppiofs/keep/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ppiofs/base/error.h"
#include "ppiofs/base/hash.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U /* Linux 6.3; Debian 12's header does not know it */
#endif

/* At the beginning of the memfd. Another format gets another number. */
typedef struct {
    char magic[24];
    guint64 byte_order;
} Title;
static const Title title = { "ppiofs keep 1", G_GUINT64_CONSTANT(0x0102030405060708) };

/* Before each record. Places are multiples of its size, so it never lies on two pages, and is
 * written as a whole. */
typedef struct {
    guint32 kind; /* KeepKind or DROPPED; 0: the end */
    guint32 number, length, count;
    guint64 id, extra;
} Head;
G_STATIC_ASSERT(sizeof(Head) == 32 && sizeof(Title) == sizeof(Head));

#define DROPPED 0x64726f70
#define PAGE 4096
/* No body and no tree is as large; a room fits its 32 bits. */
#define LENGTH_MOST (1u << 30)
/* A record takes at most an eighth more than it needs: so there are few different rooms, and a
 * dropped one is soon of use again. */
#define STEPS_PER_DOUBLING_LOG2 3

/* Nobody can cut it off: what is in there stays. */
#define SEALS (F_SEAL_SHRINK | F_SEAL_SEAL)

struct KeepFile {
    int fd;
    guint64 end;
    GHashTable *dropped; /* room -> GArray of places */
    gboolean failed;
};

/* From a head to the next one. Whatever takes the place of a record has the same room. */
static guint32 room_for(gsize length)
{
    guint64 needed = sizeof(Head) + length;
    guint bits = g_bit_storage(needed);
    guint64 step = bits > STEPS_PER_DOUBLING_LOG2
                       ? MAX(sizeof(Head), 1ull << (bits - 1 - STEPS_PER_DOUBLING_LOG2))
                       : sizeof(Head);

    return (guint32)((needed + step - 1) / step * step);
}

static gboolean write_at(const KeepFile *keep, gconstpointer bytes, gsize length, guint64 at)
{
    const char *from = bytes;

    while (length > 0) {
        ssize_t written = pwrite(keep->fd, from, length, (off_t)at);

        if (written <= 0 && errno != EINTR)
            return FALSE;
        if (written > 0) {
            from += written;
            at += (guint64)written;
            length -= (gsize)written;
        }
    }
    return TRUE;
}

static gboolean read_at(const KeepFile *keep, gpointer bytes, gsize length, guint64 at)
{
    return pread(keep->fd, bytes, length, (off_t)at) == (ssize_t)length;
}

/* From @from up to @to there are zeros now, and whole pages take no memory. */
static gboolean punch(const KeepFile *keep, guint64 from, guint64 to)
{
    return fallocate(keep->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from,
                     (off_t)(to - from)) == 0;
}

/* What is in there is not all: nobody may go on with it. */
static void fail(KeepFile *keep)
{
    const Title none = { 0 };

    g_warning("cannot keep what a successor needs: %s; a crash would end this mount",
              g_strerror(errno));
    keep->failed = TRUE;
    write_at(keep, &none, sizeof none, 0);
}

static GArray *dropped_of(const KeepFile *keep, guint32 room)
{
    GArray *places = g_hash_table_lookup(keep->dropped, GUINT_TO_POINTER(room));

    if (places == NULL) {
        places = g_array_new(FALSE, FALSE, sizeof(guint64));
        g_hash_table_insert(keep->dropped, GUINT_TO_POINTER(room), places);
    }
    return places;
}

static void note_dropped(KeepFile *keep, guint32 room, guint64 at)
{
    g_array_append_val(dropped_of(keep, room), at);
}

/* A place for a record with that room: of one that was dropped, or the end. */
static guint64 take_place(KeepFile *keep, guint32 room)
{
    GArray *places = dropped_of(keep, room);
    guint64 at = keep->end;

    if (places->len == 0) {
        keep->end += room;
        return at;
    }
    at = g_array_index(places, guint64, places->len - 1);
    g_array_set_size(places, places->len - 1);
    return at;
}

guint64 keep_put(KeepFile *keep, const KeepRecord *record)
{
    if (keep == NULL || keep->failed)
        return 0;
    const Head head = { .kind = record->kind,
                        .number = record->number,
                        .length = (guint32)record->length,
                        .count = record->count,
                        .id = record->id,
                        .extra = record->extra };
    guint64 at = take_place(keep, room_for(head.length));

    errno = EFBIG;
    if (record->length > LENGTH_MOST ||
        !write_at(keep, record->bytes, record->length, at + sizeof head) ||
        !write_at(keep, &head, sizeof head, at)) {
        fail(keep);
        return 0;
    }
    return at;
}

void keep_count(KeepFile *keep, guint64 at, guint64 count)
{
    guint32 bounded = (guint32)MIN(count, KEEP_COUNTLESS);

    if (keep != NULL && !keep->failed && at != 0)
        write_at(keep, &bounded, sizeof bounded, at + offsetof(Head, count));
}

void keep_drop(KeepFile *keep, guint64 at)
{
    Head head;

    if (keep == NULL || keep->failed || at == 0 || !read_at(keep, &head, sizeof head, at))
        return;
    head.kind = DROPPED;
    if (!write_at(keep, &head, sizeof head, at))
        return; /* a record too many does no harm */
    note_dropped(keep, room_for(head.length), at);

    guint64 from = (at + sizeof head + PAGE - 1) / PAGE * PAGE;
    guint64 to = (at + room_for(head.length)) / PAGE * PAGE;
    if (to > from)
        punch(keep, from, to);
}

/* TRUE at the end, too: then the kind is 0. */
static gboolean read_head(const KeepFile *keep, guint64 at, guint64 size, Head *ret_head)
{
    *ret_head = (Head){ 0 };
    if (at + sizeof *ret_head > size)
        return TRUE;
    if (!read_at(keep, ret_head, sizeof *ret_head, at))
        return FALSE;
    if (ret_head->kind == 0)
        return TRUE;
    return (ret_head->kind < KEEP_KINDS || ret_head->kind == DROPPED) &&
           ret_head->length <= LENGTH_MOST && at + sizeof *ret_head + ret_head->length <= size;
}

/* Whoever dies gives such a lock back, and who inherits the descriptor does not inherit it. */
static gboolean lock(const KeepFile *keep)
{
    const struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    return fcntl(keep->fd, F_SETLK, &all) == 0;
}

/* Walks through all heads to the end; behind it nothing may be left of a record that was not
 * finished. */
static gboolean find_end(KeepFile *keep, guint64 size)
{
    Head head;

    for (keep->end = sizeof title;; keep->end += room_for(head.length)) {
        if (!read_head(keep, keep->end, size, &head))
            return FALSE;
        if (head.kind == 0)
            return keep->end >= size || punch(keep, keep->end, size);
        if (head.kind == DROPPED)
            note_dropped(keep, room_for(head.length), keep->end);
    }
}

static KeepFile *keep_of(int fd)
{
    KeepFile *keep = g_new0(KeepFile, 1);

    keep->fd = fd;
    keep->end = sizeof title;
    keep->dropped = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_array_unref);
    return keep;
}

static const char is_used[] = "another process uses it; stop that process first";

static const char *reason_not_to(KeepFile *keep)
{
    int seals = fcntl(keep->fd, F_GET_SEALS);
    struct stat status;
    Title found;

    if (seals < 0 || (seals & SEALS) != SEALS || fstat(keep->fd, &status) != 0)
        return "it is no memfd of ppiofs; ppiofs mounts again";
    if (!lock(keep))
        return is_used;
    if (!read_at(keep, &found, sizeof found, 0) || memcmp(&found, &title, sizeof title) != 0)
        return "it is incomplete, or has another format; ppiofs mounts again";
    return find_end(keep, (guint64)status.st_size) ? NULL : "it is damaged; ppiofs mounts again";
}

KeepFile *keep_open(int fd, GError **error)
{
    KeepFile *keep = keep_of(fd);
    const char *why = reason_not_to(keep);

    if (why == NULL)
        return keep;
    g_set_error(error, PPIOFS_ERROR, why == is_used ? PPIOFS_ERROR_MOUNTED : PPIOFS_ERROR_FAILED,
                "state of the previous process: %s", why);
    keep_free(keep);
    return NULL;
}

KeepFile *keep_new(GError **error)
{
    int fd = memfd_create("ppiofs-keep", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

    if (fd < 0) /* an older kernel does not know that flag */
        fd = memfd_create("ppiofs-keep", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || fcntl(fd, F_ADD_SEALS, SEALS) != 0) {
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_FAILED, "cannot make a memfd: %s",
                    g_strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    KeepFile *keep = keep_of(fd);
    if (!lock(keep) || !write_at(keep, &title, sizeof title, 0))
        fail(keep);
    return keep;
}

int keep_fd(const KeepFile *keep)
{
    return keep->fd;
}

gboolean keep_is_whole(const KeepFile *keep)
{
    return !keep->failed;
}

static gboolean visit_at(const KeepFile *keep, guint64 at, const Head *head, KeepVisit visit,
                         gpointer data)
{
    g_autofree char *bytes = g_try_malloc((gsize)head->length + 1);

    if (bytes == NULL || !read_at(keep, bytes, head->length, at + sizeof *head))
        return FALSE;
    bytes[head->length] = '\0';
    return visit(&(KeepRecord){ .kind = (KeepKind)head->kind,
                                .number = head->number,
                                .count = head->count,
                                .id = head->id,
                                .extra = head->extra,
                                .bytes = bytes,
                                .length = head->length,
                                .at = at },
                 data);
}

gboolean keep_each(const KeepFile *keep, KeepVisit visit, gpointer data)
{
    Head head;

    for (guint64 at = sizeof title; at < keep->end; at += room_for(head.length)) {
        if (!read_head(keep, at, G_MAXINT64, &head) || head.kind == 0)
            return FALSE;
        if (head.kind != DROPPED && !visit_at(keep, at, &head, visit, data))
            return FALSE;
    }
    return TRUE;
}

typedef struct {
    KeepKind kind;
    GBytes *bytes;
} Search;

static gboolean take_if_wanted(const KeepRecord *record, gpointer data)
{
    Search *search = data;

    if (record->kind != search->kind)
        return TRUE;
    search->bytes = g_bytes_new(record->bytes, record->length);
    return FALSE;
}

GBytes *keep_find(const KeepFile *keep, KeepKind kind)
{
    Search search = { kind, NULL };

    keep_each(keep, take_if_wanted, &search);
    return search.bytes;
}

gboolean keep_start_hash(const KeepFile *keep)
{
    g_autoptr(GBytes) found = keep_find(keep, KEEP_HASH);
    HashKey key;

    if (found == NULL || g_bytes_get_size(found) != sizeof key)
        return FALSE;
    memcpy(&key, g_bytes_get_data(found, NULL), sizeof key);
    hash_start(&key);
    return TRUE;
}

void keep_free(KeepFile *keep)
{
    if (keep == NULL)
        return;
    close(keep->fd);
    g_hash_table_unref(keep->dropped);
    g_free(keep);
}
