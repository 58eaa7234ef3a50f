/* SPDX-License-Identifier: MIT */
/* scrub: a key that was given on the command line by mistake, wiped from it. */
#pragma once

#include <glib.h>

/* Overwrites the value of every api_key=... in @argv, however it was given and spelled, so that
 * ps(1) and core files do not show it. To be called before anything else looks at @argv. */
void scrub_argv(int argc, char **argv);
