/* SPDX-License-Identifier: MIT */
/* A resource (the list; the detail of each object) is in one of these states. "Ask" is an
 * operation that needs it, "failure" the end of a fetch with an error.
 *
 *   state    it has                        on ask                     on success  on failure
 *   EMPTY    nothing                       fetch, wait                FRESH       FAILED
 *   FRESH    an answer younger than ttl    answer                     -           -
 *   EXPIRED  an older one                  fetch, wait                FRESH       STALE, or FAILED
 *   SLOW     the same, and a fetch that    answer; the fetch goes on  FRESH       STALE, or FAILED
 *            took longer than patience
 *   STALE    the same, and a failure       answer; fetch when due     FRESH       STALE, or FAILED
 *   FAILED   a failure, and nothing that   the error until due, then  FRESH       FAILED
 *            may be shown                  fetch, wait
 *
 * An older answer may be shown until it is max_stale old, but not after a final error: 401, 403 and
 * "gone" are never hidden. trouble.h says when a fetch is due after a failure. An operation whose
 * own time has passed is answered as in STALE or FAILED. Any number of operations share one
 * fetch. */
#include "ppiofs/base/error.h"
#include "ppiofs/cache/private.h"

/* How long the kernel may keep an older answer, or an error, before it asks again. */
#define STALE_KEEP_US (G_USEC_PER_SEC / 2)
/* What was received just now is not asked for again, even if it took long or came out of a cache.
 */
#define RECEIVED_KEEP_US ((gint64)G_USEC_PER_SEC)
/* A list that nobody has asked for is given up after as many timeouts. */
#define UNWANTED_TIMEOUTS 3
/* Thousands of different wrong names must not fill the memory. */
#define RESOURCES_MOST 10000
/* No list takes longer. Its answers would be as old as a list may become. */
#define LIST_MOST_US (600 * (gint64)G_USEC_PER_SEC)

Resource *resource_find(const Cache *cache, const char *name)
{
    return name == NULL ? cache->list : g_tree_lookup(cache->resources, name);
}

typedef struct {
    gint64 until; /* those whose trouble is over by then */
    GPtrArray *names;
} Idle;

static gboolean collect_idle(gpointer name, gpointer value, gpointer data)
{
    const Resource *resource = value;
    const Idle *idle = data;

    if (!resource->fetching && !resource->finishing && resource->trouble.until <= idle->until)
        g_ptr_array_add(idle->names, name);
    return FALSE;
}

void resource_forget(Cache *cache, gint64 until)
{
    Idle idle = { until, g_ptr_array_new() };

    g_tree_foreach(cache->resources, collect_idle, &idle);
    for (guint i = 0; i < idle.names->len; i++)
        g_tree_remove(cache->resources, g_ptr_array_index(idle.names, i));
    g_ptr_array_unref(idle.names);
}

Resource *resource_make_list(Cache *cache)
{
    Resource *resource = g_new0(Resource, 1);

    resource->cache = cache;
    return resource;
}

Resource *resource_make(Cache *cache, const char *name)
{
    Resource *resource = resource_find(cache, name);

    if (resource != NULL)
        return resource;
    if (g_tree_nnodes(cache->resources) >= RESOURCES_MOST)
        resource_forget(cache, cache_now(cache));
    if (g_tree_nnodes(cache->resources) >= RESOURCES_MOST)
        resource_forget(cache, G_MAXINT64);
    resource = resource_make_list(cache);
    resource->name = g_strdup(name);
    g_tree_insert(cache->resources, resource->name, resource);
    return resource;
}

void resource_free(Resource *resource)
{
    trouble_clear(&resource->trouble);
    g_free(resource->name);
    g_free(resource);
}

/* A detail's resource stays only while there is something to remember. */
static void free_if_idle(Resource *resource)
{
    if (resource->name != NULL && !resource->fetching && !resource->finishing &&
        resource->trouble.error == NULL)
        g_tree_remove(resource->cache->resources, resource->name);
}

gint64 known_fresh_until(const Known *known)
{
    return MAX(known->asked + known->ttl, known->received + MIN(known->ttl, RECEIVED_KEEP_US));
}

/* What was asked for before SIGHUP is good for those alone who began before it. */
static gint64 dropped_for(const Cache *cache, const CacheAsk *ask)
{
    return ask->started < cache->dropped ? ask->dropped : cache->dropped;
}

