/* SPDX-License-Identifier: MIT */
#include "cache_fixture.h"

#include <string.h>

#include "ppiofs/base/error.h"
#include "ppiofs/cache/private.h"
#include "ppiofs/json/json.h"

static Call *call_new(Fixture *f, const char *id, Resource *resource)
{
    Call *call = g_new0(Call, 1);

    call->id = g_strdup(id);
    call->resource = resource;
    call->asked = f->clock.now;
    g_ptr_array_add(f->calls, call);
    return call;
}

static void call_free(Call *call)
{
    g_free(call->id);
    g_free(call);
}

static gpointer source_list(gpointer data, const Kind *kind, Resource *resource)
{
    (void)kind;
    return call_new(data, NULL, resource);
}

static gpointer source_get(gpointer data, const Kind *kind, const CacheWanted *wanted,
                           Resource *resource)
{
    Call *call = call_new(data, wanted->id, resource);

    (void)kind;
    call->unknown = wanted->unknown;
    call->share = wanted->share;
    return call;
}

static void source_cancel(gpointer handle)
{
    Call *call = handle;

    g_assert_false(call->ended || call->cancelled);
    call->cancelled = TRUE;
}

static void count_error(const GError *error, gpointer data)
{
    g_assert_nonnull(error);
    ((Fixture *)data)->errors++;
}

static void count_line(const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
    (void)domain;
    (void)message;
    g_assert_cmpint(level & G_LOG_LEVEL_CRITICAL, ==, 0);
    ((Fixture *)data)->lines++;
}

static void count_renamed(gpointer data)
{
    ((Fixture *)data)->renamed++;
}

static void count_lists(gpointer data)
{
    ((Fixture *)data)->lists++;
}

static void reader_free(Reader *reader)
{
    g_free(reader->name);
    g_free(reader);
}

Fixture *fixture_with(const CacheOptions *options)
{
    Fixture *f = g_new0(Fixture, 1);
    CacheSource source = { source_list, source_get, source_cancel, f };

    fake_clock_init(&f->clock);
    f->calls = g_ptr_array_new_with_free_func((GDestroyNotify)call_free);
    f->readers = g_ptr_array_new_with_free_func((GDestroyNotify)reader_free);
    f->cache = cache_new(options, KIND_INSTANCES, &source, &f->clock.clock);
    cache_on_error(f->cache, count_error, f);
    cache_on_names_changed(f->cache, count_renamed, f);
    cache_on_list(f->cache, count_lists, f);
    g_log_set_default_handler(count_line, f);
    return f;
}

CacheOptions usual_options(void)
{
    return (CacheOptions){ .ttl = TTL,
                           .detail_ttl = DETAIL_TTL,
                           .negative_ttl = NEGATIVE_TTL,
                           .max_stale = MAX_STALE,
                           .patience = PATIENCE,
                           .timeout = TIMEOUT,
                           .max_requests = PARALLEL };
}

Fixture *fixture_new(void)
{
    CacheOptions options = usual_options();

    return fixture_with(&options);
}

void fixture_free(Fixture *f)
{
    cache_free(f->cache);
    g_log_set_default_handler(g_log_default_handler, NULL);
    g_ptr_array_unref(f->readers);
    g_ptr_array_unref(f->calls);
    g_free(f);
}

void turn(Fixture *f, gint64 us)
{
    fake_clock_turn(&f->clock, us);
}

void let_the_alarm_ring(Fixture *f)
{
    if (alarm_at(f->cache->alarm) > f->clock.now)
        return;
    alarm_set(f->cache->alarm, ALARM_NEVER);
    taken_list_timed_out(f->cache);
}

void reader_ask(Reader *reader)
{
    Cache *cache = reader->fixture->cache;

    if (reader->what == LIST)
        reader->answer = cache_ask_list(cache, &reader->ask);
    else if (reader->what == ITEM)
        reader->answer = cache_ask_item(cache, reader->name, &reader->ask);
    else
        reader->answer = cache_ask_detail(cache, reader->name, &reader->ask);
}

void reader_again(Reader *reader)
{
    cache_leave(&reader->waiter, TRUE);
    reader_ask(reader);
}

static void reader_ready(gpointer data)
{
    Reader *reader = data;

    reader->woken++;
    if (reader->on_ready != NULL)
        reader->on_ready(reader);
    else
        reader_ask(reader);
}

Reader *reader_new(Fixture *f, What what, const char *name)
{
    Reader *reader = g_new0(Reader, 1);

    reader->fixture = f;
    reader->what = what;
    reader->name = g_strdup(name);
    reader->waiter = (CacheWaiter){ .ready = reader_ready, .data = reader };
    reader->ask = (CacheAsk){ .started = f->clock.now, .waiter = &reader->waiter };
    g_ptr_array_add(f->readers, reader);
    return reader;
}

