/* SPDX-License-Identifier: MIT */
#include "ppiofs/model/gone.h"

#include <string.h>

/* Thousands of wrong ids must not fill the memory. */
#define NAMES_MOST 10000

struct Gone {
    GTree *names;  /* name -> when what said so was asked for (gint64) */
    gint64 newest; /* of these times, also of those that were dropped */
    gint64 floor;  /* what was asked for before shows nothing that is not known */
};

static gint compare_names(gconstpointer a, gconstpointer b, gpointer data)
{
    (void)data;
    return strcmp(a, b);
}

Gone *gone_new(void)
{
    Gone *gone = g_new0(Gone, 1);

    gone->names = g_tree_new_full(compare_names, NULL, g_free, g_free);
    return gone;
}

void gone_remember(Gone *gone, const char *name, gint64 asked)
{
    const gint64 *before = g_tree_lookup(gone->names, name);

    if (before != NULL && *before >= asked)
        return;
    gone->newest = MAX(gone->newest, asked);
    if (g_tree_nnodes(gone->names) >= NAMES_MOST) {
        g_tree_remove_all(gone->names);
        gone->floor = gone->newest;
    }
    g_tree_replace(gone->names, g_strdup(name), g_memdup2(&asked, sizeof asked));
}

gboolean gone_allows(const Gone *gone, const char *name, gint64 asked)
{
    const gint64 *said = g_tree_lookup(gone->names, name);

    return asked > gone->floor && (said == NULL || asked > *said);
}

typedef struct {
    gint64 asked;
    GPtrArray *names;
} Old;

static gboolean collect_old(gpointer name, gpointer asked, gpointer data)
{
    const Old *old = data;

    if (*(gint64 *)asked <= old->asked)
        g_ptr_array_add(old->names, name);
    return FALSE;
}

void gone_forget(Gone *gone, gint64 asked)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    g_tree_foreach(gone->names, collect_old, &(Old){ asked, names });
    for (guint i = 0; i < names->len; i++)
        g_tree_remove(gone->names, g_ptr_array_index(names, i));
}

void gone_free(Gone *gone)
{
    g_tree_unref(gone->names);
    g_free(gone);
}
