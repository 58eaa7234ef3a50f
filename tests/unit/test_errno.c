/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/errno.h"

#include <errno.h>

#include "ppiofs/base/error.h"

static int number_of(GQuark domain, int code)
{
    g_autoptr(GError) error = g_error_new_literal(domain, code, "x");

    return errno_from_error(error);
}

static void test_each_error_has_the_number_that_the_tree_promises(void)
{
    static const struct {
        PpiofsError code;
        int number;
    } rows[] = {
        { PPIOFS_ERROR_NOT_FOUND, ENOENT },
        { PPIOFS_ERROR_DENIED, EACCES },
        { PPIOFS_ERROR_KEY, EACCES },
        { PPIOFS_ERROR_TIMEOUT, ETIMEDOUT },
        { PPIOFS_ERROR_UNREACHABLE, EHOSTUNREACH },
        { PPIOFS_ERROR_REFUSED, ECONNREFUSED },
        { PPIOFS_ERROR_BUSY, EBUSY },
        { PPIOFS_ERROR_PROTOCOL, EPROTO },
        { PPIOFS_ERROR_BAD_ANSWER, EBADMSG },
        { PPIOFS_ERROR_TOO_LARGE, EFBIG },
        { PPIOFS_ERROR_SERVER, EIO },
        { PPIOFS_ERROR_NO_MEMORY, ENOMEM },
        { PPIOFS_ERROR_USAGE, EIO },
        { PPIOFS_ERROR_MOUNTED, EIO },
        { PPIOFS_ERROR_FAILED, EIO },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(number_of(PPIOFS_ERROR, rows[i].code), ==, rows[i].number);
}

static void test_any_other_error_is_eio(void)
{
    g_assert_cmpint(number_of(PPIOFS_ERROR, 1000), ==, EIO);
    g_assert_cmpint(number_of(PPIOFS_ERROR, -1), ==, EIO);
    g_assert_cmpint(number_of(g_quark_from_static_string("other"), 1), ==, EIO);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/errno/each_error_has_the_number_that_the_tree_promises",
                    test_each_error_has_the_number_that_the_tree_promises);
    g_test_add_func("/errno/any_other_error_is_eio", test_any_other_error_is_eio);
    return g_test_run();
}
