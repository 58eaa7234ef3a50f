/* SPDX-License-Identifier: MIT */
/* table: tables/instances.tsv. A header, then a line for each instance, sorted by id; tabs,
 * newlines, backslashes and control bytes in values as \t \n \\ \xNN. */
#pragma once

#include "ppiofs/view/view.h"

void table_write(GString *out, const Listing *listing);
