/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "ppiofs/api/private.h"
#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"
#include "ppiofs/json/json.h"

/* An id may have 255 characters of 12 escaped bytes each: as much as a message can bear. */
#define SHOWN_PATH_BYTES 160

#define NO_INSTANCE "the body is not an instance"

/* A larger one is parsed in one turn of the main loop, and becomes a record in the next. */
#define LARGE_BYTES (256u << 10)

typedef struct {
    Request request; /* first: a request is its detail */
    const Kind *kind;
    char *id;
    ApiRecordDone done;
    HttpAnswer answer; /* a large one that came; its body is held */
    JsonDoc *doc;      /* of it; NULL: it is still to be parsed */
    GSource *turns;
} Detail;

static void detail_free(Request *request)
{
    Detail *detail = (Detail *)request;

    if (detail->turns) {
        g_source_destroy(detail->turns);
        g_source_unref(detail->turns);
    }
    g_clear_pointer(&detail->answer.body, g_bytes_unref);
    json_free(detail->doc);
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

static JsonDoc *parse(const HttpAnswer *answer, GError **error)
{
    gsize length;
    const char *bytes = g_bytes_get_data(answer->body, &length);

    return json_parse(bytes, length, error);
}

/* (transfer full) */
static Record *make_record(const Detail *detail, const JsonDoc *doc, const HttpAnswer *answer,
                           GError **error)
{
    AnswerQuestion question = request_question(&detail->request);
    g_autoptr(GError) cause = NULL;
    g_autoptr(Record) record = record_new(detail->kind, json_root(doc), answer->body,
                                          detail->request.api->flags | RECORD_FULL, &cause);

    if (!record)
        g_propagate_error(error, answer_error_body(&question, answer, NO_INSTANCE, cause));
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

/* One of @doc, made of @answer, and @error. */
static void detail_end(Detail *detail, const JsonDoc *doc, const HttpAnswer *answer,
                       const GError *error)
{
    ApiRecordDone done = detail->done;
    gpointer data = detail->request.data;
    gint64 asked = detail->request.asked;
    g_autoptr(GError) failure = NULL;
    g_autoptr(Record) record = doc ? make_record(detail, doc, answer, &failure) : NULL;

    request_free(&detail->request);
    done(record, asked, failure ? failure : error, data);
}

static void refuse(Detail *detail, const HttpAnswer *answer, const GError *cause)
{
    AnswerQuestion question = request_question(&detail->request);
    g_autoptr(GError) error = answer_error_body(&question, answer, NO_INSTANCE, cause);

    detail_end(detail, NULL, NULL, error);
}

static gboolean on_turn(gpointer data)
{
    Detail *detail = data;
    g_autoptr(GError) cause = NULL;

    if (detail->doc) {
        detail_end(detail, detail->doc, &detail->answer, NULL);
        return G_SOURCE_REMOVE;
    }
    detail->doc = parse(&detail->answer, &cause);
    if (detail->doc)
        return G_SOURCE_CONTINUE;
    refuse(detail, &detail->answer, cause);
    return G_SOURCE_REMOVE;
}

static void take_turns(Detail *detail, const HttpAnswer *answer)
{
    detail->answer = *answer;
    detail->answer.etag = NULL;
    g_bytes_ref(detail->answer.body);
    detail->turns = g_idle_source_new();
    g_source_set_priority(detail->turns, G_PRIORITY_DEFAULT);
    g_source_set_callback(detail->turns, on_turn, detail, NULL);
    g_source_attach(detail->turns, g_main_context_get_thread_default());
}

static void on_answer(Request *request, const HttpAnswer *answer, const GError *error)
{
    Detail *detail = (Detail *)request;
    g_autoptr(GError) cause = NULL;
    g_autoptr(JsonDoc) doc = NULL;

    if (!answer) {
        detail_end(detail, NULL, NULL, error);
        return;
    }
    if (g_bytes_get_size(answer->body) > LARGE_BYTES) {
        take_turns(detail, answer);
        return;
    }
    doc = parse(answer, &cause);
    if (doc)
        detail_end(detail, doc, answer, NULL);
    else
        refuse(detail, answer, cause);
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
