/* SPDX-License-Identifier: MIT */
/* common_name: names that nearly every record has. They stand here once, not in every subtree: with
 * ten thousand instances, each known twice, that is a tenth of all memory. To know a name here is
 * never needed: it only costs less. */
#pragma once

#include <glib.h>

#define COMMON_NAME_NONE G_MAXUINT32

/* The number of @name, or COMMON_NAME_NONE. */
guint32 common_name_find(const char *name);

/* Static; never freed. */
const char *common_name(guint32 number);

/* Numbers are below this. */
guint32 common_name_count(void);
