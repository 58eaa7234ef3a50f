/* SPDX-License-Identifier: MIT */
#include "ppiofs/tree/common_name.h"

#include "ppiofs/model/record.h"
#include "support.h"

static void test_every_name_is_found_under_its_number(void)
{
    guint32 n = common_name_find("web_terminal") + 1;

    g_assert_cmpuint(n, >, 60);
    g_assert_cmpuint(n, <, 200);
    for (guint32 i = 0; i < n; i++) {
        g_assert_cmpuint(common_name_find(common_name(i)), ==, i);
        g_assert_true(i == 0 || g_strcmp0(common_name(i - 1), common_name(i)) < 0);
    }
}

static void test_any_other_is_none(void)
{
    static const char *const others[] = { "", "imag", "images", "Image", "~", "\x01", "id~2" };

    for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
        g_assert_cmpuint(common_name_find(others[i]), ==, COMMON_NAME_NONE);
}

/* Of two records with as many entries, the one with names that are here takes less. */
static void test_they_take_no_memory(void)
{
    g_autoptr(Record) with = record_with("x", "'image':1,'region':2,'volumes':3", 0);
    g_autoptr(Record) without = record_with("x", "'imagx':1,'regiox':2,'volumex':3", 0);

    g_assert_cmpuint(subtree_size(record_tree(without)) - subtree_size(record_tree(with)), ==,
                     sizeof "image" + sizeof "region" + sizeof "volumes");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/common_name/every_name", test_every_name_is_found_under_its_number);
    g_test_add_func("/common_name/any_other", test_any_other_is_none);
    g_test_add_func("/common_name/no_memory", test_they_take_no_memory);
    return g_test_run();
}
