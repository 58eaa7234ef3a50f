/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* CURLMOPT_QUICK_EXIT: newer than the headers of Debian 12. From 8.20 on the end of libcurl waits
 * for its resolver without it. */
#define MULTI_OPTION_QUICK_EXIT ((CURLMoption)(CURLOPTTYPE_LONG + 21))

/* CURLMOPT_NETWORK_CHANGED and CURLMNWC_CLEAR_CONNS of 8.16. From 8.22 on libcurl takes a
 * connection that it used within the last second without a look whether it is dead. */
#define MULTI_OPTION_NETWORK_CHANGED ((CURLMoption)(CURLOPTTYPE_LONG + 17))
#define CLEAR_CONNECTIONS 2L

/* The source itself. Its ready time is the moment libcurl waits for. */
struct CurlLoop {
    GSource source;
    CURLM *multi;
    GArray *sockets;     /* Socket */
    GArray *ready;       /* GPollFD: scratch of one dispatch */
    GPtrArray *yielding; /* CURL: they go on in the next turn */
    guint turn;
    gboolean added; /* easy handles that may look for a connection now */
    CurlLoopDone done;
    gpointer data;
};

/* A connection is idle while libcurl does not use its socket. */
typedef struct {
    curl_socket_t fd;
    gpointer tag;        /* NULL: not polled */
    gboolean connection; /* opened here; else libcurl's own, of its resolver */
    gboolean used;
} Socket;

static Socket *find_socket(CurlLoop *loop, curl_socket_t fd, guint *ret_index)
{
    for (guint i = 0; i < loop->sockets->len; i++) {
        Socket *socket = &g_array_index(loop->sockets, Socket, i);

        if (socket->fd == fd) {
            *ret_index = i;
            return socket;
        }
    }
    return NULL;
}

static void stop_polling(CurlLoop *loop, Socket *socket)
{
    if (socket->tag)
        g_source_remove_unix_fd(&loop->source, socket->tag);
    socket->tag = NULL;
}

static void forget_socket(CurlLoop *loop, curl_socket_t fd)
{
    guint index;
    Socket *socket = find_socket(loop, fd, &index);

    if (!socket)
        return;
    stop_polling(loop, socket);
    g_array_remove_index_fast(loop->sockets, index);
}

static Socket *add_socket(CurlLoop *loop, curl_socket_t fd, gboolean connection)
{
    Socket socket = { .fd = fd, .connection = connection, .used = TRUE };

    g_array_append_val(loop->sockets, socket);
    return &g_array_index(loop->sockets, Socket, loop->sockets->len - 1);
}

static void poll_socket(CurlLoop *loop, Socket *socket, int what)
{
    GIOCondition condition =
        (what & CURL_POLL_IN ? G_IO_IN : 0) | (what & CURL_POLL_OUT ? G_IO_OUT : 0);

    if (socket->tag)
        g_source_modify_unix_fd(&loop->source, socket->tag, condition);
    else
        socket->tag = g_source_add_unix_fd(&loop->source, socket->fd, condition);
}

/* A socket that is polled for nothing would still wake the loop when its peer hangs up. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    CurlLoop *loop = data;
    guint index;
    Socket *socket = find_socket(loop, fd, &index);

    (void)easy;
    (void)socket_data;
    if (!socket && what == CURL_POLL_REMOVE)
        return 0;
    if (!socket)
        socket = add_socket(loop, fd, FALSE);
    socket->used = what != CURL_POLL_REMOVE;
    if (what == CURL_POLL_REMOVE && !socket->connection)
        forget_socket(loop, fd);
    else if (what == CURL_POLL_REMOVE || what == CURL_POLL_NONE)
        stop_polling(loop, socket);
    else
        poll_socket(loop, socket, what);
    return 0;
}

static int on_close(void *data, curl_socket_t fd)
{
    forget_socket(data, fd);
    return close(fd);
}

curl_socket_t curl_loop_open_socket(CurlLoop *loop, const struct curl_sockaddr *address,
                                    guint patience_ms)
{
    curl_socket_t fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

    if (fd == CURL_SOCKET_BAD)
        return fd;
    /* cppcheck-suppress resourceLeak; libcurl has it closed by on_close() */
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof patience_ms);
    return add_socket(loop, fd, TRUE)->fd;
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

static void collect(CurlLoop *loop, const Socket *socket, gushort events, gushort revents)
{
    GPollFD ready = { socket->fd, events, revents };

    g_array_append_val(loop->ready, ready);
}

/* No connection is used again. FALSE: this libcurl is older, and finds out by itself which ones are
 * dead. */
static gboolean clear_connections(CurlLoop *loop)
{
    return curl_multi_setopt(loop->multi, MULTI_OPTION_NETWORK_CHANGED, CLEAR_CONNECTIONS) ==
           CURLM_OK;
}

/* On an idle connection nobody may say anything: what came would be taken for the answer to the
 * next GET. Looked at just before libcurl looks for a connection. */
