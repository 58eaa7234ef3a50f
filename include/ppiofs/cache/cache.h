/* SPDX-License-Identifier: MIT */
/* cache: decides whether what is known is fresh, stale or missing, and fetches at most once for all
 * who ask. The only place that knows ttl. It is given its fetch functions, so it knows no network.
 *
 * The states of a resource (the list; each instance's detail) are described in cache.c.
 *
 * How to ask: fill a CacheAsk, call cache_ask_*(). CACHE_WAIT means that the waiter is parked; when
 * the fetch has ended, its ready() is called from the main loop and one asks again, with the same
 * CacheAsk: what was fetched after @started counts as fresh for it, however short the ttl. */
#pragma once

#include <glib.h>

#include "ppiofs/base/clock.h"
#include "ppiofs/model/fleet.h"

typedef struct Cache Cache;
typedef struct CacheFetch CacheFetch;

/* How the cache fetches. list() and get() start a fetch and return a handle for cancel(); the end
 * is told with cache_take_list() or cache_take_record(), never from inside the start. */
typedef struct {
    gpointer (*list)(gpointer data, CacheFetch *fetch);
    gpointer (*get)(gpointer data, const char *id, CacheFetch *fetch);
    void (*cancel)(gpointer handle);
    gpointer data;
} CacheSource;

typedef struct { /* all in microseconds */
    gint64 ttl, detail_ttl, negative_ttl, max_stale;
    guint max_requests; /* for read-ahead */
} CacheOptions;

typedef enum {
    CACHE_FRESH,
    CACHE_STALE,   /* the last good answer: the API fails at the moment */
    CACHE_MISSING, /* there is no such instance */
    CACHE_FAILED,  /* see error */
    CACHE_WAIT,
} CacheState;

typedef struct {
    CacheState state;
    gint64 keep_us;      /* how long the answer may be kept without asking again */
    const GError *error; /* borrowed until the next call; FAILED and MISSING only */
} CacheAnswer;

/* Belongs to the caller; all but @ready and @data is the cache's. Zero it before the first use. */
typedef struct {
    void (*ready)(gpointer data);
    gpointer data;
    CacheFetch *fetch; /* NULL: not parked */
    GList link;
} CacheWaiter;

typedef struct {
    gint64 started;      /* monotonic us: when the operation began */
    gboolean impatient;  /* its deadline passed: never CACHE_WAIT, rather stale or timed out */
    CacheWaiter *waiter; /* NULL: no CACHE_WAIT, and no fetch is started */
} CacheAsk;

/* Which instances there are. */
CacheAnswer cache_ask_list(Cache *cache, const CacheAsk *ask);

/* What the list has of the instance with that file name, whether it exists. */
CacheAnswer cache_ask_item(Cache *cache, const char *name, const CacheAsk *ask);

/* The full record of it. */
CacheAnswer cache_ask_detail(Cache *cache, const char *name, const CacheAsk *ask);

/* How long the full record at hand is good without being fetched again; 0 if it is too old, or
 * there is none. Of the list's part ask cache_ask_item(). */
gint64 cache_detail_keep_us(const Cache *cache, const Instance *instance);

/* Takes a parked waiter back. When nobody waits for a fetch any more it is cancelled, unless
 * @timed_out: a long list goes on for the next who asks. */
void cache_leave(CacheWaiter *waiter, gboolean timed_out);

/* A walk in listing order has reached the instance: fetches the next details ahead. */
void cache_walked_to(Cache *cache, const char *name);

/* Starts to fetch the detail of a known instance, unless it is fresh, under way, or in trouble. */
void cache_fetch_ahead(Cache *cache, const char *name);

/* What is known; borrowed. */
Fleet *cache_fleet(Cache *cache);

/* Forgets every answer and every failure (SIGHUP). */
void cache_drop(Cache *cache);

/* The end of a fetch; @fetch is dead afterwards. Exactly one of @records or @record and @error is
 * set. @unchanged: these are the records of the list before. */
void cache_take_list(CacheFetch *fetch, GPtrArray *records, gboolean unchanged, guint n_pages,
                     const GError *error);
void cache_take_record(CacheFetch *fetch, Record *record, const GError *error);

/* How a class of answers stands, for .ppiofs/status and stats. */
typedef enum { CLASS_EMPTY, CLASS_FRESH, CLASS_EXPIRED, CLASS_STALE, CLASS_FAILED } ClassState;
typedef struct {
    ClassState state;
    gint64 age_us;      /* of the newest good answer; -1 if there is none */
    gint64 next_try_us; /* from now; 0 if one may be made at once */
    const char *why;    /* the last error's sentence, or NULL */
    guint known, in_flight;
} ClassStatus;
ClassStatus cache_list_status(const Cache *cache);
ClassStatus cache_details_status(const Cache *cache);

typedef struct {
    guint64 fetches, cancelled;
    guint64 read_ahead, read_ahead_unused;
    guint parked;
} CacheStats;
CacheStats cache_stats(const Cache *cache);

/* @source and @options are copied, @clock is borrowed. */
Cache *cache_new(const CacheOptions *options, const CacheSource *source, const Clock *clock);

/* Cancels every fetch; parked waiters are forgotten. */
void cache_free(Cache *cache);

/* Fetches the list for nobody in particular, unless it is under way or in trouble. */
void cache_poll_list(Cache *cache);

/* Called after each list that was taken, before the waiters. NULL: nobody is called any more. */
void cache_on_list(Cache *cache, void (*taken)(gpointer data), gpointer data);

/* Called when an answer took the place of one that is still fresh, before the waiters: who keeps
 * names for as long as CacheAnswer.keep_us said would show fields of two answers side by side. */
void cache_on_names_changed(Cache *cache, void (*changed)(gpointer data), gpointer data);

/* Called with each error that an answer brought, before the waiters: for .ppiofs/last_error. */
void cache_on_error(Cache *cache, void (*report)(const GError *error, gpointer data),
                    gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Cache, cache_free)
