/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "ppiofs/fs/private.h"

/* The first directory of a name stays: tables/ has files of many kinds. */
static void add_top(GArray *tops, guint parent, const DirectoryType *type, const char *name,
                    Cache *cache)
{
    guint64 parent_ino = tops->len == 0 ? 0 : g_array_index(tops, Top, parent).ino;
    const Top top = { .name = name,
                      .type = type,
                      .parent = parent,
                      .ino = tops->len == 0 ? NODEID_ROOT : subtree_step_ino(parent_ino, name),
                      .cache = cache };

    for (guint i = 1; i < tops->len; i++)
        if (g_array_index(tops, Top, i).parent == parent &&
            strcmp(g_array_index(tops, Top, i).name, name) == 0)
            return;
    g_array_append_val(tops, top);
}

static void add_links(GArray *tops, Cache *cache)
{
    const Kind *kind = cache_kind(cache);

    for (guint i = 0; i < kind_n_links(kind); i++) {
        add_top(tops, 0, &links_directory, kind->links[i].directory, cache);
        g_array_index(tops, Top, tops->len - 1).link = &kind->links[i];
    }
}

/* json/ has the bodies of instances, and a directory for each of the other kinds. */
static void add_bodies(const Fs *fs, GArray *tops)
{
    guint json = tops->len;

    add_top(tops, 0, &bodies_directory, "json", fs_cache(fs, KIND_INSTANCES));
    for (guint i = 0; fs->caches[i] != NULL; i++)
        if (cache_kind(fs->caches[i]) != KIND_INSTANCES)
            add_top(tops, json, &bodies_directory, cache_kind(fs->caches[i])->directory,
                    fs->caches[i]);
}

static void add_file(GArray *files, const char *directory, Cache *cache, MakingOrder order)
{
    const File file = { .directory = directory, .cache = cache, .order = order };

    g_array_append_val(files, file);
}

static void add_files(Fs *fs)
{
    GArray *files = g_array_new(FALSE, FALSE, sizeof(File));
    Cache *instances = fs_cache(fs, KIND_INSTANCES);

    if (instances != NULL) {
        add_file(files, "ssh", instances, view_of_ssh_config(&fs->options.view));
        g_array_index(files, File, 0).needs_details = TRUE;
    }
    for (guint i = 0; fs->caches[i] != NULL; i++) {
        const KindTable *table = cache_kind(fs->caches[i])->tables;

        for (; table != NULL && table->file != NULL; table++)
            add_file(files, "tables", fs->caches[i], view_of_table(table));
    }
    fs->n_files = files->len;
    fs->files = (File *)(gpointer)g_array_free(files, FALSE);
}

void tops_init(Fs *fs)
{
    GArray *tops = g_array_new(FALSE, FALSE, sizeof(Top));

    add_top(tops, 0, &root_directory, "", NULL);
    for (guint i = 0; fs->caches[i] != NULL; i++)
        add_top(tops, 0, &objects_directory, cache_kind(fs->caches[i])->directory, fs->caches[i]);
    if (!fs->options.hide_secrets)
        add_bodies(fs, tops);
    for (guint i = 0; fs->caches[i] != NULL; i++)
        add_links(tops, fs->caches[i]);
    add_files(fs);
    for (guint i = 0; i < fs->n_files; i++)
        add_top(tops, 0, &files_directory, fs->files[i].directory, NULL);
    add_top(tops, 0, &about_directory, ".ppiofs", NULL);

    fs->n_tops = tops->len;
    fs->tops = (Top *)(gpointer)g_array_free(tops, FALSE);
}

void tops_clear(Fs *fs)
{
    for (guint i = 0; i < fs->n_files; i++)
        made_clear(&fs->files[i].made);
    for (guint i = 0; i < fs->n_tops; i++)
        made_clear(&fs->tops[i].made);
    g_free(fs->files);
    g_free(fs->tops);
}

Cache *fs_cache(const Fs *fs, const Kind *kind)
{
    for (guint i = 0; fs->caches[i] != NULL; i++)
        if (cache_kind(fs->caches[i]) == kind)
            return fs->caches[i];
    return NULL;
}

const Top *fs_objects(const Fs *fs, const Cache *cache)
{
    const Top *top = &fs->tops[1];

    while (top->cache != cache || top->type != &objects_directory)
        top++;
    return top;
}

guint top_slot(const Fs *fs, const Top *top)
{
    return (guint)(top - fs->tops);
}

Top *top_child(Fs *fs, guint parent, guint n)
{
    for (guint i = 1; i < fs->n_tops; i++)
        if (fs->tops[i].parent == parent && n-- == 0)
            return &fs->tops[i];
    return NULL;
}

Directory directory_of_slot(Fs *fs, guint slot)
{
    Directory directory = { .slot = slot };
    guint owner = slot;

    if (slot >= fs->n_tops)
        directory.name = slots_name(fs->slots, slot, &owner);
    if (slot >= fs->n_tops && directory.name == NULL)
        return directory;
    directory.top = &fs->tops[owner];
    directory.type = directory.name == NULL ? directory.top->type : &object_directory;
    return directory;
}

Directory directory_of(Fs *fs, NodeId id)
{
    Directory directory = directory_of_slot(fs, nodeid_slot(id));

    directory.key = nodeid_key(id);
    return directory;
}

gboolean op_reply_top(Op *op, const Directory *in)
{
    struct fuse_entry_param entry;
    Top *top;

    for (guint i = 0; (top = top_child(op->fs, in->slot, i)) != NULL; i++) {
        if (strcmp(top->name, op->name) != 0)
            continue;
        op_reply_filled(op, entry_top(op->fs, &entry, top), &entry);
        return TRUE;
    }
    return FALSE;
}

void lookup_run(Op *op)
{
    const Directory in = directory_of(op->fs, op->directory);

    if (in.type == NULL)
        op_reply_error(op, ESTALE);
    else
        in.type->lookup(op, &in);
}

void list_run(Op *op)
{
    const Directory in = directory_of(op->fs, op->directory);

    if (in.type == NULL)
        op_reply_error(op, ESTALE);
    else
        in.type->list(op, &in);
}
