/* SPDX-License-Identifier: MIT */
/* Walks through the listing are recognised forward and backward (bash expands `*` backward),
 * several at once. An object that is removed on the way does not end the walk. */
#include <string.h>

#include "ppiofs/cache/private.h"

/* The step that leads from where @walk is to @name: 1, -1; 0: none does, or it is there already. */
static gint step_to(const Cache *cache, const Walk *walk, const char *name)
{
    gint order = strcmp(name, walk->last), step = order > 0 ? 1 : -1;
    const Object *between = collection_neighbour(cache->collection, name, -step);

    if (order == 0 || (walk->step != 0 && walk->step != step))
        return 0;
    /* Nothing that is known lies between the two. */
    order = between == NULL ? 0 : strcmp(between->name, walk->last);
    if (step > 0 ? order > 0 : order < 0)
        return 0;
    return step;
}

static Walk *replace_oldest(Cache *cache, const char *name)
{
    Walk *oldest = &cache->walks[0];

    for (guint i = 1; i < WALKS; i++)
        if (cache->walks[i].used < oldest->used)
            oldest = &cache->walks[i];
    g_free(oldest->last);
    *oldest = (Walk){ .last = g_strdup(name), .window = 1 };
    return oldest;
}

static Walk *find_walk(Cache *cache, const char *name)
{
    for (guint i = 0; i < WALKS; i++) {
        Walk *walk = &cache->walks[i];

        if (walk->last == NULL)
            continue;
        gint step = step_to(cache, walk, name);
        if (step == 0 && strcmp(walk->last, name) != 0)
            continue;
        if (step != 0) {
            walk->step = step;
            walk->window = MIN(walk->window * 2, cache->options.max_requests);
            g_free(walk->last);
            walk->last = g_strdup(name);
        }
        return walk;
    }
    return replace_oldest(cache, name);
}

gboolean cache_fetch_unasked(Cache *cache, const char *name)
{
    const Object *object = collection_find(cache->collection, name);
    const Resource *known = resource_find(cache, name);

    if (object == NULL ||
        (known != NULL &&
         (known->fetching || trouble_stands(&known->trouble, cache_now(cache), G_MAXINT64))))
        return FALSE;
    Resource *resource = resource_make(cache, name);
    resource_fetch(resource, &(CacheWanted){ .id = record_id(object->record) });
    resource->background = TRUE;
    return TRUE;
}

void cache_fetch_ahead(Cache *cache, const char *name)
{
    const CacheAsk look = { .started = G_MAXINT64 };
    const Object *object = collection_find(cache->collection, name);
    if (object == NULL)
        return;

    Known known = cache_detail_known(cache, object);
    if (known_is_fresh(cache, &known, &look) || !cache_fetch_unasked(cache, name))
        return;
    resource_find(cache, name)->ahead = TRUE;
    cache->stats.read_ahead++;
}

void cache_walked_to(Cache *cache, const char *name)
{
    guint most = cache->options.max_requests;

    if (!cache->kind->single_get || !cache_has_list(cache) || cache->details_failing ||
        collection_find(cache->collection, name) == NULL)
        return;
    Walk *walk = find_walk(cache, name);
    walk->used = ++cache->walk_clock;

    const Object *next = collection_find(cache->collection, name);
    for (guint i = 0; walk->step != 0 && i < walk->window && cache->details_under_way < most; i++) {
        next = collection_neighbour(cache->collection, next->name, walk->step);
        if (next == NULL)
            return;
        cache_fetch_ahead(cache, next->name);
    }
}

void walk_clear(Cache *cache)
{
    for (guint i = 0; i < WALKS; i++)
        g_free(cache->walks[i].last);
}
