/* SPDX-License-Identifier: MIT */
/* later: what holds very many is freed in turns of the loop, so that nobody waits for it. */
#pragma once

#include <glib.h>

/* Frees the elements of @array with its free function, and then the array. Nobody else may hold it.
 * An element may itself hold such an array. (takes @array; NULL: nothing) */
void later_free_array(GPtrArray *array);
