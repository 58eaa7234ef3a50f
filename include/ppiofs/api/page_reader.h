/* SPDX-License-Identifier: MIT */
/* page_reader: makes a Page of an answer bit by bit: a page may have 32 MiB, and nobody else is to
 * wait for as long as it takes to read that. Pure: the caller says when it goes on.
 *
 * An item that is larger than the answer about a single object may be is left out, as one without
 * a usable id is. */
#pragma once

#include <glib.h>

#include "ppiofs/api/page.h"
#include "ppiofs/http/http.h"

/* As much of a page as one step reads, about two milliseconds either way. A single item, and what
 * is beside the items, are each read in one step. */
#define PAGE_READER_CHECKED_BYTES (512u << 10)
#define PAGE_READER_PARSED_BYTES (48u << 10)
#define PAGE_READER_REST_BYTES (64u << 10)

typedef struct PageReader PageReader;

/* Keeps the needed parts of @answer, which is a 200. @known: the page that came for @cursor last
 * time, or NULL; borrowed, and outlives the reader. (transfer full) */
PageReader *page_reader_new(const Kind *kind, const char *cursor, Page *known,
                            const HttpAnswer *answer, RecordFlags flags);

/* Reads a bit more. TRUE when it is over: then exactly one of @ret_page (transfer full) and @error
 * is set. The page is @known if the same bytes came again. PPIOFS_ERROR_BAD_ANSWER,
 * PPIOFS_ERROR_NO_MEMORY, PPIOFS_ERROR_TOO_LARGE. */
gboolean page_reader_step(PageReader *reader, Page **ret_page, GError **error);

/* The answer that is read, to be quoted; borrowed. */
const HttpAnswer *page_reader_answer(const PageReader *reader);

/* All of it at once. @answer is borrowed. (transfer full) */
Page *page_read(const Kind *kind, const HttpAnswer *answer, RecordFlags flags, GError **error);

void page_reader_free(PageReader *reader);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PageReader, page_reader_free)
