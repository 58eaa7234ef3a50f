/* SPDX-License-Identifier: MIT */
#include "ppiofs/view/links.h"

/* How many instances have each name. */
static GHashTable *count_names(const Listing *listing)
{
    GHashTable *counts = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < listing->instances->len; i++) {
        const Instance *instance = g_ptr_array_index(listing->instances, i);
        const char *name = record_name(instance->record);

        if (name != NULL && *name != '\0')
            g_hash_table_insert(
                counts, (gpointer)name,
                GUINT_TO_POINTER(GPOINTER_TO_UINT(g_hash_table_lookup(counts, name)) + 1));
    }
    return counts;
}

void links_by_name(Draft *draft, const Listing *listing, const char *argument)
{
    g_autoptr(GHashTable) counts = count_names(listing);

    (void)argument;
    for (guint i = 0; i < listing->instances->len; i++) {
        const Instance *instance = g_ptr_array_index(listing->instances, i);
        const char *name = record_name(instance->record);

        if (name == NULL || *name == '\0')
            continue;
        gboolean shared = GPOINTER_TO_UINT(g_hash_table_lookup(counts, name)) > 1;
        g_autofree char *own =
            shared ? g_strconcat(name, "~", record_id(instance->record), NULL) : g_strdup(name);
        g_autofree char *target = g_strconcat("../instances/", instance->name, NULL);
        draft_symlink(draft, 0, own, target, 0);
    }
}

void links_by_field(Draft *draft, const Listing *listing, const char *path)
{
    g_autoptr(GHashTable) directories =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < listing->instances->len; i++) {
        const Instance *instance = g_ptr_array_index(listing->instances, i);
        g_autofree char *value = record_value(instance->record, path);
        gpointer directory;

        if (value == NULL || *value == '\0')
            continue;
        if (!g_hash_table_lookup_extended(directories, value, NULL, &directory)) {
            directory = GUINT_TO_POINTER(draft_directory(draft, 0, value, 0));
            g_hash_table_insert(directories, g_strdup(value), directory);
        }
        g_autofree char *target = g_strconcat("../../instances/", instance->name, NULL);
        draft_symlink(draft, GPOINTER_TO_UINT(directory), record_id(instance->record), target, 0);
    }
}
