/* SPDX-License-Identifier: MIT */
/* url: which URLs may be asked with the key, and how they are named to people. Pure. */
#pragma once

#include <glib.h>

typedef struct {
    gboolean plain; /* http to this very machine; else https */
    char *host;     /* with the port if one was written; printable */
    char *path;     /* without the query; printable */
} HttpUrl;

/* PPIOFS_ERROR_PROTOCOL if @url is neither https nor http to a literal loopback address. Parsed
 * by libcurl, so that what is checked is what will be asked. */
HttpUrl *http_url_new(const char *url, GError **error);

void http_url_free(HttpUrl *url);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HttpUrl, http_url_free)
