/* SPDX-License-Identifier: MIT */
#include "ppiofs/model/private.h"

#include <string.h>

#include "ppiofs/model/compare.h"

static gint compare_names(gconstpointer a, gconstpointer b, gpointer data)
{
    (void)data;
    return strcmp(a, b);
}

Collection *collection_new(const Kind *kind)
{
    Collection *collection = g_new0(Collection, 1);

    collection->by_name = g_tree_new_full(compare_names, NULL, NULL, (GDestroyNotify)object_unref);
    collection->gone = gone_new();
    collection->kind = kind;
    collection->link_versions = g_new0(guint64, kind_n_links(kind) + 1);
    return collection;
}

void collection_touch(Collection *collection, gint64 wall)
{
    collection->time = MAX(wall, collection->time + 1);
}

static void names_changed(Collection *collection)
{
    g_clear_pointer(&collection->listing, listing_unref);
    collection->names_version++;
    collection->version++;
    collection->overruled++;
}

static void tell(const Collection *collection, Record *old, Record *before, Record *new)
{
    if (collection->changed != NULL)
        collection->changed(old, before, new, collection->changed_data);
}

/* @old NULL: an object was added. */
static void count_change(Collection *collection, Record *old, Record *new)
{
    const KindLink *links = collection->kind->links;

    collection->version++;
    for (guint i = 0; i < kind_n_links(collection->kind); i++)
        if (old == NULL || !records_share_value(old, new, links[i].field))
            collection->link_versions[i]++;
}

void collection_date(const Collection *collection, Record *record, Record *shown, Record *full,
                     gint64 wall)
{
    const Subtree *older = shown == NULL ? NULL : record_tree(shown);
    const Subtree *oldest = full == NULL || full == shown ? NULL : record_tree(full);
    const Subtree *found[2] = { NULL, NULL };

    if (oldest == NULL && collection->ancestors != NULL)
        collection->ancestors(collection, record_file_name(record), found,
                              collection->ancestors_data);
    if (older == NULL) {
        older = found[0];
        oldest = found[1];
    } else if (oldest == NULL) {
        oldest = found[1] != NULL ? found[1] : found[0];
    }
    subtree_date_after(record_tree(record), older, oldest, wall, wall);
}

void object_set_item(Object *object, Record *item)
{
    record_unref(object->item);
    object->item = item == NULL ? NULL : record_ref(item);
}

void object_set_full(Collection *collection, Object *object, Record *full, const AnswerTime *time)
{
    if (object->full != NULL)
        collection->full_bytes -= record_size(object->full);
    if (full != NULL)
        collection->full_bytes += record_size(full);
    record_unref(object->full);
    object->full = full == NULL ? NULL : record_ref(full);
    object->full_time = *time;
}

Object *collection_add(Collection *collection, const char *name, Record *record)
{
    Object *object = g_new0(Object, 1);

    object->refs = 1;
    object->name = g_strdup(name);
    object->record = record;
    object->stamp = ++collection->stamps;
    object->use.data = object;
    g_tree_insert(collection->by_name, object->name, object);
    names_changed(collection);
    count_change(collection, NULL, record);
    tell(collection, NULL, NULL, record);
    return object;
}

void collection_remove_object(Collection *collection, Object *object)
{
    if (collection->removed != NULL)
        collection->removed(object, collection->removed_data);
    tell(collection, object->record, NULL, NULL);
    if (object->full != NULL)
        collection->full_bytes -= record_size(object->full);
    names_changed(collection);
    collection->removals++;
    g_tree_remove(collection->by_name, object->name);
}

void collection_note_change(Collection *collection, Object *object, gint64 wall)
{
    collection->overruled++;
    object->changed = MAX(wall, object->changed + 1);
}

void collection_show(Collection *collection, Object *object, Record *record, gboolean listed,
                     gint64 wall)
{
    Record *old = object->record;
    Record *before = old != object->full ? object->full : NULL;

    if (listed) {
        count_change(collection, old, record);
        collection_note_change(collection, object, wall);
    }
    tell(collection, old, before, record);
    object->record = record;
    object->stamp = ++collection->stamps;
}

