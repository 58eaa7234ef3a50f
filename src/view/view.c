/* SPDX-License-Identifier: MIT */
#include "ppiofs/view/view.h"

#include <string.h>

#include "ppiofs/view/links.h"
#include "ppiofs/view/ssh_config.h"
#include "ppiofs/view/table.h"

static const LinkView link_views[] = {
    { "by-name", links_by_name, "name", TRUE },
    { "by-region", links_by_field, "region", FALSE },
    { "by-status", links_by_field, "status", FALSE },
    { "by-type", links_by_field, "type", FALSE },
};

static const FileView file_views[] = {
    { "ssh", "config", VIEW_NEEDS_RUNNING_DETAILS, ssh_config_write },
    { "tables", "instances.tsv", VIEW_NEEDS_LIST, table_write },
};

const LinkView *view_links(gsize *ret_n)
{
    *ret_n = G_N_ELEMENTS(link_views);
    return link_views;
}

const char *const *view_fields(void)
{
    static const char *const fields[] = { "name", "region", "status", "type", NULL };

    return fields;
}

const FileView *view_files(gsize *ret_n)
{
    *ret_n = G_N_ELEMENTS(file_views);
    return file_views;
}

gboolean view_is_running(const Instance *instance)
{
    g_autofree char *status = record_value(instance->record, "status");

    return g_strcmp0(status, "running") == 0;
}

static int compare_ids(gconstpointer a, gconstpointer b)
{
    const Instance *const *x = a, *const *y = b;

    return strcmp(record_id((*x)->record), record_id((*y)->record));
}

GPtrArray *view_sorted_by_id(const Listing *listing)
{
    GPtrArray *by_id = g_ptr_array_new();

    g_ptr_array_extend(by_id, listing->instances, NULL, NULL);
    g_ptr_array_sort(by_id, compare_ids);
    return by_id;
}
