/* SPDX-License-Identifier: MIT */
#include "fake_http.h"

#include <string.h>

struct Http {
    GQueue script;     /* FakeReply* */
    GPtrArray *asked;  /* FakeRequest* */
    GPtrArray *flying; /* Call* */
    FakeHandler handler;
    gpointer handler_data;
    guint max_flying;
    guint n_cancelled;
    guint n_dropped;
};

typedef struct {
    Http *http;
    HttpGet *get;
    FakeReply reply;
    GSource *source;
} Call;

static void free_request(gpointer data)
{
    FakeRequest *request = data;

    g_free(request->url);
    g_free(request->if_none_match);
    g_free(request->key);
    g_free(request);
}

Http *fake_http_new(void)
{
    Http *http = g_new0(Http, 1);

    http->asked = g_ptr_array_new_with_free_func(free_request);
    http->flying = g_ptr_array_new();
    return http;
}

Http *http_new(const HttpOptions *options, const Clock *clock, GMainContext *context,
               GError **error)
{
    (void)options;
    (void)clock;
    (void)context;
    (void)error;
    return fake_http_new();
}

void fake_http_script(Http *http, FakeReply reply)
{
    g_queue_push_tail(&http->script, g_memdup2(&reply, sizeof(reply)));
}

void fake_http_handle(Http *http, FakeHandler handler, gpointer data)
{
    http->handler = handler;
    http->handler_data = data;
}

static void call_free(Call *call)
{
    g_ptr_array_remove(call->http->flying, call);
    if (call->source) {
        g_source_destroy(call->source);
        g_source_unref(call->source);
    }
    g_free(call->reply.owned);
    g_free(call);
}

static void call_end(Call *call)
{
    const FakeReply *reply = &call->reply;
    const char *body = reply->body ? reply->body : "";
    HttpGet *get = call->get;

    get->answer = (HttpAnswer){
        .status = reply->status,
        .body = g_bytes_new(body, reply->length ? reply->length : strlen(body)),
        .etag = g_strdup(reply->etag),
        .retry_after_us = reply->retry_after_us ? reply->retry_after_us : -1,
        .age_us = reply->age_us,
        .elapsed_us = 1000,
    };
    if (reply->status == 0)
        get->error = g_error_new(PPIOFS_ERROR, (gint)reply->error, "%s", body);
    get->went_quiet = reply->quiet;
    call_free(call);
    get->done(get);
}

static gboolean on_idle(gpointer data)
{
    call_end(data);
    return G_SOURCE_REMOVE;
}

static const FakeRequest *remember(Http *http, const HttpGet *get)
{
    FakeRequest *request = g_new0(FakeRequest, 1);

    request->url = g_strdup(get->url);
    request->if_none_match = g_strdup(get->if_none_match);
    request->key = g_strdup(get->bearer ? bearer_text(get->bearer) : NULL);
    request->timeout_us = get->timeout_us;
    request->quiet_us = get->quiet_us;
    request->max_body = get->max_body;
    request->fresh = get->fresh;
    request->at = g_get_monotonic_time();
    g_ptr_array_add(http->asked, request);
    return request;
}

static FakeReply next_reply(Http *http, const FakeRequest *request)
{
    g_autofree FakeReply *scripted = g_queue_pop_head(&http->script);
    FakeReply reply = { 0 };

    if (scripted)
        return *scripted;
    if (!http->handler)
        g_error("a request that no test expected: %s", request->url);
    http->handler(request, &reply, http->handler_data);
    return reply;
}

void http_start(Http *http, HttpGet *get)
{
    Call *call = g_new0(Call, 1);

    call->http = http;
    call->get = get;
    get->http = http;
    call->reply = next_reply(http, remember(http, get));
    g_ptr_array_add(http->flying, call);
    http->max_flying = MAX(http->max_flying, http->flying->len);
    if (!call->reply.hold) {
        call->source = g_idle_source_new();
        g_source_set_callback(call->source, on_idle, call, NULL);
        g_source_attach(call->source, NULL);
    }
}

void http_cancel(HttpGet *get)
{
    Http *http = get->http;

    for (guint i = 0; i < http->flying->len; i++)
        if (((Call *)http->flying->pdata[i])->get == get) {
            http->n_cancelled++;
            call_free(http->flying->pdata[i]);
            return;
        }
    g_assert_not_reached();
}

void http_clear(HttpGet *get)
{
    g_clear_error(&get->error);
    g_clear_pointer(&get->answer.body, g_bytes_unref);
    g_clear_pointer(&get->answer.etag, g_free);
}

void http_drop_idle(Http *http)
{
    http->n_dropped++;
}

void fake_http_end(Http *http, FakeReply reply)
{
    Call *call = http->flying->pdata[0];

    call->reply = reply;
    call_end(call);
}

guint fake_http_n_requests(const Http *http)
{
    return http->asked->len;
}

const FakeRequest *fake_http_request(const Http *http, guint i)
{
    g_assert_cmpuint(i, <, http->asked->len);
    return http->asked->pdata[i];
}

guint fake_http_n_flying(const Http *http)
{
    return http->flying->len;
}

guint fake_http_max_flying(const Http *http)
{
    return http->max_flying;
}

guint fake_http_n_cancelled(const Http *http)
{
    return http->n_cancelled;
}

guint fake_http_n_dropped(const Http *http)
{
    return http->n_dropped;
}

gboolean http_check_url(const char *url, GError **error)
{
    (void)url;
    (void)error;
    return TRUE;
}

gint64 http_parse_retry_after(const char *value, gint64 now_s)
{
    (void)value;
    (void)now_s;
    return -1;
}

void http_free(Http *http)
{
    if (!http)
        return;
    while (http->flying->len > 0)
        call_free(http->flying->pdata[0]);
    g_queue_clear_full(&http->script, g_free);
    g_ptr_array_unref(http->flying);
    g_ptr_array_unref(http->asked);
    g_free(http);
}
