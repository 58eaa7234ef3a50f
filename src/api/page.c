/* SPDX-License-Identifier: MIT */
#include "ppiofs/api/page.h"

#include "ppiofs/api/api.h"
#include "ppiofs/base/error.h"
#include "ppiofs/base/hash.h"
#include "ppiofs/base/later.h"
#include "ppiofs/json/json.h"

#include <string.h>

/* 1,024 characters are documented, of at most four bytes each. */
#define MAX_CURSOR_BYTES 4096

/* What a record takes beside its tree: a few small blocks, and its places in tables. */
#define RECORD_EXTRA_BYTES 512

struct Page {
    grefcount refs;
    const Kind *kind;
    char *cursor;
    char *next_cursor;
    char *etag;
    PageMark mark;
    GPtrArray *records; /* Record*, the gone ones too */
    guint n_items;
    gsize n_bytes;
    gboolean cut_short;
    guint n_left_out;
    char *reason; /* why the first was left out */
};

Page *page_new(const Kind *kind, const char *cursor, const char *etag, const PageMark *mark)
{
    Page *page = g_new0(Page, 1);

    g_ref_count_init(&page->refs);
    page->kind = kind;
    page->cursor = g_strdup(cursor);
    page->etag = g_strdup(etag);
    page->mark = *mark;
    page->records = g_ptr_array_new_with_free_func((GDestroyNotify)record_unref);
    return page;
}

/* A cursor that cannot be used is an error, not an end: objects would silently be missing. */
gboolean page_take_cursor(Page *page, const cJSON *root, GError **error)
{
    const cJSON *cursor = json_member(root, "next_cursor");
    const char *text = cJSON_IsString(cursor) ? json_text(cursor) : "";

    if (cJSON_IsFalse(json_member(root, "has_more")))
        return TRUE;
    if (cursor && !cJSON_IsString(cursor) && !cJSON_IsNull(cursor))
        return error_set(error, PPIOFS_ERROR_BAD_ANSWER, "its next_cursor is no string");
    if (strlen(text) > MAX_CURSOR_BYTES)
        return error_set(error, PPIOFS_ERROR_BAD_ANSWER, "its next_cursor is too long");
    page->next_cursor = *text ? g_strdup(text) : NULL;
    page->cut_short = !*text && cJSON_IsTrue(json_member(root, "has_more"));
    return TRUE;
}

static gboolean has_room(const Page *page, GError **error)
{
    if (page->n_items >= API_MAX_ITEMS)
        error_set(error, PPIOFS_ERROR_TOO_LARGE, "it has more than %d %s", API_MAX_ITEMS,
                  page->kind->directory);
    else if (page->n_bytes > API_MAX_LIST_BYTES)
        error_set(error, PPIOFS_ERROR_TOO_LARGE, "its %s take more than %d MiB of memory",
                  page->kind->directory, API_MAX_LIST_BYTES >> 20);
    else
        return TRUE;
    return FALSE;
}

gboolean page_leave_item_out(Page *page, const char *reason, GError **error)
{
    if (!has_room(page, error))
        return FALSE;
    page->n_items++;
    if (page->n_left_out++ == 0)
        page->reason = g_strdup(reason);
    return TRUE;
}

/* Only memory is worth giving up the whole page. */
gboolean page_take_item(Page *page, const cJSON *item, GBytes *body, RecordFlags flags,
                        GError **error)
{
    g_autoptr(GError) reason = NULL;
    Record *record;

    if (!has_room(page, error))
        return FALSE;
    if (!page->kind->single_get)
        flags |= RECORD_FULL;
    record = record_new(page->kind, item, body, flags, &reason);
    if (!record && g_error_matches(reason, PPIOFS_ERROR, PPIOFS_ERROR_NO_MEMORY)) {
        g_propagate_error(error, g_steal_pointer(&reason));
        return FALSE;
    }
    if (!record)
        return page_leave_item_out(page, reason->message, error);
    page->n_items++;
    page->n_bytes += record_size(record) + RECORD_EXTRA_BYTES;
    g_ptr_array_add(page->records, record);
    return TRUE;
}

