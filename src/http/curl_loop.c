/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/curl_loop.h"

/* The source itself. Its ready time is the moment libcurl waits for. */
struct CurlLoop {
    GSource source;
    CURLM *multi;
    GArray *watches; /* Watch: the sockets libcurl waits for */
    GArray *ready;   /* Ready: scratch of one dispatch */
    CurlLoopDone done;
    gpointer data;
};

typedef struct {
    curl_socket_t socket;
    gpointer tag;
} Watch;

typedef struct {
    curl_socket_t socket;
    int events;
} Ready;

static Watch *find_watch(CurlLoop *loop, curl_socket_t socket, guint *ret_index)
{
    for (guint i = 0; i < loop->watches->len; i++) {
        Watch *watch = &g_array_index(loop->watches, Watch, i);

        if (watch->socket == socket) {
            *ret_index = i;
            return watch;
        }
    }
    return NULL;
}

static void watch_socket(CurlLoop *loop, curl_socket_t socket, GIOCondition condition)
{
    guint index;
    Watch *watch = find_watch(loop, socket, &index);

    if (watch) {
        g_source_modify_unix_fd(&loop->source, watch->tag, condition);
        return;
    }
    Watch fresh = { socket, g_source_add_unix_fd(&loop->source, socket, condition) };

    g_array_append_val(loop->watches, fresh);
}

static void unwatch_socket(CurlLoop *loop, curl_socket_t socket)
{
    guint index;
    Watch *watch = find_watch(loop, socket, &index);

    if (!watch)
        return;
    g_source_remove_unix_fd(&loop->source, watch->tag);
    g_array_remove_index_fast(loop->watches, index);
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *data, void *socket_data)
{
    CurlLoop *loop = data;

    (void)easy;
    (void)socket_data;
    /* A socket that is watched for nothing would still wake the loop when its peer hangs up. */
    if (what == CURL_POLL_REMOVE || what == CURL_POLL_NONE)
        unwatch_socket(loop, socket);
    else
        watch_socket(loop, socket,
                     (what & CURL_POLL_IN ? G_IO_IN : 0) | (what & CURL_POLL_OUT ? G_IO_OUT : 0));
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *data)
{
    CurlLoop *loop = data;
    gint64 ready_us = -1;

    (void)multi;
    if (timeout_ms >= 0)
        ready_us = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    g_source_set_ready_time(&loop->source, ready_us);
    return 0;
}

static int events_of(GIOCondition condition)
{
    return (condition & (G_IO_IN | G_IO_HUP) ? CURL_CSELECT_IN : 0) |
           (condition & G_IO_OUT ? CURL_CSELECT_OUT : 0) |
           (condition & (G_IO_ERR | G_IO_NVAL) ? CURL_CSELECT_ERR : 0);
}

/* Acting on one socket makes libcurl watch and unwatch others, so what is ready is noted first.
 * To act on a socket that was closed meanwhile is harmless: libcurl does not know it any more. */
static void act_on_sockets(CurlLoop *loop)
{
    int running;

    g_array_set_size(loop->ready, 0);
    for (guint i = 0; i < loop->watches->len; i++) {
        const Watch *watch = &g_array_index(loop->watches, Watch, i);
        Ready ready = { watch->socket,
                        events_of(g_source_query_unix_fd(&loop->source, watch->tag)) };

        if (ready.events)
            g_array_append_val(loop->ready, ready);
    }
    for (guint i = 0; i < loop->ready->len; i++) {
        const Ready *ready = &g_array_index(loop->ready, Ready, i);

        curl_multi_socket_action(loop->multi, ready->socket, ready->events, &running);
    }
}

static void act_on_timer(CurlLoop *loop)
{
    gint64 ready_us = g_source_get_ready_time(&loop->source);
    int running;

    if (ready_us < 0 || ready_us > g_source_get_time(&loop->source))
        return;
    g_source_set_ready_time(&loop->source, -1); /* libcurl sets the next one from inside */
    curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static gboolean loop_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    CurlLoop *loop = (CurlLoop *)source;
    const CURLMsg *message;
    int left;

    (void)callback;
    (void)data;
    act_on_sockets(loop); /* before the timer: an answer that is there beats its deadline */
    act_on_timer(loop);
    while ((message = curl_multi_info_read(loop->multi, &left)))
        if (message->msg == CURLMSG_DONE)
            loop->done(message->easy_handle, message->data.result, loop->data);
    return G_SOURCE_CONTINUE;
}

static void loop_finalize(GSource *source)
{
    CurlLoop *loop = (CurlLoop *)source;

    g_array_unref(loop->watches);
    g_array_unref(loop->ready);
}

/* HTTP/2 shares connections where the server offers it; nobody is made to wait for that. */
static gboolean configure_multi(CurlLoop *loop, guint max_connections)
{
    CURLM *multi = loop->multi;

    return !curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) &&
           !curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, loop) &&
           !curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer) &&
           !curl_multi_setopt(multi, CURLMOPT_TIMERDATA, loop) &&
           !curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX) &&
           !curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)max_connections) &&
           !curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)max_connections);
}

CurlLoop *curl_loop_new(GMainContext *context, guint max_connections, CurlLoopDone done,
                        gpointer data)
{
    /* Not const: GLib keeps this pointer as a plain one. */
    static GSourceFuncs source_functions = { .dispatch = loop_dispatch, .finalize = loop_finalize };
    CurlLoop *loop = (CurlLoop *)g_source_new(&source_functions, sizeof *loop);

    loop->watches = g_array_new(FALSE, FALSE, sizeof(Watch));
    loop->ready = g_array_new(FALSE, FALSE, sizeof(Ready));
    loop->done = done;
    loop->data = data;
    loop->multi = curl_multi_init();
    g_source_set_static_name(&loop->source, "curl");
    g_source_attach(&loop->source, context);
    if (!loop->multi || !configure_multi(loop, max_connections))
        g_clear_pointer(&loop, curl_loop_free);
    return loop;
}

gboolean curl_loop_add(CurlLoop *loop, CURL *easy)
{
    return curl_multi_add_handle(loop->multi, easy) == CURLM_OK;
}

void curl_loop_remove(CurlLoop *loop, CURL *easy)
{
    curl_multi_remove_handle(loop->multi, easy);
}

void curl_loop_free(CurlLoop *loop)
{
    if (!loop)
        return;
    curl_multi_cleanup(loop->multi); /* still speaks of its sockets: so before the source goes */
    g_source_destroy(&loop->source);
    g_source_unref(&loop->source);
}
