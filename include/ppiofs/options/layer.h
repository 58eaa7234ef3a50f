/* SPDX-License-Identifier: MIT */
/* layer: lays the values of one source over those that are there. Whoever is laid last wins; each
 * call checks all values of its source, also those that another covers later.
 * Errors: PPIOFS_ERROR_USAGE, naming the place and the option. */
#pragma once

#include "ppiofs/options.h"
#include "ppiofs/options/command_line.h"
#include "ppiofs/options/config_file.h"
#include "ppiofs/options/option_table.h"

#define ORIGIN_COMMAND_LINE "command line"
#define ORIGIN_BUILT_IN "built in"

/* One value. @origin is remembered, and put in front of an error. @base as in option_value_set().
 */
gboolean layer_value(Options *options, const OptionRow *row, const char *text, const char *base,
                     const char *origin, GError **error);

gboolean layer_section(Options *options, const ConfigFile *file, const char *section,
                       GError **error);

/* The PPIOFS_* variables, but PPIOFS_CONFIG. One that is empty counts as not set. */
gboolean layer_environment(Options *options, GError **error);

gboolean layer_command_line(Options *options, const CommandLine *line, GError **error);

/* Remembers where the value of @row is from. */
void layer_set_origin(Options *options, const OptionRow *row, const char *origin);
