/* SPDX-License-Identifier: MIT */
/* body: bytes of a size that the network chooses, behind a bound. */
#pragma once

#include <glib.h>

typedef struct {
    char *bytes; /* NULL while empty */
    gsize length;
    gsize capacity;
    gsize max;
} Body;

/* Copies @length bytes to the end, or changes nothing: PPIOFS_ERROR_TOO_LARGE if the body would
 * be longer than @max, PPIOFS_ERROR_NO_MEMORY. */
gboolean body_append(Body *body, const char *bytes, gsize length, GError **error);

/* Hands the bytes over, and is empty then. (transfer full) */
GBytes *body_take(Body *body);

void body_clear(Body *body);
