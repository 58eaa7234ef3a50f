/* SPDX-License-Identifier: MIT */
#include "ppiofs/check/report.h"

#include "ppiofs/base/error.h"

#include <stdio.h>

/* Not g_print(), which turns what the C locale lacks into question marks. */
void report_line(const char *verdict, const char *subject, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    printf("%-5s %s: %s\n", verdict, subject, text);
    fflush(stdout);
}

void report_failure(Report *report, const char *subject, const GError *error, const char *advice)
{
    report_line("FAIL", subject, "%s%s%s", error->message, advice ? "; " : "",
                advice ? advice : "");
    if (report->n_failures++ == 0)
        report->first_code = error->domain == PPIOFS_ERROR ? error->code : PPIOFS_ERROR_FAILED;
}

gboolean report_conclude(const Report *report, GError **error)
{
    if (report->n_failures == 0)
        return TRUE;
    return error_set(error, report->first_code,
                     report->n_failures == 1
                         ? "%u check failed; see the line that starts with FAIL"
                         : "%u checks failed; see the lines that start with FAIL",
                     report->n_failures);
}
