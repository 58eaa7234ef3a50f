/* SPDX-License-Identifier: MIT */
/* All pages of the list, one after the other, until the API says it was the last; an endless or
 * circling list ends in an error. Each page is a request with the whole timeout: a long list may go
 * on as long as pages come.
 *
 *   stage   meaning                                       goes on by
 *   ASK     the request for a page is under way           its end
 *   READ    a page that has come is read, bit by bit      turns of the main loop
 *   MERGE   all pages are made one list, bit by bit       turns of the main loop
 *
 * In turns, with the priority of everything else: neither waits for the other. */
#include "ppiofs/api/page_reader.h"
#include "ppiofs/api/private.h"
#include "ppiofs/base/error.h"
#include "ppiofs/base/hash.h"

/* As many records as one turn merges, about two milliseconds. */
#define MERGED_PER_TURN 4000

typedef struct {
    Request request; /* first: a request is its list */
    const Kind *kind;
    ApiListDone done;
    gint64 asked;
    GPtrArray *known;    /* pages of the list before; may be NULL */
    GPtrArray *pages;    /* Page* so far */
    GHashTable *cursors; /* asked for so far; owned by the pages */
    guint n_items;
    gsize n_bytes;
    guint n_left_out;
    char *reason; /* why the first item was left out */
    PageReader *reader;
    PagesMerge *merge;
    GSource *turns; /* of the reader or the merge */
} List;

static void stop_turns(List *list)
{
    if (list->turns) {
        g_source_destroy(list->turns);
        g_clear_pointer(&list->turns, g_source_unref);
    }
    g_clear_pointer(&list->reader, page_reader_free);
    g_clear_pointer(&list->merge, pages_merge_free);
}

static void list_free(Request *request)
{
    List *list = (List *)request;

    stop_turns(list);
    g_clear_pointer(&list->known, g_ptr_array_unref);
    g_hash_table_unref(list->cursors);
    g_ptr_array_unref(list->pages);
    g_free(list->reason);
    g_free(list);
}

/* In the turns of the main loop that follow. */
static void take_turns(List *list, GSourceFunc on_turn)
{
    list->turns = g_idle_source_new();
    g_source_set_priority(list->turns, G_PRIORITY_DEFAULT);
    g_source_set_callback(list->turns, on_turn, list, NULL);
    g_source_attach(list->turns, g_main_context_get_thread_default());
}

static const char *next_cursor(const List *list)
{
    const GPtrArray *pages = list->pages;

    return pages->len ? page_next_cursor(pages->pdata[pages->len - 1]) : "";
}

/* What came last time for the page that is asked for, if its cursor was the same. */
static Page *known_page(const List *list)
{
    guint place = list->pages->len;
    Page *known = list->known && place < list->known->len ? list->known->pdata[place] : NULL;

    return known && g_str_equal(page_cursor(known), next_cursor(list)) ? known : NULL;
}

static char *page_url(const List *list, const char *cursor)
{
    const Api *api = list->request.api;
    g_autofree char *escaped = g_uri_escape_string(cursor, NULL, FALSE);
    GString *url = g_string_new(api->base_url);
    char separator = list->kind->query ? '&' : '?';

    g_string_append(url, list->kind->route);
    if (list->kind->query)
        g_string_append_printf(url, "?%s", list->kind->query);
    if (api->page_size > 0) {
        g_string_append_printf(url, "%climit=%u", separator, api->page_size);
        separator = '&';
    }
    if (*escaped)
        g_string_append_printf(url, "%ccursor=%s", separator, escaped);
    return g_string_free(url, FALSE);
}

static char *page_label(const List *list)
{
    guint number = list->pages->len + 1;

    return number == 1 ? g_strconcat("GET ", list->kind->route, NULL)
                       : g_strdup_printf("GET %s (page %u)", list->kind->route, number);
}

static void on_page(Request *request, const HttpAnswer *answer, const GError *error);

static void ask_for_page(List *list)
{
    const char *cursor = next_cursor(list);
    const Page *known = known_page(list);
    Request *request = &list->request;

    request_clear(request);
    request->url = page_url(list, cursor);
    request->label = page_label(list);
    request->if_none_match = known ? g_strdup(page_etag(known)) : NULL;
    request->max_body = API_MAX_PAGE_BYTES;
    request->route = list->kind == KIND_INSTANCES ? ANSWER_OF_LIST : ANSWER_OF_OPTIONAL_LIST;
    request->lane = LANE_LISTS;
    request->done = on_page;
    request_start(request);
}

/* Everything may be gone after this. */
static void list_fail(List *list, const GError *error)
{
    ApiListDone done = list->done;
    gpointer data = list->request.data;
    ApiList end = { .asked = list->asked };

    request_free(&list->request);
    done(&end, error, data);
}

/* What is wrong with a list that is taken all the same. (transfer full) */
static GError *list_warning(const List *list)
{
    const Page *last = list->pages->pdata[list->pages->len - 1];

    if (!page_is_cut_short(last))
        return NULL;
    return g_error_new(PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER,
                       "%s: %s may be missing: it says has_more, but its next_cursor is empty",
                       list->request.label, list->kind->directory);
}

/* New pages only: a line with each list would be too many. */
static void log_trouble(const List *list, const GError *warning)
{
    if (list->n_left_out > 0)
        g_warning("GET %s: %u of %u items left out: %s", list->kind->route, list->n_left_out,
                  list->n_items, list->reason);
    if (warning)
        g_warning("%s", warning->message);
}

