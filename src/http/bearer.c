/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/bearer.h"

#include <string.h>

#define AUTHORIZATION "Authorization: Bearer "

struct Bearer {
    struct curl_slist accept;
    struct curl_slist authorization; /* data: NULL without a key */
};

Bearer *bearer_new(const char *text)
{
    static char accept[] = "Accept: application/json";
    Bearer *bearer = g_rc_box_new0(Bearer);

    bearer->accept.data = accept;
    if (text) {
        /* Not printf: it grows its buffer in steps and leaves copies of the key behind. */
        bearer->authorization.data = g_strconcat(AUTHORIZATION, text, NULL);
        bearer->accept.next = &bearer->authorization;
    }
    return bearer;
}

Bearer *bearer_ref(Bearer *bearer)
{
    return g_rc_box_acquire(bearer);
}

static void bearer_wipe(gpointer data)
{
    char *authorization = ((Bearer *)data)->authorization.data;

    if (!authorization)
        return;
    explicit_bzero(authorization, strlen(authorization));
    g_free(authorization);
}

void bearer_unref(Bearer *bearer)
{
    if (bearer)
        g_rc_box_release_full(bearer, bearer_wipe);
}

const char *bearer_text(const Bearer *bearer)
{
    const char *authorization = bearer->authorization.data;

    return authorization ? authorization + strlen(AUTHORIZATION) : NULL;
}

struct curl_slist *bearer_headers(Bearer *bearer)
{
    return &bearer->accept;
}
