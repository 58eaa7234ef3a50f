/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <string.h>

#include "ppiofs/json/json.h"

static gint64 fake_now(gpointer data)
{
    return ((const FakeClock *)data)->now;
}

static gint64 wall(gpointer data)
{
    return ((const FakeClock *)data)->wall;
}

void fake_clock_init(FakeClock *clock)
{
    *clock = (FakeClock){ .clock = { fake_now, wall, clock },
                          .now = 1000 * SECOND,
                          .wall = 1800000000 * (gint64)SECOND };
}

void fake_clock_turn(FakeClock *clock, gint64 us)
{
    clock->now += us;
    clock->wall += us;
}

Record *record_of(const char *json, RecordFlags flags)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonDoc) doc = json_parse(json, strlen(json), &error);
    g_assert_no_error(error);

    g_autoptr(GBytes) body = g_bytes_new(json, strlen(json));
    Record *record = record_new(KIND_INSTANCES, json_root(doc), body, flags, &error);
    g_assert_no_error(error);
    g_assert_nonnull(record);
    return record;
}

Record *record_with(const char *id, const char *members, RecordFlags flags)
{
    g_autofree char *json =
        g_strdup_printf("{'id':'%s'%s%s}", id, *members != '\0' ? "," : "", members);

    g_strdelimit(json, "'", '"');
    return record_of(json, flags);
}

static void append_content(GString *out, const Subtree *tree, NodeIndex node)
{
    gsize length;
    const char *content = subtree_content(tree, node, &length);

    for (gsize i = 0; i < length; i++)
        g_string_append_c(out, content[i] == '\n' ? '$' : content[i]);
}

static void append_node(GString *out, const Subtree *tree, NodeIndex node, const char *path)
{
    g_string_append_printf(out, "%s%s%s", out->len > 0 ? " " : "",
                           subtree_flags(tree, node) & NODE_SECRET ? "!" : "", path);
    switch (subtree_kind(tree, node)) {
    case NODE_DIRECTORY:
        g_string_append_c(out, '/');
        break;
    case NODE_FILE:
        g_string_append(out, "='");
        append_content(out, tree, node);
        g_string_append_c(out, '\'');
        break;
    case NODE_SYMLINK:
        g_string_append(out, "->");
        append_content(out, tree, node);
        break;
    }
}

static void append_children(GString *out, const Subtree *tree, NodeIndex directory,
                            const char *prefix)
{
    NodeIndex first;
    guint32 n = subtree_children(tree, directory, &first);

    for (NodeIndex i = first; i < first + n; i++) {
        g_autofree char *path = g_strconcat(prefix, subtree_name(tree, i), NULL);
        g_autofree char *below = g_strconcat(path, "/", NULL);

        append_node(out, tree, i, path);
        append_children(out, tree, i, below);
    }
}

char *tree_text(const Subtree *tree)
{
    GString *out = g_string_new(NULL);

    append_children(out, tree, 0, "");
    return g_string_free(out, FALSE);
}

Subtree *tree_of(Draft *draft)
{
    g_autoptr(GError) error = NULL;
    Subtree *tree = draft_finish(draft, &error);

    g_assert_no_error(error);
    g_assert_nonnull(tree);
    return tree;
}

NodeIndex must_find(const Subtree *tree, const char *path)
{
    NodeIndex node = subtree_lookup(tree, path);

    if (node == NODE_NONE)
        g_error("no %s", path);
    return node;
}

char *file_text(const Subtree *tree, const char *path)
{
    NodeIndex node = must_find(tree, path);
    gsize length;
    const char *content = subtree_content(tree, node, &length);

    g_assert_cmpint(subtree_kind(tree, node), ==, NODE_FILE);
    return g_strndup(content, length);
}
