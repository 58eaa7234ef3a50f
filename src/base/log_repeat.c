/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/log_repeat.h"

#include <string.h>

#include "ppiofs/base/hash.h"

/* The one with that hash, else a free one, else the oldest, which then is nobody's. */
static LogSeen *find(LogSeen *seen, gsize n, guint64 hash)
{
    LogSeen *oldest = &seen[0];

    for (gsize i = 0; i < n; i++) {
        if (seen[i].used && seen[i].hash == hash)
            return &seen[i];
        if (oldest->used && (!seen[i].used || seen[i].since_us < oldest->since_us))
            oldest = &seen[i];
    }
    *oldest = (LogSeen){ .hash = hash };
    return oldest;
}

/* Whether a window begins now. */
static gboolean begin_window(LogSeen *seen, gint64 now_us)
{
    if (seen->used && now_us - seen->since_us < LOG_REPEAT_WINDOW_US)
        return FALSE;
    seen->used = TRUE;
    seen->since_us = now_us;
    return TRUE;
}

static gboolean is_new(LogRepeat *repeat, const char *line, gint64 now_us)
{
    guint64 hash = hash_bytes(hash_key(), line, strlen(line));

    return begin_window(find(repeat->lines, LOG_REPEAT_LINES, hash), now_us);
}

gboolean log_repeat_may_write(LogRepeat *repeat, const char *line, gboolean again, guint most,
                              gint64 now_us, guint *ret_held)
{
    LogSeen *kind =
        find(repeat->kinds, LOG_REPEAT_KINDS, hash_bytes(hash_key(), line, strcspn(line, ":")));

    if (begin_window(kind, now_us)) {
        kind->held_before = kind->held;
        kind->written = kind->held = 0;
    }
    if (kind->written >= most) {
        kind->held++;
        return FALSE;
    }
    if (!is_new(repeat, line, now_us) && !again)
        return FALSE;
    kind->written++;
    *ret_held = kind->held_before;
    kind->held_before = 0;
    return TRUE;
}
