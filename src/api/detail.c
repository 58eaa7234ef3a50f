/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "ppiofs/api/private.h"
#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"
#include "ppiofs/json/json.h"

/* An id may have 255 characters of 12 escaped bytes each: as much as a message can bear. */
#define SHOWN_PATH_BYTES 160

typedef struct {
    Request request; /* first: a request is its detail */
    const Kind *kind;
    char *id;
    ApiRecordDone done;
} Detail;

static void detail_free(Request *request)
{
    Detail *detail = (Detail *)request;

    g_free(detail->id);
    g_free(detail);
}

/* As one segment of a path; "." and ".." mean other things there. (transfer full) */
static char *escape_id(const char *id)
{
    if (strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
        return g_strdup(id[1] ? "%2E%2E" : "%2E");
    return g_uri_escape_string(id, NULL, FALSE);
}

static Record *parse_record(const Detail *detail, GBytes *body, GError **error)
{
    gsize length;
    const char *bytes = g_bytes_get_data(body, &length);
    g_autoptr(JsonDoc) doc = json_parse(bytes, length, error);

    return doc ? record_new(detail->kind, json_root(doc), body,
                            detail->request.api->flags | RECORD_FULL, error)
               : NULL;
}

/* (transfer full) */
static Record *read_record(const Detail *detail, const HttpAnswer *answer, GError **error)
{
    AnswerQuestion question = request_question(&detail->request);
    g_autoptr(GError) cause = NULL;
    g_autoptr(Record) record = parse_record(detail, answer->body, &cause);

    if (!record)
        g_propagate_error(
            error, answer_error_body(&question, answer, "the body is not an instance", cause));
    else if (strcmp(record_id(record), detail->id) != 0)
        g_propagate_error(
            error, answer_error_body(&question, answer,
                                     "the API returned another instance than requested", NULL));
    else if (record_is_gone(record))
        error_set(error, PPIOFS_ERROR_NOT_FOUND, "%s: its status says that the instance is gone",
                  question.label);
    else
        return g_steal_pointer(&record);
    return NULL;
}

static void on_answer(Request *request, const HttpAnswer *answer, const GError *error)
{
    Detail *detail = (Detail *)request;
    ApiRecordDone done = detail->done;
    gpointer data = request->data;
    gint64 asked = request->asked;
    g_autoptr(GError) failure = NULL;
    g_autoptr(Record) record = answer ? read_record(detail, answer, &failure) : NULL;

    request_free(request);
    done(record, asked, failure ? failure : error, data);
}

Request *api_get(Api *api, const Kind *kind, const char *id, gboolean known, guint share,
                 ApiRecordDone done, gpointer data)
{
    Detail *detail = g_new0(Detail, 1);
    Request *request = &detail->request;
    g_autofree char *escaped = escape_id(id);
    g_autofree char *shown = text_printable(escaped, -1, SHOWN_PATH_BYTES);

    request_init(request, api, detail_free, data);
    detail->kind = kind;
    detail->id = g_strdup(id);
    detail->done = done;
    request->url = g_strconcat(api->base_url, kind->route, "/", escaped, NULL);
    request->label = g_strconcat("GET ", kind->route, "/", shown, NULL);
    request->max_body = API_MAX_DETAIL_BYTES;
    request->route = ANSWER_OF_INSTANCE;
    request->lane = known ? LANE_KNOWN : LANE_UNKNOWN;
    request->share = share;
    request->done = on_answer;
    request_start(request);
    return request;
}
