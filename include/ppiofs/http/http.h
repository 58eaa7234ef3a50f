/* SPDX-License-Identifier: MIT */
/* http: GETs on the main loop: each ends with a bounded, timed answer or an error. The only place
 * that knows libcurl.
 *
 * A GET is one object, embedded in the struct of who makes it. Answers of any status are answers,
 * not errors; retries, meaning and politeness are the caller's. No redirect is followed. HTTP is
 * 1.1: a flood of HTTP/2 frames keeps libcurl busy without end. TLS is 1.2 or newer and verified.
 */
#pragma once

#include <curl/curl.h>
#include <glib.h>

#include "ppiofs/base/buffer.h"
#include "ppiofs/base/clock.h"
#include "ppiofs/http/bearer.h"
#include "ppiofs/http/coding.h"
#include "ppiofs/http/url.h"

typedef struct Http Http;
typedef struct HttpGet HttpGet;

typedef struct {
    const char *cacert; /* PEM bundle; NULL: libcurl's */
    const char *proxy;  /* URL; NULL: libcurl's (environment) */
    guint max_connections;
} HttpOptions;

typedef struct {
    guint status;          /* 100-599 */
    GBytes *body;          /* decoded (gzip); never NULL */
    char *etag;            /* NULL if none came */
    gint64 retry_after_us; /* from Retry-After, seconds or date; -1 if absent or not understood */
    gint64 elapsed_us;
    gint64 age_us; /* how long a cache between has had it (Age); 0: there is none */
} HttpAnswer;

struct HttpGet {
    /* Set these before http_start(). The memory behind the pointers lives until the end. */
    const char *url;           /* https, or http with a literal loopback address */
    const char *if_none_match; /* NULL: not sent */
    Bearer *bearer;            /* NULL: no key is sent */
    gsize max_body;            /* decoded */
    gint64 timeout_us;         /* until then there is an end, whatever the network does */
    gint64 quiet_us;           /* on a connection that was there before: at most so long without a
                                  byte of the answer; it may have died without a word. 0: no bound */
    gboolean fresh;            /* not on a connection that was there before */
    /* The end. Called from the main loop, never from inside http_start(). */
    void (*done)(HttpGet *get);
    gpointer data;

    /* Valid from done() to http_clear(). */
    HttpAnswer answer;   /* if there is no error */
    GError *error;       /* NULL: there is an answer */
    gboolean went_quiet; /* it ended because of quiet_us (PPIOFS_ERROR_TIMEOUT) */

    /* http's own. libcurl points into it while it runs: it must not move. */
    Http *http;
    CURL *easy;
    GList link;
    guint64 number;
    HttpUrl *parsed;
    struct curl_slist condition; /* If-None-Match, before the headers of all */
    Buffer body;
    Coding coding;
    gsize header_bytes;
    guint header_lines;
    gboolean headers_over; /* their empty line has come */
    gboolean opened;       /* a connection was made for it */
    gboolean reused;       /* it was sent on one that was there before */
    gint64 started, heard, deadline;
    guint turn;       /* of the loop, in which bytes came */
    gsize turn_bytes; /* that came in it */
    char detail[CURL_ERROR_SIZE];
};

/* Errors: PPIOFS_ERROR_FAILED if libcurl cannot start. @options is read during the call only;
 * @clock is borrowed. */
Http *http_new(const HttpOptions *options, const Clock *clock, GMainContext *context,
               GError **error);

/* Errors of a GET: PPIOFS_ERROR_TIMEOUT, _TOO_LARGE (a body over max_body), _BAD_ANSWER (badly
 * coded), _PROTOCOL (TLS, not HTTP, a URL that may not be asked), _UNREACHABLE, _REFUSED, _SERVER
 * (the connection was lost), _NO_MEMORY, _FAILED (no file descriptor is left). */
void http_start(Http *http, HttpGet *get);

/* Ends it at once, without calling back. */
void http_cancel(HttpGet *get);

/* Frees what the end brought. A GET may be started again then. */
void http_clear(HttpGet *get);

/* No connection that is idle now is used again. */
void http_drop_idle(Http *http);

/* How many connections this process can have, at most @wanted: the limit on file descriptors is
 * raised as far as it may be. */
guint http_affordable_connections(guint wanted);

/* TRUE if a base URL may carry the key: https, or http to 127.0.0.0/8 or [::1] written
 * as a number; without user, query or fragment. PPIOFS_ERROR_USAGE says what is wrong. */
gboolean http_check_url(const char *url, GError **error);

/* Retry-After as seconds or as an HTTP date seen at @now_s (Unix seconds): microseconds, clamped
 * to 1-300 s; -1 if it is neither. */
gint64 http_parse_retry_after(const char *value, gint64 now_s);

/* Cancels every GET under way, without calling back. */
void http_free(Http *http);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Http, http_free)
