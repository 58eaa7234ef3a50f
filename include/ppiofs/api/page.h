/* SPDX-License-Identifier: MIT */
/* page: one page of a list, and what many of them make together. Pure.
 *
 * A page is kept from one list to the next, without its body: when the same bytes come again (or a
 * 304), it and its records are used again, and nothing is parsed. */
#pragma once

#include <cjson/cJSON.h>
#include <glib.h>

#include "ppiofs/model/record.h"

#define PAGE_DIGEST_BYTES 32

typedef struct Page Page;

/* Identifies the content of a page. */
typedef struct {
    guint8 digest[PAGE_DIGEST_BYTES]; /* SHA-256 of the body */
    gsize length;                     /* of the body */
} PageMark;

/* A page without items. @cursor asked for it, "" for the first; @etag may be NULL. (transfer full)
 */
Page *page_new(const Kind *kind, const char *cursor, const char *etag, const PageMark *mark);

/* Takes the cursor of the next page from the outermost object. PPIOFS_ERROR_BAD_ANSWER. */
gboolean page_take_cursor(Page *page, const cJSON *root, GError **error);

/* Adds an object, whose own bytes are @body (or NULL); one without a usable id is left out.
 * PPIOFS_ERROR_NO_MEMORY, PPIOFS_ERROR_TOO_LARGE: more than API_MAX_ITEMS, or than
 * API_MAX_LIST_BYTES in memory. */
gboolean page_take_item(Page *page, const cJSON *item, GBytes *body, RecordFlags flags,
                        GError **error);

/* Counts an object that is not shown, and why. Errors as page_take_item(). */
gboolean page_leave_item_out(Page *page, const char *reason, GError **error);

/* TRUE if a body with this mark has the content of the page. */
gboolean page_has_mark(const Page *page, const PageMark *mark);

/* Stores the ETag that came with the same content. NULL: none came. */
void page_set_etag(Page *page, const char *etag);

const char *page_cursor(const Page *page);
const char *page_next_cursor(const Page *page); /* NULL: it is the last */
const char *page_etag(const Page *page);        /* NULL: none came */
guint page_n_items(const Page *page);           /* with those left out */
gsize page_n_bytes(const Page *page);           /* what its records take in memory */
/* TRUE if has_more is true and next_cursor is empty. */
gboolean page_is_cut_short(const Page *page);

/* The number of items that were left out, and the reason for the first (borrowed; NULL: none). */
guint page_n_left_out(const Page *page, const char **ret_reason);

/* The records of many pages on their way to one list: in order, where pages overlap the later one's
 * in the place of the earlier one's (it was answered later), without those that are gone. */
typedef struct PagesMerge PagesMerge;

/* @pages: Page*, borrowed. (transfer full) */
PagesMerge *pages_merge_new(const GPtrArray *pages);

/* Goes on for about @n records. The list when it is complete (transfer full), else NULL. */
GPtrArray *pages_merge_step(PagesMerge *merge, guint n);

void pages_merge_free(PagesMerge *merge);

/* TRUE if both contain the same Page objects. */
gboolean pages_are_same(const GPtrArray *a, const GPtrArray *b);

Page *page_ref(Page *page);
void page_unref(Page *page);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Page, page_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PagesMerge, pages_merge_free)
