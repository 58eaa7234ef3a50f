/* SPDX-License-Identifier: MIT */
/* private: what the files of cache/ share; for nobody else.
 *
 *   cache.c     which resource an operation needs, and what there is to say
 *   resource.c  the states of a resource: asking, waiting, fetching, failing
 *   taken.c     what the end of a fetch brings
 *   details.c   the full records in memory: how many, which go first, which are renewed
 *   walk.c      reading ahead
 *   status.c    how it stands, for .ppiofs/ */
#pragma once

#include "ppiofs/base/alarm.h"
#include "ppiofs/cache/cache.h"
#include "ppiofs/cache/trouble.h"

/* Something that can be fetched: the list, or the detail of one name. A detail's stands in
 * Cache.resources only while it is under way or in trouble: what is known is in the collection. */
struct Resource {
    Cache *cache;
    char *name; /* NULL: the list */
    Trouble trouble;
    gboolean fetching;
    gpointer handle;     /* NULL: its answer is here, and is being applied */
    gint64 started;      /* of the fetch */
    gint64 wanted;       /* when somebody last asked for it */
    gboolean background; /* also for nobody in particular: nobody's leaving cancels it */
    gboolean ahead;      /* fetched before anybody asked */
    gboolean finishing;  /* those who waited are being told */
    GQueue waiters;      /* CacheWaiter */
};

/* A good answer: when it was asked for and received, and how long it is good. */
typedef struct {
    gint64 asked, received; /* 0: there is none */
    gint64 ttl;
} Known;

/* Walks through the listing that are under way, forward or backward. */
#define WALKS 4
typedef struct {
    char *last;   /* the name it has reached; NULL: unused */
    gint step;    /* +1, -1; 0 while it is a single access */
    guint window; /* how many to have under way ahead of it */
    guint64 used; /* to replace the one that was used longest ago */
} Walk;

struct Cache {
    CacheOptions options;
    const Kind *kind;
    CacheSource source;
    const Clock *clock;
    Collection *collection;

    Resource *list;
    Known list_known;         /* without its ttl: see cache_list_known() */
    Known list_coming;        /* of the list that is being applied */
    GError *absent;           /* the API has no such list: it counts as empty; NULL: it has */
    guint64 overruled_before; /* collection_overruled() before that */
    gint64 list_duration;     /* of the last full one */
    guint list_pages;
    GSource *applying; /* a list that is taken over in turns of the loop */
    Alarm *alarm;      /* for a list that nobody wants any more, or that does not end */

    GTree *resources; /* Resource.name -> Resource, of details */
    guint details_under_way;
    gint64 detail_asked;      /* of the newest good detail */
    gboolean details_failing; /* since then one failed */

    guint singles; /* GETs that took the place of a list, since singles_since */
    gint64 singles_since;
    gint64 dropped;    /* cache_drop(): what was asked for before is good for nobody */
    gint64 kept_until; /* until when the kernel may keep what it was told */

    GQueue details; /* Object.use of those with a full record, the least lately used first */
    Walk walks[WALKS];
    guint64 walk_clock;
    GError *late; /* what an impatient operation gets */
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

/* cache: what is known of each, and how long it is good. */
gboolean cache_has_list(const Cache *cache);
Known cache_list_known(const Cache *cache);
Known cache_detail_known(const Cache *cache, const Object *object);

/* resource: the detail's resource, or NULL if nothing is remembered of it. */
Resource *resource_find(const Cache *cache, const char *name);
Resource *resource_make(Cache *cache, const char *name);

gint64 known_fresh_until(const Known *known);
gboolean known_is_fresh(const Cache *cache, const Known *known, const CacheAsk *ask);
gboolean known_may_be_stale(const Cache *cache, const Known *known, const Trouble *trouble);

/* The state of a resource for @ask. @name NULL: the list. @id: the raw id for the request; NULL: no
 * request is possible, and the resource is missing. */
CacheAnswer resource_ask(Cache *cache, const char *name, const char *id, const Known *known,
                         const CacheAsk *ask);

/* The list's. */
Resource *resource_make_list(Cache *cache);

/* Starts to fetch it, unless that is under way. */
void resource_fetch(Resource *resource, const CacheWanted *wanted);

gboolean resource_is_slow(const Resource *resource);

/* The fetch has ended: lets everybody who waited ask again, and frees a detail's resource of which
 * nothing is to be remembered. */
void resource_finish(Resource *resource);

/* Ends the fetch without a word to those who wait. */
void resource_drop(Resource *resource);
void resource_free(Resource *resource);

/* Forgets the failures of details that are over by @until; G_MAXINT64: all. */
void resource_forget(Cache *cache, gint64 until);

/* The fetch was cancelled, and nobody waits. */
void resource_drop_fetch(Resource *resource);

/* When the list's fetch is given up, if nobody asks for it any more; ALARM_NEVER: it is not under
 * way. */
gint64 resource_list_ends(const Cache *cache);

/* taken: a list that nobody wants, or that does not end. */
void taken_list_timed_out(Cache *cache);

/* walk: fetches a known object for nobody in particular. FALSE: that is under way, or not due. */
gboolean cache_fetch_unasked(Cache *cache, const char *name);
void walk_clear(Cache *cache);

/* details: a full record has come, or was read. @had_full: it took the place of another. */
void details_add(Cache *cache, Object *object, gboolean had_full, gboolean ahead);
void details_use(Cache *cache, Object *object);
void details_renew(Cache *cache);
guint details_unused(const Cache *cache);
