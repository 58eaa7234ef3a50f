/* SPDX-License-Identifier: MIT */
/* http_fixture: an Http on a loop of its own beside a scripted server, and what became of its
 * calls. That no callback comes from inside http_start(), and that every descriptor is closed at
 * the end, is asserted in every test. */
#pragma once

#include "ppiofs/http/http.h"

#include "scripted_server.h"

#include <glib.h>

#define TIMEOUT_MS 10000       /* for what is to end by itself */
#define SHORT_TIMEOUT_MS 300   /* for what is to end by the deadline */
#define DEADLINE_SLACK_MS 1500 /* a busy machine */
#define MAX_BODY 16384

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

typedef struct {
    ScriptedServer *server;
    GMainContext *context;
    Http *http;
    guint descriptors_before;
    gboolean asking; /* http_start() is on the stack */
    guint over;
} Fixture;

typedef struct {
    Fixture *fixture;
    HttpGet get;
    char *url;
    guint times; /* called back */
    GError *error;
    guint status;
    GString *body;
    char *etag;
    gint64 retry_after_us;
    gint64 elapsed_us;
    gint64 age_us;
    gboolean went_quiet;
} Outcome;

Fixture *fixture_new(const ServerScript *scripts, gsize count, guint max_connections);

/* One that gives @answer to every request and keeps the connection. Borrows @answer; one at a
 * time. */
Fixture *fixture_for(const char *answer);

void fixture_free(Fixture *f);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, fixture_free)

/* HttpGet.done; its data is an Outcome. */
void note(HttpGet *get);

void outcome_clear(Outcome *outcome);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Outcome, outcome_clear)

/* Prepares outcome->get and nothing more. */
void prepare(Fixture *f, Outcome *outcome, const char *url, guint timeout_ms, gsize max_body);
void start(Outcome *outcome);

void ask_url(Fixture *f, Outcome *outcome, const char *url, guint timeout_ms, gsize max_body);
void ask(Fixture *f, Outcome *outcome, guint timeout_ms);
void ask_and_wait(Fixture *f, Outcome *outcome, guint timeout_ms);

/* Until @over calls have been called back since the beginning. */
void run_until(Fixture *f, guint over);
void run_for_a_moment(Fixture *f);

void assert_answer(const Outcome *outcome, guint status, const char *body);
