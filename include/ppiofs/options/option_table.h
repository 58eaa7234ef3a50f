/* SPDX-License-Identifier: MIT */
/* option_table: the one list of all -o options. The parser, --help, --print-config, and the tests
 * of man pages and completions follow it: adding an option is adding a row (and its field). */
#pragma once

#include <glib.h>

typedef enum {
    OPTION_SECONDS,   /* gint64, microseconds */
    OPTION_COUNT,     /* guint */
    OPTION_STRING,    /* char *, no control characters */
    OPTION_PATH,      /* char *, absolute */
    OPTION_URL,       /* char *, the API's base URL */
    OPTION_PROXY,     /* char *, shown without user and password */
    OPTION_COMMAND,   /* char *, only its first word is shown */
    OPTION_FLAG,      /* gboolean; without a value: TRUE */
    OPTION_OCTAL,     /* guint, permission bits */
    OPTION_CHOICE,    /* an enum, whose words are those of the placeholder, split by '|' */
    OPTION_LOG_LEVEL, /* LogLevel */
    OPTION_UID,       /* uid_t, by number or name */
    OPTION_GID,       /* gid_t, by number or name */
    OPTION_IGNORED,   /* accepted on the command line, means nothing here; a final '*' stands for
                         any ending */
} OptionType;

typedef enum {
    OPTION_ONLY_IN_FILE = 1 << 0, /* of the configuration */
    OPTION_NEVER_IN_FILE = 1 << 1,
    OPTION_MAY_BE_OFF = 1 << 2, /* of seconds: "off" and 0 are allowed below @min, too */
} OptionTraits;

typedef struct {
    const char *name;
    OptionType type;
    gsize offset;          /* of the field in Options */
    const char *fallback;  /* the built-in value, as a user would write it; NULL: see @otherwise */
    const char *otherwise; /* what no value means, for a reader */
    const char *placeholder; /* of the value in --help; NULL: it takes none */
    const char *help;
    gint64 min, max; /* of seconds (in microseconds) and counts */
    OptionTraits traits;
} OptionRow;

/* All rows, in the order in which they are shown. */
const OptionRow *option_table(gsize *ret_count);

/* NULL if there is no such option. */
const OptionRow *option_find(const char *name);

/* The nearest option's name to a mistyped @name, or NULL if none is near. */
const char *option_nearest(const char *name);

/* Why an option that others have is not offered, and what to do instead; NULL: no such case. */
const char *option_refusal(const char *name);

/* Whether the value of @name is a key that must not stay in argv. @length as for strncmp(). */
gboolean option_carries_key(const char *name, gsize length);

/* PPIOFS_ERROR_USAGE for an option that is not in the table: why, or what the nearest is. @where
 * is put in front; NULL: nothing is. */
void option_set_unknown(const char *name, const char *where, GError **error);

/* How far two words are apart: letters to insert, drop or change, or neighbours to swap. */
guint option_distance(const char *a, const char *b);

/* "PPIOFS_TTL" for "ttl". (transfer full) */
char *option_variable(const char *name);
