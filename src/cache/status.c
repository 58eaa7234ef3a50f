/* SPDX-License-Identifier: MIT */
#include "ppiofs/cache/private.h"

gint64 cache_age(const Cache *cache, gint64 time)
{
    return time == 0 ? -1 : cache_now(cache) - time;
}

static ClassState class_state(const Cache *cache, gint64 time, gint64 ttl, const Trouble *trouble)
{
    if (trouble->error != NULL)
        return cache_may_be_stale(cache, time, trouble) ? CLASS_STALE : CLASS_FAILED;
    if (time == 0)
        return CLASS_EMPTY;
    return cache_now(cache) - time < ttl ? CLASS_FRESH : CLASS_EXPIRED;
}

static ClassStatus class_status(const Cache *cache, gint64 time, gint64 ttl, const Trouble *trouble)
{
    return (ClassStatus){
        .state = class_state(cache, time, ttl, trouble),
        .age_us = cache_age(cache, time),
        .next_try_us = trouble->error != NULL ? MAX(0, trouble->until - cache_now(cache)) : 0,
        .why = trouble->error != NULL ? trouble->error->message : NULL,
        .known = fleet_size(cache->fleet),
    };
}

ClassStatus cache_list_status(const Cache *cache)
{
    ClassStatus status =
        class_status(cache, cache->list_time, cache_list_ttl(cache), &cache->list_trouble);

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
