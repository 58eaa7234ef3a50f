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

typedef struct {
    Cache *cache;
    FakeClock clock;
    GPtrArray *calls;   /* Call: each fetch that was started */
    GPtrArray *readers; /* Reader */
    guint errors;       /* reported */
} Fixture;

typedef struct {
    char *id; /* NULL: the list */
    CacheFetch *fetch;
    gboolean cancelled, ended;
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

/* The constants above, and 8 requests at once. */
Fixture *fixture_new(void);
Fixture *fixture_with(const CacheOptions *options);
void fixture_free(Fixture *f);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, fixture_free)

void turn(Fixture *f, gint64 us);

/* Begins an operation now. Lives as long as the fixture. */
Reader *reader_begin(Fixture *f, What what, const char *name);
/* The same, not asking yet. */
Reader *reader_new(Fixture *f, What what, const char *name);
void reader_ask(Reader *reader);

/* The state a new operation finds that would wait / that only looks. */
CacheState ask(Fixture *f, What what, const char *name);
CacheState look(Fixture *f, What what, const char *name);

/* The same of an operation whose deadline passes now. */
CacheState ask_impatiently(Fixture *f, What what, const char *name);

/* How many fetches were started. */
guint started(const Fixture *f);

/* The newest fetch, which must be under way, and of the list (NULL) or that id. */
Call *under_way(Fixture *f, const char *id);

/* Ends the fetch with what the test says; a list is "id members; id members". */
void answer_list(Fixture *f, const char *items);
void answer_pages(Fixture *f, const char *items, guint n_pages);
void answer_unchanged(Fixture *f, const char *items);
void answer_detail(Fixture *f, const char *id, const char *members);

/* Ends it with an error. The first of its class makes a log line, which is expected here; later
 * ones must make none. */
void fail(Fixture *f, const char *id, int code);
void fail_first(Fixture *f, const char *id, int code);

/* Expects the line that says that it (NULL: the list) goes again, and checks that it came. */
void expect_recovery(const char *id);
void assert_logged(void);

/* The list is fetched, a moment ago. */
void have_list(Fixture *f, const char *items);
void have_detail(Fixture *f, const char *id, const char *members);
