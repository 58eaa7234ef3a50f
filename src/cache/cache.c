/* SPDX-License-Identifier: MIT */
#include "ppiofs/cache/cache.h"

#include <string.h>

#include "ppiofs/base/error.h"
#include "ppiofs/cache/private.h"
#include "ppiofs/tree/name.h"

/* A list that takes long to fetch lives longer: at least that many times as long, up to a bound. */
#define TTL_PER_FETCH 10
#define TTL_MOST_US (600 * (gint64)G_USEC_PER_SEC)
/* So many objects are asked for one by one within a ttl before the list is. */
#define SINGLES_MOST 2

static gint64 list_ttl(const Cache *cache)
{
    gint64 longer = MIN(cache->list_duration * TTL_PER_FETCH, TTL_MOST_US);
    gint64 least = MAX(cache->options.ttl, cache->kind->lives_us);

    /* Who says 0 wants to be asked for each time, whatever it costs. */
    return cache->options.ttl == 0 ? 0 : MAX(least, longer);
}

Known cache_list_known(const Cache *cache)
{
    return (Known){ cache->list_known.asked, cache->list_known.received, list_ttl(cache) };
}

static Known item_known(const Cache *cache, const Object *object)
{
    AnswerTime time = collection_listed_time(cache->collection, object);

    return (Known){ time.asked, time.received, list_ttl(cache) };
}

Known cache_detail_known(const Cache *cache, const Object *object)
{
    AnswerTime time = collection_detail_time(object);

    return (Known){ time.asked, time.received, cache->options.detail_ttl };
}

CacheAnswer cache_ask_list(Cache *cache, const CacheAsk *ask)
{
    Known known = cache_list_known(cache);

    return resource_ask(cache, NULL, NULL, &known, ask);
}

gboolean cache_has_list(const Cache *cache)
{
    return cache->list_known.asked != 0 && cache->list_known.asked >= cache->dropped;
}

static gboolean may_go_on(const CacheAnswer *answer)
{
    return answer->state == CACHE_FRESH || answer->state == CACHE_STALE;
}

/* TRUE if so many were asked for one by one lately that the list is to be asked for instead. */
static gboolean are_many(Cache *cache)
{
    if (cache_now(cache) - cache->singles_since > list_ttl(cache))
        cache->singles = 0;
    return cache->singles >= SINGLES_MOST;
}

/* The same for an object that the list most likely has. */
static gboolean list_is_cheaper(Cache *cache)
{
    return are_many(cache) || cache->list->fetching ||
           (cache_has_list(cache) && cache->list_pages <= 1);
}

/* A GET in place of a list. */
static CacheAnswer ask_single(Cache *cache, const char *name, const char *id, const Known *known,
                              const CacheAsk *ask)
{
    const Resource *resource = resource_find(cache, name);
    gboolean under_way = resource != NULL && resource->fetching;
    CacheAnswer answer = resource_ask(cache, name, id, known, ask);

    if (answer.state == CACHE_WAIT && !under_way) {
        if (cache->singles++ == 0)
            cache->singles_since = cache_now(cache);
    }
    return answer;
}

static CacheAnswer answer_missing(Cache *cache)
{
    cache->kept_until = MAX(cache->kept_until, cache_now(cache) + cache->options.negative_ttl);
    return (CacheAnswer){ CACHE_MISSING, cache->options.negative_ttl, NULL };
}

/* A name that no known object has. */
static CacheAnswer ask_unknown(Cache *cache, const char *name, const CacheAsk *ask)
{
    const Known nothing = { 0 };
    const Resource *resource = resource_find(cache, name);
    g_autofree char *id = name_decode(name);
    gboolean decoded = id != NULL && *id != '\0';

    if (name_is_junk(name))
        return answer_missing(cache);
    /* The list may show it, and then costs less than a GET for each. */
    if (resource == NULL && (!decoded || (are_many(cache) && ask->waiter != NULL))) {
        CacheAnswer answer = cache_ask_list(cache, ask);
        if (answer.state == CACHE_WAIT || (!decoded && !may_go_on(&answer)))
            return answer;
        if (!decoded)
            return answer_missing(cache);
    }
    return ask_single(cache, name, id, &nothing, ask);
}

/* Without a single GET the list says all there is. */
static CacheAnswer ask_list_for(Cache *cache, const char *name, const CacheAsk *ask)
{
    gboolean known = collection_find(cache->collection, name) != NULL;

    if (!known && name_is_junk(name))
        return answer_missing(cache);
    CacheAnswer answer = cache_ask_list(cache, ask);
    if (!known && may_go_on(&answer))
        answer.state = CACHE_MISSING;
    return answer;
}

