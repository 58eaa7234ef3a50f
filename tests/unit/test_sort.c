/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/sort.h"

#define MOST 70

static guint compared;

/* The numbers of @data; many are equal. */
static int compare(guint32 a, guint32 b, gconstpointer data)
{
    const guint *keys = data;

    compared++;
    return keys[a] < keys[b] ? -1 : keys[a] > keys[b];
}

static void sort_all(Sort *sort, const guint *keys, guint n, guint step)
{
    gboolean has_memory = sort_init(sort, n, compare, keys);

    g_assert_true(has_memory);
    while (!sort_step(sort, step))
        continue;
}

static void assert_sorted(const Sort *sort, const guint *keys, guint n)
{
    gboolean seen[MOST] = { FALSE };

    for (guint i = 0; i < n; i++) {
        seen[sort->items[i]] = TRUE;
        if (i > 0 && keys[sort->items[i - 1]] == keys[sort->items[i]])
            g_assert_cmpuint(sort->items[i - 1], <, sort->items[i]);
        else if (i > 0)
            g_assert_cmpuint(keys[sort->items[i - 1]], <, keys[sort->items[i]]);
    }
    for (guint i = 0; i < n; i++)
        g_assert_true(seen[i]);
}

static void test_any_numbers_come_in_order_and_equal_ones_as_they_were(void)
{
    guint keys[MOST];

    for (guint n = 0; n <= MOST; n++)
        for (guint step = 1; step < 40; step += 3) {
            Sort sort;

            for (guint i = 0; i < n; i++)
                keys[i] = (guint)g_test_rand_int_range(0, (gint)MAX(n / 2, 1));
            sort_all(&sort, keys, n, step);
            assert_sorted(&sort, keys, n);
            sort_clear(&sort);
        }
}

static void test_what_is_in_order_costs_a_comparison_each(void)
{
    guint keys[MOST];
    Sort sort;

    for (guint i = 0; i < MOST; i++)
        keys[i] = i;
    compared = 0;
    sort_all(&sort, keys, MOST, G_MAXUINT);
    g_assert_cmpuint(compared, ==, MOST - 1);
    assert_sorted(&sort, keys, MOST);
    sort_clear(&sort);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sort/any_numbers_come_in_order_and_equal_ones_as_they_were",
                    test_any_numbers_come_in_order_and_equal_ones_as_they_were);
    g_test_add_func("/sort/what_is_in_order_costs_a_comparison_each",
                    test_what_is_in_order_costs_a_comparison_each);
    return g_test_run();
}
