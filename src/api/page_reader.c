/* SPDX-License-Identifier: MIT */
#include "ppiofs/api/page_reader.h"

#include "ppiofs/api/api.h"
#include "ppiofs/base/error.h"
#include "ppiofs/json/prepass.h"

#include <string.h>

/* An item takes time, however few bytes it has. */
#define ITEM_LEAST_BYTES 256

/* What a reader does next; each goes on to the next, and any may be the end:
 *
 *   stage    a step                                        ends it all if
 *   DIGEST   more of the digest                            the page is the known one
 *   ITEMS    more of the check, and some items             it is no JSON
 *   REST     what is not an item: the cursor               always */
typedef enum { STAGE_DIGEST, STAGE_ITEMS, STAGE_REST } Stage;

struct PageReader {
    Stage stage;
    const Kind *kind;
    char *member; /* of the items, in quotes */
    char *cursor;
    Page *known;
    RecordFlags flags;
    HttpAnswer answer; /* with an ETag of its own */
    const char *bytes; /* of its body */
    gsize length;
    GChecksum *checksum;
    gsize digested;
    Prepass scan;
    JsonDoc *item; /* a large one that was parsed: it becomes a record in the next step */
    Page *page;
};

PageReader *page_reader_new(const Kind *kind, const char *cursor, Page *known,
                            const HttpAnswer *answer, RecordFlags flags)
{
    PageReader *reader = g_new0(PageReader, 1);

    reader->kind = kind;
    reader->member = g_strconcat("\"", kind->items, "\"", NULL);
    reader->cursor = g_strdup(cursor);
    reader->known = known;
    reader->flags = flags;
    reader->answer = *answer;
    reader->answer.body = g_bytes_ref(answer->body);
    reader->answer.etag = g_strdup(answer->etag);
    reader->bytes = g_bytes_get_data(answer->body, &reader->length);
    reader->checksum = g_checksum_new(G_CHECKSUM_SHA256);
    reader->scan = prepass_begin(reader->bytes, reader->length, reader->member);
    return reader;
}

const HttpAnswer *page_reader_answer(const PageReader *reader)
{
    return &reader->answer;
}

/* Each stage returns FALSE with an error; *ret_page is set where the page is complete. */
static gboolean digest(PageReader *reader, Page **ret_page)
{
    gsize more = MIN(reader->length - reader->digested, PAGE_READER_CHECKED_BYTES);
    gsize size = PAGE_DIGEST_BYTES;
    PageMark mark = { .length = reader->length };

    if (more > 0)
        g_checksum_update(reader->checksum, (const guchar *)reader->bytes + reader->digested,
                          (gssize)more);
    reader->digested += more;
    if (reader->digested < reader->length)
        return TRUE;
    g_checksum_get_digest(reader->checksum, mark.digest, &size);
    if (reader->known && page_has_mark(reader->known, &mark)) {
        page_set_etag(reader->known, reader->answer.etag);
        *ret_page = page_ref(reader->known);
        return TRUE;
    }
    reader->page = page_new(reader->kind, reader->cursor, reader->answer.etag, &mark);
    reader->stage = STAGE_ITEMS;
    return TRUE;
}

/* The bytes of the item, if they are all there is of its object; NULL: they are not wanted. FALSE:
 * memory ended. (transfer full) */
static gboolean copy_body(const PageReader *reader, GBytes **ret_body, GError **error)
{
    gsize length = (gsize)(reader->scan.item_end - reader->scan.item_start);
    char *copy;

    *ret_body = NULL;
    if (reader->kind->single_get || reader->flags & RECORD_HIDE_SECRETS)
        return TRUE;
    copy = g_try_malloc(length);
    if (!copy)
        return error_set(error, PPIOFS_ERROR_NO_MEMORY, "not enough memory for an item");
    *ret_body = g_bytes_new_take(memcpy(copy, reader->scan.item_start, length), length);
    return TRUE;
}