static void drop_spoiled(CurlLoop *loop)
{
    GPollFD *polls;

    g_array_set_size(loop->ready, 0);
    for (guint i = 0; i < loop->sockets->len; i++) {
        const Socket *socket = &g_array_index(loop->sockets, Socket, i);

        if (socket->connection && !socket->used)
            collect(loop, socket, G_IO_IN, 0);
    }
    polls = (GPollFD *)(gpointer)loop->ready->data;
    if (loop->ready->len == 0 || loop->yielding->len > 0 || g_poll(polls, loop->ready->len, 0) <= 0)
        return;
    if (clear_connections(loop))
        return;
    for (guint i = 0; i < loop->ready->len; i++)
        if (polls[i].revents)
            shutdown(polls[i].fd, SHUT_RDWR);
}

void curl_loop_drop_idle(CurlLoop *loop)
{
    if (clear_connections(loop) || loop->yielding->len > 0) /* their connections look idle */
        return;
    for (guint i = 0; i < loop->sockets->len; i++) {
        const Socket *socket = &g_array_index(loop->sockets, Socket, i);

        if (socket->connection && !socket->used)
            shutdown(socket->fd, SHUT_RDWR);
    }
}

static int events_of(gushort condition)
{
    return (condition & (G_IO_IN | G_IO_HUP) ? CURL_CSELECT_IN : 0) |
           (condition & G_IO_OUT ? CURL_CSELECT_OUT : 0) |
           (condition & (G_IO_ERR | G_IO_NVAL) ? CURL_CSELECT_ERR : 0);
}

/* Acting on one socket makes libcurl poll others, so what is ready is noted first. To act on a
 * socket that was closed meanwhile is harmless: libcurl does not know it any more. */
static void act_on_sockets(CurlLoop *loop)
{
    int running;

    g_array_set_size(loop->ready, 0);
    for (guint i = 0; i < loop->sockets->len; i++) {
        const Socket *socket = &g_array_index(loop->sockets, Socket, i);
        GIOCondition condition =
            socket->tag ? g_source_query_unix_fd(&loop->source, socket->tag) : 0;

        if (condition)
            collect(loop, socket, 0, (gushort)condition);
    }
    for (guint i = 0; i < loop->ready->len; i++) {
        const GPollFD *ready = &g_array_index(loop->ready, GPollFD, i);

        curl_multi_socket_action(loop->multi, ready->fd, events_of(ready->revents), &running);
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

/* What libcurl has decoded meanwhile comes now, and may end a transfer without a message. */
static void let_go_on(CurlLoop *loop)
{
    for (guint n = loop->yielding->len; n > 0 && loop->yielding->len > 0; n--) {
        CURL *easy = g_ptr_array_steal_index(loop->yielding, 0);

        if (curl_easy_pause(easy, CURLPAUSE_CONT) != CURLE_OK)
            loop->done(easy, CURLE_WRITE_ERROR, loop->data);
    }
}

static gboolean loop_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    CurlLoop *loop = (CurlLoop *)source;
    const CURLMsg *message;
    int left;

    (void)callback;
    (void)data;
    loop->turn++;
    if (loop->added)
        drop_spoiled(loop);
    loop->added = FALSE;
    let_go_on(loop);
    act_on_sockets(loop);
    act_on_timer(loop);
    while ((message = curl_multi_info_read(loop->multi, &left)))
        if (message->msg == CURLMSG_DONE)
            loop->done(message->easy_handle, message->data.result, loop->data);
    if (loop->yielding->len > 0)
        g_source_set_ready_time(source, 0);
    return G_SOURCE_CONTINUE;
}

static void loop_finalize(GSource *source)
{
    CurlLoop *loop = (CurlLoop *)source;

    g_array_unref(loop->sockets);
    g_array_unref(loop->ready);
    g_ptr_array_unref(loop->yielding);
}

static gboolean configure_multi(CurlLoop *loop, guint max_connections)
{
    CURLM *multi = loop->multi;

    curl_multi_setopt(multi, MULTI_OPTION_QUICK_EXIT, 1L); /* an older libcurl has not */
    return !curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) &&
           !curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, loop) &&
           !curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer) &&
           !curl_multi_setopt(multi, CURLMOPT_TIMERDATA, loop) &&
           !curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) &&
           !curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)max_connections) &&
           !curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)max_connections);
}

CurlLoop *curl_loop_new(GMainContext *context, guint max_connections, CurlLoopDone done,
                        gpointer data)
{
    /* Not const: GLib keeps this pointer as a plain one. */
    static GSourceFuncs source_functions = { .dispatch = loop_dispatch, .finalize = loop_finalize };
    CurlLoop *loop = (CurlLoop *)g_source_new(&source_functions, sizeof *loop);

    loop->sockets = g_array_new(FALSE, FALSE, sizeof(Socket));
    loop->ready = g_array_new(FALSE, FALSE, sizeof(GPollFD));
    loop->yielding = g_ptr_array_new();
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
    loop->added = TRUE;
    return !curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close) &&
           !curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, loop) &&
           curl_multi_add_handle(loop->multi, easy) == CURLM_OK;
}

void curl_loop_yield(CurlLoop *loop, CURL *easy)
{
    g_ptr_array_add(loop->yielding, easy);
}

guint curl_loop_turn(const CurlLoop *loop)
{
    return loop->turn;
}

void curl_loop_remove(CurlLoop *loop, CURL *easy)
{
    g_ptr_array_remove(loop->yielding, easy);
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
