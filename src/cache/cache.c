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
#include "ppiofs/cache/cache.h"

#include "ppiofs/base/error.h"
#include "ppiofs/cache/readahead.h"
#include "ppiofs/cache/trouble.h"
#include "ppiofs/tree/name.h"

/* A list that takes long to fetch lives longer: at least that many times as long. */
#define TTL_PER_FETCH 10
/* How long the kernel may keep a stale answer before it asks again. */
#define STALE_KEEP_US (G_USEC_PER_SEC / 2)
/* Where the list has many pages, so many instances are refreshed one by one before a list is. */
#define SINGLE_REFRESHES 2
/* A thousand different wrong names must not fill the memory. */
#define TROUBLES_MOST 10000

struct CacheFetch {
    Cache *cache;
    char *name; /* NULL: the list */
    gpointer handle;
    gint64 sent;
    gboolean ahead; /* nobody asked for it yet */
    GQueue waiters; /* CacheWaiter */
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
    void (*report)(const GError *error, gpointer data);
    gpointer report_data;
};

static gint64 now(const Cache *cache)
{
    return clock_monotonic(cache->clock);
}

static void fetch_free(CacheFetch *fetch)
{
    g_free(fetch->name);
    g_free(fetch);
}

Cache *cache_new(const CacheOptions *options, const CacheSource *source, const Clock *clock)
{
    Cache *cache = g_new0(Cache, 1);

    cache->options = *options;
    cache->source = *source;
    cache->clock = clock;
    cache->fleet = fleet_new();
    cache->fetches = g_hash_table_new(g_str_hash, g_str_equal);
    cache->troubles =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)trouble_free);
    cache->unread = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    cache->late = g_error_new_literal(PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT,
                                      "the API did not answer before the deadline (-o timeout=)");
    return cache;
}

void cache_on_error(Cache *cache, void (*report)(const GError *error, gpointer data), gpointer data)
{
    cache->report = report;
    cache->report_data = data;
}

Fleet *cache_fleet(Cache *cache)
{
    return cache->fleet;
}

/* Fetching */

static CacheFetch *fetch_new(Cache *cache, const char *name)
{
    CacheFetch *fetch = g_new0(CacheFetch, 1);

    fetch->cache = cache;
    fetch->name = g_strdup(name);
    fetch->sent = now(cache);
    cache->stats.fetches++;
    return fetch;
}

static CacheFetch *start_list(Cache *cache)
{
    if (cache->list_fetch == NULL) {
        cache->list_fetch = fetch_new(cache, NULL);
        cache->list_fetch->handle = cache->source.list(cache->source.data, cache->list_fetch);
    }
    return cache->list_fetch;
}

/* NULL when the name stands for no id that could be asked for. */
static CacheFetch *start_detail(Cache *cache, const char *name)
{
    CacheFetch *fetch = g_hash_table_lookup(cache->fetches, name);
    const Instance *instance = fleet_find(cache->fleet, name);
    g_autofree char *id =
        instance != NULL ? g_strdup(record_id(instance->record)) : name_decode(name);

    if (fetch != NULL || id == NULL || *id == '\0')
        return fetch;
    fetch = fetch_new(cache, name);
    g_hash_table_insert(cache->fetches, fetch->name, fetch);
    fetch->handle = cache->source.get(cache->source.data, id, fetch);
    return fetch;
}

static void park(CacheFetch *fetch, CacheWaiter *waiter)
{
    waiter->fetch = fetch;
    waiter->link.data = waiter;
    g_queue_push_tail_link(&fetch->waiters, &waiter->link);
    fetch->ahead = FALSE;
    fetch->cache->stats.parked++;
}

static void unpark(CacheWaiter *waiter)
{
    waiter->fetch->cache->stats.parked--;
    g_queue_unlink(&waiter->fetch->waiters, &waiter->link);
    waiter->fetch = NULL;
}

static void forget_fetch(CacheFetch *fetch)
{
    if (fetch->name == NULL)
        fetch->cache->list_fetch = NULL;
    else
        g_hash_table_remove(fetch->cache->fetches, fetch->name);
}

void cache_leave(CacheWaiter *waiter, gboolean timed_out)
{
    CacheFetch *fetch = waiter->fetch;

    if (fetch == NULL)
        return;
    unpark(waiter);
    if (fetch->waiters.length > 0 || timed_out)
        return;
    fetch->cache->stats.cancelled++;
    fetch->cache->source.cancel(fetch->handle);
    forget_fetch(fetch);
    fetch_free(fetch);
}

