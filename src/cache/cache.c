/* SPDX-License-Identifier: MIT */
/* A resource (the list; each instance's detail) is in one of these states; "ask" is an operation
 * that needs it, "failure" the end of a fetch with an error.
 *
 *   state    it has                      on ask                 on success  on failure
 *   EMPTY    nothing                     fetch, wait            FRESH       FAILED
 *   FRESH    an answer younger than ttl  answer                 -           -
 *   EXPIRED  an older one                fetch, wait            FRESH       STALE, or FAILED
 *   STALE    the same, and a failure     answer, probe if due   FRESH       STALE, or FAILED
 *   FAILED   a failure only              error until due, then
 *                                        fetch, wait            FRESH       FAILED
 *
 * A failure leads to FAILED where the answer is older than max_stale, and where it is a verdict:
 * 401, 403 and "gone" are never answered from stale data. When a next try is due is said in
 * trouble.h. A deadline that passes while waiting is answered as a failure would be, without being
 * one. Any number of operations share one fetch. */
#include "ppiofs/base/error.h"
#include "ppiofs/base/hash.h"
#include "ppiofs/cache/private.h"
#include "ppiofs/tree/name.h"

/* A list that takes long to fetch lives longer: at least that many times as long. */
#define TTL_PER_FETCH 10
/* How long the kernel may keep a stale answer, or that there is none, before it asks again. */
#define STALE_KEEP_US (G_USEC_PER_SEC / 2)
/* Where the list has many pages, so many instances are refreshed one by one before a list is. */
#define SINGLE_REFRESHES 2

gint64 cache_list_ttl(const Cache *cache)
{
    /* Who says 0 wants to be asked for each time, whatever it costs. */
    if (cache->options.ttl == 0)
        return 0;
    return MAX(cache->options.ttl, cache->list_duration * TTL_PER_FETCH);
}

gboolean cache_is_fresh(const Cache *cache, gint64 time, gint64 ttl, const CacheAsk *ask)
{
    return time != 0 && (time >= ask->started || cache_now(cache) - time < ttl);
}

gboolean cache_may_be_stale(const Cache *cache, gint64 time, const Trouble *trouble)
{
    return time != 0 && cache_now(cache) - time <= cache->options.max_stale &&
           !trouble_is_verdict(trouble);
}

static CacheAnswer answer_fresh(const Cache *cache, gint64 time, gint64 ttl)
{
    return (CacheAnswer){ CACHE_FRESH, MAX(0, time + ttl - cache_now(cache)), NULL };
}

static gint64 stale_keep(const Cache *cache)
{
    return MIN(cache->options.ttl, STALE_KEEP_US);
}

static CacheAnswer answer_stale(const Cache *cache)
{
    return (CacheAnswer){ CACHE_STALE, stale_keep(cache), NULL };
}

static CacheAnswer answer_failure(const Cache *cache, const Trouble *trouble)
{
    gboolean missing = g_error_matches(trouble->error, PPIOFS_ERROR, PPIOFS_ERROR_NOT_FOUND);

    return (CacheAnswer){ missing ? CACHE_MISSING : CACHE_FAILED,
                          MAX(0, trouble->until - cache_now(cache)), trouble->error };
}

static CacheAnswer answer_missing(const Cache *cache)
{
    return (CacheAnswer){ CACHE_MISSING, cache->options.negative_ttl, NULL };
}

/* What there is to say of a resource that is not fresh; FALSE if it must be fetched and waited for.
 * In state STALE a due probe is started by @probe, and nobody waits for it. */
static gboolean settle(Cache *cache, const CacheAsk *ask, gint64 time, const Trouble *trouble,
                       CacheFetch *(*probe)(Cache *, const char *), const char *name,
                       CacheAnswer *ret_answer)
{
    gboolean stale = cache_may_be_stale(cache, time, trouble);
    gboolean stands = trouble_stands(trouble, cache_now(cache), ask->started);
    gboolean failing = trouble != NULL && trouble->error != NULL;

    if (stale && failing && !stands && ask->waiter != NULL)
        probe(cache, name);
    if (stale && (failing || ask->impatient || ask->waiter == NULL))
        *ret_answer = answer_stale(cache);
    else if (stands)
        *ret_answer = answer_failure(cache, trouble);
    else if (ask->impatient || ask->waiter == NULL)
        *ret_answer = (CacheAnswer){ CACHE_FAILED, stale_keep(cache), cache->late };
    else
        return FALSE;
    return TRUE;
}

static CacheAnswer wait_for(CacheFetch *fetch, const CacheAsk *ask)
{
    fetch_park(fetch, ask->waiter);
    return (CacheAnswer){ CACHE_WAIT, 0, NULL };
}

static CacheFetch *probe_list(Cache *cache, const char *name)
{
    (void)name;
    return fetch_list(cache);
}

CacheAnswer cache_ask_list(Cache *cache, const CacheAsk *ask)
{
    CacheAnswer answer;

    if (cache_is_fresh(cache, cache->list_time, cache_list_ttl(cache), ask))
        return answer_fresh(cache, cache->list_time, cache_list_ttl(cache));
    if (settle(cache, ask, cache->list_time, &cache->list_trouble, probe_list, NULL, &answer))
        return answer;
    return wait_for(fetch_list(cache), ask);
}

/* A name that no instance at hand has. */
static CacheAnswer ask_unknown(Cache *cache, const char *name, const CacheAsk *ask)
{
    const Trouble *trouble = g_hash_table_lookup(cache->troubles, name);
    CacheAnswer answer;

    if (name_is_junk(name))
        return answer_missing(cache);
    if (settle(cache, ask, 0, trouble, fetch_detail, name, &answer))
        return answer;

    CacheFetch *fetch = fetch_detail(cache, name);
    if (fetch != NULL)
        return wait_for(fetch, ask);
    /* No id can be read from the name: if it is one (cut to length), only the list knows. */
    answer = cache_ask_list(cache, ask);
    return answer.state == CACHE_FRESH || answer.state == CACHE_STALE ? answer_missing(cache)
                                                                      : answer;
}

