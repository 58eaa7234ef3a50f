/* SPDX-License-Identifier: MIT */
/* Whatever the bytes are: json_parse() refuses them with a reason, or every string is UTF-8 and
 * every number's text stands in the document. */
#include "ppiofs/base/error.h"
#include "ppiofs/json/json.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonDoc) doc = json_parse((const char *)data, size, &error);

    if (doc)
        check_tree(json_root(doc), (const char *)data, size);
    else
        /* Out of memory would mean that cJSON refuses what the pre-pass took. */
        g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
    return 0;
}
