/* SPDX-License-Identifier: MIT */
/* Random trees of few names, so that two have much in common, against what a reader would say who
 * knows nothing but paths. */
#include "ppiofs/tree/subtree.h"

#include <string.h>

#include "ppiofs/base/hash.h"
#include "ppiofs/tree/draft.h"
#include "support.h"

#define ROUNDS 300
#define DEEPEST 5
#define NOW 1000

static void grow(Draft *draft, NodeIndex parent, guint depth)
{
    for (char letter = 'a'; letter < 'f'; letter++) {
        const char name[] = { letter, '\0' };
        NodeFlags flags = g_test_rand_int_range(0, 8) == 0 ? NODE_SECRET : 0;

        if (g_test_rand_int_range(0, 3) == 0)
            continue;
        if (depth < DEEPEST && g_test_rand_int_range(0, 3) == 0)
            grow(draft, draft_directory(draft, parent, name, flags), depth + 1);
        else
            draft_file(draft, parent, name, "xxxx", (gsize)g_test_rand_int_range(0, 3), flags);
    }
}

static Subtree *random_tree(void)
{
    Draft *draft = draft_new();

    grow(draft, 0, 0);
    return tree_of(draft);
}

/* (transfer full) */
static char *path_of(const Subtree *tree, NodeIndex node)
{
    if (node == 0)
        return g_strdup("");
    g_autofree char *above = path_of(tree, subtree_parent(tree, node));
    return g_strconcat(above, *above == '\0' ? "" : "/", subtree_name(tree, node), NULL);
}

static NodeIndex twin_of(const Subtree *tree, NodeIndex node, const Subtree *other)
{
    g_autofree char *path = path_of(tree, node);

    return subtree_lookup(other, path);
}

static gboolean is_directory(const Subtree *tree, NodeIndex node)
{
    return node != NODE_NONE && subtree_kind(tree, node) == NODE_DIRECTORY;
}

static gboolean is_file(const Subtree *tree, NodeIndex node)
{
    return node != NODE_NONE && subtree_kind(tree, node) == NODE_FILE;
}

static gboolean same_bytes(const Subtree *a, NodeIndex a_node, const Subtree *b, NodeIndex b_node)
{
    gsize x_length, y_length;
    const char *x = subtree_content(a, a_node, &x_length);
    const char *y = subtree_content(b, b_node, &y_length);

    return x != NULL && y != NULL && x_length == y_length && memcmp(x, y, x_length) == 0;
}

static void each_pair_of_trees(void (*check)(Subtree *old, Subtree *new))
{
    for (int i = 0; i < ROUNDS; i++) {
        g_autoptr(Subtree) old = random_tree();
        g_autoptr(Subtree) new = random_tree();

        check(old, new);
    }
}

static void check_paths(Subtree *tree, Subtree *other)
{
    (void)other;
    for (NodeIndex i = 0; i < subtree_n_nodes(tree); i++) {
        g_autofree char *path = path_of(tree, i);
        g_autofree char *below = g_strconcat(path, "/", NULL);
        g_autofree char *absent = g_strconcat(path, "/z", NULL);

        g_assert_cmpuint(subtree_lookup(tree, path), ==, i);
        g_assert_cmpuint(subtree_lookup(tree, below), ==, NODE_NONE);
        g_assert_cmpuint(subtree_lookup(tree, absent), ==, NODE_NONE);
    }
}

static void check_keys(Subtree *old, Subtree *new)
{
    for (NodeIndex i = 0; i < subtree_n_nodes(old); i++) {
        NodeIndex twin = twin_of(old, i, new);
        if (!is_directory(old, i))
            continue;
        guint64 key = subtree_directory_key(old, i);

        g_assert_true((key == 0) == (i == 0) && key >> SUBTREE_KEY_BITS == 0);
        g_assert_cmpuint(subtree_directory_by_key(old, key), ==, i);
        g_assert_cmpuint(subtree_directory_by_key(new, key), ==,
                         is_directory(new, twin) ? twin : NODE_NONE);
    }
}