static gboolean is_usable(const Cache *cache, const Known *known, const CacheAsk *ask)
{
    return known->asked != 0 && known->asked >= dropped_for(cache, ask);
}

/* The failure that counts for the operation, or NULL. */
static const Trouble *trouble_for(const Resource *resource, const CacheAsk *ask)
{
    if (resource == NULL || resource->trouble.error == NULL ||
        resource->trouble.asked < dropped_for(resource->cache, ask))
        return NULL;
    return &resource->trouble;
}

gboolean known_is_fresh(const Cache *cache, const Known *known, const CacheAsk *ask)
{
    return is_usable(cache, known, ask) &&
           (known->received >= ask->started || cache_now(cache) < known_fresh_until(known));
}

gboolean known_may_be_stale(const Cache *cache, const Known *known, const Trouble *trouble)
{
    return known->asked != 0 && known->asked >= cache->dropped &&
           cache_now(cache) - known->asked <= cache->options.max_stale &&
           !trouble_is_final(trouble);
}

static gint64 patience_ends(const Resource *resource)
{
    return resource->started + resource->cache->options.patience;
}

static gint64 patience_of(const Cache *cache, const CacheAsk *ask)
{
    return ask->started - ask->waited + cache->options.patience;
}

gboolean resource_is_slow(const Resource *resource)
{
    return resource != NULL && resource->fetching &&
           cache_now(resource->cache) >= patience_ends(resource);
}

static CacheAnswer answer_fresh(Cache *cache, const Known *known)
{
    gint64 now = cache_now(cache);
    gint64 until = known->asked < cache->dropped ? now : known_fresh_until(known);

    cache->kept_until = MAX(cache->kept_until, until);
    return (CacheAnswer){ CACHE_FRESH, MAX(0, until - now), NULL };
}

static CacheAnswer answer_stale(Cache *cache)
{
    gint64 keep = MIN(cache->options.ttl, STALE_KEEP_US);

    cache->kept_until = MAX(cache->kept_until, cache_now(cache) + keep);
    return (CacheAnswer){ CACHE_STALE, keep, NULL };
}

static CacheAnswer answer_failure(Cache *cache, const Trouble *trouble)
{
    gboolean missing = g_error_matches(trouble->error, PPIOFS_ERROR, PPIOFS_ERROR_NOT_FOUND);
    gint64 now = cache_now(cache);

    gint64 until = trouble->asked < cache->dropped ? now : trouble->until;

    if (missing)
        cache->kept_until = MAX(cache->kept_until, until);
    return (CacheAnswer){ missing ? CACHE_MISSING : CACHE_FAILED, MAX(0, until - now),
                          trouble->error };
}

static void park(Resource *resource, CacheWaiter *waiter)
{
    waiter->resource = resource;
    waiter->home = &resource->waiters;
    waiter->link.data = waiter;
    g_queue_push_tail_link(waiter->home, &waiter->link);
    resource->ahead = FALSE;
    resource->cache->stats.parked++;
}

static void unpark(CacheWaiter *waiter)
{
    waiter->resource->cache->stats.parked--;
    g_queue_unlink(waiter->home, &waiter->link);
    waiter->resource = NULL;
}

/* @older: an older answer can be shown instead, in a while. */
static CacheAnswer wait(Resource *resource, const CacheAsk *ask, gboolean older)
{
    Cache *cache = resource->cache;
    gint64 ends = MIN(patience_ends(resource), patience_of(cache, ask));

    park(resource, ask->waiter);
    return (CacheAnswer){ CACHE_WAIT, older ? MAX(0, ends - cache_now(cache)) : G_MAXINT64, NULL };
}

/* TRUE if the list is fresh and does not have the name. */
static gboolean is_unlisted(const Cache *cache, const char *name)
{
    const CacheAsk look = { .started = G_MAXINT64 };
    Known known = cache_list_known(cache);

    return name != NULL && collection_find(cache->collection, name) == NULL &&
           known_is_fresh(cache, &known, &look);
}

/* Fetches it if that is allowed at the moment. */
static Resource *fetch_if_due(Cache *cache, const char *name, const char *id, const CacheAsk *ask)
{
    Resource *resource = resource_find(cache, name);
    const CacheWanted wanted = { .id = id,
                                 .unknown = is_unlisted(cache, name),
                                 .share = ask->share };

    if (ask->waiter == NULL ||
        trouble_stands(trouble_for(resource, ask), cache_now(cache), ask->started))
        return resource;
    resource = resource_make(cache, name);
    resource_fetch(resource, &wanted);
    resource->wanted = cache_now(cache);
    return resource;
}

