/* SPDX-License-Identifier: MIT */
#include "ppiofs/json/prepass.h"

#include "ppiofs/base/error.h"
#include "ppiofs/json/json.h"

#include <string.h>

/* What may come next, white space aside:
 *
 *   state        on a value or key       on , or :            on the closing bracket
 *   FIRST_ITEM   its value, SEPARATOR    -                    the array ends, SEPARATOR
 *   FIRST_KEY    COLON                   -                    the object ends, SEPARATOR
 *   KEY          COLON                   -                    -
 *   COLON        -                       VALUE                -
 *   VALUE        its value, SEPARATOR    -                    -
 *   SEPARATOR    -                       VALUE or KEY         the container ends, SEPARATOR
 *   NOTHING      -                       -                    -
 *
 * Opening a container leads to FIRST_ITEM or FIRST_KEY, the end of the outermost value to NOTHING
 * instead of SEPARATOR. All else is refused. */
typedef enum {
    EXPECT_VALUE,
    EXPECT_FIRST_ITEM,
    EXPECT_FIRST_KEY,
    EXPECT_KEY,
    EXPECT_COLON,
    EXPECT_SEPARATOR,
    EXPECT_NOTHING,
} Expectation;

/* The next byte, or -1 at the end: so no comparison with a byte can run over the end. */
static int scan_peek(const Prepass *scan)
{
    return scan->at < scan->end ? (guchar)*scan->at : -1;
}

static gsize scan_offset(const Prepass *scan)
{
    return (gsize)(scan->at - scan->start);
}

static gboolean scan_refuse(Prepass *scan)
{
    if (scan->at == scan->end)
        g_set_error(scan->error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER,
                    "not JSON: it ends too early, at byte %" G_GSIZE_FORMAT, scan_offset(scan));
    else
        g_set_error(scan->error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER,
                    "not JSON: unexpected byte 0x%02x at byte %" G_GSIZE_FORMAT,
                    (guint)scan_peek(scan), scan_offset(scan));
    return FALSE;
}

static void scan_space(Prepass *scan)
{
    for (int c = scan_peek(scan); c == ' ' || c == '\n' || c == '\r' || c == '\t';
         c = scan_peek(scan))
        scan->at++;
}

static gboolean scan_byte(Prepass *scan, int wanted)
{
    if (scan_peek(scan) != wanted)
        return scan_refuse(scan);
    scan->at++;
    return TRUE;
}

static gboolean scan_word(Prepass *scan, const char *word)
{
    for (; *word; word++)
        if (!scan_byte(scan, *word))
            return FALSE;
    return TRUE;
}

/* At least one digit. */
static gboolean scan_digits(Prepass *scan)
{
    const char *first = scan->at;

    while (scan->at < scan->end && g_ascii_isdigit(*scan->at))
        scan->at++;
    return scan->at > first || scan_refuse(scan);
}

static gboolean scan_number(Prepass *scan)
{
    if (scan_peek(scan) == '-')
        scan->at++;
    if (scan_peek(scan) == '0')
        scan->at++; /* a digit behind it is refused as what it is: not a separator */
    else if (!scan_digits(scan))
        return FALSE;

    if (scan_peek(scan) == '.') {
        scan->at++;
        if (!scan_digits(scan))
            return FALSE;
    }
    if (scan_peek(scan) == 'e' || scan_peek(scan) == 'E') {
        scan->at++;
        if (scan_peek(scan) == '+' || scan_peek(scan) == '-')
            scan->at++;
        return scan_digits(scan);
    }
    return TRUE;
}

static gboolean scan_escape(Prepass *scan)
{
    int c = scan_peek(scan);

    if (c <= 0 || !strchr("\"\\/bfnrtu", c))
        return scan_refuse(scan);
    scan->at++;
    for (int i = 0; c == 'u' && i < 4; i++, scan->at++)
        if (scan->at == scan->end || !g_ascii_isxdigit(*scan->at))
            return scan_refuse(scan);
    return TRUE;
}

static gboolean scan_string(Prepass *scan)
{
    if (!scan_byte(scan, '"'))
        return FALSE;
    for (int c = scan_peek(scan); c != '"'; c = scan_peek(scan)) {
        if (c < 0x20)
            return scan_refuse(scan);
        scan->at++;
        if (c == '\\' && !scan_escape(scan))
            return FALSE;
    }
    return scan_byte(scan, '"');
}

static void scan_end_value(Prepass *scan)
{
    scan->expect = scan->depth > 0 ? EXPECT_SEPARATOR : EXPECT_NOTHING;
}

static gboolean scan_open(Prepass *scan, char closer, Expectation expect)
{
    if (scan->depth == JSON_MAX_DEPTH) {
        g_set_error(scan->error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER,
                    "JSON nested deeper than %d at byte %" G_GSIZE_FORMAT, JSON_MAX_DEPTH,
                    scan_offset(scan));
        return FALSE;
    }
    scan->at++;
    if (scan->in_member && scan->depth == 1 && closer == ']' && scan->array_start == NULL)
        scan->array_start = scan->at;
    scan->closers[scan->depth++] = closer;
    scan->expect = expect;
    return TRUE;
}

