/* SPDX-License-Identifier: MIT */
/* cache_fixture: a cache over a source that the test answers for, on a clock that the test turns,
 * and readers that ask as operations of the file system do. */
#pragma once

#include "ppiofs/cache/cache.h"
#include "support.h"

#define TTL (10 * (gint64)SECOND)
#define DETAIL_TTL (300 * (gint64)SECOND)
#define NEGATIVE_TTL (5 * (gint64)SECOND)
#define MAX_STALE (3600 * (gint64)SECOND)
/* Any back-off has passed, and one has surely not. */
#define BACKED_OFF (31 * (gint64)SECOND)
#define NOT_YET (SECOND / 20)
#define PATIENCE SECOND
#define TIMEOUT (10 * (gint64)SECOND)
#define PARALLEL 8

typedef struct {
    Cache *cache;
    FakeClock clock;
    GPtrArray *calls;   /* Call: each fetch that was started */
    GPtrArray *readers; /* Reader */
    guint errors;       /* reported */
    guint lines;        /* logged */
    guint renamed;      /* cache_on_names_changed() */
    guint lists;        /* cache_on_list() */
} Fixture;

typedef struct {
    char *id; /* NULL: the list */
    Resource *resource;
    gint64 asked; /* when it was started, unless the test says otherwise */
    gboolean unknown, cancelled, ended;
    guint share;
} Call;

typedef enum { LIST, ITEM, DETAIL } What;

/* One operation: it asks when it begins, and again whenever it is woken. */
typedef struct Reader {
    Fixture *fixture;
    What what;
    char *name;
    CacheWaiter waiter;
    CacheAsk ask;
    CacheAnswer answer; /* the newest; error is dead by the time it is looked at */
    guint woken;
    void (*on_ready)(struct Reader *reader); /* NULL: asks again */
} Reader;

/* The constants above. */
CacheOptions usual_options(void);
Fixture *fixture_new(void);
Fixture *fixture_with(const CacheOptions *options);
void fixture_free(Fixture *f);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, fixture_free)

void turn(Fixture *f, gint64 us);

/* The cache's alarm rings if its moment has come by the clock of the test. */
void let_the_alarm_ring(Fixture *f);

/* Begins an operation now. Lives as long as the fixture. */
Reader *reader_begin(Fixture *f, What what, const char *name);
/* The same, not asking yet. */
Reader *reader_new(Fixture *f, What what, const char *name);
void reader_ask(Reader *reader);
/* The time that it was told to wait at most has passed: it asks again. */
void reader_again(Reader *reader);

/* The state a new operation finds that would wait / that only looks. */
CacheState ask(Fixture *f, What what, const char *name);
CacheState look(Fixture *f, What what, const char *name);

/* The same of an operation whose deadline passes now. */
CacheState ask_impatiently(Fixture *f, What what, const char *name);

/* How many fetches were started, and how many are under way. */
guint started(const Fixture *f);
guint in_flight(const Fixture *f);

/* The newest fetch, which must be under way, and of the list (NULL) or that id. */
Call *under_way(Fixture *f, const char *id);

/* Ends the fetch with what the test says; a list is "id members; id members". */
void answer_list(Fixture *f, const char *items);
void answer_pages(Fixture *f, const char *items, guint n_pages);
void answer_unchanged(Fixture *f, const char *items);
void answer_detail(Fixture *f, const char *id, const char *members);

void answer_body(Fixture *f, const char *id, const char *members, GBytes *body);
void fail(Fixture *f, const char *id, int code);

/* The list is fetched, a moment ago. */
void have_list(Fixture *f, const char *items);
void have_detail(Fixture *f, const char *id, const char *members);
