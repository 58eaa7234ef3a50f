/* SPDX-License-Identifier: MIT */
/* kind: the one table of what an account holds. A kind is a row, and everything else follows from
 * it: the directory, where its list is, how its objects become files, links and tables.
 *
 * To add a kind, add a row in kind.c. */
#pragma once

#include <glib.h>
#include <string.h>

#include "ppiofs/model/field.h"

/* A directory of symlinks to the objects, sorted by the value of a field: by-status. By the name
 * (Kind.name) there is one link an object, else a directory for each value. */
typedef struct {
    const char *directory;
    const char *field; /* as in record_peek() */
} KindLink;

typedef enum {
    COLUMN_VALUE,
    COLUMN_LIST,  /* an array of texts: joined by commas */
    COLUMN_COUNT, /* of what is in a directory */
} ColumnType;

typedef struct {
    const char *heading;
    const char *path; /* as in record_peek(); what begins with an asterisk is of a KindTable.each */
    ColumnType type;
} KindColumn;

/* A file of tables/: a line for each object. */
typedef struct {
    const char *file;
    const char *each; /* the path of an array: a line for each of its elements; NULL: no such */
    const KindColumn *columns;
} KindTable;

typedef struct {
    const char *directory; /* "instances": in the root, and the word for many of them */
    const char *one;       /* "instance": the word for one of them */
    const char *about;     /* what they are, for .ppiofs/README */
    const char *route;     /* of the list: GET {api_url}/gpus/v2/instances; the single GET's less
                              its "/<id>" */
    const char *query;     /* what every request for the list says; NULL: nothing */
    const char *items;     /* the member of an answer that holds the items, an array */
    const char *identity;  /* the member of an item that is its id, a text of 1 to 255 characters */
    const char *name;      /* the member that people call it by; it need not be there */
    const char *const *times; /* fields: when something happened to it; Unix seconds */
    const char *const *gone;  /* with one of these as status the object is as good as gone */
    const FieldRule *rules;   /* where its files depart from the general mapping */
    const KindLink *links;
    const KindTable *tables;
    gint64 lives_us;     /* how long its list is good at least, whatever ttl is */
    gboolean single_get; /* an item of the list lacks what the single GET has; else it is all */
} Kind;                  /* a list ends with a zero element; NULL: it is empty */

extern const Kind kinds[];
extern const guint n_kinds;

/* The one kind with a single GET, by-*, and ssh; an API that does not have it is none. */
#define KIND_INSTANCES (&kinds[0])

/* A set of kinds has a bit for each row. */
static inline guint kinds_all(void)
{
    return (1u << n_kinds) - 1;
}

/* The set in "instances:products", or in "all". FALSE: one is not known, or there is none. */
#define KINDS_ALL "all"
gboolean kinds_parse(const char *text, guint *ret_set);

/* The same the other way round. (transfer full) */
char *kinds_words(guint set);

static inline guint kind_n_links(const Kind *kind)
{
    guint n = 0;

    while (kind->links != NULL && kind->links[n].directory != NULL)
        n++;
    return n;
}

/* A link of one object may depend on the others: a name that several share stands for none. */
static inline gboolean kind_link_is_by_name(const Kind *kind, const KindLink *link)
{
    return strcmp(link->field, kind->name) == 0;
}
