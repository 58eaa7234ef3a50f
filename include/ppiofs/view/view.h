/* SPDX-License-Identifier: MIT */
/* view: the directories of the top level that show what there is another way. Pure: records in,
 * names and bytes out.
 *
 * Directories of links and tables are rows of kind.c. A view goes over all
 * records, of which there may be 100,000: so it is a recipe of passes, each of which takes one
 * record at a time, and making.h follows it in steps. */
#pragma once

#include <glib.h>

#include "ppiofs/base/buffer.h"
#include "ppiofs/model/record.h"
#include "ppiofs/tree/draft.h"

/* The settings on which views depend, besides the records. */
typedef struct {
    const char *profile;  /* "ppio": what stands behind names in ssh/config */
    gboolean short_names; /* there also without it */
} ViewSettings;

/* A view in the making. Its passes use what they need of this. */
typedef struct {
    const ViewSettings *settings;
    const char *field; /* of a directory of links */
    const KindTable *table;
    Draft *draft;        /* that directory; fails when memory ends */
    Buffer text;         /* a generated file; likewise */
    GHashTable *counts;  /* text -> a number; the keys are the records' own */
    GHashTable *strings; /* text -> a number; owns its keys */
} ViewParts;

#define VIEW_PASSES 3
typedef struct {
    gboolean by_id; /* the records come in the order of their ids; else in that of file names */
    void (*begin)(ViewParts *parts); /* what a file begins with; NULL: nothing */
    void (*passes[VIEW_PASSES + 1])(ViewParts *parts, const Record *record); /* ends with NULL */
} ViewRecipe;

/* Longest generated file: 100,000 instances of today need 20 MiB. */
#define VIEW_MAX_BYTES (64u << 20)

/* TRUE if the status of an instance is "running". */
gboolean view_is_running(const Record *record);
