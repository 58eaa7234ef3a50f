/* SPDX-License-Identifier: MIT */
/* ssh_config: ssh/config, for `Include` in ~/.ssh/config. A Host block for each instance that runs
 * and says how it is reached, sorted by id; a comment by id for what is left out, and why.
 *
 * The patterns are NAME.profile and ID.profile, so that no instance can take the name of another
 * host, whatever it is called: ssh takes each keyword from the first block that has it, and a block
 * of the user's own with the same name would even mix with the instance's. With short_names, NAME
 * and ID alone, too, unless they could be the name or the address of a host: one with a dot, of the
 * loopback, or a number.
 *
 * No byte of the API can add a directive, an option or a second pattern: a name of anything but
 * letters and digits of any script, '.', '_' and '-' is left out. */
#pragma once

#include "ppiofs/view/view.h"

extern const ViewRecipe ssh_config;
