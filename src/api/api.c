/* SPDX-License-Identifier: MIT */
#include "ppiofs/api/api.h"

#include "ppiofs/api/list.h"
#include "ppiofs/api/page.h"
#include "ppiofs/api/request.h"
#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"
#include "ppiofs/json/json.h"

#include <string.h>

/* An id may have 255 characters of 12 escaped bytes each: as much as a message can bear. */
#define SHOWN_PATH_BYTES 160

struct Api {
    Http *http;
    Requests *requests;
    ListContext list_context;
    char *base_url;
    ApiStats stats;
    GPtrArray *pages;   /* of the last list that went well; NULL: none did */
    GPtrArray *records; /* of these pages, merged */
    GQueue calls;       /* under way */
};

/* Either a list or a GET of one instance. */
struct ApiCall {
    GList link;
    Api *api;
    gpointer data;

    List *list;
    ApiListDone list_done;

    Request *request;
    ApiRecordDone record_done;
    char *id;
    char *label;
};

static ApiCall *call_new(Api *api, gpointer data)
{
    ApiCall *call = g_new0(ApiCall, 1);

    call->api = api;
    call->data = data;
    call->link.data = call;
    g_queue_push_tail_link(&api->calls, &call->link);
    return call;
}

static void call_free(ApiCall *call)
{
    g_queue_unlink(&call->api->calls, &call->link);
    g_free(call->id);
    g_free(call->label);
    g_free(call);
}

/* "https://host/" and "https://host" are the same to users. */
static char *trim_slashes(const char *url)
{
    gsize length = strlen(url);

    while (length > 0 && url[length - 1] == '/')
        length--;
    return g_strndup(url, length);
}

Api *api_new(Http *http, const ApiOptions *options, const Clock *clock)
{
    Api *api = g_new0(Api, 1);
    RequestsOptions requests_options = {
        .max_requests = options->max_requests,
        .timeout_us = options->timeout_us,
    };

    api->http = http;
    api->base_url = trim_slashes(options->base_url);
    api->requests = requests_new(http, clock, &api->stats, &requests_options);
    api->list_context = (ListContext){
        .requests = api->requests,
        .base_url = api->base_url,
        .page_size = options->page_size,
        .flags = options->hide_secrets ? RECORD_HIDE_SECRETS : 0,
        .pages_unchanged = &api->stats.pages_unchanged,
    };
    return api;
}

void api_set_key(Api *api, const char *key)
{
    http_set_bearer(api->http, key);
    requests_set_key(api->requests, key);
}

static void forget_pages(Api *api)
{
    g_clear_pointer(&api->pages, g_ptr_array_unref);
    g_clear_pointer(&api->records, g_ptr_array_unref);
}

static void on_list(GPtrArray *pages, const GError *error, gpointer data)
{
    ApiCall *call = data;
    Api *api = call->api;
    ApiListDone done = call->list_done;
    gpointer done_data = call->data;
    ApiList result = { 0 };

    call_free(call);
    if (error) {
        done(NULL, error, done_data);
        return;
    }
    result.n_pages = pages->len;
    result.unchanged = pages_are_same(pages, api->pages);
    if (!result.unchanged) {
        forget_pages(api);
        api->pages = g_ptr_array_ref(pages);
        api->records = pages_merge(pages);
    }
    g_autoptr(GPtrArray) records = g_ptr_array_ref(api->records); /* done() may reset the Api */
    result.records = records;
    done(&result, NULL, done_data);
}

ApiCall *api_list(Api *api, ApiListDone done, gpointer data)
{
    ApiCall *call = call_new(api, data);

    call->list_done = done;
    call->list = list_start(&api->list_context, api->pages, on_list, call);
    return call;
}

static Record *parse_record(const Api *api, const HttpAnswer *answer, GError **error)
{
    RecordFlags flags = api->list_context.flags | RECORD_FULL;
    g_autoptr(JsonDoc) doc = json_parse(answer->body, answer->length, error);
    g_autoptr(GBytes) body = NULL;

    if (!doc)
        return NULL;
    body = answer_copy_body(answer);
    if (!body) {
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_NO_MEMORY, "not enough memory to keep it");
        return NULL;
    }
    return record_new(json_root(doc), body, flags, error);
}

/* (transfer full) */
static Record *read_record(const ApiCall *call, const HttpAnswer *answer, GError **error)
{
    AnswerQuestion question =
        requests_question(call->api->requests, call->label, ANSWER_OF_INSTANCE);
    g_autoptr(GError) cause = NULL;
    g_autoptr(Record) record = parse_record(call->api, answer, &cause);

    if (!record) {
        g_propagate_error(error, answer_error_body(&question, answer, "it is no instance", cause));
        return NULL;
    }
    if (strcmp(record_id(record), call->id) != 0) {
        g_propagate_error(
            error, answer_error_body(&question, answer, "it is about another instance", NULL));
        return NULL;
    }
    if (record_is_gone(record)) {
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_NOT_FOUND,
                    "%s: its status says that the instance is gone", call->label);
        return NULL;
    }
    return g_steal_pointer(&record);
}

static void on_record(const HttpAnswer *answer, const GError *error, gpointer data)
{
    ApiCall *call = data;
    ApiRecordDone done = call->record_done;
    gpointer done_data = call->data;
    g_autoptr(GError) failure = NULL;
    g_autoptr(Record) record = answer ? read_record(call, answer, &failure) : NULL;

    call_free(call);
    done(record, failure ? failure : error, done_data);
}

/* As one segment of a path; "." and ".." mean other things there. (transfer full) */
static char *escape_id(const char *id)
{
    if (strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
        return g_strdup(id[1] ? "%2E%2E" : "%2E");
    return g_uri_escape_string(id, NULL, FALSE);
}

ApiCall *api_get(Api *api, const char *id, ApiRecordDone done, gpointer data)
{
    ApiCall *call = call_new(api, data);
    g_autofree char *escaped = escape_id(id);
    g_autofree char *shown = text_printable(escaped, -1, SHOWN_PATH_BYTES);
    g_autofree char *url = g_strconcat(api->base_url, API_INSTANCES_PATH, "/", escaped, NULL);
    RequestSpec spec = {
        .url = url,
        .max_body = API_MAX_DETAIL_BYTES,
        .route = ANSWER_OF_INSTANCE,
    };

    call->id = g_strdup(id);
    call->label = g_strconcat("GET " API_INSTANCES_PATH "/", shown, NULL);
    call->record_done = done;
    spec.label = call->label;
    call->request = request_start(api->requests, &spec, on_record, call);
    return call;
}

void api_cancel(ApiCall *call)
{
    if (call->list)
        list_cancel(call->list);
    else
        request_cancel(call->request);
    call_free(call);
}

void api_reset(Api *api)
{
    forget_pages(api);
    requests_reset(api->requests);
}

const ApiStats *api_stats(const Api *api)
{
    return &api->stats;
}

gint64 api_closed_until(const Api *api)
{
    return requests_closed_until(api->requests);
}

void api_free(Api *api)
{
    if (!api)
        return;
    while (!g_queue_is_empty(&api->calls))
        api_cancel(g_queue_peek_head(&api->calls));
    requests_free(api->requests);
    forget_pages(api);
    g_free(api->base_url);
    g_free(api);
}
