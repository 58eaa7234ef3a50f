/* SPDX-License-Identifier: MIT */
/* field: the one table of how an instance's fields depart from the general mapping of JSON to
 * files, and the mapping itself.
 *
 * General: object -> directory, scalar -> file with one newline, array of scalars -> file with a
 * line each, any other array -> directory by position. To add a rule, add a row in field.c. */
#pragma once

#include <cjson/cJSON.h>
#include <glib.h>

#include "ppiofs/tree/draft.h"

/* Adds every member of @object to the root of @draft. With @hide_secrets, secrets are left out. */
void fields_add(Draft *draft, const cJSON *object, gboolean hide_secrets);
