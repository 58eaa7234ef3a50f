/* SPDX-License-Identifier: MIT */
#include "ppiofs/cache/private.h"

/* The full records that are held may take so much; those that were not used longest go first. */
#define DETAILS_MOST_BYTES (256u << 20)
/* What was read within so many detail_ttl, and is older than this part of one, is renewed. */
#define USED_TTLS 2
#define RENEW_PART 0.8

static void move_to_tail(Cache *cache, Instance *instance)
{
    g_queue_unlink(&cache->details, &instance->use);
    g_queue_push_tail_link(&cache->details, &instance->use);
}

static void drop_least_used(Cache *cache)
{
    for (guint left = cache->details.length;
         left > 1 && fleet_full_bytes(cache->fleet) > DETAILS_MOST_BYTES; left--) {
        Instance *instance = g_queue_peek_head(&cache->details);

        fleet_drop_full(cache->fleet, instance);
        if (instance->full == NULL)
            g_queue_unlink(&cache->details, &instance->use);
        else /* the list does not have it: there is nothing else to show */
            move_to_tail(cache, instance);
    }
}

void details_add(Cache *cache, Instance *instance, gboolean had_full, gboolean ahead)
{
    if (had_full)
        move_to_tail(cache, instance);
    else
        g_queue_push_tail_link(&cache->details, &instance->use);
    if (ahead)
        instance->used = 0;
    drop_least_used(cache);
}

void details_use(Cache *cache, Instance *instance)
{
    instance->used = cache_now(cache);
    if (instance->full != NULL)
        move_to_tail(cache, instance);
}

static gboolean is_due(const Cache *cache, const Instance *instance)
{
    AnswerTime time = fleet_detail_time(instance);
    gint64 age = cache_now(cache) - time.asked;

    return time.asked == 0 || (gdouble)age > RENEW_PART * (gdouble)cache->options.detail_ttl;
}

/* From the most lately used on: at the first that was used too long ago it is over. */
void details_renew(Cache *cache)
{
    gint64 since = cache_now(cache) - USED_TTLS * cache->options.detail_ttl;
    GList *link = cache->details.tail;

    while (link != NULL && cache->details_under_way < cache->options.max_requests) {
        const Instance *instance = link->data;

        link = link->prev;
        if (instance->used != 0 && instance->used < since)
            return;
        if (instance->used != 0 && is_due(cache, instance) &&
            cache_fetch_unasked(cache, instance->name))
            cache->stats.renewed++;
    }
}

guint details_unused(const Cache *cache)
{
    guint n = 0;

    for (const GList *link = cache->details.head; link != NULL; link = link->next)
        n += ((const Instance *)link->data)->used == 0;
    return n;
}
