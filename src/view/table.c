/* SPDX-License-Identifier: MIT */
#include "ppiofs/view/table.h"

#include <string.h>

#include "ppiofs/base/text.h"

static void end_cell(Buffer *out, const KindColumn *column)
{
    buffer_add(out, column[1].heading != NULL ? "\t" : "\n", 1);
}

static void add_head(ViewParts *parts)
{
    for (const KindColumn *column = parts->table->columns; column->heading != NULL; column++) {
        buffer_add_text(&parts->text, column->heading);
        end_cell(&parts->text, column);
    }
}

/* As much as a cell shows, and more: so it is cut where a cell is. */
static void add_list(Buffer *out, const char *lines, gsize length)
{
    g_autofree char *joined = g_strndup(lines, MIN(length, 2 * TEXT_COLUMN_BYTES));

    g_strdelimit(joined, "\n", ',');
    text_add_column(out, joined, strlen(joined));
}

/* @element: a directory of KindTable.each. */
static void add_cell(Buffer *out, const Subtree *tree, NodeIndex element, const KindColumn *column)
{
    NodeIndex node = *column->path == '*' ? subtree_child(tree, element, column->path + 1)
                                          : subtree_lookup(tree, column->path);
    NodeIndex first;
    gsize length;
    const char *value = node == NODE_NONE ? NULL : subtree_content(tree, node, &length);

    if (node != NODE_NONE && column->type == COLUMN_COUNT)
        buffer_printf(out, "%u", subtree_children(tree, node, &first));
    if (value == NULL || column->type == COLUMN_COUNT || length == 0)
        return;
    length -= value[length - 1] == '\n';
    if (column->type == COLUMN_LIST)
        add_list(out, value, length);
    else
        text_add_column(out, value, length);
}

static void add_line(ViewParts *parts, const Subtree *tree, NodeIndex element)
{
    for (const KindColumn *column = parts->table->columns; column->heading != NULL; column++) {
        add_cell(&parts->text, tree, element, column);
        end_cell(&parts->text, column);
    }
}

static void add_lines(ViewParts *parts, const Record *record)
{
    const Subtree *tree = record_tree(record);
    const char *each = parts->table->each;
    NodeIndex array = each == NULL ? NODE_NONE : subtree_lookup(tree, each), first = 0;
    guint32 n = array == NODE_NONE ? 0 : subtree_children(tree, array, &first);

    if (each == NULL)
        add_line(parts, tree, NODE_NONE);
    for (NodeIndex i = first; i < first + n; i++)
        if (subtree_kind(tree, i) == NODE_DIRECTORY)
            add_line(parts, tree, i);
}

const ViewRecipe table_recipe = { .by_id = TRUE, .begin = add_head, .passes = { add_lines } };
