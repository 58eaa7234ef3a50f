/* SPDX-License-Identifier: MIT */
/* coding: whether the body of an answer is coded in a way that may be decoded: at most once, with
 * gzip. libcurl decodes each layer that a header names, all in one call: an answer of 11 KB with
 * three layers held the main loop for 39 s. So the headers are looked at before the body comes. */
#pragma once

#include <glib.h>

typedef struct {
    guint codings; /* other than identity and chunked */
    guint chunked;
    gboolean in_coding_line; /* the line before named codings: no other may continue it */
} Coding;

/* Takes note of one header line as it came. FALSE: the body must not be decoded. */
gboolean coding_note_line(Coding *coding, const char *line, gsize length);
