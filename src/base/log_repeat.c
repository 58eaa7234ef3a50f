/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/log_repeat.h"

#include "ppiofs/base/hash.h"

#include <string.h>

gboolean log_repeat_is_new(LogRepeat *repeat, const char *line, gint64 now_us)
{
    /* Two different lines that meet within a minute would cost one of them: 64 bits. */
    guint64 hash = hash_bytes(hash_key(), line, strlen(line));
    gsize slot = 0; /* the line's own, else a free one, else that of the oldest */

    for (gsize i = 0; i < LOG_REPEAT_LINES; i++) {
        if (repeat->lines[i].used && repeat->lines[i].hash == hash) {
            if (now_us - repeat->lines[i].written_us < LOG_REPEAT_WINDOW_US)
                return FALSE;
            slot = i;
            break;
        }
        if (!repeat->lines[slot].used)
            continue;
        if (!repeat->lines[i].used || repeat->lines[i].written_us < repeat->lines[slot].written_us)
            slot = i;
    }
    repeat->lines[slot].hash = hash;
    repeat->lines[slot].written_us = now_us;
    repeat->lines[slot].used = TRUE;
    return TRUE;
}
