/* SPDX-License-Identifier: MIT */
#include "ppiofs/options/profile.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"

#include <string.h>

static const struct {
    const char *name;
    const char *url;
} profiles[] = {
    { PROFILE_DEFAULT, "https://api.ppio.com" },
    { "novita", "https://api.novita.ai" },
};

const char *profile_url(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(profiles); i++)
        if (strcmp(profiles[i].name, name) == 0)
            return profiles[i].url;
    return NULL;
}

char *profile_list(void)
{
    GString *list = g_string_new(profiles[0].name);

    for (gsize i = 1; i < G_N_ELEMENTS(profiles); i++)
        g_string_append_printf(list, ", %s", profiles[i].name);
    return g_string_free(list, FALSE);
}

static char *list_with_sections(const ConfigFile *file)
{
    g_autofree char *built_in = profile_list();
    g_auto(GStrv) sections = config_file_profiles(file);
    GString *list = g_string_new(built_in);

    for (gsize i = 0; sections[i]; i++) {
        g_autofree char *shown = text_printable(sections[i], -1, 64);

        if (!profile_url(sections[i]))
            g_string_append_printf(list, ", %s", shown);
    }
    return g_string_free(list, FALSE);
}

gboolean profile_check(const char *name, const ConfigFile *file, GError **error)
{
    gboolean in_file =
        file && config_file_has(file, name) && strcmp(name, CONFIG_FILE_DEFAULTS) != 0;

    if (in_file || profile_url(name))
        return TRUE;
    g_autofree char *shown = text_printable(name, -1, 64);
    g_autofree char *known = file ? list_with_sections(file) : profile_list();
    g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE, "unknown profile '%s': there are %s",
                shown, known);
    return FALSE;
}
