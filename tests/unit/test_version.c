/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/version.h"

#include <string.h>
#include <unistd.h>

#include "ppiofs/fs/nodeid.h"
#include "support.h"

static Subtree *some_tree(void)
{
    return tree_of(draft_new());
}

static gboolean adopt_tree(const KeepRecord *record, gpointer versions)
{
    return record->kind != KEEP_TREE || versions_adopt(versions, record);
}

static gboolean adopt_body(const KeepRecord *record, gpointer versions)
{
    return record->kind != KEEP_BODY || versions_adopt_body(versions, record);
}

static void test_a_held_version_is_found_by_its_serial(void)
{
    Versions *versions = versions_new();
    g_autoptr(Subtree) a = some_tree();
    g_autoptr(Subtree) b = some_tree();

    versions_hold(versions, a, 70, 9);
    versions_hold(versions, b, 71, 9);
    g_assert_cmpuint(subtree_serial(a), !=, 0);
    g_assert_cmpuint(subtree_serial(a), !=, subtree_serial(b));
    g_assert_true(versions_find(versions, subtree_serial(a))->tree == a);
    g_assert_cmpuint(versions_find(versions, subtree_serial(b))->root_ino, ==, 71);
    g_assert_cmpuint(versions_count(versions), ==, 2);
    versions_free(versions);
}

static void test_a_version_outlives_its_owner_while_it_is_held(void)
{
    Versions *versions = versions_new();
    Subtree *tree = some_tree();

    versions_hold(versions, tree, 70, 9);
    guint64 serial = subtree_serial(tree);
    subtree_unref(tree);
    g_assert_cmpuint(subtree_n_nodes(versions_find(versions, serial)->tree), ==, 1);
    versions_forget(versions, serial, 1);
    g_assert_null(versions_find(versions, serial));
    versions_free(versions);
}

static void test_a_version_goes_with_its_last_reference(void)
{
    Versions *versions = versions_new();
    g_autoptr(Subtree) tree = some_tree();

    for (int i = 0; i < 3; i++)
        versions_hold(versions, tree, 70, 9);
    guint64 serial = subtree_serial(tree);
    versions_forget(versions, serial, 2);
    g_assert_nonnull(versions_find(versions, serial));
    versions_forget(versions, serial, 1);
    g_assert_null(versions_find(versions, serial));
    g_assert_cmpuint(versions_count(versions), ==, 0);
    versions_free(versions);
}

static void test_a_version_held_again_keeps_its_serial(void)
{
    Versions *versions = versions_new();
    g_autoptr(Subtree) tree = some_tree();

    versions_hold(versions, tree, 70, 9);
    guint64 serial = subtree_serial(tree);
    versions_forget(versions, serial, 1);
    versions_hold(versions, tree, 70, 9);
    g_assert_cmpuint(subtree_serial(tree), ==, serial);
    g_assert_nonnull(versions_find(versions, serial));
    versions_free(versions);
}

static void test_serials_are_never_given_out_twice(void)
{
    Versions *versions = versions_new();
    guint64 last = 0;

    for (int i = 0; i < 100; i++) {
        g_autoptr(Subtree) tree = some_tree();

        versions_hold(versions, tree, 70, 9);
        g_assert_cmpuint(subtree_serial(tree), >, last);
        last = subtree_serial(tree);
        versions_forget(versions, last, 1);
    }
    versions_free(versions);
}

static void test_the_first_body_stays(void)
{
    Versions *versions = versions_new();
    g_autoptr(Subtree) tree = some_tree();
    g_autoptr(GBytes) body = g_bytes_new_static("{}", 2);
    g_autoptr(GBytes) other = g_bytes_new_static("[]", 2);
    Version *version = versions_hold(versions, tree, 70, 9);

    g_assert_null(version->body);
    versions_set_body(versions, version, body, 80);
    versions_set_body(versions, version, other, 81);
    g_assert_true(version->body == body);
    g_assert_cmpuint(version->body_ino, ==, 80);
    versions_free(versions);
}

