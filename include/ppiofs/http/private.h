/* SPDX-License-Identifier: MIT */
/* private: what the files of http/ share; for nobody else.
 *
 *   http.c          the GETs under way and their deadlines
 *   get.c           one of them
 *   curl_handle.c   what each call has in common
 *   curl_loop.c     libcurl on the main loop
 *   curl_error.c    what libcurl's failures mean
 *   openssl.c       what libcurl cannot set */
#pragma once

#include "ppiofs/http/http.h"

/* One request and its answer on one easy handle, within its bounds. Knows no loop and no list of
 * GETs. */

/* Makes get->easy ready to be run. FALSE with get->error set if it cannot be run at all. */
gboolean get_set_up(HttpGet *get, CURL *easy, const char *proxy);

/* How libcurl's part ended: sets get->error or get->answer. */
void get_conclude(HttpGet *get, CURLcode result);

/* TRUE if @length more bytes may be received in this turn of the loop. FALSE: they come again in
 * the next turn. (http.c) */
gboolean http_may_go_on(HttpGet *get, gsize length);

/* Drops what was only needed while it ran. */
void get_tear_down(HttpGet *get);

/* Easy handles with everything set that is the same for every call (what is trusted, what is
 * accepted, what is never done), kept for reuse. */

typedef struct CurlHandles CurlHandles;

/* @cacert: a PEM bundle trusted instead of the system's, or NULL. At most @max_idle handles are
 * kept. NULL if libcurl lacks something that a promise rests on. */
CurlHandles *curl_handles_new(const char *cacert, guint max_idle);

/* NULL: out of memory. Give back before curl_handles_free(). */
CURL *curl_handles_take(CurlHandles *handles);

/* Drops the pointers that the user of the handle has set; the next user sets its options anew. */
void curl_handles_give_back(CurlHandles *handles, CURL *easy);

void curl_handles_free(CurlHandles *handles);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CurlHandles, curl_handles_free)

/* libcurl's multi handle as one source of a GMainContext, and all its sockets.
 *
 * libcurl says which sockets and which moment it waits for; the loop polls them among all its
 * other sources. Nothing is polled in turns, and at rest nothing is waited for. */

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

/* The meaning of a CURLcode, as an error with a sentence for a person. */

typedef struct {
    const char *host;   /* as people name it; already printable */
    const char *detail; /* libcurl's own words, raw; "" or NULL if it said none */
    int os_errno;       /* of the last connect(), or 0 */
    gint64 timeout_us;  /* the deadline that was set */
} CurlFailure;

/* @code is not CURLE_OK. (transfer full) */
GError *curl_error_new(CURLcode code, const CurlFailure *failure);

/* The two settings of OpenSSL that libcurl does not offer. ppiofs does not link OpenSSL: it finds
 * the functions in the library that libcurl has loaded. */

/* Sets them for each TLS connection of @easy. With another TLS library nothing is set. FALSE: out
 * of memory. */
gboolean openssl_set_up(CURL *easy);
