/* SPDX-License-Identifier: MIT */
/* Whatever the instances are called: the table has a line for each and the same columns in all, and
 * the directories of links lead to instances. The input is strings that end in NUL, four for an
 * instance: id, name, status, image. */
#include "ppiofs/base/text.h"
#include "ppiofs/view/links.h"
#include "ppiofs/view/making.h"
#include "ppiofs/view/table.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <string.h>

#define COLUMNS 11

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *next_string(const char **at, const char *end)
{
    gsize length = strnlen(*at, (gsize)(end - *at));
    char *text = g_utf8_make_valid(*at, (gssize)length);

    *at += MIN(length + 1, (gsize)(end - *at));
    return text;
}

static gint compare_keys(gconstpointer a, gconstpointer b, gpointer data)
{
    (void)data;
    return strcmp(a, b);
}

/* By file name; of two with one id the second counts. */
static GTree *records_of(const char *at, const char *end)
{
    static const char *const members[] = { "id", "name", "status", "image" };
    GTree *records = g_tree_new_full(compare_keys, NULL, g_free, (GDestroyNotify)record_unref);

    while (at < end) {
        cJSON *object = cJSON_CreateObject();

        for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
            g_autofree char *text = next_string(&at, end);
            cJSON_AddStringToObject(object, members[i], text);
        }
        Record *record = record_new(KIND_INSTANCES, object, NULL, 0, NULL);
        if (record != NULL)
            g_tree_replace(records, g_strdup(record_file_name(record)), record);
        cJSON_Delete(object);
    }
    return records;
}

static gboolean collect(gpointer name, gpointer record, gpointer records)
{
    (void)name;
    g_ptr_array_add(records, record_ref(record));
    return FALSE;
}

static Subtree *make(const MakingOrder *order, GTree *by_name)
{
    GPtrArray *records = g_ptr_array_new_with_free_func((GDestroyNotify)record_unref);

    g_tree_foreach(by_name, collect, records);
    Making *making = making_new(order, records, NULL, 1);
    while (!making_step(making, 5))
        continue;
    Subtree *tree = making_finish(making);
    g_assert_nonnull(tree);
    return tree;
}

static guint count(const char *line, char c)
{
    guint n = 0;

    for (const char *at = line; *at != '\0'; at++)
        n += *at == c;
    return n;
}

static void check_table(GTree *records)
{
    const MakingOrder order = { .recipe = &table_recipe,
                                .file = "t",
                                .table = &kinds[0].tables[0] };
    g_autoptr(Subtree) tree = make(&order, records);
    guint n = (guint)g_tree_nnodes(records);
    gsize length;
    const char *bytes = subtree_content(tree, 1, &length);

    g_autofree char *text = g_strndup(bytes, length);
    g_assert_true(g_utf8_validate(text, (gssize)length, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, n + 2);
    for (guint i = 0; i < n + 1; i++)
        g_assert_cmpuint(count(lines[i], '\t'), ==, COLUMNS - 1);
    for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at))
        g_assert_true(*at == '\t' || *at == '\n' || !text_is_control(g_utf8_get_char(at)));
}

static void check_link(GTree *records, const Subtree *tree, NodeIndex node)
{
    gsize length;
    const char *content = subtree_content(tree, node, &length);
    g_autofree char *target = g_strndup(content, length);
    g_autofree char *name = g_path_get_basename(target);

    g_assert_true(g_str_has_prefix(target, "../"));
    g_assert_nonnull(g_tree_lookup(records, name));
}

static void check_links(GTree *records, const ViewRecipe *recipe, const char *field)
{
    const MakingOrder order = { .recipe = recipe, .field = field };
    g_autoptr(Subtree) tree = make(&order, records);

    for (NodeIndex i = 1; i < subtree_n_nodes(tree); i++) {
        const char *name = subtree_name(tree, i);

        g_assert_cmpuint(subtree_child(tree, subtree_parent(tree, i), name), ==, i);
        if (subtree_kind(tree, i) == NODE_SYMLINK)
            check_link(records, tree, i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GTree) records = records_of((const char *)data, (const char *)data + size);

    check_table(records);
    check_links(records, &links_by_name, NULL);
    check_links(records, &links_by_field, "status");
    return 0;
}
