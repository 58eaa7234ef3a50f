/* SPDX-License-Identifier: MIT */
#include "ppiofs/tree/subtree.h"

#include <string.h>

#include "ppiofs/tree/draft.h"
#include "support.h"

/* A file for each of "path=content", a directory for each "path/", in a space-separated text. A
 * directory must come before what is in it. */
static Subtree *planted(const char *text)
{
    g_auto(GStrv) entries = g_strsplit(text, " ", -1);
    g_autoptr(GHashTable) directories =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Draft *draft = draft_new();

    g_hash_table_insert(directories, g_strdup("."), GUINT_TO_POINTER(0));
    for (gsize i = 0; entries[i] != NULL && *entries[i] != '\0'; i++) {
        gboolean directory = g_str_has_suffix(entries[i], "/");
        g_auto(GStrv) halves = g_strsplit(entries[i], directory ? "/ " : "=", 2);
        gsize length = strlen(halves[0]);
        if (directory)
            halves[0][length - 1] = '\0';
        g_autofree char *parent = g_path_get_dirname(halves[0]);
        g_autofree char *name = g_path_get_basename(halves[0]);
        NodeIndex above = GPOINTER_TO_UINT(g_hash_table_lookup(directories, parent));

        if (directory)
            g_hash_table_insert(directories, g_strdup(halves[0]),
                                GUINT_TO_POINTER(draft_directory(draft, above, name, 0)));
        else
            draft_file(draft, above, name, halves[1], strlen(halves[1]), 0);
    }
    return tree_of(draft);
}

static void test_paths_are_found_and_others_are_not(void)
{
    g_autoptr(Subtree) tree = planted("a=1 d/ d/b=2 d/e/ d/e/f=3");

    g_assert_cmpuint(subtree_lookup(tree, ""), ==, 0);
    g_assert_cmpstr(subtree_name(tree, must_find(tree, "d/e/f")), ==, "f");
    g_assert_cmpuint(subtree_parent(tree, must_find(tree, "d/e")), ==, must_find(tree, "d"));
    g_assert_cmpuint(subtree_lookup(tree, "d/x"), ==, NODE_NONE);
    g_assert_cmpuint(subtree_lookup(tree, "a/b"), ==, NODE_NONE); /* below a file */
    g_assert_cmpuint(subtree_lookup(tree, "d/"), ==, NODE_NONE);
    g_assert_cmpuint(subtree_child(tree, must_find(tree, "a"), "b"), ==, NODE_NONE);
}

static void test_the_same_tree_agrees_with_itself_and_its_copy(void)
{
    g_autoptr(Subtree) a = planted("a=1 d/ d/b=2");
    g_autoptr(Subtree) b = planted("d/ d/b=2 a=1");

    g_assert_true(subtree_agrees(a, 0, a, 0));
    g_assert_true(subtree_agrees(a, 0, b, 0));
}

static void test_agreement_allows_more_on_the_other_side_only(void)
{
    static const struct {
        const char *a, *b;
        gboolean agrees;
    } rows[] = {
        { "", "a=1", TRUE },
        { "a=1", "", FALSE },
        { "a=1", "a=1 b=2", TRUE },
        { "a=1", "a=2", FALSE },
        { "a=1", "a=11", FALSE },
        { "a=", "a=1", FALSE },
        { "d/ d/x=1", "d/ d/x=1 d/y=2", TRUE },
        { "d/ d/x=1", "d/ d/x=2 d/y=2", FALSE },
        { "d/", "d=1", FALSE },
        { "d=1", "d/", FALSE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Subtree) a = planted(rows[i].a);
        g_autoptr(Subtree) b = planted(rows[i].b);
        g_assert_cmpint(subtree_agrees(a, 0, b, 0), ==, rows[i].agrees);
    }
}

static Subtree *array_of(guint n)
{
    Draft *draft = draft_new();
    NodeIndex array = draft_directory(draft, 0, "ports", NODE_ARRAY);

    for (guint i = 0; i < n; i++)
        draft_file(draft, array, &"0123456789"[i], "", 0, 0);
    return tree_of(draft);
}

static void test_an_array_agrees_only_with_one_of_its_length(void)
{
    g_autoptr(Subtree) none = array_of(0);
    g_autoptr(Subtree) one = array_of(1);
    g_autoptr(Subtree) two = array_of(1);

    g_assert_false(subtree_agrees(none, 0, one, 0));
    g_assert_false(subtree_agrees(one, 0, none, 0));
    g_assert_true(subtree_agrees(one, 0, two, 0));
}

static gint64 mtime(const Subtree *tree, const char *path)
{
    return subtree_mtime(tree, must_find(tree, path));
}

