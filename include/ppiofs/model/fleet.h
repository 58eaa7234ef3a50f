/* SPDX-License-Identifier: MIT */
/* fleet: what is known of the account's instances: the newest answer about each, and when it came.
 * No network and no opinion on freshness: that is the cache's.
 *
 * All fields of an instance come from one answer, the newest. A list item that agrees with the full
 * record at hand confirms it; one that differs replaces it, and what only the single GET has is
 * unknown again. A value that did not change keeps its version and its mtime. */
#pragma once

#include <glib.h>

#include "ppiofs/model/record.h"

typedef struct Fleet Fleet;

typedef struct {
    char *name;         /* the id as a file name (name_encode()) */
    Record *record;     /* the newest answer */
    gint64 item_time;   /* monotonic us: when what the list has was last confirmed */
    gint64 detail_time; /* monotonic us: when the full record was fetched; 0 if it is partial */
    Record *item;       /* the list item that last agreed with the record; or NULL */
    Subtree *last_full; /* what a partial record took the place of, to date the next; or NULL */
    guint refs;
} Instance;

/* The instances in the order of their names; immutable, reference-counted. */
typedef struct {
    GPtrArray *instances; /* Instance*, each with a reference */
    guint64 version;      /* grows with each change of the set of names */
    guint refs;
} Listing;

/* When an answer came, in both times, and when its request was sent. Microseconds. */
typedef struct {
    gint64 sent;      /* monotonic */
    gint64 monotonic; /* received */
    gint64 wall;
} AnswerTime;

Fleet *fleet_new(void);

/* A complete list: @records are Record*, partial. What it lacks is removed, unless a single GET
 * that came after the list was asked for showed it. */
void fleet_apply_list(Fleet *fleet, GPtrArray *records, const AnswerTime *time);

/* The same list again, byte for byte, while the fleet is still like it. */
void fleet_confirm_list(Fleet *fleet, const AnswerTime *time);

/* Whether no single GET has changed or removed since the newest list what that showed. */
gboolean fleet_is_like_list(const Fleet *fleet);

void fleet_apply_record(Fleet *fleet, Record *full, const AnswerTime *time);

/* The API said that it is gone. */
void fleet_remove(Fleet *fleet, const char *name, const AnswerTime *time);

/* By file name; borrowed. NULL if unknown. */
Instance *fleet_find(const Fleet *fleet, const char *name);

/* (transfer full) */
Listing *fleet_listing(Fleet *fleet);

guint fleet_size(const Fleet *fleet);

/* When the newest change that a list shows was received, wall us; 0 before the first. */
gint64 fleet_time(const Fleet *fleet);

/* Grows whenever something that a list item holds changed in any instance. */
guint64 fleet_version(const Fleet *fleet);

/* Whether a top-level field is one that the list has, so that a list confirms it. */
gboolean instance_is_listed(const Instance *instance, NodeIndex node);

/* Called with each record that takes the place of another: @old is NULL for a new instance, @new
 * for one that is gone. Both borrowed. NULL: nobody is called any more. */
void fleet_on_change(Fleet *fleet, void (*changed)(Record *old, Record *new, gpointer data),
                     gpointer data);

/* From now on no answer at hand counts as fetched. The records stay, so that what turns out not to
 * have changed keeps its version. */
void fleet_expire(Fleet *fleet);

void fleet_free(Fleet *fleet);

Instance *instance_ref(Instance *instance);
void instance_unref(Instance *instance);
Listing *listing_ref(Listing *listing);
void listing_unref(Listing *listing);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fleet, fleet_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Listing, listing_unref)
