/* SPDX-License-Identifier: MIT */
/* private: what the files of cache/ share; for nobody else.
 *
 *   cache.c   asking: what there is to say, and when a fetch is needed
 *   fetch.c   fetching: one for any number of waiters, and what its end brings
 *   walk.c    reading ahead
 *   status.c  how it stands, for .ppiofs/ */
#pragma once

#include "ppiofs/cache/cache.h"
#include "ppiofs/cache/readahead.h"
#include "ppiofs/cache/trouble.h"

struct CacheFetch {
    Cache *cache;
    char *name; /* NULL: the list */
    gpointer handle;
    gint64 sent;
    gboolean ahead;    /* nobody asked for it yet */
    gboolean outdated; /* cache_drop() came after it was sent: its answer is as good as none */
    gboolean ended;    /* nothing is left to cancel: who waited is being told */
    GQueue waiters;    /* CacheWaiter */
};

struct Cache {
    CacheOptions options;
    CacheSource source;
    const Clock *clock;
    Fleet *fleet;

    CacheFetch *list_fetch;
    Trouble list_trouble;
    gint64 list_time;     /* monotonic; 0: never fetched */
    gint64 list_duration; /* of the last full one */
    guint list_pages;
    guint single_refreshes; /* since list_time */

    GHashTable *fetches;     /* name -> CacheFetch */
    GHashTable *troubles;    /* name -> Trouble */
    Trouble details_trouble; /* of any of them, for the class */
    gint64 detail_time;

    ReadAhead ahead;
    GHashTable *unread; /* names fetched ahead that nobody asked for yet */
    GError *late;       /* what an impatient operation gets */
    CacheStats stats;
    void (*names_changed)(gpointer data);
    gpointer names_changed_data;
    void (*list_taken)(gpointer data);
    gpointer list_taken_data;
    void (*report)(const GError *error, gpointer data);
    gpointer report_data;
};

static inline gint64 cache_now(const Cache *cache)
{
    return clock_now(cache->clock);
}

/* The fetch under way, or a new one. */
CacheFetch *fetch_list(Cache *cache);

/* NULL when the name stands for no id that could be asked for. */
CacheFetch *fetch_detail(Cache *cache, const char *name);

void fetch_park(CacheFetch *fetch, CacheWaiter *waiter);

/* Cancels it and forgets who waits, without a word to them. */
void fetch_drop(CacheFetch *fetch);

/* The list's ttl in force. */
gint64 cache_list_ttl(const Cache *cache);

gboolean cache_is_fresh(const Cache *cache, gint64 time, gint64 ttl, const CacheAsk *ask);
gboolean cache_may_be_stale(const Cache *cache, gint64 time, const Trouble *trouble);

/* -1 for what was never fetched. */
gint64 cache_age(const Cache *cache, gint64 time);
