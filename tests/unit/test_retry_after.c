/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/http.h"

/* Sun, 06 Nov 1994 08:49:37 GMT */
#define NOW_S 784111777

static void test_a_wait_is_seconds_or_a_date_within_bounds(void)
{
    static const struct {
        const char *value;
        gint64 seconds; /* -1: not understood */
    } cases[] = {
        { "1", 1 },
        { "17", 17 },
        { " 17 ", 17 },
        { "300", 300 },
        { "301", 300 },
        { "99999999999999999999999999", 300 },
        { "0", 1 },
        { "-5", 1 },
        { "Sun, 06 Nov 1994 08:50:07 GMT", 30 },
        { "Sunday, 06-Nov-94 08:50:07 GMT", 30 },
        { "Sun Nov  6 08:50:07 1994", 30 },
        { "Sun, 06 Nov 1994 08:49:37 GMT", 1 },
        { "Sun, 06 Nov 1994 08:00:00 GMT", 1 },
        { "Mon, 07 Nov 1994 08:49:37 GMT", 300 },
        { "Fri, 31 Dec 9999 23:59:59 GMT", 300 },
        { "", -1 },
        { "-", -1 },
        { "soon", -1 },
        { "5.5", -1 },
        { "5 minutes", -1 },
        { "12:30", -1 },
        { "0x10", -1 },
        { "\xff\xfe", -1 },
        { NULL, -1 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gint64 wait_us = http_parse_retry_after(cases[i].value, NOW_S);
        gint64 expected = cases[i].seconds < 0 ? -1 : cases[i].seconds * G_USEC_PER_SEC;
        g_autofree char *text = g_strescape(cases[i].value ? cases[i].value : "(none)", NULL);

        g_test_message("%s", text);
        g_assert_cmpint(wait_us, ==, expected);
    }
}

static void test_any_clock_gives_a_wait_within_bounds(void)
{
    static const gint64 clocks[] = { G_MININT64, -1, 0, G_MAXINT64 };

    for (gsize i = 0; i < G_N_ELEMENTS(clocks); i++) {
        gint64 wait_us = http_parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", clocks[i]);

        g_assert_cmpint(wait_us, ==, (clocks[i] == G_MAXINT64 ? 1 : 300) * G_USEC_PER_SEC);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/retry-after/parsed", test_a_wait_is_seconds_or_a_date_within_bounds);
    g_test_add_func("/retry-after/clocks", test_any_clock_gives_a_wait_within_bounds);
    return g_test_run();
}
