/* SPDX-License-Identifier: MIT */
#include "ppiofs/view/table.h"

#include "ppiofs/base/text.h"

/* The columns in their order: the heading, and the file of the instance that it shows. */
static const struct {
    const char *heading, *path;
} columns[] = {
    { "id", "id" },
    { "name", "name" },
    { "status", "status" },
    { "type", "type" },
    { "gpu_num", "resource_specs/gpu_num" },
    { "product_id", "product_id" },
    { "region", "region" },
    { "billing_mode", "billing/mode" },
    { "image", "image" },
    { "created_at", "created_at" },
    { "last_started_at", "last_started_at" },
};

void table_write(GString *out, const Listing *listing)
{
    g_autoptr(GPtrArray) by_id = view_sorted_by_id(listing);

    for (gsize c = 0; c < G_N_ELEMENTS(columns); c++)
        g_string_append_printf(out, "%s%s", c == 0 ? "" : "\t", columns[c].heading);
    g_string_append_c(out, '\n');
    for (guint i = 0; i < by_id->len; i++) {
        const Instance *instance = g_ptr_array_index(by_id, i);

        for (gsize c = 0; c < G_N_ELEMENTS(columns); c++) {
            g_autofree char *value = record_value(instance->record, columns[c].path);

            if (c > 0)
                g_string_append_c(out, '\t');
            text_append_column(out, value == NULL ? "" : value);
        }
        g_string_append_c(out, '\n');
    }
}
