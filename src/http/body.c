/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/body.h"

#include "ppiofs/base/error.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST ((gsize)16 * 1024) /* what libcurl hands over at once, at most */

static gsize capacity_for(const Body *body, gsize length)
{
    gsize capacity = MAX(body->capacity, CAPACITY_FIRST);

    while (capacity < length)
        capacity = capacity > body->max / 2 ? body->max : 2 * capacity;
    return capacity;
}

static gboolean body_reserve(Body *body, gsize length)
{
    gsize capacity = capacity_for(body, length);
    char *bytes;

    if (capacity <= body->capacity)
        return TRUE;
    bytes = realloc(body->bytes, capacity);
    if (!bytes)
        return FALSE;
    body->bytes = bytes;
    body->capacity = capacity;
    return TRUE;
}

gboolean body_append(Body *body, const char *bytes, gsize length, GError **error)
{
    if (length > body->max - body->length) {
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE,
                    "the answer is larger than %" G_GSIZE_FORMAT " bytes", body->max);
        return FALSE;
    }
    if (!body_reserve(body, body->length + length)) {
        g_set_error_literal(error, PPIOFS_ERROR, PPIOFS_ERROR_NO_MEMORY,
                            "not enough memory for the answer");
        return FALSE;
    }
    memcpy(body->bytes + body->length, bytes, length);
    body->length += length;
    return TRUE;
}

/* What was reserved beyond the end goes back: a body may be kept for long. */
GBytes *body_take(Body *body)
{
    char *bytes = body->bytes && body->length ? realloc(body->bytes, body->length) : NULL;
    GBytes *taken;

    if (!bytes)
        bytes = body->bytes;
    taken = g_bytes_new_with_free_func(bytes, bytes ? body->length : 0, free, bytes);
    *body = (Body){ .max = body->max };
    return taken;
}

void body_clear(Body *body)
{
    free(body->bytes);
    *body = (Body){ .max = body->max };
}
