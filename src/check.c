/* SPDX-License-Identifier: MIT */
#include "ppiofs/check.h"

#include "ppiofs/api/answer.h"
#include "ppiofs/api/api.h"
#include "ppiofs/api/page_reader.h"
#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"
#include "ppiofs/check/host.h"
#include "ppiofs/check/report.h"
#include "ppiofs/credentials.h"
#include "ppiofs/http/http.h"

#define SUBJECT_API "API"
#define SUBJECT_KEY "key"
#define SUBJECT_ACCEPTED "key accepted"
#define LABEL "GET /gpus/v2/instances"

/* The one request, from the moment it is sent. */
typedef struct {
    const Options *options;
    const char *key;
    Report *report;
    GMainLoop *loop;
} Question;

static void check_configuration(const Options *options)
{
    g_autofree char *file = options->config ? text_printable(options->config, -1, 4096) : NULL;
    g_autofree char *profile = text_printable(options->profile, -1, 64);
    const char *built_in = options_profile_url(options->profile) ? " (built in)" : "";

    if (file)
        report_line("ok", "configuration", "%s, profile %s%s", file, profile, built_in);
    else
        report_line("ok", "configuration", "no file, and none is needed; profile %s%s", profile,
                    built_in);
}

/* (transfer full); NULL: there is no key to ask with. */
static Credentials *check_key(Report *report, const Options *options)
{
    g_autoptr(GError) error = NULL;
    Credentials *credentials = credentials_load(options, &error);

    if (credentials)
        report_line("ok", SUBJECT_KEY, "found in %s", credentials_source(credentials));
    else
        report_failure(report, SUBJECT_KEY, error, NULL);
    return credentials;
}

/* For errors that do not say it themselves. */
static const char *advice_for(const GError *error)
{
    switch (error->domain == PPIOFS_ERROR ? error->code : PPIOFS_ERROR_FAILED) {
    case PPIOFS_ERROR_UNREACHABLE:
        return "check the network, DNS and api_url; behind a proxy set proxy=URL";
    case PPIOFS_ERROR_REFUSED:
        return NULL;
    case PPIOFS_ERROR_TIMEOUT:
        return "check the network and firewalls, or allow more with timeout=SECONDS";
    case PPIOFS_ERROR_PROTOCOL:
        return "check the date of this machine, and api_url; trust an authority of your own with "
               "cacert=PATH";
    default:
        return NULL;
    }
}

/* What the first page says of how many there are. */
static void report_page(const Page *page)
{
    const char *reason;
    guint left_out = page_n_left_out(page, &reason);
    g_autoptr(GPtrArray) pages = g_ptr_array_new();
    g_autoptr(GPtrArray) records = NULL;
    g_autoptr(PagesMerge) merge = pages_merge_new(pages);

    g_ptr_array_add(pages, (gpointer)page);
    records = pages_merge_step(merge, G_MAXUINT); /* without those that are gone */
    report_line("ok", SUBJECT_ACCEPTED, "by the API");
    report_line("ok", "instances", "%s%u", page_next_cursor(page) ? "at least " : "", records->len);
    if (left_out > 0)
        report_line("note", "instances", "%u more left out: %s", left_out, reason);
}

static void take_answer(const Question *question, const HttpAnswer *answer)
{
    const AnswerQuestion asked = { .label = LABEL, .route = ANSWER_OF_LIST, .key = question->key };
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) cause = NULL;
    g_autoptr(Page) page = NULL;

    if (answer_check(&asked, answer, &error)) {
        page = page_read(KIND_INSTANCES, answer, RECORD_HIDE_SECRETS, &cause);
        if (!page)
            error = answer_error_body(&asked, answer, "the body is not a page of instances", cause);
    }
    if (page)
        report_page(page);
    else if (g_error_matches(error, PPIOFS_ERROR, PPIOFS_ERROR_DENIED))
        report_failure(question->report, SUBJECT_ACCEPTED, error, NULL);
    else
        report_failure(question->report, "instances", error, NULL);
}

static void on_answer(HttpGet *get)
{
    const Question *question = get->data;
    const HttpAnswer *answer = &get->answer;
    const GError *error = get->error;
    g_autofree char *url = text_printable(question->options->api_url, -1, 4096);

    g_main_loop_quit(question->loop);
    if (error) {
        report_failure(question->report, SUBJECT_API, error, advice_for(error));
        return;
    }
    report_line("ok", SUBJECT_API, "%s answered in %" G_GINT64_FORMAT " ms%s", url,
                (answer->elapsed_us + 500) / 1000,
                g_str_has_prefix(url, "https:") ? ", name lookup and TLS included" : "");
    take_answer(question, answer);
}

/* Not through the Api: that would ask again after a failure, and go on to the last page. */
static void check_api(Report *report, const Options *options, const char *key)
{
    const HttpOptions http_options = { .cacert = options->cacert,
                                       .proxy = options->proxy,
                                       .max_connections = 1 };
    g_autofree char *url = g_strdup_printf("%s%s?limit=%u", options->api_url, KIND_INSTANCES->route,
                                           options->page_size);
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    Question question = { options, key, report, loop };
    g_autoptr(GError) error = NULL;
    g_autoptr(Http) http = http_new(&http_options, clock_system(), NULL, &error);
    g_autoptr(Bearer) bearer = bearer_new(key);
    HttpGet get = { .url = url,
                    .bearer = bearer,
                    .timeout_us = options->timeout_us,
                    .max_body = API_MAX_PAGE_BYTES,
                    .done = on_answer,
                    .data = &question };

    if (!http) {
        report_failure(report, SUBJECT_API, error, NULL);
        return;
    }
    http_start(http, &get);
    g_main_loop_run(loop);
    http_clear(&get);
}

gboolean check_run(const Options *options, GError **error)
{
    Report report = { 0 };

    check_configuration(options);
    g_autoptr(Credentials) credentials = check_key(&report, options);
    if (credentials)
        check_api(&report, options, credentials_key(credentials));
    else
        report_line("note", SUBJECT_API, "not tested, because there is no key");
    host_check(&report, options);
    return report_conclude(&report, error);
}
