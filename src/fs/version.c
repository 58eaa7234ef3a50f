/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/version.h"

#include "ppiofs/fs/nodeid.h"

/* Serial numbers that a process had given out when it ended, without anything of them being held:
 * a listing that is being read goes on under one. */
#define SERIALS_BESIDE (1u << 20)

typedef struct Entry Entry;

struct Versions {
    GHashTable *by_serial; /* &Entry.serial -> Entry */
    GHashTable *adopted;   /* &Version.root_ino -> the newest Entry that was adopted with it */
    guint64 last_serial;
    KeepFile *keep; /* NULL: nothing is kept */
    Entry *counted; /* the one whose count in there is out of date; NULL: none is */
    gsize bytes;    /* of all trees and bodies */
};

struct Entry {
    guint64 serial;
    Version version;
    guint64 tree_at, body_at; /* in Versions.keep */
    Entry *older;             /* the next that was adopted with that root */
};

static void entry_free(Entry *entry)
{
    subtree_unref(entry->version.tree);
    if (entry->version.body != NULL)
        g_bytes_unref(entry->version.body);
    g_free(entry);
}

Versions *versions_new(void)
{
    Versions *versions = g_new0(Versions, 1);

    versions->by_serial =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, (GDestroyNotify)entry_free);
    versions->adopted = g_hash_table_new(g_int64_hash, g_int64_equal);
    return versions;
}

static guint64 find_same(const Versions *versions, const Subtree *tree, guint64 root_ino)
{
    const Entry *entry = g_hash_table_lookup(versions->adopted, &root_ino);

    while (entry != NULL && !subtree_is_same(entry->version.tree, tree))
        entry = entry->older;
    return entry == NULL ? 0 : entry->serial;
}

guint64 versions_serial(Versions *versions, Subtree *tree, guint64 root_ino)
{
    if (subtree_serial(tree) == 0)
        subtree_set_serial(tree, find_same(versions, tree, root_ino));
    if (subtree_serial(tree) == 0)
        subtree_set_serial(tree, ++versions->last_serial);
    return subtree_serial(tree);
}

static Entry *enter(Versions *versions, guint64 serial, Subtree *tree, guint64 root_ino)
{
    Entry *entry = g_new0(Entry, 1);

    entry->serial = serial;
    entry->version.tree = subtree_ref(tree);
    entry->version.root_ino = root_ino;
    g_hash_table_insert(versions->by_serial, &entry->serial, entry);
    versions->bytes += subtree_size(tree);
    return entry;
}

static guint64 keep_tree(const Versions *versions, const Entry *entry, guint slot)
{
    g_autoptr(GBytes) saved = versions->keep == NULL ? NULL : subtree_save(entry->version.tree);
    gsize length;

    if (saved == NULL)
        return 0;
    gconstpointer bytes = g_bytes_get_data(saved, &length);
    return keep_put(versions->keep, &(KeepRecord){ .kind = KEEP_TREE,
                                                   .number = slot,
                                                   .count = 1,
                                                   .id = entry->serial,
                                                   .extra = entry->version.root_ino,
                                                   .bytes = bytes,
                                                   .length = length });
}

void versions_flush(Versions *versions)
{
    if (versions->counted != NULL)
        keep_count(versions->keep, versions->counted->tree_at, versions->counted->version.lookups);
    versions->counted = NULL;
}

/* Many in a row are for the same one, so the count is kept when another's turn comes. */
static void count(Versions *versions, Entry *entry, guint64 lookups)
{
    if (versions->counted != entry)
        versions_flush(versions);
    versions->counted = entry;
    entry->version.lookups = lookups;
}

Version *versions_hold(Versions *versions, Subtree *tree, guint64 root_ino, guint slot)
{
    guint64 serial = versions_serial(versions, tree, root_ino);
    Entry *entry = g_hash_table_lookup(versions->by_serial, &serial);

    if (entry == NULL) {
        entry = enter(versions, serial, tree, root_ino);
        entry->version.lookups = 1;
        entry->tree_at = keep_tree(versions, entry, slot);
    } else {
        count(versions, entry, entry->version.lookups + 1);
    }
    if (entry->version.slot == 0)
        entry->version.slot = slot;
    return &entry->version;
}

static Entry *entry_of(Version *version)
{
    return (Entry *)(gpointer)((char *)version - offsetof(Entry, version));
}

static void set_body(Versions *versions, Entry *entry, GBytes *body, guint64 body_ino)
{
    versions->bytes += g_bytes_get_size(body);
    entry->version.body = g_bytes_ref(body);
    entry->version.body_ino = body_ino;
}

void versions_set_body(Versions *versions, Version *version, GBytes *body, guint64 body_ino)
{
    Entry *entry = entry_of(version);
    gsize length;

    if (version->body != NULL)
        return;
    set_body(versions, entry, body, body_ino);
    gconstpointer bytes = g_bytes_get_data(body, &length);
    entry->body_at = keep_put(versions->keep, &(KeepRecord){ .kind = KEEP_BODY,
                                                             .id = entry->serial,
                                                             .extra = body_ino,
                                                             .bytes = bytes,
                                                             .length = length });
}

Version *versions_part(Versions *versions, Version *version, Subtree *tree)
{
    guint64 root_ino = version->root_ino;
    guint slot = version->slot;

    versions_forget(versions, subtree_serial(tree), 1);
    subtree_set_serial(tree, ++versions->last_serial);
    return versions_hold(versions, tree, root_ino, slot);
}

