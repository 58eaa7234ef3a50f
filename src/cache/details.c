/* SPDX-License-Identifier: MIT */
#include "ppiofs/cache/private.h"

/* The full records that are held may take so much; those that were not used longest go first. */
#define DETAILS_MOST_BYTES (256u << 20)
/* What was read within so many detail_ttl, and is older than this part of one, is renewed. */
#define USED_TTLS 2
#define RENEW_PART 0.8

static void move_to_tail(Cache *cache, Object *object)
{
    g_queue_unlink(&cache->details, &object->use);
    g_queue_push_tail_link(&cache->details, &object->use);
}

static void drop_least_used(Cache *cache)
{
    for (guint left = cache->details.length;
         left > 1 && collection_full_bytes(cache->collection) > DETAILS_MOST_BYTES; left--) {
        Object *object = g_queue_peek_head(&cache->details);

        collection_drop_full(cache->collection, object);
        if (object->full == NULL)
            g_queue_unlink(&cache->details, &object->use);
        else /* the list does not have it: there is nothing else to show */
            move_to_tail(cache, object);
    }
}

void details_add(Cache *cache, Object *object, gboolean had_full, gboolean ahead)
{
    if (had_full)
        move_to_tail(cache, object);
    else
        g_queue_push_tail_link(&cache->details, &object->use);
    if (ahead)
        object->used = 0;
    drop_least_used(cache);
}

void details_use(Cache *cache, Object *object)
{
    object->used = cache_now(cache);
    if (object->full != NULL)
        move_to_tail(cache, object);
}

static gboolean is_due(const Cache *cache, const Object *object)
{
    AnswerTime time = collection_detail_time(object);
    gint64 age = cache_now(cache) - time.asked;

    return time.asked == 0 || (gdouble)age > RENEW_PART * (gdouble)cache->options.detail_ttl;
}

/* From the most lately used on: at the first that was used too long ago it is over. */
void details_renew(Cache *cache)
{
    gint64 since = cache_now(cache) - USED_TTLS * cache->options.detail_ttl;
    GList *link = cache->details.tail;

    while (link != NULL && cache->details_under_way < cache->options.max_requests) {
        const Object *object = link->data;

        link = link->prev;
        if (object->used != 0 && object->used < since)
            return;
        if (object->used != 0 && is_due(cache, object) && cache_fetch_unasked(cache, object->name))
            cache->stats.renewed++;
    }
}

guint details_unused(const Cache *cache)
{
    guint n = 0;

    for (const GList *link = cache->details.head; link != NULL; link = link->next)
        n += ((const Object *)link->data)->used == 0;
    return n;
}
