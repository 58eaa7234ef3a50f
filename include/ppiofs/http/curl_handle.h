/* SPDX-License-Identifier: MIT */
/* curl_handle: easy handles with everything set that is the same for every call (what is trusted,
 * what is accepted, what is never done), kept for reuse. */
#pragma once

#include <curl/curl.h>
#include <glib.h>

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
