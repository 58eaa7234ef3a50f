/* SPDX-License-Identifier: MIT */
#include "ppiofs/view/making.h"

#include <string.h>

#include "ppiofs/view/links.h"
#include "ppiofs/view/ssh_config.h"
#include "ppiofs/view/table.h"

static const FileView file_views[] = {
    { KIND_INSTANCES, "ssh", "config", VIEW_NEEDS_RUNNING_DETAILS, &ssh_config },
    { KIND_INSTANCES, "tables", "instances.tsv", VIEW_NEEDS_LIST, &table_of_instances },
};

MakingOrder view_of_links(const Kind *kind, const KindLink *link)
{
    return (MakingOrder){ .recipe =
                              kind_link_is_by_name(kind, link) ? &links_by_name : &links_by_field,
                          .field = link->field };
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
