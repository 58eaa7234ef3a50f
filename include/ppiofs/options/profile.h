/* SPDX-License-Identifier: MIT */
/* profile: the first word of a call or of an fstab line: a built-in API or a section of the
 * configuration file. */
#pragma once

#include "ppiofs/options/config_file.h"

#define PROFILE_DEFAULT "ppio"

/* The API's base URL of a built-in profile, else NULL. */
const char *profile_url(const char *name);

/* PPIOFS_ERROR_USAGE, naming those there are, if @name is neither built in nor in @file (which may
 * be NULL). */
gboolean profile_check(const char *name, const ConfigFile *file, GError **error);

/* "ppio, novita". (transfer full) */
char *profile_list(void);
