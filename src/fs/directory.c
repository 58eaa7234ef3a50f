/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "ppiofs/fs/private.h"

/* The first directory of a name stays: tables/ has files of many kinds. */
static void add_top(GArray *tops, const DirectoryType *type, const char *name, Cache *cache,
                    const KindLink *link)
{
    const Top top = { .name = name,
                      .type = type,
                      .ino = tops->len == 0 ? NODEID_ROOT : subtree_step_ino(NODEID_ROOT, name),
                      .cache = cache,
                      .link = link };

    for (guint i = 0; i < tops->len; i++)
        if (strcmp(g_array_index(tops, Top, i).name, name) == 0)
            return;
    g_array_append_val(tops, top);
}

static void add_links(GArray *tops, Cache *cache)
{
    const Kind *kind = collection_kind(cache_collection(cache));

    for (guint i = 0; i < kind_n_links(kind); i++)
        add_top(tops, &links_directory, kind->links[i].directory, cache, &kind->links[i]);
}

void tops_init(Fs *fs)
{
    GArray *tops = g_array_new(FALSE, FALSE, sizeof(Top));
    gsize n_files;
    const FileView *files = view_files(&n_files);

    add_top(tops, &root_directory, "", NULL, NULL);
    for (guint i = 0; fs->caches[i] != NULL; i++)
        add_top(tops, &objects_directory,
                collection_kind(cache_collection(fs->caches[i]))->directory, fs->caches[i], NULL);
    if (!fs->options.hide_secrets)
        add_top(tops, &bodies_directory, "json", fs_cache(fs, KIND_INSTANCES), NULL);
    for (guint i = 0; fs->caches[i] != NULL; i++)
        add_links(tops, fs->caches[i]);
    for (gsize i = 0; i < n_files; i++)
        add_top(tops, &files_directory, files[i].directory, NULL, NULL);
    add_top(tops, &about_directory, ".ppiofs", NULL, NULL);

    fs->n_tops = tops->len;
    fs->tops = (Top *)(gpointer)g_array_free(tops, FALSE);
    fs->made_files = g_new0(Made, n_files);
}

void tops_clear(Fs *fs)
{
    gsize n_files;

    view_files(&n_files);
    for (gsize i = 0; i < n_files; i++)
        made_clear(&fs->made_files[i]);
    for (guint i = 0; i < fs->n_tops; i++)
        made_clear(&fs->tops[i].made);
    g_free(fs->made_files);
    g_free(fs->tops);
}

Cache *fs_cache(const Fs *fs, const Kind *kind)
{
    for (guint i = 0; fs->caches[i] != NULL; i++)
        if (collection_kind(cache_collection(fs->caches[i])) == kind)
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