gboolean page_has_mark(const Page *page, const PageMark *mark)
{
    return page->mark.length == mark->length &&
           memcmp(page->mark.digest, mark->digest, PAGE_DIGEST_BYTES) == 0;
}

void page_set_etag(Page *page, const char *etag)
{
    g_free(page->etag);
    page->etag = g_strdup(etag);
}

const char *page_cursor(const Page *page)
{
    return page->cursor;
}

const char *page_next_cursor(const Page *page)
{
    return page->next_cursor;
}

const char *page_etag(const Page *page)
{
    return page->etag;
}

guint page_n_items(const Page *page)
{
    return page->n_items;
}

gsize page_n_bytes(const Page *page)
{
    return page->n_bytes;
}

gboolean page_is_cut_short(const Page *page)
{
    return page->cut_short;
}

guint page_n_left_out(const Page *page, const char **ret_reason)
{
    *ret_reason = page->reason;
    return page->n_left_out;
}

/* @places: id -> where it is in @records, plus one. */
static void merge_record(GPtrArray *records, GHashTable *places, Record *record)
{
    gpointer key = (gpointer)record_id(record);
    guint place = GPOINTER_TO_UINT(g_hash_table_lookup(places, key));

    if (place == 0) {
        g_ptr_array_add(records, record_ref(record));
        g_hash_table_insert(places, key, GUINT_TO_POINTER(records->len));
        return;
    }
    /* The key must live as long as the record it belongs to. */
    g_hash_table_replace(places, key, GUINT_TO_POINTER(place));
    record_unref(records->pdata[place - 1]);
    records->pdata[place - 1] = record_ref(record);
}

static void drop_gone(GPtrArray *records)
{
    guint kept = 0;

    for (guint i = 0; i < records->len; i++) {
        Record *record = records->pdata[i];

        if (record_is_gone(record))
            record_unref(record);
        else
            records->pdata[kept++] = record;
    }
    records->len = kept;
}

struct PagesMerge {
    const GPtrArray *pages;
    guint page, item; /* the next */
    GPtrArray *records;
    GHashTable *places;
};

PagesMerge *pages_merge_new(const GPtrArray *pages)
{
    PagesMerge *merge = g_new0(PagesMerge, 1);

    merge->pages = pages;
    merge->records = g_ptr_array_new_with_free_func((GDestroyNotify)record_unref);
    merge->places = g_hash_table_new(hash_text, g_str_equal);
    return merge;
}

GPtrArray *pages_merge_step(PagesMerge *merge, guint n)
{
    for (guint i = 0; i < n && merge->page < merge->pages->len; i++) {
        const Page *page = merge->pages->pdata[merge->page];

        if (merge->item < page->records->len) {
            merge_record(merge->records, merge->places, page->records->pdata[merge->item++]);
        } else {
            merge->page++;
            merge->item = 0;
        }
    }
    if (merge->page < merge->pages->len)
        return NULL;
    drop_gone(merge->records);
    return g_steal_pointer(&merge->records);
}

void pages_merge_free(PagesMerge *merge)
{
    if (!merge)
        return;
    g_hash_table_unref(merge->places);
    g_clear_pointer(&merge->records, g_ptr_array_unref);
    g_free(merge);
}

gboolean pages_are_same(const GPtrArray *a, const GPtrArray *b)
{
    return a && b && a->len == b->len && memcmp(a->pdata, b->pdata, a->len * sizeof(gpointer)) == 0;
}

Page *page_ref(Page *page)
{
    g_ref_count_inc(&page->refs);
    return page;
}

void page_unref(Page *page)
{
    if (!g_ref_count_dec(&page->refs))
        return;
    g_free(page->cursor);
    g_free(page->next_cursor);
    g_free(page->etag);
    g_free(page->reason);
    later_free_array(page->records);
    g_free(page);
}
