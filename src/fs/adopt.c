/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "ppiofs/base/error.h"
#include "ppiofs/base/hash.h"
#include "ppiofs/fs/private.h"

/* What each process may count up to before the next one goes on from there. */
#define COUNTS_EACH (1u << 20)

/* All that decides under which number a node is known, and what the kernel has been told that it
 * may keep for good. */
static char *layout_of(const Fs *fs)
{
    const FsOptions *options = &fs->options;
    g_autofree char *tree = subtree_layout();
    g_autoptr(GString) tops = g_string_new(NULL);

    for (guint i = 0; i < fs->n_tops; i++)
        g_string_append_printf(tops, " %u/%s", fs->tops[i].parent, fs->tops[i].name);
    return g_strdup_printf("1; %s; %u %u %o %d %d;%s %s", tree, options->uid, options->gid,
                           options->umask, options->hide_secrets, options->view.short_names,
                           tops->str, options->growing == NULL ? "-" : options->growing->name);
}

static gboolean fail(GError **error, const char *why)
{
    g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_FAILED,
                "cannot continue the mount of the previous process: %s; it is unmounted", why);
    return FALSE;
}

static void put_text(KeepFile *keep, KeepKind kind, const char *text)
{
    keep_put(keep, &(KeepRecord){ .kind = kind, .bytes = text, .length = strlen(text) });
}

static void put_birth(KeepFile *keep, gint64 born, guint64 adoptions)
{
    keep_put(keep, &(KeepRecord){ .kind = KEEP_BIRTH, .id = (guint64)born, .extra = adoptions });
}

static void begin(Fs *fs, KeepFile *keep, const char *layout)
{
    put_text(keep, KEEP_LAYOUT, layout);
    keep_put(keep,
             &(KeepRecord){ .kind = KEEP_HASH, .bytes = hash_key(), .length = sizeof *hash_key() });
    put_birth(keep, fs->born, 0);
}

static gboolean adopt_birth(Fs *fs, const KeepRecord *record)
{
    fs->born = (gint64)record->id;
    fs->adoptions = MAX(fs->adoptions, record->extra + 1);
    return record->extra < G_MAXUINT32;
}

static gboolean adopt_trees_and_slots(const KeepRecord *record, gpointer data)
{
    Fs *fs = data;

    switch (record->kind) {
    case KEEP_BIRTH:
        return adopt_birth(fs, record);
    case KEEP_SLOT:
        return slots_adopt(fs->slots, record);
    case KEEP_TREE:
        return versions_adopt(fs->versions, record);
    case KEEP_LISTING:
        return pins_adopt(fs, record);
    default:
        return TRUE;
    }
}

static gboolean adopt_bodies(const KeepRecord *record, gpointer data)
{
    Fs *fs = data;

    return record->kind != KEEP_BODY || versions_adopt_body(fs->versions, record);
}

static void find_ancestors(const Collection *collection, const char *name,
                           const Subtree *ret_found[2], gpointer data)
{
    Fs *fs = data;
    const Cache *cache = fs_cache(fs, collection_kind(collection));

    versions_ancestors(fs->versions, object_ino(fs_objects(fs, cache), name), ret_found);
}

/* What shows the list is as old as it was, but for what changed meanwhile. */
static void adopt_view(const Fs *fs, Made *made, guint64 root_ino, const char *name)
{
    const Subtree *tree = versions_adopted_tree(fs->versions, root_ino, name);

    if (tree != NULL)
        made->tree = subtree_ref((Subtree *)tree);
    made->mark.version = G_MAXUINT64; /* of a fleet that is no more */
}

static void adopt_views(Fs *fs)
{
    for (guint i = 0; i < fs->n_files; i++) {
        File *file = &fs->files[i];

        adopt_view(fs, &file->made, subtree_step_ino(NODEID_ROOT, file->directory),
                   file->order.file);
    }
    for (guint i = 0; i < fs->n_tops; i++)
        if (fs->tops[i].type == &links_directory)
            adopt_view(fs, &fs->tops[i].made, fs->tops[i].ino, "");
}

static gboolean has_this_hash_key(const KeepFile *keep)
{
    g_autoptr(GBytes) key = keep_find(keep, KEEP_HASH);

    return key != NULL && g_bytes_get_size(key) == sizeof *hash_key() &&
           memcmp(g_bytes_get_data(key, NULL), hash_key(), sizeof *hash_key()) == 0;
}

static gboolean adopt(Fs *fs, KeepFile *keep, GError **error)
{
    if (!has_this_hash_key(keep) || !keep_each(keep, adopt_trees_and_slots, fs) ||
        !keep_each(keep, adopt_bodies, fs) || fs->adoptions == 0)
        return fail(error, "its state is damaged");
    slots_adopted(fs->slots);
    adopt_views(fs);
    put_birth(keep, fs->born, fs->adoptions); /* the one before stays: it is as good */
    fs->moves = fs->adoptions * COUNTS_EACH;
    for (guint i = 0; fs->caches[i] != NULL; i++)
        collection_go_on(cache_collection(fs->caches[i]), fs->adoptions * COUNTS_EACH,
                         find_ancestors, fs);
    return TRUE;
}

gboolean fs_keep(Fs *fs, KeepFile *keep, GError **error)
{
    g_autoptr(GBytes) found = keep_find(keep, KEEP_LAYOUT);
    g_autofree char *layout = layout_of(fs);
    gsize length = 0;
    const char *text = found == NULL ? NULL : g_bytes_get_data(found, &length);

    if (found == NULL)
        begin(fs, keep, layout);
    else if (length != strlen(layout) || memcmp(text, layout, length) != 0)
        return fail(error, "this version or these options number the files differently");
    else if (!adopt(fs, keep, error))
        return FALSE;
    fs->keep = keep;
    slots_keep(fs->slots, keep);
    versions_keep(fs->versions, keep);
    return TRUE;
}
