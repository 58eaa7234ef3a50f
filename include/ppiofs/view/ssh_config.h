/* SPDX-License-Identifier: MIT */
/* ssh_config: ssh/config, for `Include` in ~/.ssh/config. A Host block for each instance that runs
 * and says how it is reached, sorted by id; a comment for each that runs and cannot have one.
 *
 * No byte of the API can add a directive, an option or a second pattern: what is not plain is left
 * out. */
#pragma once

#include "ppiofs/view/view.h"

void ssh_config_write(Buffer *out, const Listing *listing);