/* The same number: the same kind, path, secrecy and bytes; no other two of a tree have one. */
static void check_inode_numbers(Subtree *old, Subtree *new)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);

    for (NodeIndex i = 0; i < subtree_n_nodes(old); i++) {
        guint64 ino = subtree_ino(old, i, 77);
        NodeIndex twin = twin_of(old, i, new);
        gboolean same = (is_directory(old, i) && is_directory(new, twin)) ||
                        (is_file(new, twin) && same_bytes(old, i, new, twin) &&
                         subtree_flags(old, i) == subtree_flags(new, twin));

        g_assert_true(g_hash_table_add(seen, g_memdup2(&ino, sizeof ino)));
        if (twin != NODE_NONE)
            g_assert_true((subtree_ino(new, twin, 77) == ino) == same);
        g_assert_cmpuint(subtree_ino(old, i, 78), !=, ino);
    }
    g_assert_cmpuint(subtree_ino(old, 0, 77), ==, 77);
}

static void test_only_a_secrets_number_depends_on_the_key_of_the_process(void)
{
    static const HashKey one = { 1, 2 }, other = { 3, 4 };
    g_autoptr(Subtree) tree = random_tree();
    g_autofree guint64 *before = g_new(guint64, subtree_n_nodes(tree));

    hash_start(&one);
    for (NodeIndex i = 0; i < subtree_n_nodes(tree); i++)
        before[i] = subtree_ino(tree, i, 77);
    hash_start(&other);
    for (NodeIndex i = 0; i < subtree_n_nodes(tree); i++)
        g_assert_true((subtree_ino(tree, i, 77) != before[i]) ==
                      (is_file(tree, i) && (subtree_flags(tree, i) & NODE_SECRET) != 0));
    g_assert_cmpuint(subtree_value_ino(5, FALSE, "x", 1), ==, subtree_value_ino(5, FALSE, "x", 1));
    g_assert_cmpuint(subtree_value_ino(5, FALSE, "x", 1), !=, subtree_value_ino(6, FALSE, "x", 1));
}

static gboolean naive_agrees(const Subtree *a, const Subtree *b)
{
    for (NodeIndex i = 1; i < subtree_n_nodes(a); i++) {
        NodeIndex twin = twin_of(a, i, b);

        if (is_directory(a, i) ? !is_directory(b, twin)
                               : !is_file(b, twin) || !same_bytes(a, i, b, twin))
            return FALSE;
    }
    return TRUE;
}

static void check_agreement(Subtree *old, Subtree *new)
{
    g_assert_true(subtree_agrees(old, 0, old, 0));
    g_assert_cmpint(subtree_agrees(old, 0, new, 0), ==, naive_agrees(old, new));
    for (NodeIndex i = 1; i < subtree_n_nodes(old); i++) {
        NodeIndex twin = twin_of(old, i, new);
        if (is_file(old, i) && twin != NODE_NONE)
            g_assert_true(subtree_agrees(old, i, new, twin) == same_bytes(old, i, new, twin));
    }
}

static void test_an_array_agrees_only_with_one_of_its_length(void)
{
    Subtree *arrays[3];

    for (guint n = 0; n < G_N_ELEMENTS(arrays); n++) {
        Draft *draft = draft_new();
        NodeIndex array = draft_directory(draft, 0, "ports", NODE_ARRAY);
        for (guint i = 0; i < n; i++)
            draft_file(draft, array, &"0123456789"[i], "", 0, 0);
        arrays[n] = tree_of(draft);
    }
    for (guint a = 0; a < G_N_ELEMENTS(arrays); a++)
        for (guint b = 0; b < G_N_ELEMENTS(arrays); b++)
            g_assert_true(subtree_agrees(arrays[a], 0, arrays[b], 0) == (a == b));
    for (guint n = 0; n < G_N_ELEMENTS(arrays); n++)
        subtree_unref(arrays[n]);
}

/* A directory: one name more or less. */
static gboolean is_the_same(const Subtree *old, NodeIndex twin, const Subtree *new, NodeIndex i)
{
    NodeIndex first, other;
    guint32 n = subtree_children(new, i, &first);

    if (!is_directory(new, i))
        return is_file(old, twin) && same_bytes(old, twin, new, i);
    if (!is_directory(old, twin) || subtree_children(old, twin, &other) != n)
        return FALSE;
    for (NodeIndex c = first; c < first + n; c++)
        if (subtree_child(old, twin, subtree_name(new, c)) == NODE_NONE)
            return FALSE;
    return TRUE;
}

static gint64 newest_child(const Subtree *tree, NodeIndex directory)
{
    gint64 newest = 0;
    NodeIndex first;
    guint32 n = subtree_children(tree, directory, &first);

    for (NodeIndex c = first; c < first + n; c++)
        newest = MAX(newest, subtree_mtime(tree, c));
    return newest;
}

