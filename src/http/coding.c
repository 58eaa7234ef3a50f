/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/coding.h"

#include <string.h>

static gboolean is_word(const char *at, gsize length, const char *word)
{
    return strlen(word) == length && g_ascii_strncasecmp(at, word, length) == 0;
}

static gboolean take_word(Coding *coding, const char *at, gsize length, gboolean of_transfer)
{
    if (length == 0 || is_word(at, length, "identity"))
        return TRUE;
    if (of_transfer && is_word(at, length, "chunked"))
        return ++coding->chunked == 1;
    return is_word(at, length, "gzip") && ++coding->codings == 1;
}

/* The words of a list, split by commas. */
static gboolean take_list(Coding *coding, const char *at, const char *end, gboolean of_transfer)
{
    while (at < end) {
        const char *comma = memchr(at, ',', (gsize)(end - at));
        const char *stop = comma ? comma : end;
        const char *next = comma ? comma + 1 : end;

        while (at < stop && g_ascii_isspace(*at))
            at++;
        while (stop > at && g_ascii_isspace(stop[-1]))
            stop--;
        if (!take_word(coding, at, (gsize)(stop - at), of_transfer))
            return FALSE;
        at = next;
    }
    return TRUE;
}

gboolean coding_note_line(Coding *coding, const char *line, gsize length)
{
    const char *colon = memchr(line, ':', length);
    gsize name = colon ? (gsize)(colon - line) : 0;
    gboolean is_folded = length > 0 && (line[0] == ' ' || line[0] == '\t');
    gboolean of_transfer;

    if (is_folded)
        return !coding->in_coding_line;
    while (name > 0 && g_ascii_isspace(line[name - 1]))
        name--;
    of_transfer = is_word(line, name, "Transfer-Encoding");
    coding->in_coding_line = of_transfer || is_word(line, name, "Content-Encoding");
    return !coding->in_coding_line || take_list(coding, colon + 1, line + length, of_transfer);
}
