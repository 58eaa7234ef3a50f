/* SPDX-License-Identifier: MIT */
/* config_file: the configuration file: a GKeyFile whose keys are option names. Its lines are never
 * repeated in an error: somebody's key may stand in one. */
#pragma once

#include <glib.h>

#define CONFIG_FILE_MAX_BYTES (64u << 10) /* a few hundred profiles; more is some other file */
#define CONFIG_FILE_DEFAULTS "defaults"   /* the section for all profiles */

typedef struct ConfigFile ConfigFile;

/* The user's own file called @name: $XDG_CONFIG_HOME/ppiofs/NAME, by default below ~/.config; NULL
 * if neither is known (at boot). Not g_get_user_config_dir(), which falls back on the password
 * database: a system mount must not depend on root's home. (transfer full) */
char *config_file_user_path(const char *name);

/* Reads the first of @paths (NULL-terminated) that exists. If none does, that is an error when
 * @must_exist, else *ret_file is NULL. Errors: PPIOFS_ERROR_USAGE, naming the file and the line;
 * also when anybody but this user and root could have written it. */
gboolean config_file_open(const char *const *paths, gboolean must_exist, ConfigFile **ret_file,
                          GError **error);

const char *config_file_path(const ConfigFile *file);

gboolean config_file_has(const ConfigFile *file, const char *section);

/* The names of all sections but [defaults]. (transfer full) */
char **config_file_profiles(const ConfigFile *file);

/* The keys of @section, none if it is missing. (transfer full) */
char **config_file_keys(const ConfigFile *file, const char *section);

/* PPIOFS_ERROR_USAGE if the value is not UTF-8 or has a broken escape. (transfer full) */
char *config_file_value(const ConfigFile *file, const char *section, const char *key,
                        GError **error);

void config_file_free(ConfigFile *file);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ConfigFile, config_file_free)