static void check_dates(Subtree *old, Subtree *new)
{
    gint64 now = g_test_rand_bit() ? NOW + 5 : NOW - 5; /* the clock may be set back */
    gint64 newest_change = 0;

    subtree_date(old, NULL, NOW, 500);
    subtree_date(new, old, now, 400);
    g_assert_cmpint(subtree_mtime(old, 0), ==, 500);
    for (NodeIndex i = 1; i < subtree_n_nodes(new); i++) {
        NodeIndex twin = twin_of(new, i, old);
        gint64 expected = twin == NODE_NONE                ? now
                          : is_the_same(old, twin, new, i) ? NOW
                                                           : MAX(now, NOW + 1);

        expected = MAX(expected, newest_child(new, i));
        g_assert_cmpint(subtree_mtime(new, i), ==, expected);
        if (twin == NODE_NONE || expected != NOW)
            newest_change = MAX(newest_change, expected);
    }
    if (!is_the_same(old, 0, new, 0))
        newest_change = MAX(newest_change, now);
    g_assert_cmpint(subtree_mtime(new, 0), ==, MAX(500, newest_change));
}

static void test_a_root_without_a_time_of_its_own_is_as_old_as_the_first_look(void)
{
    g_autoptr(Subtree) tree = random_tree();

    subtree_date(tree, NULL, NOW, 0);
    g_assert_cmpint(subtree_mtime(tree, 0), ==, NOW);
}

typedef struct {
    const Subtree *old, *new;
    GHashTable *told; /* paths */
} Told;

static void note_difference(NodeIndex old_node, NodeIndex new_node, const char *path, gpointer data)
{
    const Told *told = data;
    NodeIndex was = subtree_lookup(told->old, path), is = subtree_lookup(told->new, path);

    g_assert_cmpuint(old_node, ==, is_file(told->old, was) ? was : NODE_NONE);
    g_assert_cmpuint(new_node, ==, is_file(told->new, is) ? is : NODE_NONE);
    g_assert_false(old_node != NODE_NONE && new_node != NODE_NONE &&
                   same_bytes(told->old, was, told->new, is));
    g_assert_true(g_hash_table_add(told->told, g_strdup(path)));
}

static void check_differences(Subtree *old, Subtree *new)
{
    Told told = { old, new, g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL) };
    const Subtree *const trees[] = { old, new };
    guint differ = 0;

    subtree_differences(old, new, note_difference, &told);
    for (gsize t = 0; t < G_N_ELEMENTS(trees); t++) {
        const Subtree *other = trees[1 - t];
        for (NodeIndex i = 1; i < subtree_n_nodes(trees[t]); i++) {
            NodeIndex twin = twin_of(trees[t], i, other);
            /* Of what differs in both it is counted once. */
            differ += is_file(trees[t], i) &&
                      !(is_file(other, twin) && (t == 1 || same_bytes(trees[t], i, other, twin)));
        }
    }
    g_assert_cmpuint(g_hash_table_size(told.told), ==, differ);
    g_hash_table_unref(told.told);
}

static void test_paths(void)
{
    each_pair_of_trees(check_paths);
}

static void test_keys(void)
{
    each_pair_of_trees(check_keys);
}

static void test_inode_numbers(void)
{
    each_pair_of_trees(check_inode_numbers);
}

static void test_agreement(void)
{
    each_pair_of_trees(check_agreement);
}

static void test_dates(void)
{
    each_pair_of_trees(check_dates);
}

static void test_differences(void)
{
    each_pair_of_trees(check_differences);
}

/* In 38 bits some pairs of 200,000 fall together. */
static void test_many_directories_have_different_keys(void)
{
    Draft *draft = draft_new();
    char name[16];

    for (guint i = 0; i < 200000; i++) {
        g_snprintf(name, sizeof name, "%u", i);
        draft_directory(draft, 0, name, 0);
    }
    g_autoptr(Subtree) tree = tree_of(draft);
    for (NodeIndex i = 0; i < subtree_n_nodes(tree); i++)
        g_assert_cmpuint(subtree_directory_by_key(tree, subtree_directory_key(tree, i)), ==, i);
}

static void test_a_node_costs_little_more_than_its_bytes(void)
{
    g_autofree char *content = g_strnfill(1000, 'x');
    Draft *draft = draft_new();

    for (int i = 0; i < 10; i++)
        draft_file(draft, 0, &"0123456789"[i], content, 1000, 0);
    g_autoptr(Subtree) tree = tree_of(draft);
    g_assert_cmpuint(subtree_size(tree), >, 10000);
    g_assert_cmpuint(subtree_size(tree), <, 10500);
}

