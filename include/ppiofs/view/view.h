/* SPDX-License-Identifier: MIT */
/* view: the directories of the top level that show what there is another way. Pure: records in,
 * names and bytes out.
 *
 * Directories of links are rows of kind.c. To add a file, add a row in view.c. A view goes over all
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
    const char *field;   /* of a directory of links */
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

typedef enum {
    VIEW_NEEDS_LIST,
    VIEW_NEEDS_RUNNING_DETAILS, /* the list, and the full record of each instance that runs */
} ViewNeed;

/* A file that is generated. */
typedef struct {
    const Kind *kind; /* of what it is made */
    const char *directory, *name;
    ViewNeed need;
    const ViewRecipe *recipe;
} FileView;

/* Longest generated file: 100,000 instances of today need 20 MiB. */
#define VIEW_MAX_BYTES (64u << 20)

const FileView *view_files(gsize *ret_n);

/* TRUE if the status of an instance is "running". */
gboolean view_is_running(const Record *record);
