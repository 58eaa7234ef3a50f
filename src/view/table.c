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

static void add_cell(Buffer *out, const Record *record, const char *path)
{
    gsize length;
    const char *value = record_peek(record, path, &length);

    if (value != NULL)
        text_add_column(out, value, length);
}

void table_write(Buffer *out, const Listing *listing, const ViewSettings *settings)
{
    (void)settings;
    g_autoptr(GPtrArray) by_id = view_sorted_by_id(listing);

    for (gsize c = 0; c < G_N_ELEMENTS(columns); c++)
        buffer_printf(out, "%s%s", c == 0 ? "" : "\t", columns[c].heading);
    for (guint i = 0; i < by_id->len; i++) {
        const Instance *instance = g_ptr_array_index(by_id, i);

        for (gsize c = 0; c < G_N_ELEMENTS(columns); c++) {
            buffer_add(out, c == 0 ? "\n" : "\t", 1);
            add_cell(out, instance->record, columns[c].path);
        }
    }
    buffer_add(out, "\n", 1);
}
