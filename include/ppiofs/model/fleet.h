/* SPDX-License-Identifier: MIT */
/* fleet: the instances of the account: what the newest answers say, in whatever order they arrive.
 * No network and no opinion on freshness: that is the cache's.
 *
 * Newest means asked for last. An answer never replaces one that was asked for later: an older GET
 * does not overrule a newer list, an older list does not bring back what a newer GET said is gone.
 * A value that did not change keeps its version and its mtime. */
#pragma once

#include <glib.h>

#include "ppiofs/model/instance.h"

typedef struct Fleet Fleet;

/* The instances in the order of their names; immutable, reference-counted. */
typedef struct {
    GPtrArray *instances; /* Instance*, each with a reference */
    guint64 version;      /* grows with each change of the set of names */
    guint refs;
} Listing;

/* @fields: paths of fields that get a version of their own (fleet_field_version()); ends with NULL,
 * static. */
Fleet *fleet_new(const char *const *fields);

/* Begins to apply a complete list: @records are Record*, partial. @time: when it was asked for
 * (its first page) and received. A list that was asked for before the newest one is ignored. */
void fleet_begin_list(Fleet *fleet, GPtrArray *records, const AnswerTime *time);

/* Applies the next @n records, or looks at the next @n instances for those that the list lacks and
 * removes them, unless a GET that was asked for later showed them. TRUE when it is done. Answers of
 * GETs may be applied between two steps. */
gboolean fleet_step_list(Fleet *fleet, guint n);

/* TRUE if the fleet shows what the newest list says, with no GET that said otherwise since. */
gboolean fleet_is_like_list(const Fleet *fleet);

/* The same list came again, byte for byte, while fleet_is_like_list(). */
void fleet_confirm_list(Fleet *fleet, const AnswerTime *time);

/* The answer of a single GET. FALSE: a newer answer said that the instance is gone. */
gboolean fleet_apply_record(Fleet *fleet, Record *full, const AnswerTime *time);

/* A single GET said that the instance is gone; also to be called for one that is not known. FALSE:
 * a newer answer shows it. */
gboolean fleet_remove(Fleet *fleet, const char *name, const AnswerTime *time);

/* Drops the full answer, to save memory. */
void fleet_drop_full(Fleet *fleet, Instance *instance);

/* Bytes of all full answers. */
gsize fleet_full_bytes(const Fleet *fleet);

/* By file name; borrowed. NULL if unknown. O(log instances). */
Instance *fleet_find(const Fleet *fleet, const char *name);

/* The next (@step 1) or previous (-1) of the known instances in the order of names, or NULL. */
Instance *fleet_neighbour(const Fleet *fleet, const char *name, gint step);

/* When what the list has of the instance was last confirmed, and when its full answer was asked for
 * (zero if that is not shown). */
AnswerTime fleet_listed_time(const Fleet *fleet, const Instance *instance);
AnswerTime fleet_detail_time(const Instance *instance);

/* (transfer full) */
Listing *fleet_listing(Fleet *fleet);

guint fleet_size(const Fleet *fleet);

/* When the newest change that a list shows was received, wall us; 0 before the first. */
gint64 fleet_time(const Fleet *fleet);

/* Grows whenever something that a list item holds changed in any instance. */
guint64 fleet_version(const Fleet *fleet);

/* Grows whenever a value that was shown has been replaced by another, and with each instance that
 * appears or goes. */
guint64 fleet_overruled(const Fleet *fleet);

/* Grows when an instance was added, or the field at @path (one of fleet_new()) changed. An instance
 * that was removed counts in fleet_removals() alone. */
guint64 fleet_field_version(const Fleet *fleet, const char *path);
guint64 fleet_removals(const Fleet *fleet);

/* Calls @changed with each record that takes the place of another: @old is NULL for a new instance,
 * @new for one that is gone. @before is the full answer that was known before, if @old is not one:
 * what @old lacks is to be compared with that; else NULL. All borrowed. NULL ends the calls. */
typedef void (*FleetChanged)(Record *old, Record *before, Record *new, gpointer data);
void fleet_on_change(Fleet *fleet, FleetChanged changed, gpointer data);

/* Calls @removed before an instance is removed. */
void fleet_on_remove(Fleet *fleet, void (*removed)(Instance *instance, gpointer data),
                     gpointer data);

void fleet_free(Fleet *fleet);

Listing *listing_ref(Listing *listing);
void listing_unref(Listing *listing);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fleet, fleet_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Listing, listing_unref)
