/* SPDX-License-Identifier: MIT */
#include "ppiofs/view/links.h"

#include <string.h>

/* NULL when memory ends: the API says how long a name is. */
static char *join(const char *a, const char *b, const char *c)
{
    gsize size = strlen(a) + strlen(b) + strlen(c) + 1;
    char *joined = g_try_malloc(size);

    if (joined != NULL)
        g_snprintf(joined, size, "%s%s%s", a, b, c);
    return joined;
}

static char *full_name(const Record *record)
{
    return join(record_name(record), "~", record_id(record));
}

static gboolean has_name(const Record *record)
{
    const char *name = record_name(record);

    return name != NULL && *name != '\0';
}

static guint count_of(const ViewParts *parts, const char *name)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(parts->counts, name));
}

/* How many instances have each name. */
static void count_name(ViewParts *parts, const Record *record)
{
    const char *name = record_name(record);

    if (has_name(record))
        g_hash_table_insert(parts->counts, (gpointer)name,
                            GUINT_TO_POINTER(count_of(parts, name) + 1));
}

/* Of a text for which there is no memory the draft fails. (takes @text) */
static void keep(ViewParts *parts, char *text, guint number)
{
    if (text != NULL)
        g_hash_table_insert(parts->strings, text, GUINT_TO_POINTER(number));
    else
        draft_symlink(parts->draft, 0, NULL, "", 0);
}

/* What those who share a name are called. Nobody may be called like this by a name of his own. */
static void take_full_name(ViewParts *parts, const Record *record)
{
    if (has_name(record) && count_of(parts, record_name(record)) > 1)
        keep(parts, full_name(record), 0);
}

static void link_name(ViewParts *parts, const Record *record)
{
    if (!has_name(record))
        return;
    const char *name = record_name(record);
    gboolean full = count_of(parts, name) > 1 || g_hash_table_contains(parts->strings, name);
    g_autofree char *own = full ? full_name(record) : NULL;
    g_autofree char *target =
        g_strconcat("../", record_kind(record)->directory, "/", record_file_name(record), NULL);

    draft_symlink(parts->draft, 0, full ? own : name, target, 0);
}

const ViewRecipe links_by_name = { .passes = { count_name, take_full_name, link_name } };

static void link_value(ViewParts *parts, const Record *record)
{
    gsize length;
    gpointer directory;

    if (record_peek(record, parts->field, &length) == NULL || length == 0)
        return;
    g_autofree char *value = record_value(record, parts->field);
    if (value == NULL || !g_hash_table_lookup_extended(parts->strings, value, NULL, &directory)) {
        directory = GUINT_TO_POINTER(draft_directory(parts->draft, 0, value, 0));
        if (value != NULL)
            keep(parts, g_steal_pointer(&value), GPOINTER_TO_UINT(directory));
    }
    g_autofree char *target =
        g_strconcat("../../", record_kind(record)->directory, "/", record_file_name(record), NULL);
    draft_symlink(parts->draft, GPOINTER_TO_UINT(directory), record_id(record), target, 0);
}

const ViewRecipe links_by_field = { .passes = { link_value } };
