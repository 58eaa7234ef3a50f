/* SPDX-License-Identifier: MIT */
/* The collection takes over a list: first its items, one by one, then what it lacks is removed. */
#include "ppiofs/model/compare.h"
#include "ppiofs/model/private.h"

/* The full answer stays as it is; the newest item is @item, which was asked for later, and differs
 * from the one before (@old, may be NULL). */
static gboolean full_holds(const Object *object, Record *old, Record *item)
{
    return object_shows_full(object) && record_agrees(item, object->full) &&
           (old == NULL || !record_lost(old, item, object->full));
}

/* The same item again. A full answer that was newer than the list, and differed, may now be older.
 */
static void confirm_item(Collection *collection, Object *object)
{
    if (!object->contested)
        return;
    if (object->full_time.asked > collection->list.asked) {
        collection->unlike_list = TRUE;
        return;
    }
    object->contested = FALSE;
    collection_show_item(collection, object, TRUE, collection->list.wall);
}

static void replace_item(Collection *collection, Object *object, Record *item)
{
    g_autoptr(Record) old = object->item == NULL ? NULL : record_ref(object->item);
    Record *full = object->full, *shown = object->record;
    gint64 wall = collection->list.wall;
    gboolean newer_full = full != NULL && object->full_time.asked > collection->list.asked;
    gboolean keep_full = newer_full || (full != NULL && full_holds(object, old, item));

    collection_date(collection, item, shown, full, wall);
    if (!keep_full)
        collection_show(collection, object, item, TRUE, wall);
    collection_contest(collection, object,
                       newer_full && (!record_agrees(item, full) ||
                                      (old != NULL && record_lost(old, item, full))));
    if (old != NULL && record_lost(old, item, old))
        object->shrank = collection->list.asked;
    object_set_item(object, item);
}

static void apply_to_object(Collection *collection, Object *object, Record *item)
{
    gboolean same =
        object->item != NULL && (item == object->item || record_is_same(item, object->item));

    if (!same) {
        replace_item(collection, object, item);
        return;
    }
    if (item != object->item) {
        record_adopt(item, object->item);
        if (object->record == object->item)
            object->record = item;
        object_set_item(object, item);
    }
    confirm_item(collection, object);
}

static void apply_item(Collection *collection, Record *item)
{
    const char *name = record_file_name(item);
    Object *object = collection_find(collection, name);

    if (object != NULL) {
        apply_to_object(collection, object, item);
    } else if (gone_allows(collection->gone, name, collection->list.asked)) {
        collection_date(collection, item, NULL, NULL, collection->list.wall);
        object = collection_add(collection, name, item);
        object_set_item(object, item);
    } else {
        collection->unlike_list = TRUE;
        return;
    }
    object->list = collection->list_number;
}

void collection_begin_list(Collection *collection, GPtrArray *records, const AnswerTime *time)
{
    if (time->asked < collection->list.asked)
        return;
    collection->list_before = collection->list;
    collection->list = *time;
    collection->list_number++;
    collection->unlike_list = FALSE;
    collection->update.records = g_ptr_array_ref(records);
    collection->update.next = 0;
}

static void end_update(Collection *collection)
{
    g_clear_pointer(&collection->update.records, g_ptr_array_unref);
    g_clear_pointer(&collection->update.from, g_free);
    gone_forget(collection->gone, collection->list.asked);
    collection_touch(collection, collection->list.wall);
}

/* An object that the newest list lacks. */
static void unlist(Collection *collection, Object *object)
{
    if (object->full_time.asked <= collection->list.asked) {
        collection_remove_object(collection, object);
        return;
    }
    object_set_item(object, NULL); /* the full answer is newer, so it is the one that is shown */
    object->contested = FALSE;
    collection->unlike_list = TRUE; /* the next list may lack it, too, and equal this one */
}

static const char *name_after(GTreeNode *node)
{
    GTreeNode *next = g_tree_node_next(node);

    return next == NULL ? NULL : g_tree_node_key(next);
}

/* FALSE: all have been looked at. */
static gboolean look_for_unlisted(Collection *collection, guint n)
{
    Update *update = &collection->update;
    GTreeNode *node = update->from == NULL ? g_tree_node_first(collection->by_name)
                                           : g_tree_lower_bound(collection->by_name, update->from);

    for (; node != NULL && n > 0; n--) {
        Object *object = g_tree_node_value(node);
        const char *next = name_after(node);

        if (object->list == collection->list_number) {
            node = g_tree_node_next(node);
        } else {
            unlist(collection, object); /* which may move the nodes of the tree */
            node = next == NULL ? NULL : g_tree_lookup_node(collection->by_name, next);
        }
    }
    g_free(update->from);
    update->from = node == NULL ? NULL : g_strdup(g_tree_node_key(node));
    return node != NULL;
}

gboolean collection_step_list(Collection *collection, guint n)
{
    Update *update = &collection->update;

    if (update->records == NULL)
        return TRUE;
    for (; n > 0 && update->next < update->records->len; n--)
        apply_item(collection, g_ptr_array_index(update->records, update->next++));
    if (n == 0 || look_for_unlisted(collection, n))
        return FALSE;
    end_update(collection);
    return TRUE;
}

gboolean collection_is_like_list(const Collection *collection)
{
    return !collection->unlike_list && collection->update.records == NULL;
}

void collection_confirm_list(Collection *collection, const AnswerTime *time)
{
    collection->list = collection->list_before = *time;
    gone_forget(collection->gone, collection->list.asked);
    collection_touch(collection, time->wall);
}
