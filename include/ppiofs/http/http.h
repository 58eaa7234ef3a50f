/* SPDX-License-Identifier: MIT */
/* http: one GET on the main loop: a bounded, timed answer, or an error. The only place that knows
 * libcurl.
 *
 * Answers of any status are answers, not errors; retries, meaning and politeness are the caller's.
 * No redirect is followed. TLS is 1.2 or newer and always verified. */
#pragma once

#include <glib.h>

typedef struct Http Http;
typedef struct HttpCall HttpCall;

typedef struct {
    const char *cacert; /* PEM bundle; NULL: libcurl's */
    const char *proxy;  /* URL; NULL: libcurl's (environment) */
    guint max_connections;
} HttpOptions;

typedef struct {
    guint status;     /* 100-599 */
    const char *body; /* borrowed; @length bytes, decoded (gzip), never NULL */
    gsize length;
    const char *etag;      /* borrowed; NULL if none came */
    gint64 retry_after_us; /* from Retry-After, seconds or date; -1 if absent or not understood */
    gint64 elapsed_us;
} HttpAnswer;

/* Exactly one of @answer and @error is set; both are borrowed and end with the call. Called from
 * the main loop, never from inside http_get(). The call is over: its pointer is dead. */
typedef void (*HttpDone)(const HttpAnswer *answer, const GError *error, gpointer data);

/* Errors: PPIOFS_ERROR_FAILED if libcurl cannot start. @options is read during the call only. */
Http *http_new(const HttpOptions *options, GMainContext *context, GError **error);

/* Sent as "Authorization: Bearer KEY" with every call from now on; NULL: none is sent. */
void http_set_bearer(Http *http, const char *key);

/* Starts GET @url. The answer, or PPIOFS_ERROR_TIMEOUT, comes within @timeout_ms whatever the
 * network does. A decoded body over @max_body bytes is PPIOFS_ERROR_TOO_LARGE. @if_none_match may
 * be NULL. @url must be https, or http with a literal loopback address: else
 * PPIOFS_ERROR_PROTOCOL. */
HttpCall *http_get(Http *http, const char *url, const char *if_none_match, guint timeout_ms,
                   gsize max_body, HttpDone done, gpointer data);

/* Ends the call at once, without calling back. */
void http_cancel(HttpCall *call);

/* Whether a base URL is one that may carry the key: https, or http to 127.0.0.0/8 or [::1] written
 * as a number; without user, query or fragment. PPIOFS_ERROR_USAGE says what is wrong. */
gboolean http_check_url(const char *url, GError **error);

/* Retry-After as seconds or as an HTTP date seen at @now_s (Unix seconds): microseconds, clamped
 * to 1-300 s; -1 if it is neither. */
gint64 http_parse_retry_after(const char *value, gint64 now_s);

/* Cancels every call under way, without calling back. */
void http_free(Http *http);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Http, http_free)
