/* SPDX-License-Identifier: MIT */
#include "ppiofs/view/view.h"

#include <string.h>

#include "ppiofs/view/links.h"
#include "ppiofs/view/ssh_config.h"
#include "ppiofs/view/table.h"

static const LinkView link_views[] = {
    { "by-name", &links_by_name, "name", TRUE },
    { "by-region", &links_by_field, "region", FALSE },
    { "by-status", &links_by_field, "status", FALSE },
    { "by-type", &links_by_field, "type", FALSE },
};

static const FileView file_views[] = {
    { "ssh", "config", VIEW_NEEDS_RUNNING_DETAILS, &ssh_config },
    { "tables", "instances.tsv", VIEW_NEEDS_LIST, &table_of_instances },
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

gboolean view_is_running(const Record *record)
{
    static const char running[] = "running";
    gsize length;
    const char *status = record_peek(record, "status", &length);

    return status != NULL && length == strlen(running) && memcmp(status, running, length) == 0;
}
