/* SPDX-License-Identifier: MIT */
/* Whatever the instances are called: the table has a line for each and the same columns in all, and
 * the directories of links lead to instances. The input is strings that end in NUL, four for an
 * instance: id, name, status, image. */
#include "ppiofs/base/text.h"
#include "ppiofs/view/links.h"
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

static Fleet *fleet_of(const char *at, const char *end)
{
    static const char *const members[] = { "id", "name", "status", "image" };
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func((GDestroyNotify)record_unref);
    AnswerTime time = { 1, 2, 3 };
    Fleet *fleet = fleet_new(view_fields());

    while (at < end) {
        cJSON *object = cJSON_CreateObject();

        for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
            g_autofree char *text = next_string(&at, end);
            cJSON_AddStringToObject(object, members[i], text);
        }
        Record *record = record_new(object, NULL, 0, NULL);
        if (record != NULL)
            g_ptr_array_add(records, record);
        cJSON_Delete(object);
    }
    fleet_begin_list(fleet, records, &time);
    g_assert_true(fleet_step_list(fleet, G_MAXUINT));
    return fleet;
}

static guint count(const char *line, char c)
{
    guint n = 0;

    for (const char *at = line; *at != '\0'; at++)
        n += *at == c;
    return n;
}

static void check_table(const Listing *listing)
{
    g_auto(Buffer) out = { .most = VIEW_MAX_BYTES };

    table_write(&out, listing, NULL);
    g_assert_false(out.failed);
    g_autofree char *text = g_strndup(out.bytes, out.length);
    g_assert_true(g_utf8_validate(text, (gssize)out.length, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, listing->instances->len + 2);
    for (guint i = 0; i < listing->instances->len + 1; i++)
        g_assert_cmpuint(count(lines[i], '\t'), ==, COLUMNS - 1);
    for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at))
        g_assert_true(*at == '\t' || *at == '\n' || !text_is_control(g_utf8_get_char(at)));
}

static void check_link(const Fleet *fleet, const Subtree *tree, NodeIndex node)
{
    gsize length;
    const char *content = subtree_content(tree, node, &length);
    g_autofree char *target = g_strndup(content, length);
    g_autofree char *name = g_path_get_basename(target);

    g_assert_true(g_str_has_prefix(target, "../"));
    g_assert_nonnull(fleet_find(fleet, name));
}

static void check_links(const Fleet *fleet, Draft *draft)
{
    g_autoptr(Subtree) tree = draft_finish(draft, NULL);

    g_assert_nonnull(tree);
    for (NodeIndex i = 1; i < subtree_n_nodes(tree); i++) {
        const char *name = subtree_name(tree, i);

        g_assert_cmpuint(subtree_child(tree, subtree_parent(tree, i), name), ==, i);
        if (subtree_kind(tree, i) == NODE_SYMLINK)
            check_link(fleet, tree, i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(Fleet) fleet = fleet_of((const char *)data, (const char *)data + size);
    g_autoptr(Listing) listing = fleet_listing(fleet);
    Draft *by_name = draft_new(), *by_status = draft_new();

    check_table(listing);
    links_by_name(by_name, listing, NULL);
    check_links(fleet, by_name);
    links_by_field(by_status, listing, "status");
    check_links(fleet, by_status);
    return 0;
}
