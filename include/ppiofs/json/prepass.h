/* SPDX-License-Identifier: MIT */
/* prepass: whether bytes are JSON, decided before cJSON sees them.
 *
 * cJSON 1.7.15 takes bad UTF-8, raw control bytes, `01` and `1.`, and knows no bound on what a
 * document makes it allocate. The check allocates nothing, except for the message of an error. */
#pragma once

#include <glib.h>

/* Whether the bytes are one document of RFC 8259 in UTF-8 without a byte order mark, within the
 * bounds of json.h. Equal keys are not looked for. Errors: BAD_ANSWER and TOO_LARGE, as
 * json_parse() gives them. */
gboolean prepass_check(const char *bytes, gsize length, GError **error);