CacheAnswer cache_ask_item(Cache *cache, const char *name, const CacheAsk *ask)
{
    const Object *object = collection_find(cache->collection, name);

    if (!cache->kind->single_get)
        return ask_list_for(cache, name, ask);
    if (object == NULL)
        return ask_unknown(cache, name, ask);

    Known known = item_known(cache, object);
    const Resource *resource = resource_find(cache, name);
    if (!known_is_fresh(cache, &known, ask) && list_is_cheaper(cache)) {
        CacheAnswer answer = cache_ask_list(cache, ask);

        if (answer.state == CACHE_WAIT || trouble_is_final(&cache->list->trouble))
            return answer;
        if (answer.state == CACHE_STALE &&
            known_may_be_stale(cache, &known, resource == NULL ? NULL : &resource->trouble))
            return answer;
        /* The list does not show it, or cannot be had. */
    }
    return ask_single(cache, name, record_id(object->record), &known, ask);
}

CacheAnswer cache_ask_detail(Cache *cache, const char *name, const CacheAsk *ask)
{
    CacheAnswer item = cache_ask_item(cache, name, ask);
    if (!may_go_on(&item) || !cache->kind->single_get)
        return item;

    Object *object = collection_find(cache->collection, name);
    Known known = cache_detail_known(cache, object);
    CacheAnswer answer = resource_ask(cache, name, record_id(object->record), &known, ask);

    if (may_go_on(&answer)) {
        details_use(cache, object);
        answer.state = MAX(answer.state, item.state); /* STALE comes after FRESH */
        answer.keep_us = MIN(answer.keep_us, item.keep_us);
    }
    return answer;
}

gint64 cache_detail_keep_us(const Cache *cache, const Object *object)
{
    const CacheAsk look = { .started = G_MAXINT64 };
    Known known = cache_detail_known(cache, object);

    return known_is_fresh(cache, &known, &look) ? known_fresh_until(&known) - cache_now(cache) : 0;
}

void cache_drop(Cache *cache)
{
    cache->dropped = cache_now(cache);
    cache->singles = 0;
    trouble_clear(&cache->list->trouble);
    resource_forget(cache, G_MAXINT64);
}

gint64 cache_dropped(const Cache *cache)
{
    return cache->dropped;
}

static gint compare_names(gconstpointer a, gconstpointer b, gpointer data)
{
    (void)data;
    return strcmp(a, b);
}

static void on_alarm(gpointer data)
{
    taken_list_timed_out(data);
}

static void on_remove(Object *object, gpointer data)
{
    Cache *cache = data;

    if (object->full != NULL)
        g_queue_unlink(&cache->details, &object->use);
}

Cache *cache_new(const CacheOptions *options, const Kind *kind, const CacheSource *source,
                 const Clock *clock)
{
    Cache *cache = g_new0(Cache, 1);

    cache->options = *options;
    cache->kind = kind;
    cache->source = *source;
    cache->clock = clock;
    cache->collection = collection_new(kind);
    collection_on_remove(cache->collection, on_remove, cache);
    cache->list = resource_make_list(cache);
    cache->resources =
        g_tree_new_full(compare_names, NULL, NULL, (GDestroyNotify)(void (*)(void))resource_free);
    cache->alarm = alarm_new(NULL, clock, on_alarm, cache);
    cache->late = g_error_new_literal(PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT,
                                      "the API did not respond before the deadline (-o timeout=)");
    return cache;
}

void cache_on_error(Cache *cache, void (*report)(const GError *error, gpointer data), gpointer data)
{
    cache->report = report;
    cache->report_data = data;
}

void cache_on_names_changed(Cache *cache, void (*changed)(gpointer data), gpointer data)
{
    cache->names_changed = changed;
    cache->names_changed_data = data;
}

void cache_on_list(Cache *cache, void (*taken)(gpointer data), gpointer data)
{
    cache->list_taken = taken;
    cache->list_taken_data = data;
}

void cache_poll(Cache *cache)
{
    if (!trouble_stands(&cache->list->trouble, cache_now(cache), G_MAXINT64)) {
        resource_fetch(cache->list, NULL);
        cache->list->background = TRUE;
    }
}

const Kind *cache_kind(const Cache *cache)
{
    return cache->kind;
}

Collection *cache_collection(Cache *cache)
{
    return cache->collection;
}

static gboolean drop_resource(gpointer name, gpointer resource, gpointer data)
{
    (void)name;
    (void)data;
    resource_drop(resource);
    return FALSE;
}

void cache_free(Cache *cache)
{
    if (cache == NULL)
        return;
    g_tree_foreach(cache->resources, drop_resource, NULL);
    resource_drop(cache->list);
    g_tree_unref(cache->resources);
    resource_free(cache->list);
    if (cache->applying != NULL) {
        g_source_destroy(cache->applying);
        g_source_unref(cache->applying);
    }
    alarm_free(cache->alarm);
    walk_clear(cache);
    g_error_free(cache->late);
    g_clear_error(&cache->absent);
    collection_free(cache->collection);
    g_free(cache);
}
