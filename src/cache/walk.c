/* SPDX-License-Identifier: MIT */
#include "ppiofs/cache/private.h"

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
        trouble_stands(g_hash_table_lookup(cache->troubles, name), cache_now(cache), G_MAXINT64) ||
        cache_is_fresh(cache, instance->detail_time, cache->options.detail_ttl, &ask))
        return;
    fetch_detail(cache, name)->ahead = TRUE;
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
