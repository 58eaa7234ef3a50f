/* SPDX-License-Identifier: MIT */
#include "ppiofs/view/making.h"

#include <string.h>

#include "ppiofs/view/links.h"
#include "ppiofs/view/ssh_config.h"
#include "ppiofs/view/table.h"

MakingOrder view_of_links(const Kind *kind, const KindLink *link)
{
    return (MakingOrder){ .recipe =
                              kind_link_is_by_name(kind, link) ? &links_by_name : &links_by_field,
                          .field = link->field };
}

MakingOrder view_of_table(const KindTable *table)
{
    return (MakingOrder){ .recipe = &table_recipe, .file = table->file, .table = table };
}

MakingOrder view_of_ssh_config(const ViewSettings *settings)
{
    return (MakingOrder){ .recipe = &ssh_config, .file = "config", .settings = settings };
}

gboolean view_is_running(const Record *record)
{
    static const char running[] = "running";
    gsize length;
    const char *status = record_peek(record, "status", &length);

    return status != NULL && length == strlen(running) && memcmp(status, running, length) == 0;
}
