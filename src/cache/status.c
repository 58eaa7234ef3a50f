/* SPDX-License-Identifier: MIT */
#include "ppiofs/cache/private.h"

static gint64 age(const Cache *cache, gint64 asked)
{
    return asked == 0 || asked < cache->dropped ? -1 : cache_now(cache) - asked;
}

static ClassState class_state(const Cache *cache, const Known *known, const Trouble *trouble,
                              gboolean slow)
{
    const CacheAsk look = { .started = G_MAXINT64 };

    if (trouble != NULL && trouble->error != NULL)
        return known_may_be_stale(cache, known, trouble) ? CLASS_STALE : CLASS_FAILED;
    if (age(cache, known->asked) < 0)
        return CLASS_EMPTY;
    if (known_is_fresh(cache, known, &look))
        return CLASS_FRESH;
    return slow ? CLASS_SLOW : CLASS_EXPIRED;
}

static ClassStatus class_status(const Cache *cache, const Known *known, const Trouble *trouble,
                                gboolean slow)
{
    gboolean failing = trouble != NULL && trouble->error != NULL;

    return (ClassStatus){
        .state = class_state(cache, known, trouble, slow),
        .age_us = age(cache, known->asked),
        .next_try_us = failing ? MAX(0, trouble->until - cache_now(cache)) : 0,
        .why = failing ? trouble->error->message : NULL,
        .known = collection_size(cache->collection),
    };
}

ClassStatus cache_list_status(const Cache *cache)
{
    Known known = cache_list_known(cache);
    ClassStatus status =
        class_status(cache, &known, &cache->list->trouble, resource_is_slow(cache->list));

    status.in_flight = cache->list->fetching;
    status.absent = cache->absent != NULL;
    if (status.absent && status.why == NULL)
        status.why = cache->absent->message;
    return status;
}

typedef struct {
    const Trouble *newest;
    gboolean slow;
} Details;

static gboolean look_at_detail(gpointer name, gpointer value, gpointer data)
{
    const Resource *resource = value;
    const Trouble *trouble = &resource->trouble;
    Details *details = data;

    (void)name;
    details->slow |= resource_is_slow(resource);
    if (trouble->error != NULL && !trouble_is_absence(trouble) &&
        (details->newest == NULL || trouble->at > details->newest->at))
        details->newest = trouble;
    return FALSE;
}

ClassStatus cache_details_status(const Cache *cache)
{
    Known known = { cache->detail_asked, cache->detail_asked, cache->options.detail_ttl };
    Details details = { 0 };

    g_tree_foreach(cache->resources, look_at_detail, &details);
    ClassStatus status =
        class_status(cache, &known, cache->details_failing ? details.newest : NULL, details.slow);
    status.in_flight = cache->details_under_way;
    return status;
}

CacheStats cache_stats(const Cache *cache)
{
    CacheStats stats = cache->stats;

    stats.read_ahead_unused = details_unused(cache);
    stats.detail_bytes = collection_full_bytes(cache->collection);
    return stats;
}
