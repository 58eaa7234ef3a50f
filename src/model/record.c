/* SPDX-License-Identifier: MIT */
#include "ppiofs/model/record.h"

#include <stdlib.h>
#include <string.h>

#include "ppiofs/base/error.h"
#include "ppiofs/json/json.h"
#include "ppiofs/model/field.h"

#define ID_MAX_CHARACTERS 255
/* The last second of the year 9999: what date(1) and ls(1) still print. */
#define LATEST_SECOND G_GINT64_CONSTANT(253402300799)

struct Record {
    guint refs;
    gboolean full;
    char *id;
    char *name;
    Subtree *tree;
    GBytes *body;
};

static const char *usable_id(const cJSON *object, GError **error)
{
    const char *id = json_member_string(object, "id");
    glong length = id == NULL ? 0 : g_utf8_strlen(id, -1);

    if (!cJSON_IsObject(object))
        g_set_error_literal(error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER,
                            "the instance is not a JSON object");
    else if (length < 1 || length > ID_MAX_CHARACTERS)
        g_set_error_literal(error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER,
                            "the instance has no usable id (a text of 1 to 255 characters)");
    else
        return id;
    return NULL;
}

Record *record_new(const cJSON *object, GBytes *body, RecordFlags flags, GError **error)
{
    const char *id = usable_id(object, error);
    if (id == NULL)
        return NULL;

    Draft *draft = draft_new();
    fields_add(draft, object, (flags & RECORD_HIDE_SECRETS) != 0);
    Subtree *tree = draft_finish(draft, error);
    if (tree == NULL)
        return NULL;

    Record *record = g_new0(Record, 1);
    record->refs = 1;
    record->full = (flags & RECORD_FULL) != 0;
    record->id = g_strdup(id);
    record->name = g_strdup(json_member_string(object, "name"));
    record->tree = tree;
    if (record->full && body != NULL && !(flags & RECORD_HIDE_SECRETS))
        record->body = g_bytes_ref(body);
    return record;
}

const char *record_id(const Record *record)
{
    return record->id;
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

gboolean record_is_full(const Record *record)
{
    return record->full;
}

char *record_value(const Record *record, const char *path)
{
    NodeIndex node = subtree_lookup(record->tree, path);
    gsize length;

    if (node == NODE_NONE || subtree_kind(record->tree, node) != NODE_FILE)
        return NULL;
    const char *content = subtree_content(record->tree, node, &length);
    if (length > 0 && content[length - 1] == '\n')
        length--;
    return g_strndup(content, length);
}

gint64 record_own_time(const Record *record)
{
    static const char *const fields[] = { "created_at", "last_started_at", "last_stopped_at" };
    gint64 newest = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        g_autofree char *text = record_value(record, fields[i]);
        gint64 seconds;

        if (text != NULL && g_ascii_string_to_signed(text, 10, 0, LATEST_SECOND, &seconds, NULL))
            newest = MAX(newest, seconds);
    }
    return newest * G_USEC_PER_SEC;
}

gboolean record_is_gone(const Record *record)
{
    g_autofree char *status = record_value(record, "status");

    return status != NULL && (strcmp(status, "toRemove") == 0 || strcmp(status, "removing") == 0 ||
                              strcmp(status, "removed") == 0);
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
    g_free(record->name);
    subtree_unref(record->tree);
    if (record->body != NULL)
        g_bytes_unref(record->body);
    g_free(record);
}
