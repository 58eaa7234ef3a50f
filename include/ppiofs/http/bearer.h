/* SPDX-License-Identifier: MIT */
/* bearer: the API key as the requests carry it. Each request holds the one it was sent with: a
 * refused key is still the key in use if the two are the same object. The text is wiped when the
 * last holder lets go. */
#pragma once

#include <curl/curl.h>
#include <glib.h>

typedef struct Bearer Bearer;

/* @text may be NULL: no key is sent. (transfer full) */
Bearer *bearer_new(const char *text);
Bearer *bearer_ref(Bearer *bearer);
void bearer_unref(Bearer *bearer); /* NULL is allowed */

/* NULL if no key is sent. */
const char *bearer_text(const Bearer *bearer);

/* The headers of every request, owned by @bearer; a caller may put nodes of its own before them. */
struct curl_slist *bearer_headers(Bearer *bearer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bearer, bearer_unref)
