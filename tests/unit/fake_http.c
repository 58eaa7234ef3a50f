/* SPDX-License-Identifier: MIT */
#include "fake_http.h"

#include <string.h>

struct Http {
    GQueue script;     /* FakeReply* */
    GPtrArray *asked;  /* FakeRequest* */
    GPtrArray *flying; /* HttpCall* */
    FakeHandler handler;
    gpointer handler_data;
    guint max_flying;
    guint n_cancelled;
    char *bearer;
};

struct HttpCall {
    Http *http;
    HttpDone done;
    gpointer data;
    FakeReply reply;
    GSource *source;
};

static void free_request(gpointer data)
{
    FakeRequest *request = data;

    g_free(request->url);
    g_free(request->if_none_match);
    g_free(request);
}

Http *fake_http_new(void)
{
    Http *http = g_new0(Http, 1);

    http->asked = g_ptr_array_new_with_free_func(free_request);
    http->flying = g_ptr_array_new();
    return http;
}

Http *http_new(const HttpOptions *options, GMainContext *context, GError **error)
{
    (void)options;
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

static void call_free(HttpCall *call)
{
    g_ptr_array_remove(call->http->flying, call);
    if (call->source) {
        g_source_destroy(call->source);
        g_source_unref(call->source);
    }
    g_free(call->reply.owned);
    g_free(call);
}

static void call_end(HttpCall *call)
{
    FakeReply reply = call->reply;
    HttpDone done = call->done;
    gpointer data = call->data;
    const char *body = reply.body ? reply.body : "";
    HttpAnswer answer = {
        .status = reply.status,
        .body = body,
        .length = reply.length ? reply.length : strlen(body),
        .etag = reply.etag,
        .retry_after_us = reply.retry_after_us ? reply.retry_after_us : -1,
        .elapsed_us = 1000,
    };
    g_autoptr(GError) error = NULL;

    if (reply.status == 0)
        error = g_error_new(PPIOFS_ERROR, (gint)reply.error, "%s", body);
    call->reply.owned = NULL;
    call_free(call);
    done(error ? NULL : &answer, error, data);
    g_free(reply.owned);
}

static gboolean on_idle(gpointer data)
{
    call_end(data);
    return G_SOURCE_REMOVE;
}

static const FakeRequest *remember(Http *http, const char *url, const char *if_none_match,
                                   guint timeout_ms, gsize max_body)
{
    FakeRequest *request = g_new0(FakeRequest, 1);

    request->url = g_strdup(url);
    request->if_none_match = g_strdup(if_none_match);
    request->timeout_ms = timeout_ms;
    request->max_body = max_body;
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

HttpCall *http_get(Http *http, const char *url, const char *if_none_match, guint timeout_ms,
                   gsize max_body, HttpDone done, gpointer data)
{
    HttpCall *call = g_new0(HttpCall, 1);

    call->http = http;
    call->done = done;
    call->data = data;
    call->reply = next_reply(http, remember(http, url, if_none_match, timeout_ms, max_body));
    g_ptr_array_add(http->flying, call);
    http->max_flying = MAX(http->max_flying, http->flying->len);
    if (!call->reply.hold) {
        call->source = g_idle_source_new();
        g_source_set_callback(call->source, on_idle, call, NULL);
        g_source_attach(call->source, NULL);
    }
    return call;
}

void http_cancel(HttpCall *call)
{
    call->http->n_cancelled++;
    call_free(call);
}

void fake_http_end(Http *http, FakeReply reply)
{
    HttpCall *call = http->flying->pdata[0];

    call->reply = reply;
    call_end(call);
}

void http_set_bearer(Http *http, const char *key)
{
    g_free(http->bearer);
    http->bearer = g_strdup(key);
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

const char *fake_http_bearer(const Http *http)
{
    return http->bearer;
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
    g_free(http->bearer);
    g_free(http);
}
