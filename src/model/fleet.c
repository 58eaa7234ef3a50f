/* SPDX-License-Identifier: MIT */
#include "ppiofs/model/fleet.h"

#include <string.h>

#include "ppiofs/base/hash.h"
#include "ppiofs/tree/name.h"

struct Fleet {
    GHashTable *by_name; /* Instance.name -> Instance, with a reference */
    Listing *listing;    /* NULL when the set of names changed since it was made */
    guint64 listing_version;
    guint64 version;
    gint64 time;
    void (*changed)(Record *old, Record *new, gpointer data);
    gpointer data;
    gboolean unlike_list; /* a single GET changed or removed what the newest list showed */
};

Fleet *fleet_new(void)
{
    Fleet *fleet = g_new0(Fleet, 1);

    fleet->by_name =
        g_hash_table_new_full(hash_text, g_str_equal, NULL, (GDestroyNotify)instance_unref);
    return fleet;
}

static void names_changed(Fleet *fleet)
{
    g_clear_pointer(&fleet->listing, listing_unref);
    fleet->listing_version++;
    fleet->version++;
}

static void tell(const Fleet *fleet, Record *old, Record *new)
{
    if (fleet->changed != NULL)
        fleet->changed(old, new, fleet->data);
}

static Instance *add_instance(Fleet *fleet, char *name, Record *record)
{
    Instance *instance = g_new0(Instance, 1);

    instance->refs = 1;
    instance->name = name;
    instance->record = record_ref(record);
    g_hash_table_insert(fleet->by_name, instance->name, instance);
    names_changed(fleet);
    tell(fleet, NULL, record);
    return instance;
}

static void replace_record(const Fleet *fleet, Instance *instance, Record *record)
{
    tell(fleet, instance->record, record);
    if (record_is_full(record))
        g_clear_pointer(&instance->last_full, subtree_unref);
    else if (record_is_full(instance->record))
        instance->last_full = subtree_ref(record_tree(instance->record));
    record_unref(instance->record);
    instance->record = record_ref(record);
    g_clear_pointer(&instance->item, record_unref);
}

/* Whether a list item says no more and no less than the record at hand, as far as a list goes. */
static gboolean confirms(Record *item, Record *known)
{
    Subtree *shown = record_tree(known), *listed = record_tree(item);
    NodeIndex first;
    guint32 n = subtree_children(shown, 0, &first);

    if (!subtree_agrees(listed, 0, shown, 0))
        return FALSE;
    if (!record_is_full(known))
        return subtree_agrees(shown, 0, listed, 0);
    for (NodeIndex i = first; i < first + n; i++)
        if ((subtree_flags(shown, i) & NODE_LISTED) &&
            subtree_child(listed, 0, subtree_name(shown, i)) == NODE_NONE)
            return FALSE;
    return TRUE;
}

/* Notes which top-level fields of @full the list has. */
static void mark_listed(Subtree *full, const Subtree *listed, NodeFlags wanted)
{
    NodeIndex first;
    guint32 n = subtree_children(listed, 0, &first);

    for (NodeIndex i = first; i < first + n; i++) {
        NodeIndex twin = subtree_child(full, 0, subtree_name(listed, i));
        if (twin != NODE_NONE && (subtree_flags(listed, i) & wanted) == wanted)
            subtree_mark(full, twin, NODE_LISTED);
    }
}

static void apply_item(Fleet *fleet, Record *item, const AnswerTime *time)
{
    g_autofree char *name = name_encode(record_id(item));
    Instance *instance = fleet_find(fleet, name);

    if (instance == NULL) {
        subtree_date(record_tree(item), NULL, time->wall, record_own_time(item));
        instance = add_instance(fleet, g_steal_pointer(&name), item);
    } else if (instance->detail_time > time->sent) {
        /* The single GET came later than this list was asked for: it knows better, until the next
         * list, which may then differ from this one in nothing. */
        fleet->unlike_list = TRUE;
        mark_listed(record_tree(instance->record), record_tree(item), 0);
        g_clear_pointer(&instance->item, record_unref); /* it may lack what is marked now */
    } else if (item == instance->record || item == instance->item) {
        /* It came again with the very same page. */
    } else if (confirms(item, instance->record)) {
        if (record_is_full(instance->record))
            mark_listed(record_tree(instance->record), record_tree(item), 0);
        record_unref(instance->item);
        instance->item = record_ref(item);
    } else {
        subtree_date(record_tree(item), record_tree(instance->record), time->wall, time->wall);
        replace_record(fleet, instance, item);
        instance->detail_time = 0;
        fleet->version++;
    }
    instance->item_time = time->monotonic;
}

static void remove_unlisted(Fleet *fleet, const AnswerTime *time)
{
    GHashTableIter iter;
    gpointer value;
    gboolean removed = FALSE;

    g_hash_table_iter_init(&iter, fleet->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Instance *instance = value;

        /* Everything the list showed has the list's time by now. */
        if (instance->item_time == time->monotonic)
            continue;
        if (instance->detail_time > time->sent) {
            fleet->unlike_list = TRUE; /* the next list may lack it, too, and equal this one */
            continue;
        }
        tell(fleet, instance->record, NULL);
        g_hash_table_iter_remove(&iter);
        removed = TRUE;
    }
    if (removed)
        names_changed(fleet);
}

