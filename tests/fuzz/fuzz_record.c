/* SPDX-License-Identifier: MIT */
/* Whatever the API says of an instance: it is refused with a reason, or it is a tree in which every
 * listed name is found, no two are equal, and none is harmful. */
#include "ppiofs/base/error.h"
#include "ppiofs/json/json.h"
#include "ppiofs/model/record.h"
#include "ppiofs/tree/name.h"

#include <stdint.h>
#include <string.h>

#define ROOT_INO 42

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const char *name)
{
    gsize length = strlen(name);

    g_assert_true(length >= 1 && length <= NAME_MAX_BYTES && g_utf8_validate(name, -1, NULL));
    g_assert_true(*name != '-' && strchr(name, '/') == NULL);
    g_assert_true(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
}

static void check_directory(const Subtree *tree, NodeIndex directory)
{
    guint64 key = subtree_directory_key(tree, directory);
    NodeIndex first;
    guint32 n = subtree_children(tree, directory, &first);

    g_assert_true(key >> SUBTREE_KEY_BITS == 0 && (key == 0) == (directory == 0));
    g_assert_cmpuint(subtree_directory_by_key(tree, key), ==, directory);
    for (NodeIndex i = first; i < first + n; i++) {
        const char *name = subtree_name(tree, i);

        check_name(name);
        g_assert_cmpuint(subtree_parent(tree, i), ==, directory);
        g_assert_cmpuint(subtree_child(tree, directory, name), ==, i);
        if (i > first)
            g_assert_cmpstr(subtree_name(tree, i - 1), <, name);
        if (subtree_flags(tree, directory) & NODE_SECRET)
            g_assert_true(subtree_flags(tree, i) & NODE_SECRET);
    }
}

static void check_file(const Subtree *tree, NodeIndex file)
{
    gsize length;
    const char *content = subtree_content(tree, file, &length);

    g_assert_cmpint(subtree_kind(tree, file), ==, NODE_FILE);
    g_assert_true(length == 0 || content[length - 1] == '\n');
    g_assert_true(g_utf8_validate_len(content, length, NULL));
}

static void check_tree(Subtree *tree)
{
    gsize bytes = 0, length;

    g_assert_cmpstr(subtree_name(tree, 0), ==, "");
    for (NodeIndex i = 0; i < subtree_n_nodes(tree); i++) {
        if (subtree_kind(tree, i) == NODE_DIRECTORY)
            check_directory(tree, i);
        else
            check_file(tree, i);
        subtree_content(tree, i, &length);
        bytes += length + strlen(subtree_name(tree, i)) + 1;
        g_assert_cmpuint(subtree_ino(tree, i, ROOT_INO), >=, 2);
    }
    g_assert_cmpuint(subtree_size(tree), >, bytes);
    g_assert_true(subtree_agrees(tree, 0, tree, 0));
}

static void check_record(const cJSON *root, RecordFlags flags)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Record) record = record_new(KIND_INSTANCES, root, NULL, flags, &error);

    if (record == NULL) {
        g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
        return;
    }
    g_autoptr(Record) again = record_new(KIND_INSTANCES, root, NULL, flags, NULL);
    Subtree *tree = record_tree(record);
    check_tree(tree);
    g_assert_true(subtree_agrees(tree, 0, record_tree(again), 0));
    subtree_date(record_tree(again), tree, 2, 1);
    g_assert_cmpint(record_own_time(record), >=, 0);
    record_is_gone(record);
    for (NodeIndex i = 0; (flags & RECORD_HIDE_SECRETS) && i < subtree_n_nodes(tree); i++)
        g_assert_true(subtree_kind(tree, i) == NODE_DIRECTORY ||
                      !(subtree_flags(tree, i) & NODE_SECRET));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(JsonDoc) doc = json_parse((const char *)data, size, NULL);

    if (doc != NULL) {
        check_record(json_root(doc), 0);
        check_record(json_root(doc), RECORD_FULL | RECORD_HIDE_SECRETS);
    }
    return 0;
}
