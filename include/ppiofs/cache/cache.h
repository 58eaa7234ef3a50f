/* SPDX-License-Identifier: MIT */
/* cache: decides whether what is known is fresh, stale or missing, and fetches at most once for all
 * who ask. The only place that knows ttl. It is given its fetch functions, so it knows no network.
 *
 * The states of a resource (the list; the detail of each object) are described in resource.c.
 *
 * How to ask: fill a CacheAsk, call cache_ask_*(). CACHE_WAIT means that the waiter is parked. When
 * the fetch has ended, its ready() is called from the main loop and one asks again, with the same
 * CacheAsk: what was received after @started counts as fresh for it, however short the ttl. */
#pragma once

#include <glib.h>

#include "ppiofs/base/clock.h"
#include "ppiofs/model/collection.h"

typedef struct Cache Cache;
typedef struct Resource Resource;

/* Which single GET is wanted, and for whom. */
typedef struct {
    const char *id;   /* raw */
    gboolean unknown; /* a fresh list does not have it: most likely there is none */
    guint share;      /* the user who asks; 0: nobody in particular */
} CacheWanted;

/* How the cache fetches. list() and get() start a fetch and return a handle for cancel(); the end
 * is told with cache_take_list() or cache_take_record(), never from inside the start. */
typedef struct {
    gpointer (*list)(gpointer data, const Kind *kind, Resource *resource);
    gpointer (*get)(gpointer data, const Kind *kind, const CacheWanted *wanted, Resource *resource);
    void (*cancel)(gpointer handle);
    gpointer data;
} CacheSource;

typedef struct { /* all in microseconds */
    gint64 ttl, detail_ttl, negative_ttl, max_stale;
    gint64 patience;    /* how long a refresh may keep a caller who can be shown an older answer */
    gint64 timeout;     /* of one operation */
    guint max_requests; /* for read-ahead */
} CacheOptions;

typedef enum {
    CACHE_FRESH,
    CACHE_STALE,   /* an older answer: the API fails, or is slow, at the moment */
    CACHE_MISSING, /* there is no such object */
    CACHE_FAILED,  /* see error */
    CACHE_WAIT,
} CacheState;

typedef struct {
    CacheState state;
    gint64 keep_us;      /* how long the answer may be kept without asking again; CACHE_WAIT: after
                            how long to ask again although the fetch goes on, G_MAXINT64: never */
    const GError *error; /* borrowed until the next call; FAILED and MISSING only */
} CacheAnswer;

/* Belongs to the caller; all but @ready and @data is the cache's. Zero it before the first use. */
typedef struct {
    void (*ready)(gpointer data);
    gpointer data;
    Resource *resource; /* NULL: not parked */
    GQueue *home;
    GList link;
} CacheWaiter;

typedef struct {
    gint64 started;      /* clock_now() when the operation began */
    gint64 waited;       /* how long its caller had waited before, for other names of the path */
    gint64 dropped;      /* cache_dropped() when the operation began */
    gboolean impatient;  /* its deadline passed: never CACHE_WAIT, rather stale or timed out */
    guint share;         /* see CacheWanted */
    CacheWaiter *waiter; /* NULL: no CACHE_WAIT, and no fetch is started */
} CacheAsk;

/* Which objects there are. */
CacheAnswer cache_ask_list(Cache *cache, const CacheAsk *ask);

/* The list's part of the object with that file name; CACHE_MISSING: it does not exist. */
CacheAnswer cache_ask_item(Cache *cache, const char *name, const CacheAsk *ask);

/* The full record of that object. */
CacheAnswer cache_ask_detail(Cache *cache, const char *name, const CacheAsk *ask);

/* How long the shown full record stays fresh; 0 if it is too old, or there is none. For the list's
 * part use cache_ask_item(). */
gint64 cache_detail_keep_us(const Cache *cache, const Object *object);

/* Takes a parked waiter back. When nobody waits for a fetch any more it is cancelled, unless
 * @goes_on: then it ends for the next who asks. NULL resource: nothing happens. */
void cache_leave(CacheWaiter *waiter, gboolean goes_on);

/* A walk in listing order has reached the object: fetches the next details ahead. */
void cache_walked_to(Cache *cache, const char *name);

/* Starts to fetch the detail of a known object, unless it is fresh, under way, or in trouble. */
void cache_fetch_ahead(Cache *cache, const char *name);

/* All known objects; borrowed. */
Collection *cache_collection(Cache *cache);

/* Drops all data and all failures (SIGHUP). A fetch that is under way answers only callers that
 * began to wait before. */
void cache_drop(Cache *cache);

/* When that was last called, by clock_now(); 0: never. */
gint64 cache_dropped(const Cache *cache);

/* All borrowed. */
typedef struct {
    gint64 asked;       /* clock_now() when its first request was sent */
    GPtrArray *records; /* Record */
    gboolean unchanged; /* these are the records of the list before */
    guint n_pages;
    const GError *warning; /* the list is good, but something is wrong with it; NULL: nothing */
} CacheList;

/* The end of a fetch. With @error only what says when it was asked for counts of @list. */
void cache_take_list(Resource *resource, const CacheList *list, const GError *error);
/* Exactly one of @record and @error is set; @asked belongs to an error, too. */
void cache_take_record(Resource *resource, Record *record, gint64 asked, const GError *error);

const Kind *cache_kind(const Cache *cache);

/* How a class of answers stands, for .ppiofs/. */
typedef enum {
    CLASS_EMPTY,
    CLASS_FRESH,
    CLASS_EXPIRED,
    CLASS_SLOW,
    CLASS_STALE,
    CLASS_FAILED,
} ClassState;
typedef struct {
    ClassState state;
    gint64 age_us;      /* of the newest good answer; -1 if there is none */
    gint64 next_try_us; /* from now; 0 if one may be made at once */
    const char *why;    /* the last error's sentence, or NULL */
    gboolean absent;    /* the API has no such list: see @why */
    guint known, in_flight;
} ClassStatus;
ClassStatus cache_list_status(const Cache *cache);
ClassStatus cache_details_status(const Cache *cache);

typedef struct {
    guint64 fetches, cancelled;
    guint64 read_ahead, read_ahead_unused;
    guint64 renewed; /* details fetched in the background because they were read lately */
    guint64 detail_bytes;
    guint parked;
} CacheStats;
CacheStats cache_stats(const Cache *cache);

/* For one kind. @source and @options are copied, @kind and @clock are borrowed. Runs on the default
 * main context. */
Cache *cache_new(const CacheOptions *options, const Kind *kind, const CacheSource *source,
                 const Clock *clock);

/* Cancels every fetch; parked waiters are forgotten. */
void cache_free(Cache *cache);

/* For -o watch: fetches the list for nobody in particular, and those details anew that were read
 * lately and are too old, unless they are under way or in trouble. */
void cache_poll(Cache *cache);

/* Called after each list that was taken, before the waiters. NULL: nobody is called any more. */
void cache_on_list(Cache *cache, void (*taken)(gpointer data), gpointer data);

/* Called when an answer took the place of one that is still fresh, before the waiters. The callee
 * must let the kernel forget names: it would show fields of two answers side by side. */
void cache_on_names_changed(Cache *cache, void (*changed)(gpointer data), gpointer data);

/* Called with each error that an answer brought, before the waiters: for .ppiofs/last_error. */
void cache_on_error(Cache *cache, void (*report)(const GError *error, gpointer data),
                    gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Cache, cache_free)
