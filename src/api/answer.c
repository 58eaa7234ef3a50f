/* SPDX-License-Identifier: MIT */
#include "ppiofs/api/answer.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"
#include "ppiofs/json/json.h"

#include <string.h>

/* A longer body is no error message: what is behind this is not looked at. */
#define MAX_READ_BYTES (64u << 10)

/* A word such as RATE_LIMIT_EXCEEDED. */
#define SHOWN_REASON_BYTES 64

/* Stop collecting here: far more than is shown, so that the key is starred out before the cut. */
#define COLLECTED_BYTES 16384

typedef enum { BODY_TEXT, BODY_HTML } BodyKind;

typedef struct {
    guint first, last;  /* status */
    const char *reason; /* NULL: any */
    guint routes;
    gboolean only_html; /* an HTML page: some other server's answer */
    PpiofsError code;
    const char *advice; /* what to do; NULL: the API's words say it all */
} StatusRule;

#define ANY_ROUTE (ANSWER_OF_LIST | ANSWER_OF_INSTANCE | ANSWER_OF_OPTIONAL_LIST)
#define CHECK_KEY "check the API key"
#define CHECK_URL "check api_url"

/* The first that matches. A page of HTML is not the API's way to say "no such instance": a wrong
 * api_url or a gateway's 404 must not make instances vanish. */
static const StatusRule status_rules[] = {
    { 200, 299, NULL, ANY_ROUTE, FALSE, PPIOFS_ERROR_BAD_ANSWER,
      "unexpected HTTP status; ppiofs accepts only 200" },
    { 304, 304, NULL, ANY_ROUTE, FALSE, PPIOFS_ERROR_BAD_ANSWER,
      "unexpected HTTP 304; ppiofs sent no If-None-Match" },
    { 300, 399, NULL, ANY_ROUTE, FALSE, PPIOFS_ERROR_PROTOCOL,
      "the API redirects, and ppiofs follows no redirect; check api_url" },
    { 400, 400, "RESOURCE_NOT_FOUND", ANSWER_OF_INSTANCE, FALSE, PPIOFS_ERROR_NOT_FOUND, NULL },
    { 400, 400, "MISSING_API_KEY", ANY_ROUTE, FALSE, PPIOFS_ERROR_DENIED, CHECK_KEY },
    { 400, 400, "INVALID_USER_TOKEN", ANY_ROUTE, FALSE, PPIOFS_ERROR_DENIED, CHECK_KEY },
    { 401, 401, NULL, ANY_ROUTE, FALSE, PPIOFS_ERROR_DENIED, CHECK_KEY },
    { 403, 403, NULL, ANY_ROUTE, FALSE, PPIOFS_ERROR_DENIED, "check the API key and its rights" },
    { 404, 404, NULL, ANSWER_OF_INSTANCE | ANSWER_OF_OPTIONAL_LIST, TRUE, PPIOFS_ERROR_BAD_ANSWER,
      CHECK_URL },
    { 404, 404, NULL, ANSWER_OF_INSTANCE | ANSWER_OF_OPTIONAL_LIST, FALSE, PPIOFS_ERROR_NOT_FOUND,
      NULL },
    { 404, 404, NULL, ANSWER_OF_LIST, FALSE, PPIOFS_ERROR_SERVER, CHECK_URL },
    { 429, 429, NULL, ANY_ROUTE, FALSE, PPIOFS_ERROR_BUSY, NULL },
    { 0, G_MAXUINT, NULL, ANY_ROUTE, FALSE, PPIOFS_ERROR_SERVER, NULL },
};

/* What a body says of itself. */
typedef struct {
    BodyKind kind;
    char *reason; /* raw; NULL if it names none */
    char *words;  /* raw; NULL if there are none that may be shown */
} Saying;

static void saying_clear(Saying *saying)
{
    g_free(saying->reason);
    g_free(saying->words);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Saying, saying_clear)