static gboolean scan_close(Prepass *scan)
{
    if (scan->depth == 2 && scan->array_start != NULL && scan->array_end == NULL)
        scan->array_end = scan->at;
    scan->at++;
    scan->depth--;
    scan_end_value(scan);
    return TRUE;
}

static gboolean scan_scalar(Prepass *scan)
{
    switch (scan_peek(scan)) {
    case '"':
        return scan_string(scan);
    case 't':
        return scan_word(scan, "true");
    case 'f':
        return scan_word(scan, "false");
    case 'n':
        return scan_word(scan, "null");
    default:
        return scan_number(scan);
    }
}

static gboolean scan_value(Prepass *scan)
{
    if (++scan->values > JSON_MAX_NODES) {
        g_set_error(scan->error, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE,
                    "JSON with more than %d values", JSON_MAX_NODES);
        return FALSE;
    }
    if (scan_peek(scan) == '[')
        return scan_open(scan, ']', EXPECT_FIRST_ITEM);
    if (scan_peek(scan) == '{')
        return scan_open(scan, '}', EXPECT_FIRST_KEY);
    if (!scan_scalar(scan))
        return FALSE;
    scan_end_value(scan);
    return TRUE;
}

static gboolean scan_key(Prepass *scan)
{
    const char *key = scan->at;

    scan->expect = EXPECT_COLON;
    if (!scan_string(scan))
        return FALSE;
    if (scan->depth == 1 && scan->member != NULL)
        scan->in_member = (gsize)(scan->at - key) == strlen(scan->member) &&
                          memcmp(key, scan->member, strlen(scan->member)) == 0;
    return TRUE;
}

static gboolean scan_colon(Prepass *scan)
{
    scan->expect = EXPECT_VALUE;
    return scan_byte(scan, ':');
}

static gboolean scan_separator(Prepass *scan)
{
    char closer = scan->closers[scan->depth - 1];

    if (scan_peek(scan) == closer)
        return scan_close(scan);
    scan->expect = closer == '}' ? EXPECT_KEY : EXPECT_VALUE;
    return scan_byte(scan, ',');
}

static gboolean scan_step(Prepass *scan)
{
    switch (scan->expect) {
    case EXPECT_FIRST_ITEM:
        return scan_peek(scan) == ']' ? scan_close(scan) : scan_value(scan);
    case EXPECT_FIRST_KEY:
        return scan_peek(scan) == '}' ? scan_close(scan) : scan_key(scan);
    case EXPECT_KEY:
        return scan_key(scan);
    case EXPECT_COLON:
        return scan_colon(scan);
    case EXPECT_SEPARATOR:
        return scan_separator(scan);
    case EXPECT_VALUE:
        return scan_value(scan);
    case EXPECT_NOTHING:
        break;
    }
    return scan_refuse(scan);
}

static gboolean scan_begin(Prepass *scan)
{
    scan_space(scan);
    if (scan->at < scan->end)
        return TRUE;
    g_set_error_literal(scan->error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER,
                        "not JSON: it is empty");
    return FALSE;
}

/* Up to the first token that ends at @limit or beyond. */
static gboolean scan_until(Prepass *scan, const char *limit)
{
    if (scan->at == scan->start && !scan_begin(scan))
        return FALSE;
    while (scan->expect != EXPECT_NOTHING && scan->at < limit) {
        if (!scan_step(scan))
            return FALSE;
        scan_space(scan);
    }
    scan->done = scan->expect == EXPECT_NOTHING;
    if (!scan->done)
        return scan->at < scan->end || scan_refuse(scan);
    return scan->at == scan->end || scan_refuse(scan);
}

Prepass prepass_begin(const char *bytes, gsize length, const char *member)
{
    const char *start = bytes ? bytes : ""; /* an empty body may have no address */

    return (Prepass){ .start = start, .at = start, .end = start + length, .member = member };
}

gboolean prepass_go_on(Prepass *prepass, gsize budget, GError **error)
{
    const char *from = prepass->at, *bad;
    gboolean good;

    prepass->error = error;
    good = scan_until(prepass, from + MIN(budget, (gsize)(prepass->end - from)));
    prepass->error = NULL;
    if (!good)
        return FALSE;
    /* A token begins and ends with ASCII: no character lies across the two. */
    if (!g_utf8_validate_len(from, (gsize)(prepass->at - from), &bad)) {
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER,
                    "not JSON: not UTF-8 at byte %" G_GSIZE_FORMAT, (gsize)(bad - prepass->start));
        return FALSE;
    }
    return TRUE;
}

gboolean prepass_check(const char *bytes, gsize length, GError **error)
{
    Prepass prepass = prepass_begin(bytes, length, NULL);

    return prepass_go_on(&prepass, length, error);
}
