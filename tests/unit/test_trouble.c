/* SPDX-License-Identifier: MIT */
#include "ppiofs/cache/trouble.h"

#include "ppiofs/base/error.h"
#include "support.h"

#define T0 (1000 * (gint64)SECOND)
#define NEGATIVE (5 * (gint64)SECOND)

static void note(Trouble *trouble, int code, gint64 now)
{
    g_autoptr(GError) error = g_error_new_literal(PPIOFS_ERROR, code, "x");

    trouble_note(trouble, error, now, NEGATIVE);
}

static void test_without_a_failure_nothing_stands(void)
{
    Trouble trouble = { 0 };

    g_assert_false(trouble_stands(&trouble, T0, T0));
    g_assert_false(trouble_stands(NULL, T0, T0));
    g_assert_false(trouble_is_final(&trouble));
    g_assert_false(trouble_is_final(NULL));
}

static void test_a_failure_stands_for_who_began_before_it(void)
{
    Trouble trouble = { 0 };

    note(&trouble, PPIOFS_ERROR_SERVER, T0);
    g_assert_true(trouble_stands(&trouble, T0 + 100 * SECOND, T0));
    g_assert_true(trouble_stands(&trouble, trouble.until - 1, T0 + 1));
    g_assert_false(trouble_stands(&trouble, trouble.until, T0 + 1));
    trouble_clear(&trouble);
}

static void test_the_back_off_doubles_up_to_30_s_and_is_jittered(void)
{
    static const gint64 most[] = { SECOND / 2, SECOND,      2 * SECOND,  4 * SECOND,
                                   8 * SECOND, 16 * SECOND, 30 * SECOND, 30 * SECOND };

    gint64 longest[G_N_ELEMENTS(most)] = { 0 }, shortest = G_MAXINT64;
    for (int run = 0; run < 500; run++) {
        Trouble trouble = { 0 };

        for (gsize i = 0; i < G_N_ELEMENTS(most); i++) {
            note(&trouble, PPIOFS_ERROR_TIMEOUT, T0);
            g_assert_cmpint(trouble.until, >=, T0 + SECOND / 10);
            g_assert_cmpint(trouble.until, <=, T0 + most[i]);
            longest[i] = MAX(longest[i], trouble.until - T0);
        }
        g_assert_cmpuint(trouble.failures, ==, G_N_ELEMENTS(most));
        shortest = MIN(shortest, trouble.until - T0);
        trouble_clear(&trouble);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(most); i++)
        g_assert_cmpint(longest[i], >, most[i] / 2); /* with certainty: 1 - 2^-500 */
    g_assert_cmpint(shortest, <, 15 * SECOND);
}

static void test_after_a_thousand_failures_the_wait_is_as_long_as_ever(void)
{
    Trouble trouble = { 0 };
    gint64 longest = 0;

    for (int i = 0; i < 1000; i++) {
        note(&trouble, PPIOFS_ERROR_TIMEOUT, T0);
        if (i >= 500)
            longest = MAX(longest, trouble.until - T0);
    }
    g_assert_cmpint(longest, <=, 30 * (gint64)SECOND);
    g_assert_cmpint(longest, >, 15 * SECOND);
    trouble_clear(&trouble);
}

static void test_what_does_not_exist_is_looked_for_after_negative_ttl(void)
{
    Trouble trouble = { 0 };

    note(&trouble, PPIOFS_ERROR_NOT_FOUND, T0);
    g_assert_cmpint(trouble.until, ==, T0 + NEGATIVE);
    trouble_clear(&trouble);
}

static void test_busy_is_tried_again_soon(void)
{
    Trouble trouble = { 0 };

    for (int i = 0; i < 10; i++)
        note(&trouble, PPIOFS_ERROR_BUSY, T0);
    g_assert_cmpint(trouble.until, <=, T0 + SECOND);
    trouble_clear(&trouble);
}

static void test_gone_and_refused_are_verdicts_and_others_are_not(void)
{
    for (int code = PPIOFS_ERROR_NOT_FOUND; code <= PPIOFS_ERROR_FAILED; code++) {
        Trouble trouble = { 0 };

        note(&trouble, code, T0);
        g_assert_cmpint(trouble_is_final(&trouble), ==,
                        code == PPIOFS_ERROR_NOT_FOUND || code == PPIOFS_ERROR_DENIED);
        trouble_clear(&trouble);
    }
}

static void test_a_refusal_outlives_other_failures_but_not_a_success(void)
{
    Trouble trouble = { 0 };

    note(&trouble, PPIOFS_ERROR_DENIED, T0);
    note(&trouble, PPIOFS_ERROR_TIMEOUT, T0 + SECOND);
    g_assert_true(trouble_is_final(&trouble));
    trouble_clear(&trouble);
    g_assert_false(trouble_is_final(&trouble));
    note(&trouble, PPIOFS_ERROR_TIMEOUT, T0 + SECOND);
    g_assert_false(trouble_is_final(&trouble));
    g_assert_cmpuint(trouble.failures, ==, 1);
    trouble_clear(&trouble);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/trouble/without_a_failure_nothing_stands",
                    test_without_a_failure_nothing_stands);
    g_test_add_func("/trouble/a_failure_stands_for_who_began_before_it",
                    test_a_failure_stands_for_who_began_before_it);
    g_test_add_func("/trouble/the_back_off_doubles_up_to_30_s_and_is_jittered",
                    test_the_back_off_doubles_up_to_30_s_and_is_jittered);
    g_test_add_func("/trouble/after_a_thousand_failures_the_wait_is_as_long_as_ever",
                    test_after_a_thousand_failures_the_wait_is_as_long_as_ever);
    g_test_add_func("/trouble/what_does_not_exist_is_looked_for_after_negative_ttl",
                    test_what_does_not_exist_is_looked_for_after_negative_ttl);
    g_test_add_func("/trouble/busy_is_tried_again_soon", test_busy_is_tried_again_soon);
    g_test_add_func("/trouble/gone_and_refused_are_verdicts_and_others_are_not",
                    test_gone_and_refused_are_verdicts_and_others_are_not);
    g_test_add_func("/trouble/a_refusal_outlives_other_failures_but_not_a_success",
                    test_a_refusal_outlives_other_failures_but_not_a_success);
    return g_test_run();
}
