/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/error.h"
#include "ppiofs/base/log.h"
#include "ppiofs/cache/private.h"
#include "ppiofs/tree/name.h"

/* A thousand different wrong names must not fill the memory. */
#define TROUBLES_MOST 10000

static void fetch_free(CacheFetch *fetch)
{
    g_free(fetch->name);
    g_free(fetch);
}

static CacheFetch *fetch_new(Cache *cache, const char *name)
{
    CacheFetch *fetch = g_new0(CacheFetch, 1);

    fetch->cache = cache;
    fetch->name = g_strdup(name);
    fetch->sent = cache_now(cache);
    cache->stats.fetches++;
    return fetch;
}

CacheFetch *fetch_list(Cache *cache)
{
    if (cache->list_fetch == NULL) {
        cache->list_fetch = fetch_new(cache, NULL);
        cache->list_fetch->handle = cache->source.list(cache->source.data, cache->list_fetch);
    }
    return cache->list_fetch;
}

/* NULL when the name stands for no id that could be asked for. */
CacheFetch *fetch_detail(Cache *cache, const char *name)
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

void fetch_park(CacheFetch *fetch, CacheWaiter *waiter)
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
    if (fetch->waiters.length > 0 || timed_out || fetch->ended)
        return;
    fetch->cache->stats.cancelled++;
    fetch->cache->source.cancel(fetch->handle);
    forget_fetch(fetch);
    fetch_free(fetch);
}

/* Lets everybody who waited ask again. A waiter may leave, or park elsewhere, meanwhile. */
static void finish(CacheFetch *fetch)
{
    fetch->ended = TRUE;
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
                         .monotonic = cache_now(fetch->cache),
                         .wall = clock_wall(fetch->cache->clock) };
}

static void report_error(Cache *cache, const GError *error)
{
    if (cache->report != NULL)
        cache->report(error, cache->report_data);
}

/* One line for each time a class of answers goes bad or good again, none in between. For the list
 * that is news each time; of the details one may fail all the time, between others that do not. */
static void log_list_failed(const Trouble *trouble, gint64 age_us)
{
    const char *why = trouble->error->message;

    if (trouble->failures > 1)
        return;
    if (age_us < 0)
        g_log(LOG_DOMAIN_NEWS, G_LOG_LEVEL_WARNING, "the list of instances cannot be fetched: %s",
              why);
    else
        g_log(LOG_DOMAIN_NEWS, G_LOG_LEVEL_WARNING,
              "the list of instances cannot be refreshed, answers are %" G_GINT64_FORMAT
              " s old: %s",
              age_us / G_USEC_PER_SEC, why);
}

static void list_recovered(Cache *cache)
{
    if (cache->list_trouble.error != NULL)
        g_log(LOG_DOMAIN_NEWS, G_LOG_LEVEL_MESSAGE, "the list of instances can be fetched again");
    trouble_clear(&cache->list_trouble);
}

static void details_recovered(Cache *cache)
{
    if (cache->details_trouble.error != NULL)
        g_message("instance details can be fetched again");
    trouble_clear(&cache->details_trouble);
}

static void list_failed(Cache *cache, const GError *error)
{
    trouble_note(&cache->list_trouble, error, cache_now(cache), cache->options.negative_ttl);
    log_list_failed(&cache->list_trouble, cache_age(cache, cache->list_time));
    report_error(cache, error);
}

static gboolean is_unknown(gpointer name, gpointer value, gpointer fleet)
{
    (void)value;
    return fleet_find(fleet, name) == NULL;
}

/* @time: of the answer that was there before. */
static void tell_changes(Cache *cache, guint64 version_before, gint64 time)
{
    gboolean kept = time != 0 && cache_now(cache) - time < cache_list_ttl(cache);

    if (kept && fleet_version(cache->fleet) != version_before && cache->names_changed != NULL)
        cache->names_changed(cache->names_changed_data);
}

static void take_list(CacheFetch *fetch, GPtrArray *records, gboolean unchanged, guint n_pages)
{
    Cache *cache = fetch->cache;
    AnswerTime time = answer_time(fetch);
    guint64 version = fleet_version(cache->fleet);

    if (unchanged && fleet_is_like_list(cache->fleet))
        fleet_confirm_list(cache->fleet, &time);
    else
        fleet_apply_list(cache->fleet, records, &time);
    g_hash_table_foreach_remove(cache->unread, is_unknown, cache->fleet);
    cache->list_time = time.monotonic;
    cache->list_duration = time.monotonic - fetch->sent;
    cache->list_pages = n_pages;
    cache->single_refreshes = 0;
    list_recovered(cache);
    tell_changes(cache, version, cache->detail_time); /* of the list itself nothing was fresh */
    if (cache->list_taken != NULL)
        cache->list_taken(cache->list_taken_data);
}

void cache_take_list(CacheFetch *fetch, GPtrArray *records, gboolean unchanged, guint n_pages,
                     const GError *error)
{
    forget_fetch(fetch);
    if (error != NULL)
        list_failed(fetch->cache, error);
    else
        take_list(fetch, records, unchanged, n_pages);
    if (error == NULL && fetch->outdated) { /* taken, or the next would seem unchanged; not fresh */
        fleet_expire(fetch->cache->fleet);
        fetch->cache->list_time = 0;
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
    gint64 at = cache_now(cache);

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
        details_recovered(cache);
        return;
    }
    trouble_note(&cache->details_trouble, error, time->monotonic, 0);
    cache->details_trouble.until = trouble->until; /* the back-off is each instance's own */
    if (cache->details_trouble.failures == 1)
        g_warning("instance details cannot be fetched: %s", error->message);
}

static void take_record(CacheFetch *fetch, Record *record)
{
    Cache *cache = fetch->cache;
    AnswerTime time = answer_time(fetch);

    const Instance *instance = fleet_find(cache->fleet, fetch->name);
    gint64 time_before = instance == NULL ? 0 : instance->item_time;
    guint64 version = fleet_version(cache->fleet);

    g_hash_table_remove(cache->troubles, fetch->name);
    fleet_apply_record(cache->fleet, record, &time);
    cache->detail_time = time.monotonic;
    details_recovered(cache);
    tell_changes(cache, version, time_before);
    if (fetch->ahead)
        g_hash_table_add(cache->unread, g_strdup(fetch->name));
}

void cache_take_record(CacheFetch *fetch, Record *record, const GError *error)
{
    AnswerTime time = answer_time(fetch);

    forget_fetch(fetch);
    if (error != NULL)
        detail_failed(fetch->cache, fetch->name, error, &time);
    else
        take_record(fetch, record);
    if (error == NULL && fetch->outdated)
        fleet_expire(fetch->cache->fleet);
    finish(fetch);
}

void fetch_drop(CacheFetch *fetch)
{
    fetch->cache->source.cancel(fetch->handle);
    while (fetch->waiters.length > 0)
        unpark(g_queue_peek_head(&fetch->waiters));
    forget_fetch(fetch);
    fetch_free(fetch);
}