/* Lets everybody who waited ask again. A waiter may leave, or park elsewhere, meanwhile. */
static void finish(CacheFetch *fetch)
{
    while (fetch->waiters.length > 0) {
        CacheWaiter *waiter = g_queue_peek_head(&fetch->waiters);

        unpark(waiter);
        waiter->ready(waiter->data);
    }
    fetch_free(fetch);
}

static AnswerTime answer_time(const CacheFetch *fetch)
{
    return (AnswerTime){ .sent = fetch->sent,
                         .monotonic = now(fetch->cache),
                         .wall = clock_wall(fetch->cache->clock) };
}

static void report_error(Cache *cache, const GError *error)
{
    if (cache->report != NULL)
        cache->report(error, cache->report_data);
}

/* One line for each time a class of answers goes bad or good again, none in between. */
static void class_failed(const Trouble *trouble, const char *what, gint64 age_us)
{
    if (trouble->failures > 1)
        return;
    if (age_us < 0)
        g_warning("%s cannot be fetched: %s", what, trouble->error->message);
    else
        g_warning("%s cannot be refreshed, answers are %" G_GINT64_FORMAT " s old: %s", what,
                  age_us / G_USEC_PER_SEC, trouble->error->message);
}

static void class_recovered(Trouble *trouble, const char *what)
{
    if (trouble->error != NULL)
        g_message("%s can be fetched again", what);
    trouble_clear(trouble);
}

static gint64 age_of(const Cache *cache, gint64 time)
{
    return time == 0 ? -1 : now(cache) - time;
}

static void list_failed(Cache *cache, const GError *error)
{
    trouble_note(&cache->list_trouble, error, now(cache), cache->options.negative_ttl);
    class_failed(&cache->list_trouble, "the list of instances", age_of(cache, cache->list_time));
    report_error(cache, error);
}

void cache_take_list(CacheFetch *fetch, GPtrArray *records, gboolean unchanged, guint n_pages,
                     const GError *error)
{
    Cache *cache = fetch->cache;
    AnswerTime time = answer_time(fetch);

    forget_fetch(fetch);
    if (error != NULL) {
        list_failed(cache, error);
    } else {
        if (unchanged && fleet_is_like_list(cache->fleet))
            fleet_confirm_list(cache->fleet, &time);
        else
            fleet_apply_list(cache->fleet, records, &time);
        cache->list_time = time.monotonic;
        cache->list_duration = time.monotonic - fetch->sent;
        cache->list_pages = n_pages;
        cache->single_refreshes = 0;
        class_recovered(&cache->list_trouble, "the list of instances");
    }
    finish(fetch);
}

static gboolean is_past(gpointer key, gpointer value, gpointer data)
{
    const Trouble *trouble = value;
    const gint64 *at = data;

    (void)key;
    return trouble->until < *at;
}

static Trouble *new_trouble(Cache *cache, const char *name)
{
    gint64 at = now(cache);

    if (g_hash_table_size(cache->troubles) >= TROUBLES_MOST)
        g_hash_table_foreach_remove(cache->troubles, is_past, &at);
    if (g_hash_table_size(cache->troubles) >= TROUBLES_MOST)
        g_hash_table_remove_all(cache->troubles);

    Trouble *trouble = g_new0(Trouble, 1);
    g_hash_table_insert(cache->troubles, g_strdup(name), trouble);
    return trouble;
}

static void detail_failed(Cache *cache, const char *name, const GError *error,
                          const AnswerTime *time)
{
    Trouble *trouble = g_hash_table_lookup(cache->troubles, name);

    if (trouble == NULL)
        trouble = new_trouble(cache, name);
    trouble_note(trouble, error, time->monotonic, cache->options.negative_ttl);
    report_error(cache, error);
    if (g_error_matches(error, PPIOFS_ERROR, PPIOFS_ERROR_NOT_FOUND)) {
        fleet_remove(cache->fleet, name, time);
        class_recovered(&cache->details_trouble, "instance details");
        return;
    }
    trouble_note(&cache->details_trouble, error, time->monotonic, 0);
    class_failed(&cache->details_trouble, "instance details", age_of(cache, cache->detail_time));
}

void cache_take_record(CacheFetch *fetch, Record *record, const GError *error)
{
    Cache *cache = fetch->cache;
    AnswerTime time = answer_time(fetch);

    forget_fetch(fetch);
    if (error != NULL) {
        detail_failed(cache, fetch->name, error, &time);
    } else {
        g_hash_table_remove(cache->troubles, fetch->name);
        fleet_apply_record(cache->fleet, record, &time);
        cache->detail_time = time.monotonic;
        class_recovered(&cache->details_trouble, "instance details");
        if (fetch->ahead)
            g_hash_table_add(cache->unread, g_strdup(fetch->name));
    }
    finish(fetch);
}

