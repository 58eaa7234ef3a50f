/* SPDX-License-Identifier: MIT */
/* list: all pages of the list of instances, one after the other, until the API says it was the
 * last; an endless or circling list ends in an error. */
#pragma once

#include <glib.h>

#include "ppiofs/api/request.h"
#include "ppiofs/model/record.h"

#define API_INSTANCES_PATH "/gpus/v2/instances"

typedef struct List List;

/* Borrowed while lists are under way. */
typedef struct {
    Requests *requests;
    const char *base_url; /* without a slash at its end */
    guint page_size;      /* 0: the server's default */
    RecordFlags flags;
    guint64 *pages_unchanged; /* counted into */
} ListContext;

/* @pages: Page*, at least one; a page that came again is the very Page of @known. Exactly one of
 * @pages and @error is set, both borrowed. The List is dead by then. */
typedef void (*ListDone)(GPtrArray *pages, const GError *error, gpointer data);

/* @known: the pages of an earlier list, or NULL; kept as long as needed. */
List *list_start(const ListContext *context, GPtrArray *known, ListDone done, gpointer data);

/* Ends it at once, without calling back. */
void list_cancel(List *list);
