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

/* The token in which the check has stopped, if any: a string, or what a number has so far. */
typedef enum {
    TOKEN_NONE,
    TOKEN_STRING,
    NUMBER_BEGIN,
    NUMBER_MINUS,
    NUMBER_ZERO,
    NUMBER_DIGITS,
    NUMBER_DOT,
    NUMBER_FRACTION,
    NUMBER_E,
    NUMBER_SIGN,
    NUMBER_EXPONENT,
} Token;

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
    if (scan->at < scan->end)
        return error_set(scan->error, PPIOFS_ERROR_BAD_ANSWER,
                         "not JSON: unexpected byte 0x%02x at byte %" G_GSIZE_FORMAT,
                         (guint)scan_peek(scan), scan_offset(scan));
    if (scan->values == 0)
        return error_set(scan->error, PPIOFS_ERROR_BAD_ANSWER, "not JSON: it is empty");
    return error_set(scan->error, PPIOFS_ERROR_BAD_ANSWER,
                     "not JSON: it ends too early, at byte %" G_GSIZE_FORMAT, scan_offset(scan));
}

static gboolean is_space(int c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void scan_space(Prepass *scan)
{
    while (scan->at < scan->limit && is_space(scan_peek(scan)))
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

static gboolean is_in_array(const Prepass *scan)
{
    return scan->depth == 2 && scan->array_start != NULL && scan->array_end == NULL;
}

static void scan_end_value(Prepass *scan)
{
    scan->expect = scan->depth > 0 ? EXPECT_SEPARATOR : EXPECT_NOTHING;
    if (is_in_array(scan))
        scan->item_end = scan->at;
}

static void scan_end_key(Prepass *scan)
{
    gsize length = (gsize)(scan->at - scan->token_start);

    scan->expect = EXPECT_COLON;
    if (scan->depth == 1 && scan->member != NULL)
        scan->in_member =
            length == strlen(scan->member) && memcmp(scan->token_start, scan->member, length) == 0;
}

/* A check that stops within a string stops between two characters. */
static gboolean may_stop(const Prepass *scan, int c)
{
    return scan->at >= scan->limit && ((c & 0xc0) != 0x80 || scan->at >= scan->limit + 4);
}

/* What is left of a string. */
static gboolean scan_string(Prepass *scan)
{
    for (int c = scan_peek(scan); c != '"'; c = scan_peek(scan)) {
        if (c < 0x20)
            return scan_refuse(scan);
        if (may_stop(scan, c))
            return TRUE;
        scan->at++;
        if (c == '\\' && !scan_escape(scan))
            return FALSE;
    }
    scan->at++;
    scan->token = TOKEN_NONE;
    if (scan->is_key)
        scan_end_key(scan);
    else
        scan_end_value(scan);
    return TRUE;
}

static gboolean scan_open_string(Prepass *scan, gboolean is_key)
{
    scan->token_start = scan->at;
    scan->is_key = is_key;
    scan->token = TOKEN_STRING;
    return scan_byte(scan, '"') && scan_string(scan);
}

/* What a number is with @c behind it; TOKEN_NONE: @c is not of the number. */
static Token number_with(Token token, int c)
{
    if (g_ascii_isdigit(c)) {
        if (token <= NUMBER_MINUS)
            return c == '0' ? NUMBER_ZERO : NUMBER_DIGITS;
        if (token == NUMBER_ZERO) /* a digit behind it is refused as what it is: no separator */
            return TOKEN_NONE;
        if (token == NUMBER_DIGITS)
            return NUMBER_DIGITS;
        return token <= NUMBER_FRACTION ? NUMBER_FRACTION : NUMBER_EXPONENT;
    }
    if (c == '-' && token == NUMBER_BEGIN)
        return NUMBER_MINUS;
    if ((c == '-' || c == '+') && token == NUMBER_E)
        return NUMBER_SIGN;
    if (c == '.' && (token == NUMBER_ZERO || token == NUMBER_DIGITS))
        return NUMBER_DOT;
    if ((c == 'e' || c == 'E') &&
        (token == NUMBER_ZERO || token == NUMBER_DIGITS || token == NUMBER_FRACTION))
        return NUMBER_E;
    return TOKEN_NONE;
}

/* What is left of a number. */
static gboolean scan_number(Prepass *scan)
{
    Token token = (Token)scan->token, next;

    for (; (next = number_with(token, scan_peek(scan))) != TOKEN_NONE; token = next) {
        scan->at++;
        if (scan->at >= scan->limit && scan->at < scan->end) {
            scan->token = (int)next;
            return TRUE;
        }
    }
    if (token != NUMBER_ZERO && token != NUMBER_DIGITS && token != NUMBER_FRACTION &&
        token != NUMBER_EXPONENT)
        return scan_refuse(scan);
    scan->token = TOKEN_NONE;
    scan_end_value(scan);
    return TRUE;
}

static gboolean scan_open(Prepass *scan, char closer, Expectation expect)
{
    if (scan->depth == JSON_MAX_DEPTH)
        return error_set(scan->error, PPIOFS_ERROR_BAD_ANSWER,
                         "JSON nested deeper than %d at byte %" G_GSIZE_FORMAT, JSON_MAX_DEPTH,
                         scan_offset(scan));
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
    int c = scan_peek(scan);
    const char *word = c == 't' ? "true" : c == 'f' ? "false" : c == 'n' ? "null" : NULL;

    if (c == '"')
        return scan_open_string(scan, FALSE);
    if (word == NULL) {
        scan->token = NUMBER_BEGIN;
        return scan_number(scan);
    }
    if (!scan_word(scan, word))
        return FALSE;
    scan_end_value(scan);
    return TRUE;
}

static gboolean scan_value(Prepass *scan)
{
    if (++scan->values > JSON_MAX_VALUES && scan->member == NULL)
        return error_set(scan->error, PPIOFS_ERROR_TOO_LARGE, "JSON with more than %d values",
                         JSON_MAX_VALUES);
    if (is_in_array(scan))
        scan->item_start = scan->at;
    if (scan_peek(scan) == '[')
        return scan_open(scan, ']', EXPECT_FIRST_ITEM);
    if (scan_peek(scan) == '{')
        return scan_open(scan, '}', EXPECT_FIRST_KEY);
    return scan_scalar(scan);
}

static gboolean scan_key(Prepass *scan)
{
    return scan_open_string(scan, TRUE);
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
    if (scan->token != TOKEN_NONE)
        return scan->token == TOKEN_STRING ? scan_string(scan) : scan_number(scan);
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

static gboolean is_over(const Prepass *scan)
{
    return scan->expect == EXPECT_NOTHING && scan->token == TOKEN_NONE;
}

static gboolean scan_until(Prepass *scan, const char *limit)
{
    scan->limit = limit;
    if (scan->token == TOKEN_NONE)
        scan_space(scan);
    while (!is_over(scan) && scan->at < limit && !scan->item_end) {
        if (!scan_step(scan))
            return FALSE;
        if (scan->token == TOKEN_NONE)
            scan_space(scan);
    }
    scan->done = is_over(scan) && scan->at == scan->end;
    if (!scan->done && (scan->at == scan->end || (is_over(scan) && !is_space(*scan->at))))
        return scan_refuse(scan);
    return TRUE;
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
    prepass->item_end = NULL;
    good = scan_until(prepass, from + MIN(budget, (gsize)(prepass->end - from)));
    prepass->error = NULL;
    if (!good)
        return FALSE;
    if (!g_utf8_validate_len(from, (gsize)(prepass->at - from), &bad))
        return error_set(error, PPIOFS_ERROR_BAD_ANSWER,
                         "not JSON: not UTF-8 at byte %" G_GSIZE_FORMAT,
                         (gsize)(bad - prepass->start));
    return TRUE;
}

gboolean prepass_check(const char *bytes, gsize length, GError **error)
{
    Prepass prepass = prepass_begin(bytes, length, NULL);

    return prepass_go_on(&prepass, length, error);
}