static void test_the_bytes_are_those_of_trees_and_bodies_that_are_held(void)
{
    Versions *versions = versions_new();
    g_autoptr(Subtree) tree = some_tree();
    g_autoptr(Subtree) other = some_tree();
    g_autoptr(GBytes) body = g_bytes_new_static("{}", 2);

    g_assert_cmpuint(versions_bytes(versions), ==, 0);
    versions_set_body(versions, versions_hold(versions, tree, 70, 9), body, 80);
    versions_hold(versions, other, 71, 9);
    versions_hold(versions, other, 71, 9);
    g_assert_cmpuint(versions_bytes(versions), ==, subtree_size(tree) + subtree_size(other) + 2);
    versions_forget(versions, subtree_serial(tree), 1);
    g_assert_cmpuint(versions_bytes(versions), ==, subtree_size(other));
    versions_free(versions);
}

static void test_what_is_not_held_cannot_be_forgotten(void)
{
    Versions *versions = versions_new();
    g_autoptr(Subtree) tree = some_tree();

    versions_forget(versions, 12345, 1);
    versions_hold(versions, tree, 70, 9);
    versions_forget(versions, subtree_serial(tree), G_MAXUINT64);
    g_assert_cmpuint(versions_count(versions), ==, 0);
    versions_free(versions);
    versions_free(NULL);
}

/* What @versions has kept, as the next process finds it. */
static Versions *next_process(Versions *versions, KeepFile **keep)
{
    Versions *next = versions_new();
    int fd = dup(keep_fd(*keep));

    versions_flush(versions);
    versions_free(versions);
    keep_free(*keep);
    *keep = keep_open(fd, NULL);
    g_assert_true(keep_each(*keep, adopt_tree, next));
    g_assert_true(keep_each(*keep, adopt_body, next));
    versions_keep(next, *keep);
    return next;
}

static Subtree *tree_with(const char *content)
{
    Draft *draft = draft_new();
    NodeIndex directory = draft_directory(draft, 0, "d", 0);

    draft_file(draft, directory, "f", content, strlen(content), 0);
    return tree_of(draft);
}

static void test_the_next_process_goes_on_with_what_is_held(void)
{
    KeepFile *keep = keep_new(NULL);
    Versions *versions = versions_new();
    g_autoptr(Subtree) a = tree_with("a"), b = tree_with("b"), gone = tree_with("c");
    g_autoptr(GBytes) body = g_bytes_new_static("{}", 2);

    versions_keep(versions, keep);
    versions_hold(versions, a, 70, 9);
    versions_set_body(versions, versions_hold(versions, b, 71, 10), body, 80);
    versions_hold(versions, b, 71, 10);
    versions_hold(versions, gone, 72, 11);
    versions_forget(versions, subtree_serial(gone), 1);
    versions = next_process(versions, &keep);

    g_assert_cmpuint(versions_count(versions), ==, 2);
    const Version *found = versions_find(versions, subtree_serial(b));
    g_autofree char *text = tree_text(found->tree);
    g_assert_cmpstr(text, ==, "d/ d/f='b'");
    g_assert_true(g_bytes_equal(found->body, body));
    g_assert_cmpuint(found->body_ino, ==, 80);
    g_assert_cmpuint(found->root_ino, ==, 71);
    g_assert_cmpuint(found->slot, ==, 10);
    versions_forget(versions, subtree_serial(b), 1);
    g_assert_nonnull(versions_find(versions, subtree_serial(b)));
    versions_forget(versions, subtree_serial(b), 1);
    g_assert_null(versions_find(versions, subtree_serial(b)));
    versions_forget(versions, subtree_serial(a), 1);
    versions = next_process(versions, &keep);
    g_assert_cmpuint(versions_count(versions), ==, 0);
    versions_free(versions);
    keep_free(keep);
}

static void test_an_equal_tree_gets_its_old_serial_and_another_never_does(void)
{
    KeepFile *keep = keep_new(NULL);
    Versions *versions = versions_new();
    g_autoptr(Subtree) old = tree_with("same"), equal = tree_with("same"),
                       other = tree_with("else"), elsewhere = tree_with("same");

    versions_keep(versions, keep);
    versions_hold(versions, old, 70, 9);
    versions = next_process(versions, &keep);
    g_assert_cmpuint(versions_serial(versions, equal, 70), ==, subtree_serial(old));
    g_assert_cmpuint(versions_serial(versions, other, 70), >, subtree_serial(old));
    g_assert_cmpuint(versions_serial(versions, elsewhere, 71), >, subtree_serial(old));
    versions_free(versions);
    keep_free(keep);
}

