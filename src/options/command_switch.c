/* SPDX-License-Identifier: MIT */
#include "ppiofs/options/command_switch.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"
#include "ppiofs/options/option_table.h"

#include <string.h>

/* clang-format off */
static const CommandSwitch switches[] = {
    { "--check", NULL, "[PROFILE]", "one request: is the key good, is the API there",
      SWITCH_MODE, OPTIONS_CHECK },
    { "--refresh", NULL, "MOUNTPOINT", "drop now what a mount has cached",
      SWITCH_MODE, OPTIONS_REFRESH },
    { "--print-config", NULL, "[PROFILE]", "show all values and where they came from",
      SWITCH_MODE, OPTIONS_PRINT_CONFIG },
    { "-f", NULL, NULL, "stay in the foreground, log to standard error",
      SWITCH_FOREGROUND, OPTIONS_MOUNT },
    { "-d", NULL, NULL, "like -f, with -o log=debug", SWITCH_DEBUG, OPTIONS_MOUNT },
    { "-h", "--help", NULL, "show this text", SWITCH_MODE, OPTIONS_HELP },
    { "-V", "--version", NULL, "show the version", SWITCH_MODE, OPTIONS_VERSION },
};

/* What mount(8) passes to a helper: "mount.TYPE SOURCE DIRECTORY [-sfnv] [-t TYPE] [-o ...]". Here
 * -f means "do everything but mount". */
static const CommandSwitch helper_switches[] = {
    { "-f", NULL, NULL, NULL, SWITCH_MODE, OPTIONS_FAKE },
    { "-s", NULL, NULL, NULL, SWITCH_NOTHING, OPTIONS_MOUNT },
    { "-n", NULL, NULL, NULL, SWITCH_NOTHING, OPTIONS_MOUNT },
    { "-v", NULL, NULL, NULL, SWITCH_NOTHING, OPTIONS_MOUNT },
    { "-t", NULL, NULL, NULL, SWITCH_SKIP_ONE, OPTIONS_MOUNT },
};
/* clang-format on */

const CommandSwitch *command_switches(gsize *ret_count)
{
    *ret_count = G_N_ELEMENTS(switches);
    return switches;
}

static const CommandSwitch *find_in(const CommandSwitch *table, gsize count, const char *word)
{
    for (gsize i = 0; i < count; i++)
        if (strcmp(table[i].spelling, word) == 0 || g_strcmp0(table[i].other, word) == 0)
            return &table[i];
    return NULL;
}

const CommandSwitch *command_switch_find(const char *word, gboolean helper)
{
    const CommandSwitch *found = NULL;

    if (helper)
        found = find_in(helper_switches, G_N_ELEMENTS(helper_switches), word);
    return found ? found : find_in(switches, G_N_ELEMENTS(switches), word);
}

/* "--check" for "--chek", "-o ttl" for "--ttl"; NULL if nothing is near. */
static char *nearest(const char *word, const char *bare)
{
    if (!g_str_has_prefix(word, "--"))
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(switches); i++) {
        const char *known = switches[i].other ? switches[i].other : switches[i].spelling;

        if (g_str_has_prefix(known, "--") && option_distance(known, word) <= 2)
            return g_strdup(known);
    }
    const char *option = option_nearest(bare);
    return option ? g_strconcat("-o ", option, NULL) : NULL;
}

void command_switch_set_unknown(const char *word, GError **error)
{
    g_autofree char *name = g_strndup(word, strcspn(word, "="));
    g_autofree char *shown = text_printable(name, -1, 64);
    g_autofree char *bare = g_strdelimit(g_strdup(name + strspn(name, "-")), "-", '_');
    g_autofree char *hint = nearest(name, bare);

    if (option_refusal(bare))
        option_set_unknown(bare, NULL, error);
    else if (hint)
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE, "unknown option %s: did you mean %s?",
                    shown, hint);
    else
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE, "unknown option %s: see ppiofs --help",
                    shown);
}
