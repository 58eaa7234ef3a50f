/* SPDX-License-Identifier: MIT */
#include "ppiofs/watch.h"

#include <string.h>

#include "ppiofs/base/text.h"

/* Years of an ordinary account; an API that flips everything all the time must not fill memory. */
#define LOG_MAX_BYTES (64u << 20)
/* A time, five columns, and that the log is full. */
#define LONGEST_LINE (6 * TEXT_COLUMN_BYTES)

typedef struct {
    Watch *watch;
    Cache *cache;
    gboolean primed; /* the first list is known */
    gboolean news;   /* since the last list */
} Watched;

struct Watch {
    Watched *watched;
    guint n_watched;
    const Clock *clock;
    GSource *timer;
    FsGrowing log;
    KeepFile *keep; /* NULL: the log ends with this process */
    gsize kept;     /* so much of the log is in there */
    void (*changed)(gpointer data);
    gpointer data;
};

/* What is not about an instance says so in a column of its own. */
static void write_line(Watched *watched, const char *id, const char *field, const char *old,
                       const char *new)
{
    Watch *watch = watched->watch;
    const Kind *kind = cache_kind(watched->cache);
    const char *const columns[] = { id, field, old, new,
                                    kind == KIND_INSTANCES ? NULL : kind->directory };
    gint64 now = clock_wall(watch->clock);
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(now / G_USEC_PER_SEC);
    g_autofree char *stamp = g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");
    Buffer *text = &watch->log.text;

    watched->news = TRUE;
    if (!watched->primed || text->length > LOG_MAX_BYTES)
        return;
    watch->log.mtime_us = now;
    buffer_add_text(text, stamp);
    for (gsize i = 0; i < G_N_ELEMENTS(columns) && columns[i] != NULL; i++) {
        buffer_add(text, "\t", 1);
        text_add_column(text, columns[i], strlen(columns[i]));
    }
    buffer_add(text, "\n", 1);
    if (text->length > LOG_MAX_BYTES)
        buffer_add_text(text, "this log is full; ppiofs writes no more to it\n");
}

/* All lines of one object's change at once: there may be thousands. */
static void keep_lines(Watch *watch)
{
    const Buffer *text = &watch->log.text;

    if (watch->kept == text->length)
        return;
    keep_put(watch->keep, &(KeepRecord){ .kind = KEEP_LOG,
                                         .id = watch->kept,
                                         .extra = (guint64)watch->log.mtime_us,
                                         .bytes = text->bytes + watch->kept,
                                         .length = text->length - watch->kept });
    watch->kept = text->length;
}

/* A file's value as one column: without its final newline, and not at all if it is a secret. As
 * much as a column shows, and more: so it is cut where a column is. */
static char *column_value(const Subtree *tree, NodeIndex node)
{
    gsize length = 0;
    const char *content = node == NODE_NONE ? NULL : subtree_content(tree, node, &length);

    if (content == NULL)
        return g_strdup("");
    if (subtree_flags(tree, node) & NODE_SECRET)
        return g_strdup("(secret)");
    if (length > 0 && content[length - 1] == '\n')
        length--;
    return g_strndup(content, MIN(length, 2 * TEXT_COLUMN_BYTES));
}

typedef struct {
    Watched *watched;
    Record *old, *new;
    Record *shown; /* @old is an earlier full record: only what this one lacks is told; or NULL */
} Change;

/* What one of the two cannot have, being from the list alone, is no difference. */
static void write_difference(NodeIndex old_node, NodeIndex new_node, const char *path,
                             gpointer data)
{
    const Change *change = data;
    gboolean was_full = record_is_full(change->old), is_full = record_is_full(change->new);

    if ((old_node == NODE_NONE && is_full && !was_full) ||
        (new_node == NODE_NONE && was_full && !is_full) ||
        (change->shown != NULL && subtree_lookup(record_tree(change->shown), path) != NODE_NONE))
        return;
    g_autofree char *old = column_value(record_tree(change->old), old_node);
    g_autofree char *new = column_value(record_tree(change->new), new_node);
    write_line(change->watched, record_id(change->new), path, old, new);
}

static void write_differences(const Change *change)
{
    subtree_differences(record_tree(change->old), record_tree(change->new), write_difference,
                        (gpointer)change);
}

