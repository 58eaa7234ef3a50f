/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/headers.h"

#include <string.h>

struct Headers {
    struct curl_slist accept;
    struct curl_slist authorization; /* data: NULL without a key */
};

Headers *headers_new(const char *key)
{
    static char accept[] = "Accept: application/json";
    Headers *headers = g_rc_box_new0(Headers);

    headers->accept.data = accept;
    if (key) {
        /* Not printf: it grows its buffer in steps and leaves copies of the key behind. */
        headers->authorization.data = g_strconcat("Authorization: Bearer ", key, NULL);
        headers->accept.next = &headers->authorization;
    }
    return headers;
}

Headers *headers_ref(Headers *headers)
{
    return g_rc_box_acquire(headers);
}

static void headers_wipe(gpointer data)
{
    Headers *headers = data;
    char *authorization = headers->authorization.data;

    if (!authorization)
        return;
    explicit_bzero(authorization, strlen(authorization));
    g_free(authorization);
}

void headers_unref(Headers *headers)
{
    if (headers)
        g_rc_box_release_full(headers, headers_wipe);
}

struct curl_slist *headers_list(Headers *headers)
{
    return &headers->accept;
}
