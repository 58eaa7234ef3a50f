/* SPDX-License-Identifier: MIT */
/* What a Fleet hands out: instances, and listings of them. */
#include "ppiofs/model/fleet.h"

gboolean instance_is_listed(const Instance *instance, NodeIndex node)
{
    return !record_is_full(instance->record) ||
           (subtree_flags(record_tree(instance->record), node) & NODE_LISTED) != 0;
}

Instance *instance_ref(Instance *instance)
{
    instance->refs++;
    return instance;
}

void instance_unref(Instance *instance)
{
    if (instance == NULL || --instance->refs > 0)
        return;
    g_free(instance->name);
    record_unref(instance->record);
    record_unref(instance->item);
    subtree_unref(instance->last_full);
    g_free(instance);
}

Listing *listing_ref(Listing *listing)
{
    listing->refs++;
    return listing;
}

void listing_unref(Listing *listing)
{
    if (listing == NULL || --listing->refs > 0)
        return;
    g_ptr_array_unref(listing->instances);
    g_free(listing);
}