static void write_change(Watched *watched, Record *old, Record *before, Record *new)
{
    if (old == NULL || new == NULL) {
        write_line(watched, record_id(old != NULL ? old : new), cache_kind(watched->cache)->one,
                   old == NULL ? "" : "present", new == NULL ? "" : "present");
        return;
    }
    write_differences(&(Change){ watched, old, new, NULL });
    if (before != NULL && record_is_full(new))
        write_differences(&(Change){ watched, before, new, old });
}

static void on_change(Record *old, Record *before, Record *new, gpointer data)
{
    Watched *watched = data;

    write_change(watched, old, before, new);
    keep_lines(watched->watch);
}

static void on_list(gpointer data)
{
    Watched *watched = data;
    const Watch *watch = watched->watch;
    gboolean news = watched->news && watched->primed;

    watched->primed = TRUE;
    watched->news = FALSE;
    if (news && watch->changed != NULL)
        watch->changed(watch->data);
}

static gboolean on_tick(gpointer data)
{
    Watch *watch = data;

    for (guint i = 0; i < watch->n_watched; i++)
        cache_poll(watch->watched[i].cache);
    return G_SOURCE_CONTINUE;
}

Watch *watch_new(Cache *const *caches, gint64 interval_us, const Clock *clock,
                 GMainContext *context)
{
    Watch *watch = g_new0(Watch, 1);

    while (caches[watch->n_watched] != NULL)
        watch->n_watched++;
    watch->watched = g_new0(Watched, watch->n_watched);
    watch->clock = clock;
    watch->log = (FsGrowing){ .name = "changes.log",
                              .text = { .most = LOG_MAX_BYTES + LONGEST_LINE },
                              .mtime_us = clock_wall(clock) };
    for (guint i = 0; i < watch->n_watched; i++) {
        Watched *watched = &watch->watched[i];

        *watched = (Watched){ .watch = watch, .cache = caches[i] };
        collection_on_change(cache_collection(caches[i]), on_change, watched);
        cache_on_list(caches[i], on_list, watched);
    }
    watch->timer = g_timeout_source_new((guint)(interval_us / 1000));
    g_source_set_callback(watch->timer, on_tick, watch, NULL);
    g_source_attach(watch->timer, context);
    return watch;
}

const FsGrowing *watch_log(const Watch *watch)
{
    return &watch->log;
}

static gboolean collect_log(const KeepRecord *record, gpointer data)
{
    GPtrArray *parts = data;
    KeepRecord *part = record->kind == KEEP_LOG ? g_memdup2(record, sizeof *record) : NULL;

    if (part != NULL) {
        part->bytes = g_memdup2(record->bytes, record->length);
        g_ptr_array_add(parts, part);
    }
    return TRUE;
}

static void free_part(gpointer data)
{
    KeepRecord *part = data;

    g_free((gpointer)part->bytes);
    g_free(part);
}

static gint compare_parts(gconstpointer a, gconstpointer b)
{
    const KeepRecord *x = *(KeepRecord *const *)a, *y = *(KeepRecord *const *)b;

    return x->id < y->id ? -1 : x->id > y->id;
}

void watch_keep(Watch *watch, KeepFile *keep)
{
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(free_part);

    keep_each(keep, collect_log, parts);
    g_ptr_array_sort(parts, compare_parts);
    for (guint i = 0; i < parts->len; i++) {
        const KeepRecord *part = g_ptr_array_index(parts, i);

        buffer_add(&watch->log.text, part->bytes, part->length);
        watch->log.mtime_us = (gint64)part->extra;
    }
    watch->keep = keep;
    watch->kept = watch->log.text.length;
}

void watch_on_change(Watch *watch, void (*changed)(gpointer data), gpointer data)
{
    watch->changed = changed;
    watch->data = data;
}

void watch_free(Watch *watch)
{
    if (watch == NULL)
        return;
    for (guint i = 0; i < watch->n_watched; i++) {
        collection_on_change(cache_collection(watch->watched[i].cache), NULL, NULL);
        cache_on_list(watch->watched[i].cache, NULL, NULL);
    }
    g_free(watch->watched);
    g_source_destroy(watch->timer);
    g_source_unref(watch->timer);
    buffer_clear(&watch->log.text);
    g_free(watch);
}
