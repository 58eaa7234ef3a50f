/* SPDX-License-Identifier: MIT */
/* curl_loop: libcurl's multi handle as one source of a GMainContext.
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

/* Starts @easy; @done is not called from inside. FALSE: out of memory. */
gboolean curl_loop_add(CurlLoop *loop, CURL *easy);

/* Stops @easy at once and without a call of @done. */
void curl_loop_remove(CurlLoop *loop, CURL *easy);

/* Every easy handle must have been removed. Closes the idle connections. */
void curl_loop_free(CurlLoop *loop);
