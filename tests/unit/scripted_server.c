/* SPDX-License-Identifier: MIT */
#include "scripted_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_BYTES_MAX 4096

typedef struct {
    ScriptedServer *server;
    pthread_t thread;
    int fd; /* closed by server_free() only, so that nobody shuts down another's */
} Connection;

struct ScriptedServer {
    const ServerScript *scripts;
    gsize count;
    int listener;
    guint port;
    pthread_t thread;
    pthread_mutex_t lock; /* for all below */
    gboolean stopping;
    GPtrArray *connections;
    GPtrArray *requests; /* char * */
    guint open;
    guint answered;
};

static gboolean send_all(int fd, const char *bytes, gsize length)
{
    while (length > 0) {
        gssize sent = send(fd, bytes, length, MSG_NOSIGNAL);

        if (sent <= 0)
            return FALSE;
        bytes += sent;
        length -= (gsize)sent;
    }
    return TRUE;
}

static gboolean play(int fd, const ServerScript *script)
{
    gsize length = script->length ? script->length : strlen(script->bytes);
    gsize step = script->dribble_ms ? 1 : length;

    g_usleep(script->delay_ms * 1000UL);
    for (gsize at = 0; at < length; at += step) {
        if (!send_all(fd, script->bytes + at, step))
            return FALSE;
        g_usleep(script->dribble_ms * 1000UL);
    }
    if (script->later) {
        g_usleep(20 * 1000);
        send_all(fd, script->later, strlen(script->later));
    }
    while (script->endless)
        if (!send_all(fd, script->endless, strlen(script->endless)))
            return FALSE;
    return TRUE;
}

/* NULL: the client is gone. One byte at a time: what follows is the next request. No GString: its
 * allocator's locks are invisible to ThreadSanitizer. */
static char *read_request(int fd)
{
    char head[REQUEST_BYTES_MAX + 1];

    for (gsize length = 0; length < REQUEST_BYTES_MAX; length++) {
        if (recv(fd, head + length, 1, 0) != 1)
            return NULL;
        head[length + 1] = '\0';
        if (g_str_has_suffix(head, "\r\n\r\n"))
            return strdup(head);
    }
    return NULL;
}

static const ServerScript *next_script(ScriptedServer *server, char *request)
{
    gsize n;

    pthread_mutex_lock(&server->lock);
    n = server->requests->len;
    g_ptr_array_add(server->requests, request);
    pthread_mutex_unlock(&server->lock);
    return &server->scripts[MIN(n, server->count - 1)];
}

static void *serve(void *data)
{
    Connection *connection = data;
    ScriptedServer *server = connection->server;
    ServerThen then = THEN_KEEP;
    char *request;
    char byte;

    while (then == THEN_KEEP && (request = read_request(connection->fd))) {
        const ServerScript *script = next_script(server, request);

        if (!play(connection->fd, script))
            break;
        pthread_mutex_lock(&server->lock);
        server->answered++;
        pthread_mutex_unlock(&server->lock);
        then = script->then;
    }
    while (then == THEN_HANG && recv(connection->fd, &byte, 1, 0) > 0)
        ;
    shutdown(connection->fd, SHUT_RDWR);
    pthread_mutex_lock(&server->lock);
    server->open--;
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

static void add_connection(ScriptedServer *server, int fd)
{
    Connection *connection = g_new0(Connection, 1);

    connection->server = server;
    connection->fd = fd;
    pthread_mutex_lock(&server->lock);
    g_ptr_array_add(server->connections, connection);
    server->open++;
    if (server->stopping)
        shutdown(fd, SHUT_RDWR);
    pthread_create(&connection->thread, NULL, serve, connection);
    pthread_mutex_unlock(&server->lock);
}

static void *accept_all(void *data)
{
    ScriptedServer *server = data;
    int fd;

    while ((fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        add_connection(server, fd);
    return NULL;
}

ScriptedServer *server_new(const ServerScript *scripts, gsize count)
{
    ScriptedServer *server = g_new0(ScriptedServer, 1);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;

    server->scripts = scripts;
    server->count = count;
    server->connections = g_ptr_array_new_with_free_func(g_free);
    server->requests = g_ptr_array_new_with_free_func(free);
    pthread_mutex_init(&server->lock, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(server->listener, (struct sockaddr *)&address, length), ==, 0);
    g_assert_cmpint(listen(server->listener, 256), ==, 0);
    getsockname(server->listener, (struct sockaddr *)&address, &length);
    server->port = ntohs(address.sin_port);
    pthread_create(&server->thread, NULL, accept_all, server);
    return server;
}

guint server_port(const ScriptedServer *server)
{
    return server->port;
}

char *server_url(const ScriptedServer *server, const char *path)
{
    return g_strdup_printf("http://127.0.0.1:%u%s", server->port, path);
}

static guint read_locked(ScriptedServer *server, const guint *number)
{
    guint value;

    pthread_mutex_lock(&server->lock);
    value = *number;
    pthread_mutex_unlock(&server->lock);
    return value;
}

guint server_accepted(ScriptedServer *server)
{
    return read_locked(server, &server->connections->len);
}

guint server_open(ScriptedServer *server)
{
    return read_locked(server, &server->open);
}

guint server_requests(ScriptedServer *server)
{
    return read_locked(server, &server->requests->len);
}

guint server_answered(ScriptedServer *server)
{
    return read_locked(server, &server->answered);
}

char *server_request(ScriptedServer *server, guint n)
{
    char *request;

    pthread_mutex_lock(&server->lock);
    g_assert_cmpuint(n, <, server->requests->len);
    request = g_strdup(g_ptr_array_index(server->requests, n));
    pthread_mutex_unlock(&server->lock);
    return request;
}

void server_free(ScriptedServer *server)
{
    pthread_mutex_lock(&server->lock);
    server->stopping = TRUE;
    pthread_mutex_unlock(&server->lock);
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    for (guint i = 0; i < server->connections->len; i++) {
        Connection *connection = g_ptr_array_index(server->connections, i);

        shutdown(connection->fd, SHUT_RDWR);
        pthread_join(connection->thread, NULL);
        close(connection->fd);
    }
    g_ptr_array_unref(server->connections);
    g_ptr_array_unref(server->requests);
    pthread_mutex_destroy(&server->lock);
    g_free(server);
}
