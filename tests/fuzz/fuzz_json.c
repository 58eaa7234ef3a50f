/* SPDX-License-Identifier: MIT */
/* Whatever the bytes are: json_parse() refuses them with a reason, or every string is UTF-8 and
 * every number's text stands in the document. Taken apart they are refused or taken, too, and the
 * items are the same. */
#include "ppiofs/base/error.h"
#include "ppiofs/json/prepass.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_node(const cJSON *node, const char *bytes, gsize length)
{
    const char *text = json_text(node);

    g_assert_true(!node->string || g_utf8_validate(node->string, -1, NULL));
    g_assert_true((text == NULL) == (cJSON_IsArray(node) || cJSON_IsObject(node)));
    if (!text)
        return;
    g_assert_true(g_utf8_validate(text, -1, NULL));
    if (cJSON_IsNumber(node))
        g_assert_true(*text && memmem(bytes, length, text, strlen(text)));
}

/* Recursion is bounded by JSON_MAX_DEPTH. */
static void check_tree(const cJSON *node, const char *bytes, gsize length)
{
    const cJSON *child;

    check_node(node, bytes, length);
    cJSON_ArrayForEach (child, node) {
        if (cJSON_IsObject(node))
            g_assert_true(json_member(node, child->string) == child);
        check_tree(child, bytes, length);
    }
}

static void assert_same(const cJSON *a, const cJSON *b)
{
    const cJSON *x = a->child, *y = b->child;

    g_assert_cmpint(a->type & 0xff, ==, b->type & 0xff);
    g_assert_cmpstr(json_text(a), ==, json_text(b));
    for (; x && y; x = x->next, y = y->next) {
        g_assert_cmpstr(x->string, ==, y->string);
        assert_same(x, y);
    }
    g_assert_true(!x && !y);
}

/* Taken apart it is what it is as a whole, and refused where that is. */
static void check_apart(const char *bytes, gsize length, const JsonDoc *whole)
{
    Prepass scan = prepass_begin(bytes, length, "\"data\"");
    const cJSON *data = whole ? json_member(json_root(whole), "data") : NULL;
    const cJSON *item = data ? data->child : NULL;
    gboolean good = TRUE;

    while (good && !scan.done) {
        g_autoptr(JsonDoc) doc = NULL;

        good = prepass_go_on(&scan, 7, NULL);
        if (!good || !scan.item_end)
            continue;
        doc = json_parse(scan.item_start, (gsize)(scan.item_end - scan.item_start), NULL);
        good = doc != NULL;
        if (doc && whole) {
            g_assert_nonnull(item);
            assert_same(json_root(doc), item);
            item = item->next;
        }
    }
    g_autoptr(JsonDoc) rest = good ? json_parse_rest(&scan, G_MAXSIZE, NULL) : NULL;
    g_assert_true((rest != NULL) == (whole != NULL));
    if (rest && cJSON_IsArray(data) && !json_member(json_root(rest), "data")->child)
        g_assert_null(item); /* else its name was not recognised */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonDoc) doc = json_parse((const char *)data, size, &error);

    if (doc)
        check_tree(json_root(doc), (const char *)data, size);
    else if (g_error_matches(error, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE))
        return 0; /* taken apart it may be small enough */
    else
        /* Out of memory would mean that cJSON refuses what the pre-pass took. */
        g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
    check_apart((const char *)data, size, doc);
    return 0;
}
