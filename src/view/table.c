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

static void end_cell(Buffer *out, gsize column)
{
    buffer_add(out, column + 1 < G_N_ELEMENTS(columns) ? "\t" : "\n", 1);
}

static void add_head(ViewParts *parts)
{
    for (gsize c = 0; c < G_N_ELEMENTS(columns); c++) {
        buffer_add_text(&parts->text, columns[c].heading);
        end_cell(&parts->text, c);
    }
}

static void add_line(ViewParts *parts, const Record *record)
{
    for (gsize c = 0; c < G_N_ELEMENTS(columns); c++) {
        gsize length;
        const char *value = record_peek(record, columns[c].path, &length);

        if (value != NULL)
            text_add_column(&parts->text, value, length);
        end_cell(&parts->text, c);
    }
}

const ViewRecipe table_of_instances = { .by_id = TRUE, .begin = add_head, .passes = { add_line } };