/* Asking */

static gint64 list_ttl(const Cache *cache)
{
    return MAX(cache->options.ttl, cache->list_duration * TTL_PER_FETCH);
}

static gboolean is_fresh(const Cache *cache, gint64 time, gint64 ttl, const CacheAsk *ask)
{
    return time != 0 && (time >= ask->started || now(cache) - time < ttl);
}

static gboolean may_be_stale(const Cache *cache, gint64 time, const Trouble *trouble)
{
    return time != 0 && now(cache) - time <= cache->options.max_stale &&
           !trouble_is_verdict(trouble);
}

static CacheAnswer answer_fresh(const Cache *cache, gint64 time, gint64 ttl)
{
    return (CacheAnswer){ CACHE_FRESH, MAX(0, time + ttl - now(cache)), NULL };
}

static CacheAnswer answer_stale(void)
{
    return (CacheAnswer){ CACHE_STALE, STALE_KEEP_US, NULL };
}

static CacheAnswer answer_failure(const Cache *cache, const Trouble *trouble)
{
    gboolean missing = g_error_matches(trouble->error, PPIOFS_ERROR, PPIOFS_ERROR_NOT_FOUND);

    return (CacheAnswer){ missing ? CACHE_MISSING : CACHE_FAILED,
                          MAX(0, trouble->until - now(cache)), trouble->error };
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
    gboolean stale = may_be_stale(cache, time, trouble);
    gboolean stands = trouble_stands(trouble, now(cache), ask->started);
    gboolean failing = trouble != NULL && trouble->error != NULL;

    if (stale && failing && !stands && ask->waiter != NULL)
        probe(cache, name);
    if (stale && (failing || ask->impatient || ask->waiter == NULL))
        *ret_answer = answer_stale();
    else if (stands)
        *ret_answer = answer_failure(cache, trouble);
    else if (ask->impatient || ask->waiter == NULL)
        *ret_answer = (CacheAnswer){ CACHE_FAILED, 0, cache->late };
    else
        return FALSE;
    return TRUE;
}

static CacheAnswer wait_for(CacheFetch *fetch, const CacheAsk *ask)
{
    park(fetch, ask->waiter);
    return (CacheAnswer){ CACHE_WAIT, 0, NULL };
}

static CacheFetch *probe_list(Cache *cache, const char *name)
{
    (void)name;
    return start_list(cache);
}

CacheAnswer cache_ask_list(Cache *cache, const CacheAsk *ask)
{
    CacheAnswer answer;

    if (is_fresh(cache, cache->list_time, list_ttl(cache), ask))
        return answer_fresh(cache, cache->list_time, list_ttl(cache));
    if (settle(cache, ask, cache->list_time, &cache->list_trouble, probe_list, NULL, &answer))
        return answer;
    return wait_for(start_list(cache), ask);
}

/* A name that no instance at hand has. */
static CacheAnswer ask_unknown(Cache *cache, const char *name, const CacheAsk *ask)
{
    const Trouble *trouble = g_hash_table_lookup(cache->troubles, name);
    CacheAnswer answer;

    if (name_is_junk(name))
        return answer_missing(cache);
    if (settle(cache, ask, 0, trouble, start_detail, name, &answer))
        return answer;

    CacheFetch *fetch = start_detail(cache, name);
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

    if (settle(cache, ask, instance->item_time, trouble, start_detail, instance->name, &answer))
        return answer;
    if (g_hash_table_lookup(cache->fetches, instance->name) == NULL)
        cache->single_refreshes++;
    return wait_for(start_detail(cache, instance->name), ask);
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
    if (is_fresh(cache, instance->item_time, list_ttl(cache), ask))
        return answer_fresh(cache, instance->item_time, list_ttl(cache));
    if (!list_is_cheaper(cache))
        return refresh_single(cache, instance, ask);

    answer = cache_ask_list(cache, ask);
    if (answer.state == CACHE_WAIT || trouble_is_verdict(&cache->list_trouble))
        return answer;
    if (answer.state == CACHE_STALE && may_be_stale(cache, instance->item_time, NULL))
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

    if (is_fresh(cache, instance->detail_time, cache->options.detail_ttl, ask)) {
        g_hash_table_remove(cache->unread, name);
        answer = answer_fresh(cache, instance->detail_time, cache->options.detail_ttl);
        answer.state = item.state;
        answer.keep_us = MIN(answer.keep_us, item.keep_us);
        return answer;
    }
    if (settle(cache, ask, instance->detail_time, trouble, start_detail, name, &answer))
        return answer;
    return wait_for(start_detail(cache, name), ask);
}

