/* SPDX-License-Identifier: MIT */
/* A call is in exactly one of these lists, and leaves them only by ending:
 *
 *   list    meaning                                   ends by
 *   calls   libcurl works on it (or it never began)   libcurl, its deadline, http_cancel()
 *   due     its time is up; about to be called back   the dispatch that moved it, http_cancel()
 *
 * libcurl keeps deadlines itself, but not all of them: a call that waits for a free connection has
 * none. So each call has one here too. A call that could not begin has a deadline in the past:
 * that is how its error comes from the main loop. */
#include "ppiofs/http/http.h"

#include "ppiofs/base/error.h"
#include "ppiofs/http/curl_handle.h"
#include "ppiofs/http/curl_loop.h"
#include "ppiofs/http/transfer.h"

struct Http {
    CurlLoop *loop;
    CurlHandles *handles;
    GSource *alarm; /* ready at the earliest deadline, or before */
    GQueue calls;   /* HttpCall */
    GQueue due;
    Headers *headers;
    char *proxy;
};

struct HttpCall {
    Http *http;
    GQueue *home;
    GList link;
    Transfer transfer;
    gint64 started;
    gint64 deadline;
    HttpDone done;
    gpointer data;
};

/* FALSE if it could not begin; the reason is in call->transfer. */
static gboolean call_begin(HttpCall *call, const char *url)
{
    Http *http = call->http;
    CURL *easy = curl_handles_take(http->handles);

    if (easy && transfer_set_up(&call->transfer, easy, url, http->proxy, call) &&
        curl_loop_add(http->loop, easy))
        return TRUE;
    g_set_error(&call->transfer.error, PPIOFS_ERROR, PPIOFS_ERROR_NO_MEMORY,
                "not enough memory to ask %s", call->transfer.url->host);
    return FALSE;
}

static void call_detach(HttpCall *call)
{
    g_queue_unlink(call->home, &call->link);
    if (call->transfer.easy)
        curl_loop_remove(call->http->loop, call->transfer.easy);
    if (g_queue_is_empty(&call->http->calls)) /* nothing under way: nothing wakes the loop */
        g_source_set_ready_time(call->http->alarm, -1);
}

static void call_free(HttpCall *call)
{
    if (call->transfer.easy)
        curl_handles_give_back(call->http->handles, call->transfer.easy);
    transfer_clear(&call->transfer);
    g_free(call);
}

static void call_end(HttpCall *call)
{
    gint64 elapsed_us = g_get_monotonic_time() - call->started;
    HttpAnswer answer;

    call_detach(call);
    if (call->transfer.error) {
        call->done(NULL, call->transfer.error, call->data);
    } else {
        transfer_get_answer(&call->transfer, &answer);
        answer.elapsed_us = elapsed_us;
        call->done(&answer, NULL, call->data);
    }
    call_free(call);
}

static void on_transfer_done(CURL *easy, CURLcode result, gpointer data)
{
    char *owner = NULL;
    HttpCall *call;

    (void)data;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner);
    call = (HttpCall *)owner;
    transfer_conclude(&call->transfer, result);
    call_end(call);
}

static void move_to(HttpCall *call, GQueue *queue)
{
    g_queue_unlink(call->home, &call->link);
    g_queue_push_tail_link(queue, &call->link);
    call->home = queue;
}

/* Returns the earliest deadline of the calls that stay, -1 if none does. */
static gint64 collect_due(Http *http, gint64 now)
{
    gint64 earliest = -1;

    for (GList *link = http->calls.head, *next; link; link = next) {
        HttpCall *call = link->data;

        next = link->next;
        if (call->deadline <= now)
            move_to(call, &http->due);
        else if (earliest < 0 || call->deadline < earliest)
            earliest = call->deadline;
    }
    return earliest;
}

/* Callbacks may start and cancel calls: what they start waits for the next dispatch. */
static gboolean on_alarm(gpointer data)
{
    Http *http = data;

    g_source_set_ready_time(http->alarm, collect_due(http, g_get_monotonic_time()));
    while (!g_queue_is_empty(&http->due)) {
        HttpCall *call = http->due.head->data;

        transfer_conclude(&call->transfer, CURLE_OPERATION_TIMEDOUT);
        call_end(call);
    }
    return G_SOURCE_CONTINUE;
}

static void set_alarm(Http *http, gint64 deadline)
{
    gint64 ready_time = g_source_get_ready_time(http->alarm);

    if (ready_time < 0 || deadline < ready_time)
        g_source_set_ready_time(http->alarm, deadline);
}

static gboolean alarm_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    (void)source;
    return callback(data);
}

static GSource *alarm_new(Http *http, GMainContext *context)
{
    static GSourceFuncs alarm_functions = { .dispatch = alarm_dispatch };
    GSource *alarm = g_source_new(&alarm_functions, sizeof(GSource));

    g_source_set_static_name(alarm, "http deadlines");
    g_source_set_callback(alarm, on_alarm, http, NULL);
    g_source_attach(alarm, context);
    return alarm;
}

Http *http_new(const HttpOptions *options, GMainContext *context, GError **error)
{
    guint max_connections = MAX(options->max_connections, 1);
    g_autoptr(Http) http = NULL;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        g_set_error_literal(error, PPIOFS_ERROR, PPIOFS_ERROR_FAILED, "libcurl cannot start");
        return NULL;
    }
    http = g_new0(Http, 1);
    http->headers = headers_new(NULL);
    http->proxy = g_strdup(options->proxy);
    http->handles = curl_handles_new(options->cacert, max_connections);
    /* Before the alarm, so that an answer that is there beats its deadline after a stall. */
    http->loop = curl_loop_new(context, max_connections, on_transfer_done, http);
    http->alarm = alarm_new(http, context);
    if (!http->handles || !http->loop) {
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_FAILED,
                    "libcurl %s cannot do what ppiofs needs",
                    curl_version_info(CURLVERSION_NOW)->version);
        return NULL;
    }
    return g_steal_pointer(&http);
}

void http_set_bearer(Http *http, const char *key)
{
    headers_unref(http->headers);
    http->headers = headers_new(key);
}

HttpCall *http_get(Http *http, const char *url, const char *if_none_match, guint timeout_ms,
                   gsize max_body, HttpDone done, gpointer data)
{
    HttpCall *call = g_new0(HttpCall, 1);

    call->http = http;
    call->home = &http->calls;
    call->link.data = call;
    call->done = done;
    call->data = data;
    call->started = g_get_monotonic_time();
    if (transfer_init(&call->transfer, url, if_none_match, http->headers, timeout_ms, max_body) &&
        call_begin(call, url))
        call->deadline = call->started + (gint64)call->transfer.timeout_ms * 1000;
    g_queue_push_tail_link(&http->calls, &call->link);
    set_alarm(http, call->deadline);
    return call;
}

void http_cancel(HttpCall *call)
{
    call_detach(call);
    call_free(call);
}

void http_free(Http *http)
{
    if (!http)
        return;
    while (!g_queue_is_empty(&http->calls))
        http_cancel(http->calls.head->data);
    g_source_destroy(http->alarm);
    g_source_unref(http->alarm);
    curl_handles_free(http->handles);
    curl_loop_free(http->loop);
    headers_unref(http->headers);
    g_free(http->proxy);
    g_free(http);
    curl_global_cleanup();
}
