/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/later.h"

#define MANY 100000

static guint freed;

static void count_and_free(gpointer element)
{
    freed++;
    g_free(element);
}

/* However fast the machine is, a turn is over before a thousand of these. */
static void count_and_free_slowly(gpointer element)
{
    g_usleep(100);
    count_and_free(element);
}

static void free_inner(gpointer element)
{
    later_free_array(element);
}

/* (transfer full) */
static GPtrArray *array_of(guint n, GDestroyNotify free_element)
{
    GPtrArray *array = g_ptr_array_new_with_free_func(free_element);

    for (guint i = 0; i < n; i++)
        g_ptr_array_add(array, g_malloc(1));
    return array;
}

static void test_nothing_is_freed_at_once_and_all_in_the_end(void)
{
    GPtrArray *outer = g_ptr_array_new_with_free_func(free_inner);

    freed = 0;
    for (guint i = 0; i < 3; i++)
        g_ptr_array_add(outer, array_of(MANY, count_and_free));
    later_free_array(outer);
    later_free_array(array_of(0, count_and_free));
    later_free_array(array_of(MANY, count_and_free));
    later_free_array(NULL);
    g_assert_cmpuint(freed, ==, 0);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    g_assert_cmpuint(freed, ==, 4 * MANY);
}

/* One source does it, however often it is asked: its turns are the only ones. */
static void test_a_turn_is_short_however_many_arrays_there_are(void)
{
    freed = 0;
    for (guint i = 0; i < 100; i++)
        later_free_array(array_of(10, count_and_free_slowly));
    g_main_context_iteration(NULL, FALSE);
    g_assert_cmpuint(freed, >, 0);
    g_assert_cmpuint(freed, <, 1000);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    g_assert_cmpuint(freed, ==, 1000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/later/nothing_is_freed_at_once_and_all_in_the_end",
                    test_nothing_is_freed_at_once_and_all_in_the_end);
    g_test_add_func("/later/a_turn_is_short_however_many_arrays_there_are",
                    test_a_turn_is_short_however_many_arrays_there_are);
    return g_test_run();
}
