/* SPDX-License-Identifier: MIT */
#include "ppiofs/view/view.h"

#include <string.h>

#include "ppiofs/view/links.h"
#include "ppiofs/view/table.h"

static const LinkView link_views[] = {
    { "by-name", links_by_name, NULL },
    { "by-region", links_by_field, "region" },
    { "by-status", links_by_field, "status" },
    { "by-type", links_by_field, "type" },
};

static const FileView file_views[] = {
    { "tables", "instances.tsv", VIEW_NEEDS_LIST, table_write },
};

const LinkView *view_links(gsize *ret_n)
{
    *ret_n = G_N_ELEMENTS(link_views);
    return link_views;
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
