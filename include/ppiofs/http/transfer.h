/* SPDX-License-Identifier: MIT */
/* transfer: one request and its answer on one easy handle, within its bounds. Knows no loop and
 * no list of calls. */
#pragma once

#include "ppiofs/http/body.h"
#include "ppiofs/http/headers.h"
#include "ppiofs/http/http.h"
#include "ppiofs/http/url.h"

#include <curl/curl.h>
#include <glib.h>

/* libcurl points into it while it runs: it must not move. */
typedef struct {
    CURL *easy; /* borrowed; NULL if it was never set up */
    HttpUrl *url;
    Headers *headers;
    struct curl_slist if_none_match;
    guint timeout_ms;
    Body body;
    gsize header_bytes;
    guint header_lines;
    gboolean headers_over; /* their empty line has come */
    GError *error;         /* the first thing that went wrong */
    char detail[CURL_ERROR_SIZE];
} Transfer;

/* Takes a reference to @headers. FALSE with transfer->error set if @url may not be asked. */
gboolean transfer_init(Transfer *transfer, const char *url, const char *if_none_match,
                       Headers *headers, guint timeout_ms, gsize max_body);

/* Makes @easy ready to be run; libcurl hands @owner back as CURLINFO_PRIVATE. Sets
 * transfer->easy. FALSE: out of memory. */
gboolean transfer_set_up(Transfer *transfer, CURL *easy, const char *url, const char *proxy,
                         gpointer owner);

/* How it ended; sets transfer->error unless there is an answer. */
void transfer_conclude(Transfer *transfer, CURLcode result);

/* Everything but the elapsed time. Borrows from @transfer and its handle. */
void transfer_get_answer(Transfer *transfer, HttpAnswer *ret_answer);

/* The handle is not in use any more. */
void transfer_clear(Transfer *transfer);
