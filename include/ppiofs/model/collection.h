/* SPDX-License-Identifier: MIT */
/* collection: the objects of the account: what the newest answers say, in whatever order they
 * arrive. No network and no opinion on freshness: that is the cache's.
 *
 * Newest means asked for last. An answer never replaces one that was asked for later: an older GET
 * does not overrule a newer list, an older list does not bring back what a newer GET said is gone.
 * A value that did not change keeps its version and its mtime. */
#pragma once

#include <glib.h>

#include "ppiofs/model/object.h"

typedef struct Collection Collection;

/* The objects in the order of their names; immutable, reference-counted. */
typedef struct {
    GPtrArray *objects; /* Object*, each with a reference */
    guint64 version;    /* grows with each change of the set of names */
    guint refs;
} Listing;

/* @kind is borrowed. */
Collection *collection_new(const Kind *kind);
const Kind *collection_kind(const Collection *collection);

/* Begins to apply a complete list: @records are Record*, partial. @time: when it was asked for
 * (its first page) and received. A list that was asked for before the newest one is ignored. */
void collection_begin_list(Collection *collection, GPtrArray *records, const AnswerTime *time);

/* Applies the next @n records, or looks at the next @n objects for those that the list lacks and
 * removes them, unless a GET that was asked for later showed them. TRUE when it is done. Answers of
 * GETs may be applied between two steps. */
gboolean collection_step_list(Collection *collection, guint n);

/* TRUE if the collection shows what the newest list says, with no GET that said otherwise since. */
gboolean collection_is_like_list(const Collection *collection);

/* The same list came again, byte for byte, while collection_is_like_list(). */
void collection_confirm_list(Collection *collection, const AnswerTime *time);

/* The answer of a single GET. FALSE: a newer answer said that the object is gone. */
gboolean collection_apply_record(Collection *collection, Record *full, const AnswerTime *time);

/* A single GET said that the object is gone; also to be called for one that is not known. FALSE:
 * a newer answer shows it. */
gboolean collection_remove(Collection *collection, const char *name, const AnswerTime *time);

/* Drops the full answer, to save memory. */
void collection_drop_full(Collection *collection, Object *object);

/* Bytes of all full answers. */
gsize collection_full_bytes(const Collection *collection);

/* By file name; borrowed. NULL if unknown. O(log objects). */
Object *collection_find(const Collection *collection, const char *name);

/* The next (@step 1) or previous (-1) of the known objects in the order of names, or NULL. */
Object *collection_neighbour(const Collection *collection, const char *name, gint step);

/* When what the list has of the object was last confirmed, and when its full answer was asked for
 * (zero if that is not shown). */
AnswerTime collection_listed_time(const Collection *collection, const Object *object);
AnswerTime collection_detail_time(const Object *object);

/* (transfer full) */
Listing *collection_listing(Collection *collection);

guint collection_size(const Collection *collection);

/* When the newest change that a list shows was received, wall us; 0 before the first. */
gint64 collection_time(const Collection *collection);

/* Grows whenever something that a list item holds changed in any object. */
guint64 collection_version(const Collection *collection);

/* Grows whenever a value that was shown has been replaced by another, and with each object that
 * appears or goes. */
guint64 collection_overruled(const Collection *collection);

/* Grows when an object was added, or the field of @link (one of the kind's) changed. An object that
 * was removed counts in collection_removals() alone. */
guint64 collection_link_version(const Collection *collection, const KindLink *link);
guint64 collection_removals(const Collection *collection);

/* Calls @changed with each record that takes the place of another: @old is NULL for a new object,
 * @new for one that is gone. @before is the full answer that was known before, if @old is not one:
 * what @old lacks is to be compared with that; else NULL. All borrowed. NULL ends the calls. */
typedef void (*CollectionChanged)(Record *old, Record *before, Record *new, gpointer data);
void collection_on_change(Collection *collection, CollectionChanged changed, gpointer data);

/* Calls @removed before an object is removed. */
void collection_on_remove(Collection *collection, void (*removed)(Object *object, gpointer data),
                          gpointer data);

/* Finds the trees that another process has shown of an object, by file name: the newest one, and
 * the newest one with more nodes; NULL: there is none. */
typedef void (*CollectionAncestors)(const Collection *collection, const char *name,
                                    const Subtree *ret_found[2], gpointer data);

/* For a collection that is still empty: it goes on where that of another process ended. Its
 * versions count on from @from, and values that are as @ancestors has them keep their mtimes. */
void collection_go_on(Collection *collection, guint64 from, CollectionAncestors ancestors,
                      gpointer data);

void collection_free(Collection *collection);

Listing *listing_ref(Listing *listing);
void listing_unref(Listing *listing);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Collection, collection_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Listing, listing_unref)
