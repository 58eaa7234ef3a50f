/* SPDX-License-Identifier: MIT */
/* page: one page of the list of instances, and what many of them make together. Pure.
 *
 * A page is kept from one list to the next, without its body: when the same bytes come again (or a
 * 304), it and its records are used again, and nothing is parsed. */
#pragma once

#include <glib.h>

#include "ppiofs/http/http.h"
#include "ppiofs/model/record.h"

typedef struct Page Page;

/* @cursor asked for it; "" for the first. Items without a usable id are left out.
 * PPIOFS_ERROR_BAD_ANSWER, PPIOFS_ERROR_NO_MEMORY, PPIOFS_ERROR_TOO_LARGE. (transfer full) */
Page *page_new(const char *cursor, const HttpAnswer *answer, RecordFlags flags, GError **error);

/* Whether @answer to @cursor is this page again: 304, or the same bytes. Takes over a new ETag. */
gboolean page_is_again(Page *page, const char *cursor, const HttpAnswer *answer);

const char *page_cursor(const Page *page);
const char *page_next_cursor(const Page *page); /* NULL: it is the last */
const char *page_etag(const Page *page);        /* NULL: none came */
guint page_n_items(const Page *page);           /* with those left out */

/* How many were left out, and why the first was (borrowed; NULL if none was). */
guint page_n_left_out(const Page *page, const char **ret_reason);

/* The records of all @pages in order, (transfer full). Where pages overlap, the later one was
 * answered later: its record takes the place of the earlier. Those that are gone are dropped. */
GPtrArray *pages_merge(const GPtrArray *pages);

/* Whether both hold the very same pages. */
gboolean pages_are_same(const GPtrArray *a, const GPtrArray *b);

Page *page_ref(Page *page);
void page_unref(Page *page);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Page, page_unref)