/* Reading ahead */

static gboolean find_position(const Listing *listing, const char *name, guint *ret_position)
{
    guint low = 0, high = listing->instances->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;
        const Instance *instance = g_ptr_array_index(listing->instances, middle);
        int order = g_strcmp0(instance->name, name);

        if (order == 0) {
            *ret_position = middle;
            return TRUE;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return FALSE;
}

void cache_fetch_ahead(Cache *cache, const char *name)
{
    const Instance *instance = fleet_find(cache->fleet, name);
    CacheAsk ask = { .started = G_MAXINT64 };

    if (instance == NULL || g_hash_table_contains(cache->fetches, name) ||
        g_hash_table_contains(cache->troubles, name) ||
        is_fresh(cache, instance->detail_time, cache->options.detail_ttl, &ask))
        return;
    start_detail(cache, name)->ahead = TRUE;
    cache->stats.read_ahead++;
}

void cache_walked_to(Cache *cache, const char *name)
{
    guint position;
    gint step;

    if (cache->list_time == 0 || cache->details_trouble.error != NULL)
        return;
    g_autoptr(Listing) listing = fleet_listing(cache->fleet);
    if (!find_position(listing, name, &position))
        return;

    guint most = cache->options.max_requests;
    guint n = read_ahead_note(&cache->ahead, position, most, &step);
    for (guint i = 1; i <= n && g_hash_table_size(cache->fetches) < most; i++) {
        gint64 next = (gint64)position + (gint64)step * i;
        if (next < 0 || next >= listing->instances->len)
            return;
        cache_fetch_ahead(cache, ((Instance *)g_ptr_array_index(listing->instances, next))->name);
    }
}

/* The whole */

void cache_drop(Cache *cache)
{
    fleet_clear(cache->fleet);
    trouble_clear(&cache->list_trouble);
    trouble_clear(&cache->details_trouble);
    g_hash_table_remove_all(cache->troubles);
    g_hash_table_remove_all(cache->unread);
    cache->list_time = cache->detail_time = 0;
}

static ClassState class_state(const Cache *cache, gint64 time, gint64 ttl, const Trouble *trouble)
{
    if (trouble->error != NULL)
        return may_be_stale(cache, time, trouble) ? CLASS_STALE : CLASS_FAILED;
    if (time == 0)
        return CLASS_EMPTY;
    return now(cache) - time < ttl ? CLASS_FRESH : CLASS_EXPIRED;
}

static ClassStatus class_status(const Cache *cache, gint64 time, gint64 ttl, const Trouble *trouble)
{
    return (ClassStatus){
        .state = class_state(cache, time, ttl, trouble),
        .age_us = age_of(cache, time),
        .next_try_us = trouble->error != NULL ? MAX(0, trouble->until - now(cache)) : 0,
        .why = trouble->error != NULL ? trouble->error->message : NULL,
        .known = fleet_size(cache->fleet),
    };
}

ClassStatus cache_list_status(const Cache *cache)
{
    ClassStatus status =
        class_status(cache, cache->list_time, list_ttl(cache), &cache->list_trouble);

    status.in_flight = cache->list_fetch != NULL;
    return status;
}

ClassStatus cache_details_status(const Cache *cache)
{
    ClassStatus status =
        class_status(cache, cache->detail_time, cache->options.detail_ttl, &cache->details_trouble);

    status.in_flight = g_hash_table_size(cache->fetches);
    return status;
}

CacheStats cache_stats(const Cache *cache)
{
    CacheStats stats = cache->stats;

    stats.read_ahead_unused = g_hash_table_size(cache->unread);
    return stats;
}

static void drop_fetch(CacheFetch *fetch)
{
    fetch->cache->source.cancel(fetch->handle);
    while (fetch->waiters.length > 0)
        unpark(g_queue_peek_head(&fetch->waiters));
    forget_fetch(fetch);
    fetch_free(fetch);
}

void cache_free(Cache *cache)
{
    if (cache == NULL)
        return;
    g_autoptr(GList) fetches = g_hash_table_get_values(cache->fetches);
    g_list_foreach(fetches, (GFunc)(void (*)(void))drop_fetch, NULL);
    if (cache->list_fetch != NULL)
        drop_fetch(cache->list_fetch);
    trouble_clear(&cache->list_trouble);
    trouble_clear(&cache->details_trouble);
    g_hash_table_unref(cache->fetches);
    g_hash_table_unref(cache->troubles);
    g_hash_table_unref(cache->unread);
    g_error_free(cache->late);
    fleet_free(cache->fleet);
    g_free(cache);
}
