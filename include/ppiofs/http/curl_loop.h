/* SPDX-License-Identifier: MIT */
/* curl_loop: libcurl's multi handle as one source of a GMainContext, and all its sockets.
 *
 * libcurl says which sockets and which moment it waits for; the loop polls them among all its
 * other sources. Nothing is polled in turns, and at rest nothing is waited for. */
#pragma once

#include <curl/curl.h>
#include <glib.h>

typedef struct CurlLoop CurlLoop;

/* @easy ended with @result. It is still in the loop: the callee may (and should) remove it, may
 * add and remove others, and may not free the loop. Called from the main loop only. */
typedef void (*CurlLoopDone)(CURL *easy, CURLcode result, gpointer data);

/* NULL if libcurl cannot make a multi handle. */
CurlLoop *curl_loop_new(GMainContext *context, guint max_connections, CurlLoopDone done,
                        gpointer data);

/* Starts @easy, whose sockets the loop takes over; @done is not called from inside. FALSE: out of
 * memory. */
gboolean curl_loop_add(CurlLoop *loop, CURL *easy);

/* Stops @easy at once and without a call of @done. */
void curl_loop_remove(CurlLoop *loop, CURL *easy);

/* For CURLOPT_OPENSOCKETFUNCTION: a socket that the loop keeps track of. @patience_ms: how long the
 * kernel waits for the other side to confirm what was sent. CURL_SOCKET_BAD with errno set. */
curl_socket_t curl_loop_open_socket(CurlLoop *loop, const struct curl_sockaddr *address,
                                    guint patience_ms);

/* As many decoded bytes as one turn of the main loop takes, about a millisecond. */
#define CURL_LOOP_TURN_BYTES ((gsize)1 << 20)

/* From a write callback of @easy, which then returns CURL_WRITEFUNC_PAUSE: it goes on in the next
 * turn. */
void curl_loop_yield(CurlLoop *loop, CURL *easy);

/* The number of this turn. */
guint curl_loop_turn(const CurlLoop *loop);

/* Ends every connection that no easy handle uses now: libcurl finds it dead and makes another. */
void curl_loop_drop_idle(CurlLoop *loop);

/* Every easy handle must have been removed. Closes the idle connections. */
void curl_loop_free(CurlLoop *loop);
