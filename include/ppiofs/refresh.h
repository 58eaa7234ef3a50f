/* SPDX-License-Identifier: MIT */
/* refresh: --refresh: tells the ppiofs that serves a mount to drop what it has cached (SIGHUP). */
#pragma once

#include <glib.h>

/* Returns once it is told, not once it has done so. PPIOFS_ERROR_USAGE if no living ppiofs is
 * mounted at @mountpoint, PPIOFS_ERROR_FAILED if it is not this user's or cannot be told. */
gboolean refresh_run(const char *mountpoint, GError **error);
