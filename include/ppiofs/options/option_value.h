/* SPDX-License-Identifier: MIT */
/* option_value: the text of one option <-> the typed field in Options. Numbers are plain decimal
 * in every locale: no sign, exponent, unit or trailing characters. */
#pragma once

#include "ppiofs/options.h"
#include "ppiofs/options/option_table.h"

/* Sets the field of @row. Relative paths count from the directory @base (NULL: there is none),
 * "~/" from $HOME.
 * PPIOFS_ERROR_USAGE, with only what is wrong ("must be ..."), never with the value. */
gboolean option_value_set(Options *options, const OptionRow *row, const char *text,
                          const char *base, GError **error);

/* As a user would write it, fit for a terminal, without passwords; NULL if it has no value.
 * (transfer full) */
char *option_value_text(const Options *options, const OptionRow *row);

/* @path seen from @base, without "." and doubled slashes. ".." stays: what it means depends on
 * symbolic links. NULL, PPIOFS_ERROR_USAGE: it is relative, and @base is NULL. (transfer full) */
char *option_value_path(const char *path, const char *base, GError **error);

/* The current directory; NULL: it is gone. Not g_get_current_dir(), for which that is the root.
 * (transfer full) */
char *option_value_here(void);

/* Whether the value may be repeated in an error message. */
gboolean option_value_is_public(const OptionRow *row);

/* Frees what @row's field holds. */
void option_value_clear(Options *options, const OptionRow *row);