static gboolean take_item(PageReader *reader, GError **error)
{
    g_autoptr(JsonDoc) doc = g_steal_pointer(&reader->item);
    g_autoptr(GBytes) body = NULL;

    return copy_body(reader, &body, error) &&
           page_take_item(reader->page, json_root(doc), body, reader->flags, error);
}

static gboolean read_item(PageReader *reader, gsize length, GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (length > API_MAX_DETAIL_BYTES)
        return page_leave_item_out(reader->page, "it is larger than 4 MiB", error);
    reader->item = json_parse(reader->scan.item_start, length, &failure);
    if (reader->item)
        return length >= PAGE_READER_PARSED_BYTES || take_item(reader, error);
    if (g_error_matches(failure, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE))
        return page_leave_item_out(reader->page, failure->message, error);
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static gboolean read_items(PageReader *reader, GError **error)
{
    Prepass *scan = &reader->scan;
    const char *limit = scan->at + MIN(scan->end - scan->at, PAGE_READER_CHECKED_BYTES);
    gsize parsed = 0;

    do {
        if (!prepass_go_on(scan, (gsize)(limit - scan->at), error))
            return FALSE;
        if (!scan->item_end)
            continue;
        gsize length = (gsize)(scan->item_end - scan->item_start);
        if (!read_item(reader, length, error))
            return FALSE;
        parsed += MAX(length, ITEM_LEAST_BYTES);
    } while (!scan->done && scan->at < limit && parsed < PAGE_READER_PARSED_BYTES);
    return TRUE;
}

/* "data": null is how some servers write an empty list. Items are here only if the name of their
 * array is written with escapes. */
static gboolean read_rest(PageReader *reader, Page **ret_page, GError **error)
{
    g_autoptr(JsonDoc) doc = json_parse_rest(&reader->scan, PAGE_READER_REST_BYTES, error);
    const cJSON *root = doc ? json_root(doc) : NULL;
    const cJSON *data = json_member(root, reader->kind->items);
    const cJSON *item;

    if (!doc)
        return FALSE;
    if (!cJSON_IsArray(data) &&
        !(cJSON_IsNull(data) && cJSON_IsFalse(json_member(root, "has_more"))))
        return error_set(error, PPIOFS_ERROR_BAD_ANSWER, "it has no array called %s",
                         reader->kind->items);
    if (!page_take_cursor(reader->page, root, error))
        return FALSE;
    cJSON_ArrayForEach (item, data)
        if (!page_take_item(reader->page, item, NULL, reader->flags, error))
            return FALSE;
    *ret_page = g_steal_pointer(&reader->page);
    return TRUE;
}

gboolean page_reader_step(PageReader *reader, Page **ret_page, GError **error)
{
    gboolean good = FALSE;

    *ret_page = NULL;
    switch (reader->stage) {
    case STAGE_DIGEST:
        good = digest(reader, ret_page);
        break;
    case STAGE_ITEMS:
        good = reader->item ? take_item(reader, error) : read_items(reader, error);
        if (reader->scan.done && !reader->item)
            reader->stage = STAGE_REST;
        break;
    case STAGE_REST:
        good = read_rest(reader, ret_page, error);
        break;
    }
    return !good || *ret_page != NULL;
}

Page *page_read(const Kind *kind, const HttpAnswer *answer, RecordFlags flags, GError **error)
{
    g_autoptr(PageReader) reader = page_reader_new(kind, "", NULL, answer, flags);
    Page *page = NULL;

    while (!page_reader_step(reader, &page, error))
        continue;
    return page;
}

void page_reader_free(PageReader *reader)
{
    if (!reader)
        return;
    g_free(reader->member);
    g_free(reader->cursor);
    g_bytes_unref(reader->answer.body);
    g_free(reader->answer.etag);
    g_checksum_free(reader->checksum);
    json_free(reader->item);
    if (reader->page)
        page_unref(reader->page);
    g_free(reader);
}