Reader *reader_begin(Fixture *f, What what, const char *name)
{
    Reader *reader = reader_new(f, what, name);

    turn(f, 1); /* no answer of before has come since it began */
    reader->ask.started = f->clock.now;
    reader_ask(reader);
    return reader;
}

CacheState ask(Fixture *f, What what, const char *name)
{
    return reader_begin(f, what, name)->answer.state;
}

CacheState look(Fixture *f, What what, const char *name)
{
    Reader *reader = reader_new(f, what, name);

    reader->ask = (CacheAsk){ .started = G_MAXINT64 };
    reader_ask(reader);
    return reader->answer.state;
}

CacheState ask_impatiently(Fixture *f, What what, const char *name)
{
    Reader *reader = reader_new(f, what, name);

    reader->ask.impatient = TRUE;
    reader->ask.started = f->clock.now + 1;
    reader_ask(reader);
    return reader->answer.state;
}

guint started(const Fixture *f)
{
    return f->calls->len;
}

Call *under_way(Fixture *f, const char *id)
{
    g_assert_cmpuint(f->calls->len, >, 0);
    for (guint i = f->calls->len; i-- > 0;) {
        Call *call = g_ptr_array_index(f->calls, i);
        if (g_strcmp0(call->id, id) == 0 && !call->ended && !call->cancelled)
            return call;
    }
    g_error("no fetch of %s is under way", id == NULL ? "the list" : id);
}

guint in_flight(const Fixture *f)
{
    guint n = 0;

    for (guint i = 0; i < f->calls->len; i++) {
        const Call *call = g_ptr_array_index(f->calls, i);
        n += !call->ended && !call->cancelled;
    }
    return n;
}

static Resource *end(Call *call)
{
    call->ended = TRUE;
    return call->resource;
}

static void end_list(Fixture *f, const char *text, guint n_pages, gboolean unchanged)
{
    g_auto(GStrv) items = g_strsplit(text, "; ", -1);
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func((GDestroyNotify)record_unref);

    turn(f, 1); /* no two answers come at one time */
    for (gsize i = 0; items[i] != NULL && *items[i] != '\0'; i++) {
        g_auto(GStrv) halves = g_strsplit(items[i], " ", 2);
        const char *members = halves[1] == NULL ? "" : halves[1];
        g_ptr_array_add(records, record_with(halves[0], members, 0));
    }
    Call *call = under_way(f, NULL);
    const CacheList list = { call->asked, records, unchanged, n_pages, NULL };

    cache_take_list(end(call), &list, NULL);
}

void answer_list(Fixture *f, const char *items)
{
    end_list(f, items, 1, FALSE);
}

void answer_pages(Fixture *f, const char *items, guint n_pages)
{
    end_list(f, items, n_pages, FALSE);
}

void answer_unchanged(Fixture *f, const char *items)
{
    end_list(f, items, 1, TRUE);
}

void answer_body(Fixture *f, const char *id, const char *members, GBytes *body)
{
    g_autofree char *json =
        g_strdup_printf("{'id':'%s'%s%s}", id, *members != '\0' ? "," : "", members);
    g_autoptr(JsonDoc) doc = json_parse(g_strdelimit(json, "'", '"'), strlen(json), NULL);
    g_autoptr(Record) record = record_new(KIND_INSTANCES, json_root(doc), body, RECORD_FULL, NULL);
    Call *call = under_way(f, id);

    turn(f, 1);
    cache_take_record(end(call), record, call->asked, NULL);
}

void answer_detail(Fixture *f, const char *id, const char *members)
{
    g_autoptr(Record) record = record_with(id, members, RECORD_FULL);

    Call *call = under_way(f, id);

    turn(f, 1);
    cache_take_record(end(call), record, call->asked, NULL);
}

void fail(Fixture *f, const char *id, int code)
{
    g_autoptr(GError) error = g_error_new_literal(PPIOFS_ERROR, code, "it failed");
    Call *call = under_way(f, id);

    turn(f, 1);
    if (id == NULL)
        cache_take_list(end(call), &(CacheList){ .asked = call->asked }, error);
    else
        cache_take_record(end(call), NULL, call->asked, error);
}

void have_list(Fixture *f, const char *items)
{
    g_assert_cmpint(ask(f, LIST, NULL), ==, CACHE_WAIT);
    answer_list(f, items);
}

void have_detail(Fixture *f, const char *id, const char *members)
{
    g_assert_cmpint(ask(f, DETAIL, id), ==, CACHE_WAIT);
    answer_detail(f, id, members);
}
