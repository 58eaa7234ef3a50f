/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/error.h"

G_DEFINE_QUARK(ppiofs - error - quark, ppiofs_error)

gboolean error_set(GError **error, PpiofsError code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, PPIOFS_ERROR, (gint)code, message);
    return FALSE;
}
