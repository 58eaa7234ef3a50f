/* SPDX-License-Identifier: MIT */
/* The collection takes over the answers of single GETs. */
#include "ppiofs/model/compare.h"
#include "ppiofs/model/private.h"

static void replace_full(Collection *collection, Object *object, Record *full,
                         const AnswerTime *time)
{
    Record *shown = object->record, *before = object->full;
    gint64 listed = collection_listed_time(collection, object).asked;
    gboolean agrees = object->item == NULL || record_agrees(object->item, full);
    gboolean holds =
        object->item == NULL || time->asked >= listed || (agrees && time->asked >= object->shrank);
    gboolean was_contested = object->contested || object->item == NULL;

    collection_date(collection, full, shown, before, time->wall);
    if (before != NULL && !record_equals(before, full))
        collection_note_change(collection, object, time->wall);
    if (holds) {
        gboolean differs = !agrees || (was_contested && !record_equals(shown, full));

        if (differs)
            collection_touch(collection, time->wall);
        collection_show(collection, object, full, differs, time->wall);
    } else if (shown == before) {
        collection_show_item(collection, object, TRUE, time->wall);
    }
    collection_contest(collection, object, holds && !agrees);
    collection->unlike_list |= object->item == NULL;
    object_set_full(collection, object, full, time);
}

static void apply_full(Collection *collection, Object *object, Record *full, const AnswerTime *time)
{
    if (object->full == NULL || !object_shows_full(object) || !record_is_same(object->full, full)) {
        replace_full(collection, object, full, time);
        return;
    }
    record_adopt(full, object->full);
    object->record = full;
    object_set_full(collection, object, full, time);
}

gboolean collection_apply_record(Collection *collection, Record *full, const AnswerTime *time)
{
    const char *name = record_file_name(full);
    Object *object = collection_find(collection, name);

    if (object == NULL) {
        /* The newest list, if it was asked for later, did not show it. */
        if (time->asked < collection->list.asked ||
            !gone_allows(collection->gone, name, time->asked))
            return FALSE;
        collection_date(collection, full, NULL, NULL, time->wall);
        object = collection_add(collection, name, full);
        object_set_full(collection, object, full, time);
        collection->unlike_list = TRUE;
        collection_touch(collection, time->wall);
    } else if (time->asked >= object->full_time.asked) {
        apply_full(collection, object, full, time);
    }
    return TRUE;
}

gboolean collection_remove(Collection *collection, const char *name, const AnswerTime *time)
{
    Object *object = collection_find(collection, name);
    gint64 listed = object == NULL ? 0 : collection_listed_time(collection, object).asked;

    if (listed > time->asked || (object != NULL && object->full_time.asked > time->asked))
        return FALSE;
    gone_remember(collection->gone, name, time->asked);
    collection->unlike_list = TRUE;
    if (object != NULL) {
        collection_remove_object(collection, object);
        collection_touch(collection, time->wall);
    }
    return TRUE;
}

void collection_drop_full(Collection *collection, Object *object)
{
    const AnswerTime never = { 0 };

    if (object->full == NULL || object->item == NULL || object->contested)
        return;
    if (object_shows_full(object))
        collection_show_item(collection, object, FALSE, collection->time);
    object_set_full(collection, object, NULL, &never);
}