/* (takes @records) */
static void remember(const List *list, GPtrArray *records)
{
    KnownList *known = g_new(KnownList, 1);

    *known = (KnownList){ g_ptr_array_ref(list->pages), records };
    g_hash_table_replace(list->request.api->lists, (gpointer)list->kind, known);
}

static KnownList *known_list(const List *list)
{
    return g_hash_table_lookup(list->request.api->lists, list->kind);
}

/* The list is the known one now. */
static void list_succeed(List *list, gboolean unchanged)
{
    ApiListDone done = list->done;
    gpointer data = list->request.data;
    g_autoptr(GError) warning = list_warning(list);
    g_autoptr(GPtrArray) records = g_ptr_array_ref(known_list(list)->records);
    ApiList end = { list->asked, records, unchanged, list->pages->len, warning };

    if (!unchanged)
        log_trouble(list, warning);
    request_free(&list->request);
    done(&end, NULL, data);
}

static gboolean on_merge_turn(gpointer data)
{
    List *list = data;
    GPtrArray *records = pages_merge_step(list->merge, MERGED_PER_TURN);

    if (!records)
        return G_SOURCE_CONTINUE;
    remember(list, records);
    list_succeed(list, FALSE);
    return G_SOURCE_REMOVE;
}

static void end_list(List *list)
{
    const KnownList *known = known_list(list);

    if (known && pages_are_same(list->pages, known->pages)) {
        list_succeed(list, TRUE);
        return;
    }
    list->merge = pages_merge_new(list->pages);
    take_turns(list, on_merge_turn);
}

/* Whether it can go on, or end, after the page that was just added. */
static gboolean check_bounds(const List *list, GError **error)
{
    const char *next = next_cursor(list);
    const char *label = list->request.label;

    if (list->n_items > API_MAX_ITEMS)
        error_set(error, PPIOFS_ERROR_TOO_LARGE, "%s: more than %d %s", label, API_MAX_ITEMS,
                  list->kind->directory);
    else if (list->n_bytes > API_MAX_LIST_BYTES)
        error_set(error, PPIOFS_ERROR_TOO_LARGE,
                  "%s: the %s of all pages take more than %d MiB of memory", label,
                  list->kind->directory, API_MAX_LIST_BYTES >> 20);
    else if (next && list->pages->len >= API_MAX_PAGES)
        error_set(error, PPIOFS_ERROR_TOO_LARGE, "%s: more than %d pages", label, API_MAX_PAGES);
    else if (next && g_hash_table_contains(list->cursors, next))
        error_set(error, PPIOFS_ERROR_BAD_ANSWER,
                  "%s: the API sent the same next_cursor twice, so the list would never end",
                  label);
    else
        return TRUE;
    return FALSE;
}

static void note_left_out(List *list, const Page *page)
{
    const char *reason;

    list->n_left_out += page_n_left_out(page, &reason);
    if (reason && !list->reason)
        list->reason = g_strdup(reason);
}

/* The page that was asked for is there. (takes @page) */
static void add_page(List *list, Page *page)
{
    g_autoptr(GError) error = NULL;

    stop_turns(list);
    if (page == known_page(list))
        list->request.api->stats.pages_unchanged++;
    else
        note_left_out(list, page);
    g_ptr_array_add(list->pages, page);
    g_hash_table_add(list->cursors, (gpointer)page_cursor(page));
    list->n_items += page_n_items(page);
    list->n_bytes += page_n_bytes(page);
    if (!check_bounds(list, &error))
        list_fail(list, error);
    else if (next_cursor(list))
        ask_for_page(list);
    else
        end_list(list);
}

static gboolean on_read_turn(gpointer data)
{
    List *list = data;
    AnswerQuestion question = request_question(&list->request);
    g_autofree char *why = g_strconcat("the body is not a page of ", list->kind->directory, NULL);
    g_autoptr(GError) cause = NULL;
    g_autoptr(GError) error = NULL;
    Page *page;

    if (!page_reader_step(list->reader, &page, &cause))
        return G_SOURCE_CONTINUE;
    if (page) {
        add_page(list, page);
        return G_SOURCE_REMOVE;
    }
    error = answer_error_body(&question, page_reader_answer(list->reader), why, cause);
    list_fail(list, error);
    return G_SOURCE_REMOVE;
}

static void on_page(Request *request, const HttpAnswer *answer, const GError *error)
{
    List *list = (List *)request;
    Page *known = known_page(list);

    if (list->pages->len == 0)
        list->asked = request->asked;
    if (error) {
        list_fail(list, error);
    } else if (answer->status == 304) {
        add_page(list, page_ref(known));
    } else {
        list->reader =
            page_reader_new(list->kind, next_cursor(list), known, answer, list->request.api->flags);
        take_turns(list, on_read_turn);
    }
}

Request *api_list(Api *api, const Kind *kind, ApiListDone done, gpointer data)
{
    const KnownList *known = g_hash_table_lookup(api->lists, kind);
    List *list = g_new0(List, 1);

    request_init(&list->request, api, list_free, data);
    list->done = done;
    list->kind = kind;
    list->known = known ? g_ptr_array_ref(known->pages) : NULL;
    list->pages = g_ptr_array_new_with_free_func((GDestroyNotify)page_unref);
    list->cursors = g_hash_table_new(hash_text, g_str_equal);
    ask_for_page(list);
    return &list->request;
}
