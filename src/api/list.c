/* SPDX-License-Identifier: MIT */
#include "ppiofs/api/list.h"

#include "ppiofs/api/page_reader.h"
#include "ppiofs/base/error.h"
#include "ppiofs/base/hash.h"

/* Each page is a request with the whole timeout: a long list may go on as long as pages come. A
 * page that has come is read in turns of the main loop, so that the others get theirs: at any time
 * there is either a request or a reader. */
struct List {
    const ListContext *context;
    ListDone done;
    gpointer data;
    GPtrArray *known;    /* pages of the list before; may be NULL */
    GPtrArray *pages;    /* Page* so far */
    GHashTable *cursors; /* asked for so far; owned by the pages */
    guint n_items;
    guint n_left_out;
    char *reason; /* why the first item was left out */
    char *label;  /* of the page that is asked for */
    Request *request;
    PageReader *reader;
    GSource *turns; /* of the reader */
};

static void stop_reading(List *list)
{
    if (list->turns) {
        g_source_destroy(list->turns);
        g_clear_pointer(&list->turns, g_source_unref);
    }
    g_clear_pointer(&list->reader, page_reader_free);
}

static void list_free(List *list)
{
    stop_reading(list);
    g_clear_pointer(&list->known, g_ptr_array_unref);
    g_hash_table_unref(list->cursors);
    g_ptr_array_unref(list->pages);
    g_free(list->reason);
    g_free(list->label);
    g_free(list);
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
    const ListContext *context = list->context;
    g_autofree char *escaped = g_uri_escape_string(cursor, NULL, FALSE);
    GString *url = g_string_new(context->base_url);
    char separator = '?';

    g_string_append(url, API_INSTANCES_PATH);
    if (context->page_size > 0) {
        g_string_append_printf(url, "%climit=%u", separator, context->page_size);
        separator = '&';
    }
    if (*escaped)
        g_string_append_printf(url, "%ccursor=%s", separator, escaped);
    return g_string_free(url, FALSE);
}

static void on_page(const HttpAnswer *answer, const GError *error, gpointer data);

static void ask_for_page(List *list)
{
    const char *cursor = next_cursor(list);
    const Page *known = known_page(list);
    g_autofree char *url = page_url(list, cursor);
    RequestSpec spec = {
        .url = url,
        .if_none_match = known ? page_etag(known) : NULL,
        .max_body = API_MAX_PAGE_BYTES,
        .route = ANSWER_OF_LIST,
    };

    g_free(list->label);
    list->label = list->pages->len == 0 ? g_strdup("GET " API_INSTANCES_PATH)
                                        : g_strdup_printf("GET " API_INSTANCES_PATH " (page %u)",
                                                          list->pages->len + 1);
    spec.label = list->label;
    list->request = request_start(list->context->requests, &spec, on_page, list);
}

static void list_finish(List *list, const GError *error)
{
    ListDone done = list->done;
    gpointer data = list->data;
    g_autoptr(GPtrArray) pages = error ? NULL : g_ptr_array_ref(list->pages);

    if (!error && list->n_left_out > 0)
        g_warning("GET " API_INSTANCES_PATH ": %u of %u items left out: %s", list->n_left_out,
                  list->n_items, list->reason);
    list_free(list);
    done(pages, error, data);
}

static gboolean has_cycle(const List *list, const char *next)
{
    return g_hash_table_contains(list->cursors, next);
}

/* Whether it can go on, or end, after the page that was just added. */
static gboolean check_bounds(const List *list, GError **error)
{
    const char *next = next_cursor(list);

    if (list->n_items > API_MAX_INSTANCES)
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE, "%s: more than %d instances",
                    list->label, API_MAX_INSTANCES);
    else if (next && list->pages->len >= API_MAX_PAGES)
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE, "%s: more than %d pages",
                    list->label, API_MAX_PAGES);
    else if (next && has_cycle(list, next))
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER,
                    "%s: the list goes in circles: its next_cursor was there before", list->label);
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

/* (takes @page) */
static gboolean add_page(List *list, Page *page, GError **error)
{
    if (page == known_page(list))
        (*list->context->pages_unchanged)++;
    else
        note_left_out(list, page);
    g_ptr_array_add(list->pages, page);
    g_hash_table_add(list->cursors, (gpointer)page_cursor(page));
    list->n_items += page_n_items(page);
    return check_bounds(list, error);
}

/* The page that was asked for is there, or will not be. (takes @page, which is NULL then) */
static void end_page(List *list, Page *page, const GError *error)
{
    g_autoptr(GError) failure = error ? g_error_copy(error) : NULL;

    stop_reading(list);
    if (page && add_page(list, page, &failure) && next_cursor(list))
        ask_for_page(list);
    else
        list_finish(list, failure);
}

static GError *bad_page_error(const List *list, const GError *cause)
{
    AnswerQuestion question =
        requests_question(list->context->requests, list->label, ANSWER_OF_LIST);

    return answer_error_body(&question, page_reader_answer(list->reader),
                             "it is no page of instances", cause);
}

static gboolean on_turn(gpointer data)
{
    List *list = data;
    g_autoptr(GError) cause = NULL;
    g_autoptr(GError) error = NULL;
    Page *page;

    if (!page_reader_step(list->reader, &page, &cause))
        return G_SOURCE_CONTINUE;
    if (cause)
        error = bad_page_error(list, cause);
    end_page(list, page, error);
    return G_SOURCE_REMOVE;
}

/* With the priority of everything else: neither waits for the other. */
static void start_reading(List *list)
{
    list->turns = g_idle_source_new();
    g_source_set_priority(list->turns, G_PRIORITY_DEFAULT);
    g_source_set_callback(list->turns, on_turn, list, NULL);
    g_source_attach(list->turns, g_main_context_get_thread_default());
}

static void on_page(const HttpAnswer *answer, const GError *error, gpointer data)
{
    List *list = data;
    Page *known = known_page(list);
    g_autoptr(GError) failure = NULL;

    list->request = NULL;
    if (error) {
        end_page(list, NULL, error);
        return;
    }
    if (answer->status == 304) {
        end_page(list, page_ref(known), NULL);
        return;
    }
    list->reader = page_reader_new(next_cursor(list), known, answer, list->context->flags);
    if (list->reader) {
        start_reading(list);
        return;
    }
    failure = g_error_new(PPIOFS_ERROR, PPIOFS_ERROR_NO_MEMORY,
                          "%s: not enough memory for the answer", list->label);
    end_page(list, NULL, failure);
}

List *list_start(const ListContext *context, GPtrArray *known, ListDone done, gpointer data)
{
    List *list = g_new0(List, 1);

    list->context = context;
    list->known = known ? g_ptr_array_ref(known) : NULL;
    list->done = done;
    list->data = data;
    list->pages = g_ptr_array_new_with_free_func((GDestroyNotify)page_unref);
    list->cursors = g_hash_table_new(hash_text, g_str_equal);
    ask_for_page(list);
    return list;
}

void list_cancel(List *list)
{
    if (list->request)
        request_cancel(list->request);
    list_free(list);
}
