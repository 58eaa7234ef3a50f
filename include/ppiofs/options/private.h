/* SPDX-License-Identifier: MIT */
/* private: what the files of options/ share; for nobody else.
 *
 *   table.c          all options, and the words that are refused
 *   value.c          the text of an option <-> its field in Options
 *   command_line.c   argv taken apart
 *   config_file.c    the configuration file
 *   print.c          --help and --print-config
 *
 * Errors are PPIOFS_ERROR_USAGE. They never repeat what may be a key. */
#pragma once

#include <glib.h>

#include "ppiofs/options.h"

#define ORIGIN_BUILT_IN "built in"
#define CONFIG_FILE_DEFAULTS "defaults" /* the section for all profiles */

typedef enum {
    OPTION_SECONDS, /* gint64, microseconds */
    OPTION_COUNT,   /* guint */
    OPTION_OCTAL,   /* guint, permission bits */
    OPTION_UID,     /* uid_t, by number or name */
    OPTION_GID,     /* gid_t, by number or name */
    OPTION_FLAG,    /* gboolean; without a value: TRUE */
    OPTION_CHOICE,  /* an enum, whose words are those of the placeholder, split by '|' */
    OPTION_KINDS,   /* guint, a set (kind.h) */
    OPTION_IGNORED, /* accepted on the command line, means nothing here; a final '*' stands for any
                       ending */
    /* The types from here on are a char * that is to be freed. */
    OPTION_STRING,  /* no control characters */
    OPTION_PATH,    /* absolute */
    OPTION_URL,     /* the API's base URL */
    OPTION_PROXY,   /* shown without user and password */
    OPTION_COMMAND, /* only its first word is shown */
} OptionType;

typedef enum {
    OPTION_ONLY_IN_FILE = 1 << 0, /* of the configuration */
    OPTION_NEVER_IN_FILE = 1 << 1,
    OPTION_MAY_BE_OFF = 1 << 2, /* of seconds: "off" and 0 are allowed below @min, too */
} OptionTraits;

/* The parser, --help, --print-config, and the tests of man pages and completions follow this table:
 * adding an option is adding a row (and its field). */
typedef struct {
    const char *name;
    OptionType type;
    gsize offset;          /* of the field in Options */
    const char *fallback;  /* the built-in value, as a user would write it; NULL: see @otherwise */
    const char *otherwise; /* what no value means, for a reader */
    const char *placeholder; /* of the value in --help; NULL: it takes none */
    const char *help;
    gint64 min, max; /* of seconds (in microseconds) and numbers */
    OptionTraits traits;
} OptionRow;

/* All rows, in the order in which they are shown. */
const OptionRow *option_table(gsize *ret_count);

/* NULL if there is no such option. */
const OptionRow *option_find(const char *name);

/* The nearest option's name to a mistyped @name, or NULL if none is near. */
const char *option_nearest(const char *name);

/* How far two words are apart: letters to insert, drop or change, or neighbours to swap. */
guint option_distance(const char *a, const char *b);

/* Why an option that others have is not offered, and what to do instead; NULL: no such case. */
const char *option_refusal(const char *name);

/* An option that is not in the table: why, or which one is the nearest. Returns FALSE. */
gboolean option_set_unknown(const char *name, GError **error);

/* Sets the field of @row. Numbers are plain decimal in every locale: no sign, exponent, unit or
 * trailing characters. Relative paths count from the directory @base (NULL: there is none), "~/"
 * from $HOME. The error has only what is wrong ("must be ..."), never the value. */
gboolean option_set(Options *options, const OptionRow *row, const char *text, const char *base,
                    GError **error);

/* As a user would write it, fit for a terminal, without passwords; NULL if it has no value.
 * (transfer full) */
char *option_text(const Options *options, const OptionRow *row);

/* @path seen from @base, without "." and doubled slashes. ".." stays: what it means depends on
 * symbolic links. NULL with an error: it is relative, and @base is NULL. (transfer full) */
char *option_path(const char *path, const char *base, GError **error);

/* The sources of values, from the strongest to the weakest. */
typedef struct {
    Options *options;
    Options *covered; /* takes what @options does not */
    const char *here; /* the current directory; NULL: it is gone */
} Layers;

/* Takes one value of the source @origin, unless a stronger source has given that option one: then
 * the value is checked only. @base as in option_set(). The error names the place and the option. */
gboolean layer_set(Layers *layers, const OptionRow *row, const char *text, const char *base,
                   const char *origin, GError **error);

/* Takes mode, foreground and the -o options of @argv (which ends in NULL); adds to @words what is
 * left: [PROFILE] MOUNTPOINT. -h and -V end the reading. Words that were not read, and
 * the wrong word of a rejected call, are wiped from @argv: they may contain a key. */
gboolean command_line_read(char **argv, Layers *layers, GPtrArray *words, GError **error);

/* All switches but -o, as --help shows them. */
void command_line_append_help(GString *out);

/* A line of --help, or two. @fallback may be NULL. */
void help_append_entry(GString *out, const char *left, const char *help, const char *fallback);

/* Reads the file *path into @keys, which is empty. *path NULL: the user's or the system's, the
 * first that is there; sets *path to that one, and leaves it where neither is. The error names the
 * file and the line. A file that anybody but this user and root could have written is refused. */
gboolean config_file_load(GKeyFile *keys, char **path, GError **error);

/* "ppio, novita", and the sections of @keys. (transfer full) */
char *profile_list(GKeyFile *keys);
