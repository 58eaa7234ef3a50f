/* SPDX-License-Identifier: MIT */
#include "ppiofs/json/json.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"
#include "ppiofs/json/plain.h"
#include "ppiofs/json/prepass.h"

#include <stdlib.h>
#include <string.h>

/* Up to here comparing each key with each is cheaper than sorting them. */
#define SMALL_OBJECT_MEMBERS 16

/* As much of a key as an error message shows. */
#define SHOWN_KEY_BYTES 80

/* All that grows with the document comes from cJSON_malloc(), which may fail: also what is not
 * cJSON's own, so that one pair of hooks sees every allocation. */
struct JsonDoc {
    cJSON *root;
};

/* A walk over all nodes in the order of the document. */
typedef struct {
    cJSON *node;
    guint depth;
    cJSON *parents[JSON_MAX_DEPTH];
} Walk;

static void walk_next(Walk *walk)
{
    if (walk->node->child) {
        walk->parents[walk->depth++] = walk->node;
        walk->node = walk->node->child;
        return;
    }
    while (!walk->node->next && walk->depth > 0)
        walk->node = walk->parents[--walk->depth];
    walk->node = walk->node->next;
}

static gboolean refuse_memory(gsize length, GError **error)
{
    return error_set(error, PPIOFS_ERROR_NO_MEMORY,
                     "not enough memory for JSON of %" G_GSIZE_FORMAT " bytes", length);
}

static gboolean refuse_key(const char *key, GError **error)
{
    g_autofree char *shown = text_printable(key, -1, SHOWN_KEY_BYTES);

    return error_set(error, PPIOFS_ERROR_BAD_ANSWER, "the key \"%s\" appears twice in one object",
                     shown);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *small_object_find_twin(const cJSON *object)
{
    for (const cJSON *a = object->child; a; a = a->next)
        for (const cJSON *b = a->next; b; b = b->next)
            if (strcmp(a->string, b->string) == 0)
                return a->string;
    return NULL;
}

/* Sorted, not hashed: the other side cannot choose keys that make this slow. @keys has room for
 * all members. */
static const char *large_object_find_twin(const cJSON *object, const char **keys)
{
    gsize count = 0;

    for (const cJSON *member = object->child; member; member = member->next)
        keys[count++] = member->string;
    qsort(keys, count, sizeof *keys, compare_keys);
    for (gsize i = 1; i < count; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            return keys[i];
    return NULL;
}

static gboolean object_check_keys(const cJSON *object, GError **error)
{
    gsize count = (gsize)cJSON_GetArraySize(object);
    const char **keys = NULL;
    const char *twin;

    if (count <= SMALL_OBJECT_MEMBERS) {
        twin = small_object_find_twin(object);
    } else {
        keys = cJSON_malloc(count * sizeof *keys);
        if (!keys)
            return refuse_memory(count * sizeof *keys, error);
        twin = large_object_find_twin(object, keys);
        cJSON_free(keys);
    }
    return !twin || refuse_key(twin, error);
}

/* cJSON_Delete() frees a valuestring whatever the type of its node. */
static gboolean number_set_text(cJSON *node, const NumberToken *token, GError **error)
{
    node->valuestring = cJSON_malloc(token->length + 1);
    if (!node->valuestring)
        return refuse_memory(token->length + 1, error);
    memcpy(node->valuestring, token->text, token->length);
    node->valuestring[token->length] = '\0';
    return TRUE;
}

/* Gives each number the text it has between @at and @end, and looks for equal keys. */
static gboolean tree_finish(cJSON *root, const char *at, const char *end, GError **error)
{
    NumberToken token;

    for (Walk walk = { .node = root }; walk.node; walk_next(&walk)) {
        if (cJSON_IsObject(walk.node) && !object_check_keys(walk.node, error))
            return FALSE;
        if (!cJSON_IsNumber(walk.node))
            continue;
        plain_next_number(&at, end, &token);
        if (!number_set_text(walk.node, &token, error))
            return FALSE;
    }
    return TRUE;
}

/* NULL when memory ends: of a checked document made plain cJSON refuses nothing else. */
static cJSON *tree_parse(const char *bytes, gsize length)
{
    char *plain = cJSON_malloc(length);
    cJSON *root;

    if (!plain)
        return NULL;
    memcpy(plain, bytes, length);
    plain_rewrite(plain, length);
    root = cJSON_ParseWithLengthOpts(plain, length, NULL, FALSE);
    cJSON_free(plain);
    return root;
}

JsonDoc *json_parse(const char *bytes, gsize length, GError **error)
{
    g_autoptr(JsonDoc) doc = NULL;

    if (!prepass_check(bytes, length, error))
        return NULL;
    doc = cJSON_malloc(sizeof *doc);
    if (doc)
        doc->root = tree_parse(bytes, length);
    if (!doc || !doc->root) {
        refuse_memory(length, error);
        return NULL;
    }
    return tree_finish(doc->root, bytes, bytes + length, error) ? g_steal_pointer(&doc) : NULL;
}

JsonDoc *json_parse_rest(const Prepass *whole, gsize max, GError **error)
{
    const char *cut = whole->array_start ? whole->array_start : whole->end;
    const char *go_on = whole->array_end ? whole->array_end : whole->end;
    gsize before = (gsize)(cut - whole->start), after = (gsize)(whole->end - go_on);
    g_autofree char *rest = before + after > max ? NULL : g_try_malloc(before + after);

    if (before + after > max) {
        error_set(error, PPIOFS_ERROR_TOO_LARGE,
                  "JSON with more than %" G_GSIZE_FORMAT " bytes beside its items", max);
        return NULL;
    }
    if (!rest) {
        error_set(error, PPIOFS_ERROR_NO_MEMORY, "not enough memory for JSON");
        return NULL;
    }
    memcpy(rest, whole->start, before);
    memcpy(rest + before, go_on, after);
    return json_parse(rest, before + after, error);
}

const cJSON *json_root(const JsonDoc *doc)
{
    return doc->root;
}

const char *json_text(const cJSON *node)
{
    if (cJSON_IsString(node) || cJSON_IsNumber(node))
        return node->valuestring;
    if (cJSON_IsBool(node))
        return cJSON_IsTrue(node) ? "true" : "false";
    return cJSON_IsNull(node) ? "" : NULL;
}

const cJSON *json_member(const cJSON *object, const char *name)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const char *json_member_string(const cJSON *object, const char *name)
{
    const cJSON *member = json_member(object, name);

    return cJSON_IsString(member) ? member->valuestring : NULL;
}

void json_free(JsonDoc *doc)
{
    if (!doc)
        return;
    cJSON_Delete(doc->root);
    cJSON_free(doc);
}
