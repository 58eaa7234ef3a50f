/* SPDX-License-Identifier: MIT */
/* view: the directories of the top level that show the whole fleet another way. Pure: a listing in,
 * names and bytes out.
 *
 * To add one, add a row in view.c: a directory of symlinks needs a function that adds them to a
 * draft (or, where instances are sorted by a field, only the field's path), a generated file one
 * that writes it. */
#pragma once

#include <glib.h>

#include "ppiofs/base/buffer.h"
#include "ppiofs/model/fleet.h"
#include "ppiofs/tree/draft.h"

/* A directory of symlinks into instances/, from list data only. */
typedef struct LinkView {
    const char *name;
    void (*add)(Draft *draft, const Listing *listing, const char *field);
    const char *field;     /* the path of the field that decides */
    gboolean shares_names; /* a link of one instance may depend on the others */
} LinkView;

typedef enum {
    VIEW_NEEDS_LIST,
    VIEW_NEEDS_RUNNING_DETAILS, /* the list, and the full record of each instance that runs */
} ViewNeed;

/* What the views show depends on, besides the listing. */
typedef struct {
    const char *profile;  /* "ppio": what stands behind names in ssh/config */
    gboolean short_names; /* there also without it */
} ViewSettings;

/* A file that is generated. */
typedef struct {
    const char *directory, *name;
    ViewNeed need;
    void (*write)(Buffer *out, const Listing *listing, const ViewSettings *settings);
} FileView;

/* What a generated file may have: 100,000 instances of today need 20 MiB. */
#define VIEW_MAX_BYTES (64u << 20)

const LinkView *view_links(gsize *ret_n);

/* The fields of all link views, for fleet_new(). */
const char *const *view_fields(void);
const FileView *view_files(gsize *ret_n);

/* Whether the status of an instance is "running". */
gboolean view_is_running(const Instance *instance);

/* The instances, Instance*, in the order of their ids: a listing is sorted by file names, which
 * escape what ids may hold. They are borrowed. (transfer container) */
GPtrArray *view_sorted_by_id(const Listing *listing);