void versions_keep(Versions *versions, KeepFile *keep)
{
    versions->keep = keep;
}

/* The newest first. */
static void index_adopted(Versions *versions, Entry *entry)
{
    Entry *newest = g_hash_table_lookup(versions->adopted, &entry->version.root_ino);
    Entry *at = newest;

    if (newest == NULL || newest->serial < entry->serial) {
        entry->older = newest;
        g_hash_table_replace(versions->adopted, &entry->version.root_ino, entry);
        return;
    }
    while (at->older != NULL && at->older->serial > entry->serial)
        at = at->older;
    entry->older = at->older;
    at->older = entry;
}

static void unindex_adopted(Versions *versions, Entry *entry)
{
    Entry *at = g_hash_table_lookup(versions->adopted, &entry->version.root_ino);

    if (at == entry && entry->older != NULL)
        g_hash_table_replace(versions->adopted, &entry->older->version.root_ino, entry->older);
    else if (at == entry)
        g_hash_table_remove(versions->adopted, &entry->version.root_ino);
    while (at != NULL && at->older != entry)
        at = at->older;
    if (at != NULL)
        at->older = entry->older;
}

gboolean versions_adopt(Versions *versions, const KeepRecord *record)
{
    g_autoptr(Subtree) tree = NULL;

    if (record->id == 0 || record->id >= NODEID_SERIALS ||
        g_hash_table_contains(versions->by_serial, &record->id))
        return FALSE;
    tree = subtree_restore(record->bytes, record->length);
    if (tree == NULL)
        return FALSE;
    subtree_set_serial(tree, record->id);
    Entry *entry = enter(versions, record->id, tree, record->extra);
    entry->version.slot = record->number;
    entry->version.lookups = record->count < KEEP_COUNTLESS ? record->count : G_MAXUINT64 / 2;
    entry->tree_at = record->at;
    index_adopted(versions, entry);
    versions->last_serial = MAX(versions->last_serial, record->id + SERIALS_BESIDE);
    return TRUE;
}

gboolean versions_adopt_body(Versions *versions, const KeepRecord *record)
{
    Entry *entry = g_hash_table_lookup(versions->by_serial, &record->id);

    if (entry == NULL || entry->version.body != NULL)
        return FALSE;
    g_autoptr(GBytes) body = g_bytes_new(record->bytes, record->length);
    set_body(versions, entry, body, record->extra);
    entry->body_at = record->at;
    return TRUE;
}

const Subtree *versions_adopted_directory(const Versions *versions, guint64 root_ino, guint64 key,
                                          NodeIndex *ret_node)
{
    const Entry *entry = g_hash_table_lookup(versions->adopted, &root_ino);

    for (; entry != NULL; entry = entry->older) {
        *ret_node = subtree_directory_by_key(entry->version.tree, key);
        if (*ret_node != NODE_NONE)
            return entry->version.tree;
    }
    return NULL;
}

const Subtree *versions_adopted_tree(const Versions *versions, guint64 root_ino, const char *path)
{
    const Entry *entry = g_hash_table_lookup(versions->adopted, &root_ino);

    while (entry != NULL && subtree_lookup(entry->version.tree, path) == NODE_NONE)
        entry = entry->older;
    return entry == NULL ? NULL : entry->version.tree;
}

void versions_ancestors(const Versions *versions, guint64 root_ino, const Subtree *ret_found[2])
{
    const Entry *entry = g_hash_table_lookup(versions->adopted, &root_ino);

    ret_found[0] = entry == NULL ? NULL : entry->version.tree;
    while (entry != NULL && subtree_n_nodes(entry->version.tree) <= subtree_n_nodes(ret_found[0]))
        entry = entry->older;
    ret_found[1] = entry == NULL ? NULL : entry->version.tree;
}

GArray *versions_serials(const Versions *versions)
{
    GArray *serials = g_array_new(FALSE, FALSE, sizeof(guint64));
    GHashTableIter iter;
    gpointer entry;

    g_hash_table_iter_init(&iter, versions->by_serial);
    while (g_hash_table_iter_next(&iter, NULL, &entry))
        g_array_append_val(serials, ((Entry *)entry)->serial);
    return serials;
}

const Version *versions_find(const Versions *versions, guint64 serial)
{
    Entry *entry = g_hash_table_lookup(versions->by_serial, &serial);

    return entry == NULL ? NULL : &entry->version;
}

static gsize version_bytes(const Version *version)
{
    return subtree_size(version->tree) +
           (version->body == NULL ? 0 : g_bytes_get_size(version->body));
}

void versions_forget(Versions *versions, guint64 serial, guint64 n)
{
    Entry *entry = g_hash_table_lookup(versions->by_serial, &serial);

    if (entry == NULL)
        return;
    count(versions, entry, entry->version.lookups - MIN(n, entry->version.lookups));
    if (entry->version.lookups > 0)
        return;
    versions->counted = NULL;
    unindex_adopted(versions, entry);
    keep_drop(versions->keep, entry->tree_at);
    keep_drop(versions->keep, entry->body_at);
    versions->bytes -= version_bytes(&entry->version);
    g_hash_table_remove(versions->by_serial, &serial);
}

guint versions_count(const Versions *versions)
{
    return g_hash_table_size(versions->by_serial);
}

gsize versions_bytes(const Versions *versions)
{
    return versions->bytes;
}

void versions_free(Versions *versions)
{
    if (versions == NULL)
        return;
    g_hash_table_unref(versions->adopted);
    g_hash_table_unref(versions->by_serial);
    g_free(versions);
}
