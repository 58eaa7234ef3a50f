/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/version.h"

struct Versions {
    GHashTable *by_serial; /* &Entry.serial -> Entry */
    guint64 last_serial;
    gsize bytes; /* of all trees and bodies */
};

typedef struct {
    guint64 serial;
    Version version;
} Entry;

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
    return versions;
}

guint64 versions_serial(Versions *versions, Subtree *tree)
{
    if (subtree_serial(tree) == 0)
        subtree_set_serial(tree, ++versions->last_serial);
    return subtree_serial(tree);
}

static Entry *enter(Versions *versions, Subtree *tree)
{
    Entry *entry = g_new0(Entry, 1);

    entry->serial = versions_serial(versions, tree);
    entry->version.tree = subtree_ref(tree);
    g_hash_table_insert(versions->by_serial, &entry->serial, entry);
    versions->bytes += subtree_size(tree);
    return entry;
}

Version *versions_hold(Versions *versions, Subtree *tree, guint64 root_ino)
{
    guint64 serial = subtree_serial(tree);
    Entry *entry = serial == 0 ? NULL : g_hash_table_lookup(versions->by_serial, &serial);

    if (entry == NULL) {
        entry = enter(versions, tree);
        entry->version.root_ino = root_ino;
    }
    entry->version.lookups++;
    return &entry->version;
}

void versions_set_body(Versions *versions, Version *version, GBytes *body, guint64 body_ino)
{
    if (version->body != NULL)
        return;
    versions->bytes += g_bytes_get_size(body);
    version->body = g_bytes_ref(body);
    version->body_ino = body_ino;
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
    entry->version.lookups -= MIN(n, entry->version.lookups);
    if (entry->version.lookups > 0)
        return;
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
    g_hash_table_unref(versions->by_serial);
    g_free(versions);
}
