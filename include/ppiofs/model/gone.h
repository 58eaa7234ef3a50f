/* SPDX-License-Identifier: MIT */
/* gone: what is remembered of names that an answer said are gone, until a list that was asked for
 * later says so, too. Times are AnswerTime.asked. */
#pragma once

#include <glib.h>

typedef struct Gone Gone;

Gone *gone_new(void);

/* An answer that was asked for then said so. */
void gone_remember(Gone *gone, const char *name, gint64 asked);

/* TRUE if what was asked for then may show an object of that name that is not known. */
gboolean gone_allows(const Gone *gone, const char *name, gint64 asked);

/* A list that was asked for then has been applied: now it alone says what there is. */
void gone_forget(Gone *gone, gint64 asked);

void gone_free(Gone *gone);