void fleet_apply_list(Fleet *fleet, GPtrArray *records, const AnswerTime *time)
{
    fleet->unlike_list = FALSE;
    for (guint i = 0; i < records->len; i++)
        apply_item(fleet, g_ptr_array_index(records, i), time);
    remove_unlisted(fleet, time);
    fleet->time = time->wall;
}

void fleet_confirm_list(Fleet *fleet, const AnswerTime *time)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, fleet->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        ((Instance *)value)->item_time = time->monotonic;
    fleet->time = time->wall;
}

gboolean fleet_is_like_list(const Fleet *fleet)
{
    return !fleet->unlike_list;
}

static gboolean same_record(Record *a, Record *b)
{
    GBytes *x = record_body(a), *y = record_body(b);

    return record_is_full(a) == record_is_full(b) &&
           (x == y || (x != NULL && y != NULL && g_bytes_equal(x, y))) &&
           subtree_agrees(record_tree(a), 0, record_tree(b), 0) &&
           subtree_agrees(record_tree(b), 0, record_tree(a), 0);
}

/* The listed part of what was known, and what is new in the answer. */
static gboolean listed_part_changed(Record *known, Record *full)
{
    Subtree *old = record_tree(known), *new = record_tree(full);
    NodeIndex first;
    guint32 n = subtree_children(old, 0, &first);

    for (NodeIndex i = first; i < first + n; i++) {
        NodeIndex twin = subtree_child(new, 0, subtree_name(old, i));

        if (record_is_full(known) && !(subtree_flags(old, i) & NODE_LISTED))
            continue;
        if (twin == NODE_NONE || !subtree_agrees(old, i, new, twin))
            return TRUE;
    }
    return FALSE;
}

static void update_instance(Fleet *fleet, Instance *instance, Record *full, const AnswerTime *time)
{
    Record *known = instance->record;

    if (same_record(known, full))
        return;
    gboolean first = !record_is_full(known) && instance->last_full == NULL;
    subtree_date_after(record_tree(full), record_tree(known), instance->last_full, time->wall,
                       first ? record_own_time(full) : time->wall);
    mark_listed(record_tree(full), record_tree(known), record_is_full(known) ? NODE_LISTED : 0);
    if (listed_part_changed(known, full)) {
        fleet->unlike_list = TRUE;
        fleet->version++;
        fleet->time = time->wall;
    }
    replace_record(fleet, instance, full);
}

void fleet_apply_record(Fleet *fleet, Record *full, const AnswerTime *time)
{
    g_autofree char *name = name_encode(record_id(full));
    Instance *instance = fleet_find(fleet, name);

    if (instance == NULL) {
        subtree_date(record_tree(full), NULL, time->wall, record_own_time(full));
        instance = add_instance(fleet, g_steal_pointer(&name), full);
        fleet->unlike_list = TRUE;
        fleet->time = time->wall;
    } else {
        update_instance(fleet, instance, full, time);
    }
    instance->item_time = instance->detail_time = time->monotonic;
}

void fleet_remove(Fleet *fleet, const char *name, const AnswerTime *time)
{
    const Instance *instance = fleet_find(fleet, name);

    if (instance == NULL)
        return;
    tell(fleet, instance->record, NULL);
    g_hash_table_remove(fleet->by_name, name);
    names_changed(fleet);
    fleet->unlike_list = TRUE;
    fleet->time = time->wall;
}

Instance *fleet_find(const Fleet *fleet, const char *name)
{
    return g_hash_table_lookup(fleet->by_name, name);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    const Instance *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

Listing *fleet_listing(Fleet *fleet)
{
    if (fleet->listing == NULL) {
        GHashTableIter iter;
        gpointer value;

        fleet->listing = g_new0(Listing, 1);
        fleet->listing->refs = 1;
        fleet->listing->version = fleet->listing_version;
        fleet->listing->instances =
            g_ptr_array_new_full(fleet_size(fleet), (GDestroyNotify)instance_unref);
        g_hash_table_iter_init(&iter, fleet->by_name);
        while (g_hash_table_iter_next(&iter, NULL, &value))
            g_ptr_array_add(fleet->listing->instances, instance_ref(value));
        g_ptr_array_sort(fleet->listing->instances, compare_names);
    }
    return listing_ref(fleet->listing);
}

guint fleet_size(const Fleet *fleet)
{
    return g_hash_table_size(fleet->by_name);
}

gint64 fleet_time(const Fleet *fleet)
{
    return fleet->time;
}

guint64 fleet_version(const Fleet *fleet)
{
    return fleet->version;
}

void fleet_on_change(Fleet *fleet, void (*changed)(Record *old, Record *new, gpointer data),
                     gpointer data)
{
    fleet->changed = changed;
    fleet->data = data;
}

void fleet_expire(Fleet *fleet)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, fleet->by_name);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        ((Instance *)value)->item_time = ((Instance *)value)->detail_time = 0;
}

void fleet_free(Fleet *fleet)
{
    if (fleet == NULL)
        return;
    g_clear_pointer(&fleet->listing, listing_unref);
    g_hash_table_unref(fleet->by_name);
    g_free(fleet);
}
