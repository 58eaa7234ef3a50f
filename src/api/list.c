/* SPDX-License-Identifier: MIT */
#include "ppiofs/api/list.h"

#include "ppiofs/api/page.h"
#include "ppiofs/base/error.h"

/* Each page is a request with the whole timeout: a long list may go on as long as pages come. */
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
};

static void list_free(List *list)
{
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

/* What came for the page that is asked for, last time. */
static Page *known_page(const List *list)
{
    guint place = list->pages->len;

    return list->known && place < list->known->len ? list->known->pdata[place] : NULL;
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
    Page *known = known_page(list);
    gboolean may_be_again = known && g_str_equal(page_cursor(known), cursor);
    g_autofree char *url = page_url(list, cursor);
    RequestSpec spec = {
        .url = url,
        .if_none_match = may_be_again ? page_etag(known) : NULL,
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

static Page *take_page(List *list, const HttpAnswer *answer, GError **error)
{
    const ListContext *context = list->context;
    AnswerQuestion question = requests_question(context->requests, list->label, ANSWER_OF_LIST);
    g_autoptr(GError) cause = NULL;
    Page *known = known_page(list);
    const char *reason;
    Page *page;

    if (known && page_is_again(known, next_cursor(list), answer)) {
        (*context->pages_unchanged)++;
        return page_ref(known);
    }
    page = page_new(next_cursor(list), answer, context->flags, &cause);
    if (!page) {
        g_propagate_error(
            error, answer_error_body(&question, answer, "it is no page of instances", cause));
        return NULL;
    }
    list->n_left_out += page_n_left_out(page, &reason);
    if (reason && !list->reason)
        list->reason = g_strdup(reason);
    return page;
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

static gboolean add_page(List *list, const HttpAnswer *answer, GError **error)
{
    Page *page = take_page(list, answer, error);

    if (!page)
        return FALSE;
    g_ptr_array_add(list->pages, page);
    g_hash_table_add(list->cursors, (gpointer)page_cursor(page));
    list->n_items += page_n_items(page);
    return check_bounds(list, error);
}

static void on_page(const HttpAnswer *answer, const GError *error, gpointer data)
{
    List *list = data;
    g_autoptr(GError) failure = NULL;

    list->request = NULL;
    if (error)
        failure = g_error_copy(error);
    else if (add_page(list, answer, &failure) && next_cursor(list)) {
        ask_for_page(list);
        return;
    }
    list_finish(list, failure);
}

List *list_start(const ListContext *context, GPtrArray *known, ListDone done, gpointer data)
{
    List *list = g_new0(List, 1);

    list->context = context;
    list->known = known ? g_ptr_array_ref(known) : NULL;
    list->done = done;
    list->data = data;
    list->pages = g_ptr_array_new_with_free_func((GDestroyNotify)page_unref);
    list->cursors = g_hash_table_new(g_str_hash, g_str_equal);
    ask_for_page(list);
    return list;
}

void list_cancel(List *list)
{
    request_cancel(list->request);
    list_free(list);
}
