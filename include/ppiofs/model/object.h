/* SPDX-License-Identifier: MIT */
/* object: what is known of one object: two answers, the newest item of the list and the newest
 * answer of the single GET ("full"), and which of the two is shown.
 *
 * The full answer is shown while it is not contradicted: it was asked for after the list was, or
 * the list item agrees with it at every depth. Otherwise the item is shown, and the full answer is
 * kept only to date the next one and to answer for directories that somebody holds. So all fields
 * that are visible at one time come from one answer. */
#pragma once

#include <glib.h>

#include "ppiofs/model/record.h"

/* When an answer was asked for and when it came, by clock_now(), and when it came by the calendar.
 * Microseconds; 0: there is no such answer. */
typedef struct {
    gint64 asked, received;
    gint64 wall;
} AnswerTime;

typedef struct {
    char *name;           /* the id as a file name (name_encode()) */
    Record *record;       /* what is shown: @item or @full */
    Record *item;         /* NULL: the newest list does not have it */
    Record *full;         /* NULL: never fetched, or dropped to save memory */
    AnswerTime full_time; /* of @full */
    gint64 changed;       /* wall: when a value was last seen to change; 0: never */
    guint64 stamp;        /* grows whenever the directory may list other names */
    GList use;            /* for the cache: its place among the details by last use */
    gint64 used;   /* for the cache: when the full answer was last read; 0: not since it came */
    guint64 list;  /* the number of the list that @item came with */
    gint64 shrank; /* when the newest list that lacked a path of the item before was asked for */
    gboolean contested; /* the full answer is newer than the item and differs from it */
    guint refs;
} Object;

/* TRUE if the full answer is the one that is shown. */
gboolean object_shows_full(const Object *object);

/* TRUE if the list confirms @node of the record that is shown: the item has the same path. */
gboolean object_confirms(const Object *object, NodeIndex node);

/* TRUE if the list confirms that directory @node has exactly the names that are shown. */
gboolean object_confirms_listing(const Object *object, NodeIndex node);

/* The mtime of the object's directory: the newer of the last change and of the object's own
 * timestamps; without any, when it was first seen. Wall clock, microseconds. */
gint64 object_time(const Object *object);

Object *object_ref(Object *object);
void object_unref(Object *object);
