/* SPDX-License-Identifier: MIT */
#include "ppiofs/json/plain.h"

#include <string.h>

/* From the opening quote to behind the closing one, in a checked document. */
static const char *string_skip(const char *at)
{
    for (at++; *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at + 1;
}

gboolean plain_next_number(const char **at, const char *end, NumberToken *ret_token)
{
    const char *p = *at;
    const char *first;

    while (p < end && *p != '-' && !g_ascii_isdigit(*p))
        p = *p == '"' ? string_skip(p) : p + 1;
    first = p;
    while (p < end && (g_ascii_isdigit(*p) || memchr("+-.eE", *p, 5)))
        p++;

    *at = p;
    *ret_token = (NumberToken){ first, (gsize)(p - first) };
    return p > first;
}

/* The code unit of the escape at @at if it is a \u one that ends before @end, else 0. */
static guint unit_at(const char *at, const char *end)
{
    guint unit = 0;

    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return 0;
    for (int i = 2; i < 6; i++)
        unit = unit << 4 | (guint)g_ascii_xdigit_value(at[i]);
    return unit;
}

static gboolean is_high_surrogate(guint unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static gboolean is_low_surrogate(guint unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* Makes the escape at @at one that cJSON decodes without loss. Returns what is behind it. */
static char *escape_make_plain(char *at, const char *end)
{
    guint unit = unit_at(at, end);

    if (at[1] != 'u')
        return at + 2;
    if (is_high_surrogate(unit) && is_low_surrogate(unit_at(at + 6, end)))
        return at + 12;
    if (unit == 0 || is_high_surrogate(unit) || is_low_surrogate(unit))
        memcpy(at + 2, "fffd", 4);
    return at + 6;
}

void plain_rewrite(char *bytes, gsize length)
{
    const char *end = bytes + length;
    const char *at = bytes;
    NumberToken token;

    while (plain_next_number(&at, end, &token)) {
        char *number = bytes + (token.text - bytes);

        memset(number, ' ', token.length);
        number[0] = '0';
    }

    /* A checked document has a backslash nowhere but in strings. */
    for (char *p = bytes; (p = memchr(p, '\\', (gsize)(end - p)));)
        p = escape_make_plain(p, end);
}
