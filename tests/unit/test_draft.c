/* SPDX-License-Identifier: MIT */
#include "ppiofs/tree/draft.h"

#include <string.h>

#include "ppiofs/base/error.h"
#include "ppiofs/tree/name.h"
#include "support.h"

static NodeIndex add_file(Draft *draft, NodeIndex parent, const char *name, const char *content)
{
    return draft_file(draft, parent, name, content, strlen(content), 0);
}

static void assert_tree(Draft *draft, const char *expected)
{
    g_autoptr(Subtree) tree = tree_of(draft);
    g_autofree char *text = tree_text(tree);

    g_assert_cmpstr(text, ==, expected);
}

static void test_an_empty_draft_is_an_empty_root(void)
{
    g_autoptr(Subtree) tree = tree_of(draft_new());
    NodeIndex first;

    g_assert_cmpuint(subtree_n_nodes(tree), ==, 1);
    g_assert_cmpint(subtree_kind(tree, 0), ==, NODE_DIRECTORY);
    g_assert_cmpuint(subtree_children(tree, 0, &first), ==, 0);
    g_assert_cmpstr(subtree_name(tree, 0), ==, "");
    g_assert_cmpuint(subtree_parent(tree, 0), ==, NODE_NONE);
}

static void test_children_are_sorted_by_the_bytes_of_their_names(void)
{
    Draft *draft = draft_new();
    NodeIndex b = draft_directory(draft, 0, "b", 0);

    add_file(draft, b, "2", "");
    add_file(draft, 0, "é", "");
    add_file(draft, 0, "B", "");
    add_file(draft, b, "10", "");
    add_file(draft, 0, "a", "");
    assert_tree(draft, "B='' a='' b/ b/10='' b/2='' é=''");
}

static void test_contents_are_kept_exactly(void)
{
    Draft *draft = draft_new();
    gsize length;

    draft_file(draft, 0, "f", "a\0b\xff", 4, 0);
    draft_symlink(draft, 0, "l", "../x", 0);
    g_autoptr(Subtree) tree = tree_of(draft);
    g_assert_cmpmem(subtree_content(tree, must_find(tree, "f"), &length), length, "a\0b\xff", 4);
    g_assert_cmpmem(subtree_content(tree, must_find(tree, "l"), &length), length, "../x", 4);
    g_assert_null(subtree_content(tree, 0, &length));
    g_assert_cmpuint(length, ==, 0);
}

static void test_append_adds_to_the_file_added_last(void)
{
    Draft *draft = draft_new();

    add_file(draft, 0, "a", "1");
    add_file(draft, 0, "b", "2");
    draft_append(draft, "34", 2);
    draft_append(draft, "", 0);
    draft_append(draft, "5", 1);
    assert_tree(draft, "a='1' b='2345'");
}

static void test_the_first_keeps_the_name_and_the_next_are_numbered(void)
{
    Draft *draft = draft_new();

    for (int i = 1; i <= 4; i++)
        draft_file(draft, 0, "a", &"01234"[i], 1, 0);
    assert_tree(draft, "a='1' a~2='2' a~3='3' a~4='4'");
}

static void test_a_number_that_is_a_name_already_is_passed_over(void)
{
    Draft *draft = draft_new();

    add_file(draft, 0, "a", "1");
    add_file(draft, 0, "a", "2");
    add_file(draft, 0, "a~2", "real");
    add_file(draft, 0, "a~2", "twin");
    add_file(draft, 0, "a", "3");
    add_file(draft, 0, "a~3", "real");
    assert_tree(draft, "a='1' a~2='real' a~2~2='twin' a~3='real' a~4='2' a~5='3'");
}

static void test_equal_names_in_different_directories_do_not_clash(void)
{
    Draft *draft = draft_new();

    add_file(draft, draft_directory(draft, 0, "x", 0), "a", "1");
    add_file(draft, draft_directory(draft, 0, "y", 0), "a", "2");
    assert_tree(draft, "x/ x/a='1' y/ y/a='2'");
}

static void test_strings_that_encode_alike_by_accident_do_not(void)
{
    Draft *draft = draft_new();

    add_file(draft, 0, "", "empty");
    add_file(draft, 0, "%", "percent");
    add_file(draft, 0, "%25", "escaped");
    assert_tree(draft, "%='empty' %25='percent' %2525='escaped'");
}

static void test_twin_directories_keep_their_own_children(void)
{
    Draft *draft = draft_new();
    NodeIndex first = draft_directory(draft, 0, "d", 0);
    NodeIndex second = draft_directory(draft, 0, "d", 0);

    add_file(draft, second, "b", "2");
    add_file(draft, first, "a", "1");
    assert_tree(draft, "d/ d/a='1' d~2/ d~2/b='2'");
}

