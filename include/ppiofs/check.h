/* SPDX-License-Identifier: MIT */
/* check: what --check tells a person: configuration, key, API, machine, mount point, one line each,
 * "ok" or what to do. One request; nothing is changed. */
#pragma once

#include <glib.h>

#include "ppiofs/options.h"

/* FALSE if anything would keep a mount from working, with the error of the first such thing: its
 * code says which exit status is due. */
gboolean check_run(const Options *options, GError **error);
