/* SPDX-License-Identifier: MIT */
/* collection_model: what tree.md ("Freshness") says a collection must show, in the smallest form: a
 * handful of objects, each with a handful of places that hold a small number or nothing. */
#pragma once

#include "ppiofs/model/collection.h"

#define NAMES 4

typedef enum {
    ROOT,
    STATUS,
    IMAGE,
    NETWORK,
    NETWORK_ID,
    NETWORK_IP,
    PORTS,
    PORT_1,
    PORT_1_PORT,
    PORT_1_ENDPOINT,
    PORT_2,
    PORT_2_PORT,
    PORT_2_ENDPOINT,
    TOOLS,
    TOOLS_SSH,
    TOOLS_SSH_PORT,
    PLACES,
} Place;

typedef struct {
    const char *path;
    Place parent; /* has a smaller number */
    gboolean is_directory, is_array, is_full_only;
} PlaceRow;
extern const PlaceRow places[PLACES];

/* What is in each place: 0 is nothing, a directory is 1. */
typedef struct {
    guint8 at[PLACES];
} Content;

gboolean content_equals(const Content *a, const Content *b);
gboolean content_agrees(const Content *item, const Content *full);
/* The children of a directory, as bits. */
guint content_names(const Content *content, Place directory);

typedef struct {
    gboolean known, listed, has_full, shows_full;
    gboolean in_list;     /* the newest list has it, as far as that was applied */
    gboolean contested;   /* the full answer is newer than the list, and says something else */
    gboolean may_be_item; /* the rules leave it open which of the two is shown */
    Content item, full;
    Content once; /* what any item had */
    gint64 item_asked, full_asked, gone_asked;
    gint64 shrank; /* when the newest list was asked for that lacked something of the one before */
} Expected;

typedef struct {
    Expected objects[NAMES];
    gint64 list_asked;
} Model;

const Content *expected_shown(const Expected *expected);

/* A list begins; it shows an object; all was looked at up to an object that it lacks. */
void model_list_begins(Model *model, gint64 asked);
void model_item(Model *model, guint i, const Content *item);
void model_unlisted(Model *model, guint i);
/* Answers of GETs. What they return is what collection_apply_record() and collection_remove()
 * return. */
gboolean model_full(Model *model, guint i, const Content *full, gint64 asked);
gboolean model_gone(Model *model, guint i, gint64 asked);
void model_drop_full(Model *model, guint i);
