/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/version.h"

#include "support.h"

static Subtree *some_tree(void)
{
    return tree_of(draft_new());
}

static void test_a_held_version_is_found_by_its_serial(void)
{
    Versions *versions = versions_new();
    g_autoptr(Subtree) a = some_tree();
    g_autoptr(Subtree) b = some_tree();

    versions_hold(versions, a, 70);
    versions_hold(versions, b, 71);
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

    versions_hold(versions, tree, 70);
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
        versions_hold(versions, tree, 70);
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

    versions_hold(versions, tree, 70);
    guint64 serial = subtree_serial(tree);
    versions_forget(versions, serial, 1);
    versions_hold(versions, tree, 70);
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

        versions_hold(versions, tree, 70);
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
    Version *version = versions_hold(versions, tree, 70);

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
    versions_set_body(versions, versions_hold(versions, tree, 70), body, 80);
    versions_hold(versions, other, 71);
    versions_hold(versions, other, 71);
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
    versions_hold(versions, tree, 70);
    versions_forget(versions, subtree_serial(tree), G_MAXUINT64);
    g_assert_cmpuint(versions_count(versions), ==, 0);
    versions_free(versions);
    versions_free(NULL);
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
    g_test_add_func("/version/what_is_not_held_cannot_be_forgotten",
                    test_what_is_not_held_cannot_be_forgotten);
    return g_test_run();
}
