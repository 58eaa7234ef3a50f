/* SPDX-License-Identifier: MIT */
/* links: directories of symlinks into instances/. */
#pragma once

#include "ppiofs/view/view.h"

/* <name> -> ../instances/<id>. A name that several share appears for none of them bare: each gets
 * <name>~<id>. An instance without a name is left out. */
extern const ViewRecipe links_by_name;

/* <value>/<id> -> ../../instances/<id>, for the value of the field. An instance without the field,
 * or with an empty one, is left out. */
extern const ViewRecipe links_by_field;
