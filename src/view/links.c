/* SPDX-License-Identifier: MIT */
#include "ppiofs/view/links.h"

#include <string.h>

#include "ppiofs/base/hash.h"
/* How many instances have each name. */
static GHashTable *count_names(const Listing *listing)
{
    GHashTable *counts = g_hash_table_new(hash_text, g_str_equal);

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

/* NULL when memory ends: the API says how long a name is. */
static char *join(const char *a, const char *b, const char *c)
{
    gsize size = strlen(a) + strlen(b) + strlen(c) + 1;
    char *joined = g_try_malloc(size);

    if (joined != NULL)
        g_snprintf(joined, size, "%s%s%s", a, b, c);
    return joined;
}

static char *full_name(const Instance *instance)
{
    return join(record_name(instance->record), "~", record_id(instance->record));
}

static gboolean has_name(const Instance *instance)
{
    const char *name = record_name(instance->record);

    return name != NULL && *name != '\0';
}

static gboolean is_shared(GHashTable *counts, const Instance *instance)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(counts, record_name(instance->record))) > 1;
}

/* Of a name for which there is no memory the draft fails. (takes @name) */
static void note_name(Draft *draft, GHashTable *names, char *name)
{
    if (name != NULL)
        g_hash_table_add(names, name);
    else
        draft_symlink(draft, 0, NULL, "", 0);
}

/* What those who share a name are called. Nobody may be called like this by a name of his own. */
static GHashTable *full_names(Draft *draft, const Listing *listing, GHashTable *counts)
{
    GHashTable *names = g_hash_table_new_full(hash_text, g_str_equal, g_free, NULL);

    for (guint i = 0; i < listing->instances->len; i++) {
        const Instance *instance = g_ptr_array_index(listing->instances, i);

        if (has_name(instance) && is_shared(counts, instance))
            note_name(draft, names, full_name(instance));
    }
    return names;
}

void links_by_name(Draft *draft, const Listing *listing, const char *argument)
{
    g_autoptr(GHashTable) counts = count_names(listing);
    g_autoptr(GHashTable) taken = full_names(draft, listing, counts);

    (void)argument;
    for (guint i = 0; i < listing->instances->len; i++) {
        const Instance *instance = g_ptr_array_index(listing->instances, i);

        if (!has_name(instance))
            continue;
        const char *name = record_name(instance->record);
        gboolean full = is_shared(counts, instance) || g_hash_table_contains(taken, name);
        g_autofree char *own = full ? full_name(instance) : join(name, "", "");
        g_autofree char *target = g_strconcat("../instances/", instance->name, NULL);
        draft_symlink(draft, 0, own, target, 0);
    }
}

/* (takes @value) */
static void note_directory(GHashTable *directories, char *value, gpointer directory)
{
    if (value != NULL)
        g_hash_table_insert(directories, value, directory);
}

void links_by_field(Draft *draft, const Listing *listing, const char *path)
{
    g_autoptr(GHashTable) directories = g_hash_table_new_full(hash_text, g_str_equal, g_free, NULL);

    for (guint i = 0; i < listing->instances->len; i++) {
        const Instance *instance = g_ptr_array_index(listing->instances, i);
        gsize length;
        gpointer directory;

        if (record_peek(instance->record, path, &length) == NULL || length == 0)
            continue;
        g_autofree char *value = record_value(instance->record, path);
        if (value == NULL || !g_hash_table_lookup_extended(directories, value, NULL, &directory)) {
            directory = GUINT_TO_POINTER(draft_directory(draft, 0, value, 0));
            note_directory(directories, g_steal_pointer(&value), directory);
        }
        g_autofree char *target = g_strconcat("../../instances/", instance->name, NULL);
        draft_symlink(draft, GPOINTER_TO_UINT(directory), record_id(instance->record), target, 0);
    }
}
