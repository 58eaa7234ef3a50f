/* SPDX-License-Identifier: MIT */
/* Whatever stands in a Retry-After header: it is not understood, or the wait is of whole seconds
 * within the bounds, whatever the clock shows, and what is understood is so with spaces around it.
 *
 * Input: eight bytes of clock, seconds since 1970; the rest is the value. */
#include "ppiofs/http/http.h"

#include <stdint.h>
#include <string.h>

#define WAIT_MAX_S 300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_wait(gint64 wait_us)
{
    g_assert_cmpint(wait_us % G_USEC_PER_SEC, ==, 0);
    g_assert_cmpint(wait_us, >=, G_USEC_PER_SEC);
    g_assert_cmpint(wait_us, <=, WAIT_MAX_S * G_USEC_PER_SEC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gint64 now_s;

    if (size < sizeof now_s)
        return 0;
    memcpy(&now_s, data, sizeof now_s);
    g_autofree char *value = g_strndup((const char *)data + sizeof now_s, size - sizeof now_s);
    g_autofree char *spaced = g_strconcat(" \t", value, " ", NULL);
    gint64 wait_us = http_parse_retry_after(value, now_s);

    if (wait_us != -1)
        check_wait(wait_us);
    g_assert_cmpint(http_parse_retry_after(spaced, now_s), ==, wait_us);
    /* A number and a date are the same to every clock but for how long it is until the date. */
    g_assert_cmpint(http_parse_retry_after(value, 0) == -1, ==, wait_us == -1);
    return 0;
}
