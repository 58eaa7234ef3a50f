/* SPDX-License-Identifier: MIT */
/* errno: the one table from errors to the numbers that programs see. */
#pragma once

#include <glib.h>

/* EIO for an error of another domain. */
int errno_from_error(const GError *error);