static void test_ancestors_and_directories_are_found_by_the_root(void)
{
    KeepFile *keep = keep_new(NULL);
    Versions *versions = versions_new();
    g_autoptr(Subtree) large = tree_with("x"), small = some_tree(), newest = some_tree();
    const Subtree *found[2];
    NodeIndex node;
    guint64 key = subtree_directory_key(large, 1);

    versions_keep(versions, keep);
    versions_hold(versions, large, 70, 9);
    versions_hold(versions, small, 70, 9);
    versions_hold(versions, newest, 70, 9);
    versions = next_process(versions, &keep);
    versions_ancestors(versions, 70, found);
    g_assert_true(found[0] == versions_find(versions, subtree_serial(newest))->tree);
    g_assert_true(found[1] == versions_find(versions, subtree_serial(large))->tree);
    g_assert_true(versions_adopted_directory(versions, 70, key, &node) == found[1]);
    g_assert_cmpuint(node, ==, 1);
    versions_forget(versions, subtree_serial(large), 1);
    g_assert_null(versions_adopted_directory(versions, 70, key, &node));
    versions_forget(versions, subtree_serial(newest), 1);
    versions_ancestors(versions, 70, found);
    g_assert_true(found[0] == versions_find(versions, subtree_serial(small))->tree);
    g_assert_null(found[1]);
    versions_forget(versions, subtree_serial(small), 1);
    versions_ancestors(versions, 70, found);
    g_assert_null(found[0]);
    versions_free(versions);
    keep_free(keep);
}

static void test_a_record_that_cannot_be_a_version_is_refused(void)
{
    Versions *versions = versions_new();
    g_autoptr(Subtree) tree = some_tree();
    g_autoptr(GBytes) saved = subtree_save(tree);
    KeepRecord record = { .kind = KEEP_TREE, .count = 1, .id = 5, .extra = 70 };

    record.bytes = g_bytes_get_data(saved, &record.length);
    g_assert_false(versions_adopt_body(versions, &record)); /* of no tree */
    g_assert_true(versions_adopt(versions, &record));
    g_assert_false(versions_adopt(versions, &record)); /* twice */
    record.id = 0;
    g_assert_false(versions_adopt(versions, &record));
    record.id = NODEID_SERIALS;
    g_assert_false(versions_adopt(versions, &record));
    record.id = 6;
    record.length--;
    g_assert_false(versions_adopt(versions, &record));
    versions_free(versions);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/version/a_held_version_is_found_by_its_serial",
                    test_a_held_version_is_found_by_its_serial);
    g_test_add_func("/version/a_version_outlives_its_owner_while_it_is_held",
                    test_a_version_outlives_its_owner_while_it_is_held);
    g_test_add_func("/version/a_version_goes_with_its_last_reference",
                    test_a_version_goes_with_its_last_reference);
    g_test_add_func("/version/a_version_held_again_keeps_its_serial",
                    test_a_version_held_again_keeps_its_serial);
    g_test_add_func("/version/serials_are_never_given_out_twice",
                    test_serials_are_never_given_out_twice);
    g_test_add_func("/version/the_first_body_stays", test_the_first_body_stays);
    g_test_add_func("/version/the_bytes_are_those_of_trees_and_bodies_that_are_held",
                    test_the_bytes_are_those_of_trees_and_bodies_that_are_held);
    g_test_add_func("/version/the_next_process_goes_on_with_what_is_held",
                    test_the_next_process_goes_on_with_what_is_held);
    g_test_add_func("/version/an_equal_tree_gets_its_old_serial_and_another_never_does",
                    test_an_equal_tree_gets_its_old_serial_and_another_never_does);
    g_test_add_func("/version/ancestors_and_directories_are_found_by_the_root",
                    test_ancestors_and_directories_are_found_by_the_root);
    g_test_add_func("/version/a_record_that_cannot_be_a_version_is_refused",
                    test_a_record_that_cannot_be_a_version_is_refused);
    g_test_add_func("/version/what_is_not_held_cannot_be_forgotten",
                    test_what_is_not_held_cannot_be_forgotten);
    return g_test_run();
}