static void test_a_first_version_is_as_old_as_it_is_said_to_be(void)
{
    g_autoptr(Subtree) tree = planted("a=1 d/ d/b=2");

    subtree_date(tree, NULL, 9, 5);
    g_assert_cmpint(mtime(tree, ""), ==, 5);
    g_assert_cmpint(mtime(tree, "d/b"), ==, 5);
}

static void test_what_did_not_change_keeps_its_time(void)
{
    g_autoptr(Subtree) old = planted("a=1 b=1 c=1 d/ d/x=1 e/ e/x=1 f/ f/x=1 g=1 h=1");
    g_autoptr(Subtree) new = planted("a=1 b=2 d/ d/x=1 e/ e/x=2 f/ g=1 h/ new=1");

    subtree_date(old, NULL, 100, 100);
    subtree_date(new, old, 200, 150);
    g_assert_cmpint(mtime(new, "a"), ==, 100);
    g_assert_cmpint(mtime(new, "b"), ==, 200); /* other bytes */
    g_assert_cmpint(mtime(new, "d"), ==, 100);
    g_assert_cmpint(mtime(new, "e/x"), ==, 200);
    g_assert_cmpint(mtime(new, "e"), ==, 200); /* the newest below */
    g_assert_cmpint(mtime(new, "f"), ==, 200); /* an entry went */
    g_assert_cmpint(mtime(new, "g"), ==, 100);
    g_assert_cmpint(mtime(new, "h"), ==, 200); /* a file became a directory */
    g_assert_cmpint(mtime(new, "new"), ==, 150);
    g_assert_cmpint(mtime(new, ""), ==, 200);
}

static void test_a_deep_change_shows_in_all_directories_above(void)
{
    g_autoptr(Subtree) old = planted("d/ d/e/ d/e/f=1 x=1");
    g_autoptr(Subtree) new = planted("d/ d/e/ d/e/f=2 x=1");

    subtree_date(old, NULL, 100, 100);
    subtree_date(new, old, 200, 150);
    g_assert_cmpint(mtime(new, "d"), ==, 200);
    g_assert_cmpint(mtime(new, ""), ==, 200);
    g_assert_cmpint(mtime(new, "x"), ==, 100);
}

static void test_inode_numbers_are_those_of_the_path(void)
{
    g_autoptr(Subtree) a = planted("d/ d/x=1");
    g_autoptr(Subtree) b = planted("a=0 d/ d/x=2 d/y=3");
    guint64 d = subtree_step_ino(77, "d");

    g_assert_cmpuint(subtree_ino(a, 0, 77), ==, 77);
    g_assert_cmpuint(subtree_ino(a, must_find(a, "d"), 77), ==, d);
    g_assert_cmpuint(subtree_ino(b, must_find(b, "d/x"), 77), ==, subtree_step_ino(d, "x"));
    g_assert_cmpuint(subtree_ino(a, must_find(a, "d/x"), 77), ==,
                     subtree_ino(b, must_find(b, "d/x"), 77));
    g_assert_cmpuint(subtree_ino(a, must_find(a, "d/x"), 78), !=,
                     subtree_ino(a, must_find(a, "d/x"), 77));
    g_assert_cmpuint(subtree_step_ino(77, "x"), !=, subtree_step_ino(77, "y"));
}

static void test_directory_keys_are_stable_unique_and_within_their_bits(void)
{
    g_autoptr(Subtree) a = planted("d/ d/d/ d/d/d/ e/");
    g_autoptr(Subtree) b = planted("a/ d/ d/a/ d/d/ e/ z=1");

    g_assert_cmpuint(subtree_directory_key(a, 0), ==, 0);
    g_assert_cmpuint(subtree_directory_by_key(a, 0), ==, 0);
    g_assert_cmpuint(subtree_directory_key(a, must_find(a, "d/d")), ==,
                     subtree_directory_key(b, must_find(b, "d/d")));
    for (NodeIndex i = 1; i < subtree_n_nodes(a); i++) {
        guint64 key = subtree_directory_key(a, i);
        g_assert_true(key != 0 && key >> SUBTREE_KEY_BITS == 0);
        g_assert_cmpuint(subtree_directory_by_key(a, key), ==, i);
    }
    g_assert_cmpuint(subtree_directory_by_key(a, 12345), ==, NODE_NONE);
    g_assert_cmpuint(subtree_directory_by_key(a, subtree_directory_key(b, must_find(b, "a"))), ==,
                     NODE_NONE);
}