/* '\0' if there is none. */
static char first_character(const char *body, gsize length)
{
    static const char bom[] = "\xef\xbb\xbf";

    if (length >= 3 && memcmp(body, bom, 3) == 0) {
        body += 3;
        length -= 3;
    }
    while (length > 0 && g_ascii_isspace(*body)) {
        body++;
        length--;
    }
    return length > 0 ? *body : '\0';
}

static const char *find_ignoring_case(const char *from, const char *end, const char *word)
{
    gsize length = strlen(word);

    for (; (gsize)(end - from) >= length; from++)
        if (g_ascii_strncasecmp(from, word, length) == 0)
            return from;
    return NULL;
}

/* Where the element that begins at @tag ends, for those whose content is no text for people. */
static const char *skip_element(const char *tag, const char *end)
{
    static const char *const hidden[][2] = {
        { "<script", "</script" },
        { "<style", "</style" },
        { "<!--", "-->" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(hidden); i++) {
        gsize length = strlen(hidden[i][0]);

        if ((gsize)(end - tag) >= length && g_ascii_strncasecmp(tag, hidden[i][0], length) == 0) {
            const char *close = find_ignoring_case(tag, end, hidden[i][1]);
            tag = close ? close : end;
        }
    }
    tag = memchr(tag, '>', (gsize)(end - tag));
    return tag ? tag + 1 : end;
}

/* The text between the tags, white space made single; NULL if there is none. */
static char *strip_tags(const char *from, const char *end)
{
    g_autoptr(GString) text = g_string_new(NULL);
    gboolean pending_space = FALSE;

    while (from < end && text->len < COLLECTED_BYTES) {
        if (*from == '<' || g_ascii_isspace(*from)) {
            from = *from == '<' ? skip_element(from, end) : from + 1;
            pending_space = text->len > 0;
            continue;
        }
        if (pending_space)
            g_string_append_c(text, ' ');
        pending_space = FALSE;
        g_string_append_c(text, *from++);
    }
    return text->len > 0 ? g_strndup(text->str, text->len) : NULL;
}

static char *html_words(const char *body, gsize length)
{
    const char *end = body + length;
    const char *title = find_ignoring_case(body, end, "<title");
    const char *close = title ? find_ignoring_case(title, end, "</title") : NULL;
    char *words = close ? strip_tags(title, close) : NULL;

    return words ? words : strip_tags(body, end);
}

static const char *not_empty(const char *text)
{
    return text && *text ? text : NULL;
}

static const char *first_string(const cJSON *object)
{
    const cJSON *member = cJSON_IsObject(object) ? object->child : NULL;

    while (member && !(cJSON_IsString(member) && not_empty(json_text(member))))
        member = member->next;
    return json_text(member);
}

/* {"code", "reason", "message"}, {"error": {...}}, {"error": "..."}, {"message"}, "..."; in an
 * object that is none of these its first string. */
static void read_json(const cJSON *root, gboolean is_error, Saying *saying)
{
    const cJSON *error = json_member(root, "error");
    const cJSON *parts[] = { root, error };

    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (!saying->reason)
            saying->reason = g_strdup(not_empty(json_member_string(parts[i], "reason")));
        if (!saying->words)
            saying->words = g_strdup(not_empty(json_member_string(parts[i], "message")));
    }
    if (!saying->words && cJSON_IsString(error))
        saying->words = g_strdup(not_empty(json_text(error)));
    if (!saying->words && cJSON_IsString(root))
        saying->words = g_strdup(not_empty(json_text(root)));
    if (!saying->words && is_error)
        saying->words = g_strdup(first_string(root));
}

/* How much of a long body is looked at. A key has no white space: no part of it is left. */
static gsize beginning_of(const char *body)
{
    gsize length = MAX_READ_BYTES;

    while (length > 0 && !g_ascii_isspace(body[length - 1]))
        length--;
    return length;
}

