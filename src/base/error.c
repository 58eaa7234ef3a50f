/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/error.h"

#include <stdlib.h>

GQuark ppiofs_error_quark(void)
{
    return g_quark_from_static_string("ppiofs-error-quark");
}

gboolean error_set(GError **error, PpiofsError code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, PPIOFS_ERROR, (gint)code, message);
    return FALSE;
}

int error_exit_status(const GError *error)
{
    switch (error->domain == PPIOFS_ERROR ? error->code : PPIOFS_ERROR_FAILED) {
    case PPIOFS_ERROR_USAGE:
        return 2;
    case PPIOFS_ERROR_MOUNTED:
        return 3;
    case PPIOFS_ERROR_KEY:
        return 4;
    default:
        return EXIT_FAILURE;
    }
}
