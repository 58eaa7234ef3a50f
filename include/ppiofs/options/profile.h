/* SPDX-License-Identifier: MIT */
/* profile: the first word of a call or of an fstab line: a built-in API or a section of the
 * configuration file. */
#pragma once

#include "ppiofs/options/config_file.h"

#define PROFILE_DEFAULT "ppio"

/* The API's base URL of a built-in profile, else NULL. */
const char *profile_url(const char *name);

/* Makes @name one that is built in or in @file (which may be NULL): mount(8) makes it an absolute
 * path where a file of that name is in the current directory, so of a path the last component
 * counts. PPIOFS_ERROR_USAGE, naming those there are. */
gboolean profile_settle(char **name, const ConfigFile *file, GError **error);

/* "ppio, novita". (transfer full) */
char *profile_list(void);
