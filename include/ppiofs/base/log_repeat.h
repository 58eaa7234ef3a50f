/* SPDX-License-Identifier: MIT */
/* log_repeat: which log lines were written a moment ago. Bounded: it remembers the last
 * LOG_REPEAT_LINES different ones. Pure: the caller says what time it is. */
#pragma once

#include <glib.h>

#define LOG_REPEAT_LINES 64
#define LOG_REPEAT_WINDOW_US (60 * G_TIME_SPAN_SECOND)

typedef struct {
    struct {
        guint64 hash;
        gint64 written_us;
        gboolean used;
    } lines[LOG_REPEAT_LINES];
} LogRepeat;

/* TRUE if @line was not written in the window before @now_us (monotonic). @line then counts as
 * written. */
gboolean log_repeat_is_new(LogRepeat *repeat, const char *line, gint64 now_us);
