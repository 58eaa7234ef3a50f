/* SPDX-License-Identifier: MIT */
/* curl_error: what a CURLcode means to ppiofs, and its sentence for a person. */
#pragma once

#include <curl/curl.h>
#include <glib.h>

typedef struct {
    const char *host;   /* as people name it; already printable */
    const char *detail; /* libcurl's own words, raw; "" or NULL if it said none */
    int os_errno;       /* of the last connect(), or 0 */
    gint64 timeout_us;  /* the deadline that was set */
} CurlFailure;

/* @code is not CURLE_OK. (transfer full) */
GError *curl_error_new(CURLcode code, const CurlFailure *failure);
