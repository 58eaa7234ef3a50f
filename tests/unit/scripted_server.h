/* SPDX-License-Identifier: MIT */
/* scripted_server: a server on a free port of 127.0.0.1 that answers each request with the raw
 * bytes it was told to, and remembers what it was asked. Its threads are pthreads. */
#pragma once

#include <glib.h>

typedef enum {
    THEN_KEEP,  /* waits for the next request of the connection */
    THEN_CLOSE, /* closes */
    THEN_HANG,  /* says nothing more until the client goes */
} ServerThen;

typedef struct {
    const char *bytes;
    gsize length;        /* 0: up to the NUL */
    const char *later;   /* sent 20 ms after @bytes, unasked for; NULL: nothing */
    const char *endless; /* sent over and over after @bytes; NULL: nothing */
    guint delay_ms;      /* before anything is sent */
    guint dribble_ms;    /* after each byte of @bytes */
    ServerThen then;
} ServerScript;

typedef struct ScriptedServer ScriptedServer;

/* The n-th request is answered by the n-th of @scripts, all further ones by the last. Borrows
 * @scripts. */
ScriptedServer *server_new(const ServerScript *scripts, gsize count);

guint server_port(const ScriptedServer *server);

/* (transfer full) */
char *server_url(const ScriptedServer *server, const char *path);

/* So far: connections accepted, and connections open now, requests read, answers sent in full. */
guint server_accepted(ScriptedServer *server);
guint server_open(ScriptedServer *server);
guint server_requests(ScriptedServer *server);
guint server_answered(ScriptedServer *server);

/* The head of the n-th request. (transfer full) */
char *server_request(ScriptedServer *server, guint n);

/* Closes all its connections and waits for its threads. */
void server_free(ScriptedServer *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScriptedServer, server_free)
