/* SPDX-License-Identifier: MIT */
/* report: the lines of --check on standard output, each as soon as it is known, and what they come
 * to. Plain text: "ok", "note" or "FAIL", then the subject and what there is to say about it. */
#pragma once

#include <glib.h>

typedef struct {
    guint n_failures;
    int first_code; /* PpiofsError of the first failure */
} Report;

/* @verdict: "ok", or "note" for a fact that is allowed but worth knowing. The text must be safe for
 * a terminal. */
void report_line(const char *verdict, const char *subject, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* Not as it should be; @error says why, @advice what to do (NULL: that is said already). */
void report_failure(Report *report, const char *subject, const GError *error, const char *advice);

/* FALSE, and an error with the code of the first failure, if there was any. */
gboolean report_conclude(const Report *report, GError **error);
