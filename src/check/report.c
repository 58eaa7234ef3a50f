/* SPDX-License-Identifier: MIT */
#include "ppiofs/check/report.h"

#include "ppiofs/base/error.h"

#include <stdio.h>

/* Not g_print(), which turns what the C locale lacks into question marks. */
static void write_line(const char *verdict, const char *subject, const char *text)
{
    printf("%-5s %s: %s\n", verdict, subject, text);
    fflush(stdout);
}

static void write_formatted(const char *verdict, const char *subject, const char *format,
                            va_list arguments)
{
    g_autofree char *text = g_strdup_vprintf(format, arguments);

    write_line(verdict, subject, text);
}

void report_ok(Report *report, const char *subject, const char *format, ...)
{
    va_list arguments;

    (void)report;
    va_start(arguments, format);
    write_formatted("ok", subject, format, arguments);
    va_end(arguments);
}

void report_note(Report *report, const char *subject, const char *format, ...)
{
    va_list arguments;

    (void)report;
    va_start(arguments, format);
    write_formatted("note", subject, format, arguments);
    va_end(arguments);
}

void report_failure(Report *report, const char *subject, const GError *error, const char *advice)
{
    g_autofree char *text =
        g_strconcat(error->message, advice ? "; " : "", advice ? advice : "", NULL);

    write_line("FAIL", subject, text);
    if (report->n_failures++ == 0)
        report->first_code = error->domain == PPIOFS_ERROR ? error->code : PPIOFS_ERROR_FAILED;
}

gboolean report_conclude(const Report *report, GError **error)
{
    if (report->n_failures == 0)
        return TRUE;
    g_set_error(error, PPIOFS_ERROR, report->first_code,
                report->n_failures == 1
                    ? "%u thing is not as it should be: see the line that says FAIL"
                    : "%u things are not as they should be: see the lines that say FAIL",
                report->n_failures);
    return FALSE;
}
