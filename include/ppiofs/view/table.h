/* SPDX-License-Identifier: MIT */
/* table: tables/instances.tsv and the like. A header, then a line for each object, sorted by id;
 * tabs, newlines, backslashes and control bytes in values as \t \n \\ \xNN; a cell of more than 4
 * KiB is cut. */
#pragma once

#include "ppiofs/view/view.h"

extern const ViewRecipe table_recipe;
