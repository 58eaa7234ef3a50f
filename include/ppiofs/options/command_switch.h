/* SPDX-License-Identifier: MIT */
/* command_switch: the table of all switches but -o. */
#pragma once

#include <glib.h>

#include "ppiofs/options.h"

typedef enum {
    SWITCH_MODE,
    SWITCH_FOREGROUND,
    SWITCH_DEBUG,
    SWITCH_NOTHING,  /* accepted, means nothing here */
    SWITCH_SKIP_ONE, /* so does its argument */
} SwitchAction;

typedef struct {
    const char *spelling; /* "-f", "--check" */
    const char *other;    /* "--help" of "-h"; NULL: there is none */
    const char *argument; /* for --help only; NULL: none */
    const char *help;
    SwitchAction action;
    OptionsMode mode; /* of SWITCH_MODE */
} CommandSwitch;

/* Those of --help, in its order. */
const CommandSwitch *command_switches(gsize *ret_count);

/* As a mount @helper, mount(8)'s switches come first. NULL if there is no such switch. */
const CommandSwitch *command_switch_find(const char *word, gboolean helper);

/* PPIOFS_ERROR_USAGE, naming the nearest switch or option; never what stands behind a '='. */
void command_switch_set_unknown(const char *word, GError **error);