static void test_an_optional_entry_gives_way_wherever_it_was_added(void)
{
    Draft *draft = draft_new();

    draft_file(draft, 0, "a", "optional", 8, NODE_OPTIONAL);
    add_file(draft, 0, "a", "1");
    add_file(draft, 0, "a", "2");
    draft_file(draft, 0, "b", "optional", 8, NODE_OPTIONAL);
    draft_file(draft, 0, "b", "another", 7, NODE_OPTIONAL);
    NodeIndex dropped = draft_directory(draft, 0, "a", NODE_OPTIONAL);
    add_file(draft, dropped, "below", "");
    assert_tree(draft, "a='1' a~2='2' b='optional'");
}

static void test_secrecy_passes_on_and_optional_does_not(void)
{
    Draft *draft = draft_new();
    NodeIndex secret = draft_directory(draft, 0, "s", NODE_SECRET | NODE_OPTIONAL);
    NodeIndex below = draft_directory(draft, secret, "t", 0);

    add_file(draft, below, "u", "");
    draft_symlink(draft, below, "v", "w", 0);
    add_file(draft, 0, "x", "");
    assert_tree(draft, "!s/ !s/t/ !s/t/u='' !s/t/v->w x=''");
}

static void test_numbered_names_stay_within_255_bytes(void)
{
    g_autofree char *name = g_strnfill(255, 'a');
    Draft *draft = draft_new();

    for (int i = 0; i < 20; i++)
        add_file(draft, 0, name, "");
    g_autoptr(Subtree) tree = tree_of(draft);
    g_assert_cmpuint(subtree_n_nodes(tree), ==, 21);
    for (NodeIndex i = 1; i <= 20; i++) {
        g_assert_cmpuint(strlen(subtree_name(tree, i)), ==, 255);
        g_assert_cmpuint(subtree_child(tree, 0, subtree_name(tree, i)), ==, i);
    }
}

static void test_too_many_nodes_are_an_error_at_the_end(void)
{
    g_autoptr(GError) error = NULL;
    Draft *draft = draft_new();

    for (guint i = 0; i < SUBTREE_MAX_NODES; i++)
        add_file(draft, 0, "", "");
    draft_append(draft, "x", 1);
    g_assert_null(draft_finish(draft, &error));
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE);
}

static void test_as_many_nodes_as_are_allowed_are_a_tree(void)
{
    Draft *draft = draft_new();
    char name[16];

    for (guint i = 0; i + 1 < SUBTREE_MAX_NODES; i++) {
        g_snprintf(name, sizeof name, "%u", i);
        draft_directory(draft, 0, name, 0);
    }
    g_autoptr(Subtree) tree = tree_of(draft);
    g_assert_cmpuint(subtree_n_nodes(tree), ==, SUBTREE_MAX_NODES);
    g_assert_cmpuint(subtree_child(tree, 0, "1048572"), !=, NODE_NONE);
}

static void test_an_abandoned_draft_is_freed(void)
{
    g_autoptr(Draft) draft = draft_new();

    add_file(draft, 0, "a", "1");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/draft/an_empty_draft_is_an_empty_root", test_an_empty_draft_is_an_empty_root);
    g_test_add_func("/draft/children_are_sorted_by_the_bytes_of_their_names",
                    test_children_are_sorted_by_the_bytes_of_their_names);
    g_test_add_func("/draft/contents_are_kept_exactly", test_contents_are_kept_exactly);
    g_test_add_func("/draft/append_adds_to_the_file_added_last",
                    test_append_adds_to_the_file_added_last);
    g_test_add_func("/draft/the_first_keeps_the_name_and_the_next_are_numbered",
                    test_the_first_keeps_the_name_and_the_next_are_numbered);
    g_test_add_func("/draft/a_number_that_is_a_name_already_is_passed_over",
                    test_a_number_that_is_a_name_already_is_passed_over);
    g_test_add_func("/draft/equal_names_in_different_directories_do_not_clash",
                    test_equal_names_in_different_directories_do_not_clash);
    g_test_add_func("/draft/strings_that_encode_alike_by_accident_do_not",
                    test_strings_that_encode_alike_by_accident_do_not);
    g_test_add_func("/draft/twin_directories_keep_their_own_children",
                    test_twin_directories_keep_their_own_children);
    g_test_add_func("/draft/an_optional_entry_gives_way_wherever_it_was_added",
                    test_an_optional_entry_gives_way_wherever_it_was_added);
    g_test_add_func("/draft/secrecy_passes_on_and_optional_does_not",
                    test_secrecy_passes_on_and_optional_does_not);
    g_test_add_func("/draft/numbered_names_stay_within_255_bytes",
                    test_numbered_names_stay_within_255_bytes);
    g_test_add_func("/draft/too_many_nodes_are_an_error_at_the_end",
                    test_too_many_nodes_are_an_error_at_the_end);
    g_test_add_func("/draft/as_many_nodes_as_are_allowed_are_a_tree",
                    test_as_many_nodes_as_are_allowed_are_a_tree);
    g_test_add_func("/draft/an_abandoned_draft_is_freed", test_an_abandoned_draft_is_freed);
    return g_test_run();
}
