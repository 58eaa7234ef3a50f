/* SPDX-License-Identifier: MIT */
/* headers: what every request says, the key among it.
 *
 * libcurl borrows the list until the call has ended, and a call may outlive the key it was
 * started with; so the list is shared, and the key is wiped when the last holder lets go. */
#pragma once

#include <curl/curl.h>
#include <glib.h>

typedef struct Headers Headers;

/* @key may be NULL. (transfer full) */
Headers *headers_new(const char *key);
Headers *headers_ref(Headers *headers);
void headers_unref(Headers *headers);

/* The list, owned by @headers; a caller may put its own nodes in front of it. */
struct curl_slist *headers_list(Headers *headers);
