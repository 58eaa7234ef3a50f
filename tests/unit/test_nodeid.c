/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/nodeid.h"

#define KEY_MOST ((G_GUINT64_CONSTANT(1) << SUBTREE_KEY_BITS) - 1)
#define SERIAL_MOST ((G_GUINT64_CONSTANT(1) << 43) - 1)

static void test_a_directory_gives_back_its_slot_and_key(void)
{
    static const guint slots[] = { 1, 2, 12345, NODEID_SLOTS - 1 };
    static const guint64 keys[] = { 0, 1, 12345, KEY_MOST };

    for (gsize i = 0; i < 16; i++) {
        NodeId id = nodeid_directory(slots[i / 4], keys[i % 4]);

        g_assert_false(nodeid_is_file(id));
        g_assert_cmpuint(nodeid_slot(id), ==, slots[i / 4]);
        g_assert_cmpuint(nodeid_key(id), ==, keys[i % 4]);
        g_assert_cmpuint(id, >, NODEID_ROOT);
    }
}

static void test_the_root_is_the_number_that_fuse_says(void)
{
    g_assert_cmpuint(nodeid_directory(0, 0), ==, NODEID_ROOT);
    g_assert_false(nodeid_is_file(NODEID_ROOT));
    g_assert_cmpuint(nodeid_slot(NODEID_ROOT), ==, 0);
    g_assert_cmpuint(nodeid_key(NODEID_ROOT), ==, 0);
}

static void test_a_file_gives_back_its_serial_and_number(void)
{
    static const guint64 serials[] = { 1, 2, 12345, SERIAL_MOST };
    static const NodeIndex nodes[] = { 1, 12345, SUBTREE_MAX_NODES - 1, NODEID_BODY };

    for (gsize i = 0; i < 16; i++) {
        NodeId id = nodeid_file(serials[i / 4], nodes[i % 4]);

        g_assert_true(nodeid_is_file(id));
        g_assert_cmpuint(nodeid_serial(id), ==, serials[i / 4]);
        g_assert_cmpuint(nodeid_node(id), ==, nodes[i % 4]);
    }
}

static void test_no_node_of_a_tree_has_the_number_of_a_body(void)
{
    g_assert_cmpuint(SUBTREE_MAX_NODES - 1, <, NODEID_BODY);
}

static void test_no_file_is_the_growing_one(void)
{
    g_assert_cmpuint(nodeid_file(1, 0), !=, NODEID_GROWING);
    g_assert_true(nodeid_is_file(NODEID_GROWING));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nodeid/a_directory_gives_back_its_slot_and_key",
                    test_a_directory_gives_back_its_slot_and_key);
    g_test_add_func("/nodeid/the_root_is_the_number_that_fuse_says",
                    test_the_root_is_the_number_that_fuse_says);
    g_test_add_func("/nodeid/a_file_gives_back_its_serial_and_number",
                    test_a_file_gives_back_its_serial_and_number);
    g_test_add_func("/nodeid/no_node_of_a_tree_has_the_number_of_a_body",
                    test_no_node_of_a_tree_has_the_number_of_a_body);
    g_test_add_func("/nodeid/no_file_is_the_growing_one", test_no_file_is_the_growing_one);
    return g_test_run();
}
