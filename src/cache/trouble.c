/* SPDX-License-Identifier: MIT */
#include "ppiofs/cache/trouble.h"

#include "ppiofs/base/error.h"

#define BACKOFF_FIRST (G_USEC_PER_SEC / 2)
#define BACKOFF_MOST (30 * (gint64)G_USEC_PER_SEC)
/* Even the luckiest jitter leaves the waiters of one failure time to be answered with it. */
#define BACKOFF_LEAST (G_USEC_PER_SEC / 10)

static gint64 backoff(guint failures)
{
    gint64 most = MIN(BACKOFF_FIRST << MIN(failures - 1, 10), BACKOFF_MOST);
    gint64 some = (gint64)(g_random_double() * (gdouble)most); /* MAX() would draw twice */

    return MAX(BACKOFF_LEAST, some);
}

void trouble_note(Trouble *trouble, const GError *error, gint64 now, gint64 negative_ttl)
{
    g_clear_error(&trouble->error);
    trouble->error = g_error_copy(error);
    trouble->at = now;
    trouble->refused |= g_error_matches(error, PPIOFS_ERROR, PPIOFS_ERROR_DENIED);
    if (g_error_matches(error, PPIOFS_ERROR, PPIOFS_ERROR_BUSY)) {
        trouble->until = now + BACKOFF_LEAST; /* nothing was sent: the sender knows until when */
        return;
    }
    trouble->failures++;
    trouble->until =
        now + (trouble_is_absence(trouble) ? negative_ttl : backoff(trouble->failures));
}

gboolean trouble_stands(const Trouble *trouble, gint64 now, gint64 started)
{
    return trouble != NULL && trouble->error != NULL &&
           (trouble->at >= started || now < trouble->until);
}

gboolean trouble_is_final(const Trouble *trouble)
{
    return trouble != NULL && (trouble->refused || trouble_is_absence(trouble));
}

gboolean trouble_is_absence(const Trouble *trouble)
{
    return g_error_matches(trouble->error, PPIOFS_ERROR, PPIOFS_ERROR_NOT_FOUND);
}

void trouble_clear(Trouble *trouble)
{
    g_clear_error(&trouble->error);
    *trouble = (Trouble){ 0 };
}
