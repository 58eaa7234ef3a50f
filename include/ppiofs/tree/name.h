/* SPDX-License-Identifier: MIT */
/* name: API strings as file names, and back.
 *
 * Control characters (text_is_control()), '/', '%' and invalid UTF-8 become %XX byte by byte; so do
 * a leading '-' and the whole names "." and ".."; the empty string becomes "%". Over 255 bytes, and
 * where it looks like a name so cut, the name is cut on a character boundary and ends in '~' and 16
 * hex digits of the SHA-256 of the raw string. So no two strings have one name. */
#pragma once

#include <glib.h>

#define NAME_MAX_BYTES 255

/* (transfer full) */
char *name_encode(const char *raw);

/* The raw string that encodes to @name, or NULL when there is none or it cannot be told (a cut
 * name, a broken or superfluous escape). (transfer full) */
char *name_decode(const char *name);

/* TRUE if the name was cut to length: only a comparison with all raw strings finds its own. */
gboolean name_is_cut(const char *name);

/* TRUE for names that editors, shells, indexers and file managers look for: names that start with a
 * dot, "4913", "*~", "*.swp", "autorun.inf", "desktop.ini", "Thumbs.db", "HEAD" (git). They are
 * never worth a request. */
gboolean name_is_junk(const char *name);
