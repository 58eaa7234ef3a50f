/* SPDX-License-Identifier: MIT */
/* fake_http: http.h without a network: answers come from a script or a function, in later turns of
 * the main loop, and everything that was asked is remembered. Link it instead of src/http. */
#pragma once

#include <glib.h>

#include "ppiofs/base/error.h"
#include "ppiofs/http/http.h"

typedef struct {
    guint status;          /* 0: no answer, but @error */
    const char *body;      /* NULL: "" */
    gsize length;          /* 0: that of the string @body */
    const char *etag;      /* may be NULL */
    gint64 retry_after_us; /* 0 stands for "absent" */
    gint64 age_us;
    PpiofsError error; /* for status 0 */
    gboolean quiet;    /* went_quiet */
    gboolean hold;     /* does not end by itself: see fake_http_end() */
    char *owned;       /* freed when the answer was given; may be @body */
} FakeReply;

typedef struct {
    char *url;
    char *if_none_match;
    char *key; /* NULL: none was sent */
    gint64 timeout_us, quiet_us;
    gsize max_body;
    gboolean fresh;
    gint64 at; /* g_get_monotonic_time() */
} FakeRequest;

/* What to answer to @request when the script is over. */
typedef void (*FakeHandler)(const FakeRequest *request, FakeReply *ret_reply, gpointer data);

Http *fake_http_new(void);

/* The reply to the next request that has none yet; only strings that live on are kept as is. */
void fake_http_script(Http *http, FakeReply reply);
void fake_http_handle(Http *http, FakeHandler handler, gpointer data);

guint fake_http_n_requests(const Http *http);
const FakeRequest *fake_http_request(const Http *http, guint i);
guint fake_http_n_flying(const Http *http);
guint fake_http_max_flying(const Http *http);
guint fake_http_n_cancelled(const Http *http);
guint fake_http_n_dropped(const Http *http); /* calls of http_drop_idle() */

/* Ends the oldest request under way with @reply, from inside this call. */
void fake_http_end(Http *http, FakeReply reply);
