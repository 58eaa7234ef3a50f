/* SPDX-License-Identifier: MIT */
#include "ppiofs/cache/readahead.h"

#define MOST 16

/* The window, with the sign of the direction. */
static int note(ReadAhead *ahead, guint position)
{
    gint step;
    guint n = read_ahead_note(ahead, position, MOST, &step);

    return n == 0 ? 0 : (int)n * step;
}

static void assert_windows(const guint *positions, const int *windows, gsize n)
{
    ReadAhead ahead = { 0 };

    for (gsize i = 0; i < n; i++)
        g_assert_cmpint(note(&ahead, positions[i]), ==, windows[i]);
}

#define ASSERT_WINDOWS(positions, windows)                                                         \
    G_STATIC_ASSERT(G_N_ELEMENTS(positions) == G_N_ELEMENTS(windows));                             \
    assert_windows((positions), (windows), G_N_ELEMENTS(positions))

static void test_each_step_of_a_walk_doubles_the_window_up_to_the_bound(void)
{
    static const guint positions[] = { 0, 1, 2, 3, 4, 5 };
    static const int windows[] = { 0, 2, 4, 8, 16, 16 };

    ASSERT_WINDOWS(positions, windows);
}

static void test_a_walk_may_go_backward(void)
{
    static const guint positions[] = { 9, 8, 7, 6, 5, 4, 3, 2, 1, 0 };
    static const int windows[] = { 0, -2, -4, -8, -16, -16, -16, -16, -16, -16 };

    ASSERT_WINDOWS(positions, windows);
}

static void test_the_same_place_again_is_no_step(void)
{
    static const guint positions[] = { 5, 5, 5, 6, 6, 7 };
    static const int windows[] = { 0, 0, 0, 2, 2, 4 };

    ASSERT_WINDOWS(positions, windows);
}

static void test_jumps_are_no_walk(void)
{
    static const guint positions[] = { 5, 50, 7, 90, 3, 1000, 20, 0, G_MAXUINT };
    static const int windows[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0 };

    ASSERT_WINDOWS(positions, windows);
}

static void test_four_walks_do_not_disturb_each_other(void)
{
    static const guint positions[] = { 0, 100, 200, 300, 1, 99, 201, 299, 2, 98, 202, 298 };
    static const int windows[] = { 0, 0, 0, 0, 2, -2, 2, -2, 4, -4, 4, -4 };

    ASSERT_WINDOWS(positions, windows);
}

static void test_the_walk_used_longest_ago_gives_way(void)
{
    static const guint positions[] = { 0, 1, 100, 200, 300, 2, 400, 3, 101 };
    static const int windows[] = { 0, 2, 0, 0, 0, 4, 0, 8, 0 }; /* 400 took the place of 100 */

    ASSERT_WINDOWS(positions, windows);
}

static void test_a_walk_that_turns_round_starts_again(void)
{
    static const guint positions[] = { 0, 1, 2, 3, 2, 1 };
    static const int windows[] = { 0, 2, 4, 8, 0, -2 };

    ASSERT_WINDOWS(positions, windows);
}

static void test_with_no_requests_to_spare_nothing_is_read_ahead(void)
{
    ReadAhead ahead = { 0 };
    gint step;

    for (guint i = 0; i < 10; i++)
        g_assert_cmpuint(read_ahead_note(&ahead, i, 0, &step), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/readahead/each_step_of_a_walk_doubles_the_window_up_to_the_bound",
                    test_each_step_of_a_walk_doubles_the_window_up_to_the_bound);
    g_test_add_func("/readahead/a_walk_may_go_backward", test_a_walk_may_go_backward);
    g_test_add_func("/readahead/the_same_place_again_is_no_step",
                    test_the_same_place_again_is_no_step);
    g_test_add_func("/readahead/jumps_are_no_walk", test_jumps_are_no_walk);
    g_test_add_func("/readahead/four_walks_do_not_disturb_each_other",
                    test_four_walks_do_not_disturb_each_other);
    g_test_add_func("/readahead/the_walk_used_longest_ago_gives_way",
                    test_the_walk_used_longest_ago_gives_way);
    g_test_add_func("/readahead/a_walk_that_turns_round_starts_again",
                    test_a_walk_that_turns_round_starts_again);
    g_test_add_func("/readahead/with_no_requests_to_spare_nothing_is_read_ahead",
                    test_with_no_requests_to_spare_nothing_is_read_ahead);
    return g_test_run();
}