/* An instance whose listed part is too old, by a GET of its own. */
static CacheAnswer refresh_single(Cache *cache, const Instance *instance, const CacheAsk *ask)
{
    const Trouble *trouble = g_hash_table_lookup(cache->troubles, instance->name);
    CacheAnswer answer;

    if (settle(cache, ask, instance->item_time, trouble, fetch_detail, instance->name, &answer))
        return answer;
    if (g_hash_table_lookup(cache->fetches, instance->name) == NULL)
        cache->single_refreshes++;
    return wait_for(fetch_detail(cache, instance->name), ask);
}

static gboolean list_is_cheaper(const Cache *cache)
{
    return cache->list_time != 0 &&
           (cache->list_pages <= 1 || cache->single_refreshes >= SINGLE_REFRESHES ||
            cache->list_fetch != NULL);
}

CacheAnswer cache_ask_item(Cache *cache, const char *name, const CacheAsk *ask)
{
    const Instance *instance = fleet_find(cache->fleet, name);
    CacheAnswer answer;

    if (instance == NULL)
        return ask_unknown(cache, name, ask);
    if (cache_is_fresh(cache, instance->item_time, cache_list_ttl(cache), ask))
        return answer_fresh(cache, instance->item_time, cache_list_ttl(cache));
    if (!list_is_cheaper(cache))
        return refresh_single(cache, instance, ask);

    answer = cache_ask_list(cache, ask);
    if (answer.state == CACHE_WAIT || trouble_is_verdict(&cache->list_trouble))
        return answer;
    if (answer.state == CACHE_STALE &&
        cache_may_be_stale(cache, instance->item_time, g_hash_table_lookup(cache->troubles, name)))
        return answer;
    /* The list does not show it, or cannot be had. */
    return refresh_single(cache, instance, ask);
}

CacheAnswer cache_ask_detail(Cache *cache, const char *name, const CacheAsk *ask)
{
    CacheAnswer item = cache_ask_item(cache, name, ask);
    if (item.state != CACHE_FRESH && item.state != CACHE_STALE)
        return item;

    const Instance *instance = fleet_find(cache->fleet, name);
    const Trouble *trouble = g_hash_table_lookup(cache->troubles, name);
    CacheAnswer answer;

    if (cache_is_fresh(cache, instance->detail_time, cache->options.detail_ttl, ask)) {
        g_hash_table_remove(cache->unread, name);
        answer = answer_fresh(cache, instance->detail_time, cache->options.detail_ttl);
        answer.state = item.state;
        answer.keep_us = MIN(answer.keep_us, item.keep_us);
        return answer;
    }
    if (settle(cache, ask, instance->detail_time, trouble, fetch_detail, name, &answer))
        return answer;
    return wait_for(fetch_detail(cache, name), ask);
}

gint64 cache_detail_keep_us(const Cache *cache, const Instance *instance)
{
    gint64 time = instance->detail_time;

    return time == 0 ? 0 : MAX(0, time + cache->options.detail_ttl - cache_now(cache));
}

void cache_drop(Cache *cache)
{
    GHashTableIter iter;
    gpointer fetch;

    g_hash_table_iter_init(&iter, cache->fetches);
    while (g_hash_table_iter_next(&iter, NULL, &fetch))
        ((CacheFetch *)fetch)->outdated = TRUE;
    if (cache->list_fetch != NULL)
        cache->list_fetch->outdated = TRUE;
    fleet_expire(cache->fleet);
    trouble_clear(&cache->list_trouble);
    trouble_clear(&cache->details_trouble);
    g_hash_table_remove_all(cache->troubles);
    g_hash_table_remove_all(cache->unread);
    cache->list_time = cache->detail_time = 0;
}

Cache *cache_new(const CacheOptions *options, const CacheSource *source, const Clock *clock)
{
    Cache *cache = g_new0(Cache, 1);

    cache->options = *options;
    cache->source = *source;
    cache->clock = clock;
    cache->fleet = fleet_new();
    cache->fetches = g_hash_table_new(hash_text, g_str_equal);
    cache->troubles =
        g_hash_table_new_full(hash_text, g_str_equal, g_free, (GDestroyNotify)trouble_free);
    cache->unread = g_hash_table_new_full(hash_text, g_str_equal, g_free, NULL);
    cache->late = g_error_new_literal(PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT,
                                      "the API did not answer before the deadline (-o timeout=)");
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

void cache_poll_list(Cache *cache)
{
    if (!trouble_stands(&cache->list_trouble, cache_now(cache), G_MAXINT64))
        fetch_list(cache);
}

Fleet *cache_fleet(Cache *cache)
{
    return cache->fleet;
}

void cache_free(Cache *cache)
{
    if (cache == NULL)
        return;
    g_autoptr(GList) fetches = g_hash_table_get_values(cache->fetches);
    g_list_foreach(fetches, (GFunc)(void (*)(void))fetch_drop, NULL);
    if (cache->list_fetch != NULL)
        fetch_drop(cache->list_fetch);
    trouble_clear(&cache->list_trouble);
    trouble_clear(&cache->details_trouble);
    g_hash_table_unref(cache->fetches);
    g_hash_table_unref(cache->troubles);
    g_hash_table_unref(cache->unread);
    g_error_free(cache->late);
    fleet_free(cache->fleet);
    g_free(cache);
}
