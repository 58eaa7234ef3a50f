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

static gboolean is_known(const char *name, const ConfigFile *file)
{
    return profile_url(name) ||
           (file && config_file_has(file, name) && strcmp(name, CONFIG_FILE_DEFAULTS) != 0);
}

gboolean profile_settle(char **name, const ConfigFile *file, GError **error)
{
    g_autofree char *last = g_path_get_basename(*name);

    if (is_known(*name, file))
        return TRUE;
    if (strchr(*name, '/') && is_known(last, file)) {
        g_free(*name);
        *name = g_steal_pointer(&last);
        return TRUE;
    }
    g_autofree char *shown = text_printable(*name, -1, 4096);
    g_autofree char *known = file ? list_with_sections(file) : profile_list();
    g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE,
                "unknown profile '%s' (known: %s); if it is the mount point, write ./%s", shown,
                known, shown);
    return FALSE;
}