/* What begins as JSON and is none is not quoted: it may be a piece of a record. */
static void read_body(const HttpAnswer *answer, Saying *saying)
{
    gsize length;
    const char *data = g_bytes_get_data(answer->body, &length);
    const char *body = data ? data : ""; /* an empty one may have no address */
    gboolean whole = length <= MAX_READ_BYTES;
    g_autoptr(JsonDoc) doc = NULL;

    length = whole ? length : beginning_of(body);
    char first = first_character(body, length);

    if (first == '<') {
        saying->kind = BODY_HTML;
        saying->words = html_words(body, length);
        return;
    }
    if (whole)
        doc = json_parse(body, length, NULL);
    if (doc)
        read_json(json_root(doc), answer->status >= 300, saying);
    else if (answer->status >= 300 && first != '{' && first != '[' && first != '"')
        saying->words = strip_tags(body, body + length);
}

/* Same length, so that nothing behind the collected bytes moves up. */
static void star_out(char *text, const char *key)
{
    gsize length = key ? strlen(key) : 0;

    if (length == 0)
        return;
    for (char *at = strstr(text, key); at; at = strstr(at + length, key))
        memset(at, '*', length);
}

static void star_out_keys(char *text, const AnswerQuestion *question)
{
    star_out(text, question->key);
    star_out(text, question->old_key);
}

/* " WORD", "" without one. */
static char *show_reason(const Saying *saying, const AnswerQuestion *question)
{
    g_autofree char *shown = NULL;

    if (!saying->reason)
        return g_strdup("");
    star_out_keys(saying->reason, question);
    shown = text_printable(saying->reason, -1, SHOWN_REASON_BYTES);
    return g_strconcat(" ", shown, NULL);
}

/* ": what it said", "" if it said nothing. */
static char *show_words(const Saying *saying, const AnswerQuestion *question)
{
    g_autofree char *shown = NULL;

    if (!saying->words)
        return g_strdup("");
    star_out_keys(saying->words, question);
    shown = text_printable(saying->words, -1, ANSWER_SHOWN_BYTES);
    return g_strconcat(": ", shown, NULL);
}

static const StatusRule *find_rule(AnswerRoute route, guint status, const Saying *saying)
{
    const StatusRule *rule = status_rules;

    while (status < rule->first || status > rule->last || !(rule->routes & route) ||
           (rule->reason && g_strcmp0(rule->reason, saying->reason) != 0) ||
           (rule->only_html && saying->kind != BODY_HTML))
        rule++; /* the last row takes everything */
    return rule;
}

static char *show_advice(const StatusRule *rule, const HttpAnswer *answer)
{
    gint64 seconds = (answer->retry_after_us + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC;

    if (rule->advice)
        return g_strconcat("; ", rule->advice, NULL);
    if ((answer->status == 429 || answer->status == 503) && answer->retry_after_us >= 0)
        return g_strdup_printf("; the API asked to wait for %" G_GINT64_FORMAT " s", seconds);
    return g_strdup("");
}

gboolean answer_check(const AnswerQuestion *question, const HttpAnswer *answer, GError **error)
{
    if (answer->status == 200 || (answer->status == 304 && question->conditional))
        return TRUE;

    g_auto(Saying) saying = { 0 };
    read_body(answer, &saying);

    const StatusRule *rule = find_rule(question->route, answer->status, &saying);
    g_autofree char *reason = show_reason(&saying, question);
    g_autofree char *words = show_words(&saying, question);
    g_autofree char *advice = show_advice(rule, answer);

    return error_set(error, rule->code, "%s: %u%s%s%s", question->label, answer->status, reason,
                     words, advice);
}

GError *answer_error_body(const AnswerQuestion *question, const HttpAnswer *answer, const char *why,
                          const GError *cause)
{
    g_auto(Saying) saying = { 0 };
    read_body(answer, &saying);

    g_autofree char *words = show_words(&saying, question);
    g_autofree char *because = cause ? g_strconcat(" (", cause->message, ")", NULL) : g_strdup("");

    star_out_keys(because, question);
    return g_error_new(PPIOFS_ERROR, cause ? cause->code : (gint)PPIOFS_ERROR_BAD_ANSWER,
                       "%s: %u, but %s%s%s", question->label, answer->status, why, because, words);
}
