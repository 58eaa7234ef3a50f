/* SPDX-License-Identifier: MIT */
/* private: what the files of model/ share; for nobody else.
 *
 *   collection.c what there is, and what can be said of it
 *   update.c     a list is taken over
 *   full.c       the answer of a single GET is
 *   gone.c       what is remembered of names that are gone */
#pragma once

#include "ppiofs/model/collection.h"
#include "ppiofs/model/gone.h"

/* A list on its way into the collection. */
typedef struct {
    GPtrArray *records; /* NULL: none is on its way */
    guint next;         /* the next record */
    char *from;         /* all are applied: where to go on looking for those that the list lacks */
} Update;

struct Collection {
    const Kind *kind;
    GTree *by_name; /* Object.name -> Object, with a reference */
    Gone *gone;
    AnswerTime list, list_before; /* the newest list, and the one before it */
    guint64 list_number;
    Update update;
    gboolean unlike_list; /* a GET said something else than the newest list */

    Listing *listing; /* NULL: the set of names changed since it was made */
    guint64 names_version, version, removals, overruled, stamps;
    guint64 *link_versions; /* one for each link of the kind */
    gint64 time;
    gsize full_bytes;

    CollectionChanged changed;
    gpointer changed_data;
    void (*removed)(Object *object, gpointer data);
    gpointer removed_data;
    CollectionAncestors ancestors; /* NULL: no other process knew anything */
    gpointer ancestors_data;
};

/* The time of a change, later than the one before although the clock may have been set back. */
void collection_touch(Collection *collection, gint64 wall);

/* Dates a new record after what is known of the object; @shown and @full may be NULL. */
void collection_date(const Collection *collection, Record *record, Record *shown, Record *full,
                     gint64 wall);

/* @record is the one that is shown; the caller stores it in the object afterwards. */
Object *collection_add(Collection *collection, const char *name, Record *record);
void collection_remove_object(Collection *collection, Object *object);

/* A value of the object is another one now. */
void collection_note_change(Collection *collection, Object *object, gint64 wall);

/* @record takes the place of the record that is shown. @listed: a field that the list has is
 * another one now. The caller stores @record in the object afterwards. */
void collection_show(Collection *collection, Object *object, Record *record, gboolean listed,
                     gint64 wall);

/* The item takes the place of the full answer: what differs is younger than what was shown. */
void collection_show_item(Collection *collection, Object *object, gboolean listed, gint64 wall);

void collection_contest(Collection *collection, Object *object, gboolean contested);

void object_set_item(Object *object, Record *item);
void object_set_full(Collection *collection, Object *object, Record *full, const AnswerTime *time);

/* An equal answer takes the place of an older one, and its version and times. */
void record_adopt(Record *record, Record *older);