static void assert_equal(const Subtree *a, const Subtree *b)
{
    g_autofree char *of_a = tree_text(a), *of_b = tree_text(b);

    g_assert_cmpstr(of_a, ==, of_b);
    g_assert_true(subtree_is_same(a, b));
    for (NodeIndex i = 0; i < subtree_n_nodes(a); i++) {
        g_assert_cmpint(subtree_mtime(a, i), ==, subtree_mtime(b, i));
        g_assert_cmpuint(subtree_ino(a, i, 2), ==, subtree_ino(b, i, 2));
        if (subtree_kind(a, i) == NODE_DIRECTORY)
            g_assert_cmpuint(subtree_directory_key(a, i), ==, subtree_directory_key(b, i));
    }
}

static void test_a_saved_tree_is_the_same_in_the_next_process(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        g_autoptr(Subtree) tree = random_tree();
        subtree_date(tree, NULL, NOW + round, 0);
        subtree_set_serial(tree, 9);
        g_autoptr(GBytes) saved = subtree_save(tree);
        gsize length;
        gconstpointer bytes = g_bytes_get_data(saved, &length);
        g_autoptr(Subtree) restored = subtree_restore(bytes, length);

        assert_equal(tree, restored);
        g_assert_cmpuint(subtree_serial(restored), ==, 0);
        for (gsize shorter = 0; shorter < length; shorter++)
            g_assert_null(subtree_restore(bytes, shorter));
    }
}

/* Refused, or one that can be walked to the end: a sanitizer sees whether more is read. */
static void test_of_a_damaged_tree_nothing_beyond_it_is_read(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        g_autoptr(Subtree) tree = random_tree();
        g_autoptr(GBytes) saved = subtree_save(tree);
        gsize length;
        gconstpointer bytes = g_bytes_get_data(saved, &length);

        for (gsize at = 0; at < length; at++) {
            g_autofree guchar *damaged = g_memdup2(bytes, length);
            damaged[at] ^= (guchar)(1 << g_test_rand_int_range(0, 8));
            g_autoptr(Subtree) restored = subtree_restore(damaged, length);
            if (restored == NULL)
                continue;
            for (NodeIndex i = 0; i < subtree_n_nodes(restored); i++) {
                g_assert_cmpuint(strlen(subtree_name(restored, i)), <, 256);
                subtree_ino(restored, i, 2);
                if (subtree_kind(restored, i) == NODE_DIRECTORY)
                    subtree_directory_key(restored, i);
            }
            g_autofree char *text = tree_text(restored);
        }
    }
}

static void test_one_that_differs_is_not_the_same(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        g_autoptr(Subtree) a = random_tree(), b = random_tree();
        subtree_date(a, NULL, NOW, 0);
        subtree_date(b, NULL, NOW, 0);
        g_autofree char *of_a = tree_text(a), *of_b = tree_text(b);

        g_assert_cmpint(subtree_is_same(a, b), ==, strcmp(of_a, of_b) == 0);
        subtree_date(b, NULL, NOW + 1, 0);
        if (strpbrk(of_b, "=") != NULL)
            g_assert_false(subtree_is_same(a, b));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/subtree/paths", test_paths);
    g_test_add_func("/subtree/keys", test_keys);
    g_test_add_func("/subtree/many-keys", test_many_directories_have_different_keys);
    g_test_add_func("/subtree/inode-numbers", test_inode_numbers);
    g_test_add_func("/subtree/secrets",
                    test_only_a_secrets_number_depends_on_the_key_of_the_process);
    g_test_add_func("/subtree/agreement", test_agreement);
    g_test_add_func("/subtree/arrays", test_an_array_agrees_only_with_one_of_its_length);
    g_test_add_func("/subtree/dates", test_dates);
    g_test_add_func("/subtree/timeless",
                    test_a_root_without_a_time_of_its_own_is_as_old_as_the_first_look);
    g_test_add_func("/subtree/differences", test_differences);
    g_test_add_func("/subtree/saved", test_a_saved_tree_is_the_same_in_the_next_process);
    g_test_add_func("/subtree/damaged", test_of_a_damaged_tree_nothing_beyond_it_is_read);
    g_test_add_func("/subtree/same", test_one_that_differs_is_not_the_same);
    g_test_add_func("/subtree/size", test_a_node_costs_little_more_than_its_bytes);
    return g_test_run();
}