void collection_show_item(Collection *collection, Object *object, gboolean listed, gint64 wall)
{
    Subtree *tree = record_tree(object->item);

    subtree_date(tree, record_tree(object->record), wall, 0);
    subtree_set_serial(tree, 0);
    collection_show(collection, object, object->item, listed, wall);
}

void record_adopt(Record *record, Record *older)
{
    subtree_date(record_tree(record), record_tree(older), 0, 0);
    subtree_set_serial(record_tree(record), subtree_serial(record_tree(older)));
}

void collection_contest(Collection *collection, Object *object, gboolean contested)
{
    object->contested = contested;
    collection->unlike_list |= contested;
}

gsize collection_full_bytes(const Collection *collection)
{
    return collection->full_bytes;
}

Object *collection_find(const Collection *collection, const char *name)
{
    return g_tree_lookup(collection->by_name, name);
}

Object *collection_neighbour(const Collection *collection, const char *name, gint step)
{
    GTreeNode *node = g_tree_lookup_node(collection->by_name, name);

    if (node != NULL)
        node = step > 0 ? g_tree_node_next(node) : g_tree_node_previous(node);
    return node == NULL ? NULL : g_tree_node_value(node);
}

AnswerTime collection_listed_time(const Collection *collection, const Object *object)
{
    AnswerTime time = { 0 };

    if (object->item != NULL)
        time = object->list == collection->list_number ? collection->list : collection->list_before;
    if (object_shows_full(object) && object->full_time.asked > time.asked)
        time = object->full_time;
    return time;
}

AnswerTime collection_detail_time(const Object *object)
{
    return object_shows_full(object) ? object->full_time : (AnswerTime){ 0 };
}

static gboolean add_to_listing(gpointer name, gpointer object, gpointer objects)
{
    (void)name;
    g_ptr_array_add(objects, object_ref(object));
    return FALSE;
}

Listing *collection_listing(Collection *collection)
{
    if (collection->listing == NULL) {
        collection->listing = g_new0(Listing, 1);
        collection->listing->refs = 1;
        collection->listing->version = collection->names_version;
        collection->listing->objects =
            g_ptr_array_new_full(collection_size(collection), (GDestroyNotify)object_unref);
        g_tree_foreach(collection->by_name, add_to_listing, collection->listing->objects);
    }
    return listing_ref(collection->listing);
}

guint collection_size(const Collection *collection)
{
    return (guint)g_tree_nnodes(collection->by_name);
}

gint64 collection_time(const Collection *collection)
{
    return collection->time;
}

guint64 collection_version(const Collection *collection)
{
    return collection->version;
}

guint64 collection_link_version(const Collection *collection, const KindLink *link)
{
    return collection->link_versions[link - collection->kind->links];
}

const Kind *collection_kind(const Collection *collection)
{
    return collection->kind;
}

guint64 collection_removals(const Collection *collection)
{
    return collection->removals;
}

guint64 collection_overruled(const Collection *collection)
{
    return collection->overruled;
}

void collection_on_change(Collection *collection, CollectionChanged changed, gpointer data)
{
    collection->changed = changed;
    collection->changed_data = data;
}

void collection_on_remove(Collection *collection, void (*removed)(Object *object, gpointer data),
                          gpointer data)
{
    collection->removed = removed;
    collection->removed_data = data;
}

void collection_go_on(Collection *collection, guint64 from, CollectionAncestors ancestors,
                      gpointer data)
{
    collection->names_version = collection->version = collection->stamps = from;
    collection->ancestors = ancestors;
    collection->ancestors_data = data;
}

void collection_free(Collection *collection)
{
    if (collection == NULL)
        return;
    g_clear_pointer(&collection->update.records, g_ptr_array_unref);
    g_free(collection->update.from);
    g_clear_pointer(&collection->listing, listing_unref);
    g_tree_unref(collection->by_name);
    gone_free(collection->gone);
    g_free(collection->link_versions);
    g_free(collection);
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
    g_ptr_array_unref(listing->objects);
    g_free(listing);
}
