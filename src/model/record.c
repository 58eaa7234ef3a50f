/* SPDX-License-Identifier: MIT */
#include "ppiofs/model/record.h"

#include <stdlib.h>
#include <string.h>

#include "ppiofs/base/error.h"
#include "ppiofs/json/json.h"
#include "ppiofs/tree/name.h"

#define ID_MAX_CHARACTERS 255
/* The last second of the year 9999: what date(1) and ls(1) still print. */
#define LATEST_SECOND G_GINT64_CONSTANT(253402300799)

struct Record {
    const Kind *kind;
    guint refs;
    gboolean full;
    gboolean gone;
    char *id;
    char *file_name; /* NULL: the id itself */
    char *name;
    Subtree *tree;
    GBytes *body;
};

static const char *usable_id(const Kind *kind, const cJSON *object, GError **error)
{
    const char *id = json_member_string(object, kind->identity);
    glong length = id == NULL ? 0 : g_utf8_strlen(id, -1);

    if (!cJSON_IsObject(object))
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER, "the %s is not a JSON object",
                    kind->one);
    else if (length < 1 || length > ID_MAX_CHARACTERS)
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER,
                    "the %s has no usable %s (a text of 1 to 255 characters)", kind->one,
                    kind->identity);
    else
        return id;
    return NULL;
}

/* FALSE when memory ends; of NULL it makes NULL. */
static gboolean copy_text(const char *text, char **ret_copy)
{
    gsize size = text == NULL ? 0 : strlen(text) + 1;

    *ret_copy = text == NULL ? NULL : g_try_malloc(size);
    if (*ret_copy != NULL)
        memcpy(*ret_copy, text, size);
    return text == NULL || *ret_copy != NULL;
}

const char *record_peek(const Record *record, const char *path, gsize *ret_length)
{
    NodeIndex node = subtree_lookup(record->tree, path);

    if (node == NODE_NONE || subtree_kind(record->tree, node) != NODE_FILE)
        return NULL;
    const char *content = subtree_content(record->tree, node, ret_length);
    if (*ret_length > 0 && content[*ret_length - 1] == '\n')
        (*ret_length)--;
    return content;
}

static gboolean says_gone(const Record *record)
{
    const char *const *words = record->kind->gone;
    gsize length;
    const char *status = words == NULL ? NULL : record_peek(record, "status", &length);

    for (; status != NULL && *words != NULL; words++)
        if (length == strlen(*words) && memcmp(status, *words, length) == 0)
            return TRUE;
    return FALSE;
}

Record *record_new(const Kind *kind, const cJSON *object, GBytes *body, RecordFlags flags,
                   GError **error)
{
    const char *id = usable_id(kind, object, error);
    if (id == NULL)
        return NULL;

    Draft *draft = draft_new();
    fields_add(draft, object, kind->rules, (flags & RECORD_HIDE_SECRETS) != 0);
    Subtree *tree = draft_finish(draft, error);
    if (tree == NULL)
        return NULL;

    Record *record = g_new0(Record, 1);
    record->kind = kind;
    record->refs = 1;
    record->full = (flags & RECORD_FULL) != 0;
    record->tree = tree;
    record->gone = says_gone(record);
    if (!copy_text(id, &record->id) ||
        !copy_text(json_member_string(object, kind->name), &record->name)) {
        g_set_error_literal(error, PPIOFS_ERROR, PPIOFS_ERROR_NO_MEMORY,
                            "not enough memory for the record");
        record_unref(record);
        return NULL;
    }
    g_autofree char *file_name = name_encode(record->id);
    if (strcmp(file_name, record->id) != 0)
        record->file_name = g_steal_pointer(&file_name);
    if (record->full && body != NULL && !(flags & RECORD_HIDE_SECRETS))
        record->body = g_bytes_ref(body);
    return record;
}

const Kind *record_kind(const Record *record)
{
    return record->kind;
}

const char *record_id(const Record *record)
{
    return record->id;
}

const char *record_file_name(const Record *record)
{
    return record->file_name == NULL ? record->id : record->file_name;
}

const char *record_name(const Record *record)
{
    return record->name;
}

Subtree *record_tree(const Record *record)
{
    return record->tree;
}

GBytes *record_body(const Record *record)
{
    return record->body;
}

gsize record_size(const Record *record)
{
    return subtree_size(record->tree) + (record->body == NULL ? 0 : g_bytes_get_size(record->body));
}

gboolean record_is_full(const Record *record)
{
    return record->full;
}

char *record_value(const Record *record, const char *path)
{
    gsize length;
    const char *value = record_peek(record, path, &length);
    char *copy = value == NULL ? NULL : g_try_malloc(length + 1);

    if (copy != NULL) {
        memcpy(copy, value, length);
        copy[length] = '\0';
    }
    return copy;
}

/* FALSE if it is no number of seconds that has a place in the calendar. */
static gboolean find_seconds(const Record *record, const char *path, gint64 *ret_seconds)
{
    char text[sizeof "253402300799"];
    gsize length;
    const char *value = record_peek(record, path, &length);

    if (value == NULL || length >= sizeof text)
        return FALSE;
    memcpy(text, value, length);
    text[length] = '\0';
    return g_ascii_string_to_signed(text, 10, 0, LATEST_SECOND, ret_seconds, NULL);
}

gint64 record_own_time(const Record *record)
{
    gint64 newest = 0;

    for (const char *const *field = record->kind->times; field != NULL && *field != NULL; field++) {
        gint64 seconds;

        if (find_seconds(record, *field, &seconds))
            newest = MAX(newest, seconds);
    }
    return newest * G_USEC_PER_SEC;
}

gboolean record_is_gone(const Record *record)
{
    return record->gone;
}

Record *record_ref(Record *record)
{
    record->refs++;
    return record;
}

void record_unref(Record *record)
{
    if (record == NULL || --record->refs > 0)
        return;
    g_free(record->id);
    g_free(record->file_name);
    g_free(record->name);
    subtree_unref(record->tree);
    if (record->body != NULL)
        g_bytes_unref(record->body);
    g_free(record);
}
