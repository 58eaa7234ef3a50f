/* SPDX-License-Identifier: MIT */
/* log_repeat: which log lines were written a moment ago, and how many of their kind. The kind of a
 * line is what stands before its first colon: that is ours, and what follows may be the API's.
 * Bounded: it remembers the last LOG_REPEAT_LINES different lines and the last LOG_REPEAT_KINDS
 * kinds. Pure: the caller says what time it is. */
#pragma once

#include <glib.h>

#define LOG_REPEAT_LINES 64
#define LOG_REPEAT_KINDS 16
#define LOG_REPEAT_WINDOW_US (60 * G_TIME_SPAN_SECOND)

typedef struct {
    guint64 hash;
    gint64 since_us;
    gboolean used;
    guint written, held, held_before; /* of a kind only: since then, and in the window before */
} LogSeen;

typedef struct {
    LogSeen lines[LOG_REPEAT_LINES];
    LogSeen kinds[LOG_REPEAT_KINDS];
} LogRepeat;

/* TRUE if @line is to be written at @now_us (monotonic): within the window fewer than @most of its
 * kind were, and it was not itself, or may be @again. If so, it counts as written, and @ret_held is
 * how many of its kind were too many in the window before. */
gboolean log_repeat_may_write(LogRepeat *repeat, const char *line, gboolean again, guint most,
                              gint64 now_us, guint *ret_held);
