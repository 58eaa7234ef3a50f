/* SPDX-License-Identifier: MIT */
#include "cache_fixture.h"

#include <string.h>

#include "ppiofs/base/error.h"
#include "ppiofs/base/log.h"
#include "ppiofs/base/log.h"

static Call *call_new(Fixture *f, const char *id, CacheFetch *fetch)
{
    Call *call = g_new0(Call, 1);

    call->id = g_strdup(id);
    call->fetch = fetch;
    g_ptr_array_add(f->calls, call);
    return call;
}

static void call_free(Call *call)
{
    g_free(call->id);
    g_free(call);
}

static gpointer source_list(gpointer data, CacheFetch *fetch)
{
    return call_new(data, NULL, fetch);
}

static gpointer source_get(gpointer data, const char *id, CacheFetch *fetch)
{
    return call_new(data, id, fetch);
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
    f->cache = cache_new(options, &source, &f->clock.clock);
    cache_on_error(f->cache, count_error, f);
    return f;
}

Fixture *fixture_new(void)
{
    return fixture_with(&(CacheOptions){ .ttl = TTL,
                                         .detail_ttl = DETAIL_TTL,
                                         .negative_ttl = NEGATIVE_TTL,
                                         .max_stale = MAX_STALE,
                                         .max_requests = 8 });
}

void fixture_free(Fixture *f)
{
    cache_free(f->cache);
    g_ptr_array_unref(f->readers);
    g_ptr_array_unref(f->calls);
    g_free(f);
}

void turn(Fixture *f, gint64 us)
{
    fake_clock_turn(&f->clock, us);
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

static CacheFetch *end(Call *call)
{
    call->ended = TRUE;
    return call->fetch;
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
    cache_take_list(end(under_way(f, NULL)), records, unchanged, n_pages, NULL);
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

void answer_detail(Fixture *f, const char *id, const char *members)
{
    g_autoptr(Record) record = record_with(id, members, RECORD_FULL);

    turn(f, 1);
    cache_take_record(end(under_way(f, id)), record, NULL);
}

void fail(Fixture *f, const char *id, int code)
{
    g_autoptr(GError) error = g_error_new_literal(PPIOFS_ERROR, code, "it failed");
    Call *call = under_way(f, id);

    turn(f, 1);
    if (id == NULL)
        cache_take_list(end(call), NULL, FALSE, 0, error);
    else
        cache_take_record(end(call), NULL, error);
}

/* NULL: of the list. */
static const char *domain_of(const char *id)
{
    return id == NULL ? LOG_DOMAIN_NEWS : "ppiofs";
}

void fail_first(Fixture *f, const char *id, int code)
{
    g_test_expect_message(domain_of(id), G_LOG_LEVEL_WARNING, "*cannot be*: it failed");
    fail(f, id, code);
    g_test_assert_expected_messages();
}

void expect_recovery(const char *id)
{
    g_test_expect_message(domain_of(id), G_LOG_LEVEL_MESSAGE, "*can be fetched again");
}

void assert_logged(void)
{
    g_test_assert_expected_messages();
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