CacheAnswer resource_ask(Cache *cache, const char *name, const char *id, const Known *known,
                         const CacheAsk *ask)
{
    if (known_is_fresh(cache, known, ask))
        return answer_fresh(cache, known);

    Resource *resource = fetch_if_due(cache, name, id, ask);
    const Trouble *trouble = trouble_for(resource, ask);
    gboolean failing = trouble != NULL;
    gboolean older = known_may_be_stale(cache, known, trouble);
    gboolean in_a_hurry = ask->impatient || ask->waiter == NULL;

    if (older && (failing || in_a_hurry || resource_is_slow(resource) ||
                  cache_now(cache) >= patience_of(cache, ask)))
        return answer_stale(cache);
    if (failing && trouble_stands(trouble, cache_now(cache), ask->started))
        return answer_failure(cache, trouble);
    if (in_a_hurry)
        return (CacheAnswer){ CACHE_FAILED, MIN(cache->options.ttl, STALE_KEEP_US), cache->late };
    return wait(resource, ask, older);
}

void resource_fetch(Resource *resource, const CacheWanted *wanted)
{
    Cache *cache = resource->cache;
    const CacheSource *source = &cache->source;

    if (resource->fetching)
        return;
    resource->fetching = TRUE;
    resource->ahead = resource->background = FALSE;
    resource->started = resource->wanted = cache_now(cache);
    cache->stats.fetches++;
    if (resource->name == NULL) {
        resource->handle = source->list(source->data, cache->kind, resource);
        alarm_set(cache->alarm, resource_list_ends(cache));
    } else {
        cache->details_under_way++;
        resource->handle = source->get(source->data, cache->kind, wanted, resource);
    }
}

static void end_fetch(Resource *resource)
{
    resource->fetching = FALSE;
    resource->handle = NULL;
    if (resource->name != NULL)
        resource->cache->details_under_way--;
}

void resource_drop_fetch(Resource *resource)
{
    end_fetch(resource);
    free_if_idle(resource);
}

static void cancel_fetch(Resource *resource)
{
    if (resource->handle != NULL)
        resource->cache->source.cancel(resource->handle);
    end_fetch(resource);
}

gint64 resource_list_ends(const Cache *cache)
{
    const Resource *list = cache->list;
    gint64 unwanted = list->wanted + UNWANTED_TIMEOUTS * cache->options.timeout;
    gint64 ends = list->started + LIST_MOST_US;

    if (!list->fetching || list->handle == NULL)
        return ALARM_NEVER;
    return list->background || list->waiters.length > 0 ? ends : MIN(ends, unwanted);
}

void cache_leave(CacheWaiter *waiter, gboolean goes_on)
{
    Resource *resource = waiter->resource;

    if (resource == NULL)
        return;
    unpark(waiter);
    resource->wanted = cache_now(resource->cache);
    if (goes_on || resource->waiters.length > 0 || resource->background || !resource->fetching ||
        resource->handle == NULL) {
        if (resource->name == NULL)
            alarm_set(resource->cache->alarm, resource_list_ends(resource->cache));
        return;
    }
    resource->cache->stats.cancelled++;
    cancel_fetch(resource);
    free_if_idle(resource);
}

void resource_finish(Resource *resource)
{
    GQueue waiting = resource->waiters;

    end_fetch(resource);
    g_queue_init(&resource->waiters);
    for (GList *link = waiting.head; link != NULL; link = link->next)
        ((CacheWaiter *)link->data)->home = &waiting;
    /* A waiter may leave, or park again, at this resource or another. */
    resource->finishing = TRUE;
    while (waiting.length > 0) {
        CacheWaiter *waiter = g_queue_peek_head(&waiting);

        unpark(waiter);
        waiter->ready(waiter->data);
    }
    resource->finishing = FALSE;
    free_if_idle(resource);
}

void resource_drop(Resource *resource)
{
    if (resource->fetching)
        cancel_fetch(resource);
    while (resource->waiters.length > 0)
        unpark(g_queue_peek_head(&resource->waiters));
}