static void test_many_directories_have_different_keys(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    Draft *draft = draft_new();
    char name[16];

    for (guint i = 0; i < 200000; i++) { /* some pairs fall together in 38 bits, if rarely */
        g_snprintf(name, sizeof name, "%u", i);
        draft_directory(draft, 0, name, 0);
    }
    g_autoptr(Subtree) tree = tree_of(draft);
    for (NodeIndex i = 0; i < subtree_n_nodes(tree); i++) {
        guint64 key = subtree_directory_key(tree, i);
        g_assert_true(g_hash_table_add(seen, g_memdup2(&key, sizeof key)));
        g_assert_cmpuint(subtree_directory_by_key(tree, key), ==, i);
    }
}

/* Found by trying: the hashes of each pair fall together. */
static void test_directories_whose_hashes_fall_together_have_different_keys(void)
{
    static const char *const pairs[][2] = { { "772363", "3712410" },
                                            { "396788", "1022722" },
                                            { "76948", "490906" } };

    for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autofree char *text = g_strdup_printf("%s/ %s/", pairs[i][0], pairs[i][1]);
        g_autoptr(Subtree) tree = planted(text);
        guint64 one = subtree_directory_key(tree, 1), two = subtree_directory_key(tree, 2);

        g_assert_cmpuint(MAX(one, two) - MIN(one, two), ==, 1);
        g_assert_cmpuint(subtree_directory_by_key(tree, one), ==, 1);
        g_assert_cmpuint(subtree_directory_by_key(tree, two), ==, 2);
    }
}

static void test_a_mark_adds_to_the_flags(void)
{
    g_autoptr(Subtree) tree = array_of(0);
    NodeIndex ports = must_find(tree, "ports");

    subtree_mark(tree, ports, NODE_LISTED);
    g_assert_cmpint(subtree_flags(tree, ports), ==, NODE_ARRAY | NODE_LISTED);
    g_assert_cmpint(subtree_flags(tree, 0), ==, 0);
}

static void test_the_serial_is_what_its_user_says(void)
{
    g_autoptr(Subtree) tree = planted("a=1");
    g_autoptr(Subtree) same = subtree_ref(tree);

    g_assert_cmpuint(subtree_serial(tree), ==, 0);
    subtree_set_serial(tree, G_GUINT64_CONSTANT(1) << 40);
    g_assert_cmpuint(subtree_serial(same), ==, G_GUINT64_CONSTANT(1) << 40);
}

static void test_a_node_costs_little_more_than_its_bytes(void)
{
    g_autofree char *content = g_strnfill(1000, 'x');
    Draft *draft = draft_new();

    for (int i = 0; i < 10; i++)
        draft_file(draft, 0, &"0123456789"[i], content, 1000, 0);
    g_autoptr(Subtree) tree = tree_of(draft);
    g_assert_cmpuint(subtree_size(tree), >, 10000);
    g_assert_cmpuint(subtree_size(tree), <, 11000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/subtree/paths_are_found_and_others_are_not",
                    test_paths_are_found_and_others_are_not);
    g_test_add_func("/subtree/the_same_tree_agrees_with_itself_and_its_copy",
                    test_the_same_tree_agrees_with_itself_and_its_copy);
    g_test_add_func("/subtree/agreement_allows_more_on_the_other_side_only",
                    test_agreement_allows_more_on_the_other_side_only);
    g_test_add_func("/subtree/an_array_agrees_only_with_one_of_its_length",
                    test_an_array_agrees_only_with_one_of_its_length);
    g_test_add_func("/subtree/a_first_version_is_as_old_as_it_is_said_to_be",
                    test_a_first_version_is_as_old_as_it_is_said_to_be);
    g_test_add_func("/subtree/what_did_not_change_keeps_its_time",
                    test_what_did_not_change_keeps_its_time);
    g_test_add_func("/subtree/a_deep_change_shows_in_all_directories_above",
                    test_a_deep_change_shows_in_all_directories_above);
    g_test_add_func("/subtree/inode_numbers_are_those_of_the_path",
                    test_inode_numbers_are_those_of_the_path);
    g_test_add_func("/subtree/directory_keys_are_stable_unique_and_within_their_bits",
                    test_directory_keys_are_stable_unique_and_within_their_bits);
    g_test_add_func("/subtree/many_directories_have_different_keys",
                    test_many_directories_have_different_keys);
    g_test_add_func("/subtree/directories_whose_hashes_fall_together_have_different_keys",
                    test_directories_whose_hashes_fall_together_have_different_keys);
    g_test_add_func("/subtree/a_mark_adds_to_the_flags", test_a_mark_adds_to_the_flags);
    g_test_add_func("/subtree/the_serial_is_what_its_user_says",
                    test_the_serial_is_what_its_user_says);
    g_test_add_func("/subtree/a_node_costs_little_more_than_its_bytes",
                    test_a_node_costs_little_more_than_its_bytes);
    return g_test_run();
}
