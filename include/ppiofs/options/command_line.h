/* SPDX-License-Identifier: MIT */
/* command_line: argv taken apart: what to do, the -o settings in their order, and the words that
 * are left. What the settings are worth is decided elsewhere. */
#pragma once

#include <glib.h>

#include "ppiofs/options.h"

typedef struct {
    char *name;
    char *value; /* NULL: none was given, and it is a flag */
} Setting;

typedef struct {
    OptionsMode mode;
    gboolean foreground;
    GPtrArray *settings; /* Setting*, each known to option_find() */
    GPtrArray *words;    /* char*: [PROFILE] MOUNTPOINT */
} CommandLine;

/* -h and -V end the reading. PPIOFS_ERROR_USAGE. (transfer full) */
CommandLine *command_line_parse(int argc, char **argv, GError **error);

/* The value of the last setting called @name, or NULL. Borrowed. */
const char *command_line_value(const CommandLine *line, const char *name);

void command_line_free(CommandLine *line);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CommandLine, command_line_free)
