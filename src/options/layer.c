/* SPDX-License-Identifier: MIT */
#include "ppiofs/options/layer.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"
#include "ppiofs/options/option_value.h"

void layer_set_origin(Options *options, const OptionRow *row, const char *origin)
{
    gsize count;
    gsize i = row - option_table(&count);

    g_free(options->origins[i]);
    options->origins[i] = g_strdup(origin);
}

static gboolean fail(GError **error, const char *origin, const char *name, const char *why)
{
    g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE, "%s: %s: %s", origin, name, why);
    return FALSE;
}

gboolean layer_value(Options *options, const OptionRow *row, const char *text, const char *base,
                     const char *origin, GError **error)
{
    g_autoptr(GError) cause = NULL;

    if (option_value_set(options, row, text, base, &cause)) {
        layer_set_origin(options, row, origin);
        return TRUE;
    }
    if (!option_value_is_public(row))
        return fail(error, origin, row->name, cause->message);
    g_autofree char *shown = text_printable(text, -1, 64);
    g_autofree char *both = g_strdup_printf("%s=%s", row->name, shown);
    return fail(error, origin, both, cause->message);
}

static gboolean layer_key(Options *options, const ConfigFile *file, const char *section,
                          const char *key, GError **error)
{
    const char *path = config_file_path(file);
    g_autofree char *shown = text_printable(section, -1, 64);
    g_autofree char *origin = g_strdup_printf("%s [%s]", path, shown);
    g_autofree char *base = g_path_get_dirname(path);
    const OptionRow *row = option_find(key);

    if (!row || row->type == OPTION_IGNORED) {
        option_set_unknown(key, origin, error);
        return FALSE;
    }
    if (row->traits & OPTION_NEVER_IN_FILE)
        return fail(error, origin, row->name, "a configuration file cannot name another one");
    g_autofree char *value = config_file_value(file, section, key, error);
    return value && layer_value(options, row, value, base, origin, error);
}

gboolean layer_section(Options *options, const ConfigFile *file, const char *section,
                       GError **error)
{
    g_auto(GStrv) keys = config_file_keys(file, section);

    for (gsize i = 0; keys[i]; i++)
        if (!layer_key(options, file, section, keys[i], error))
            return FALSE;
    return TRUE;
}

static gboolean layer_variable(Options *options, const OptionRow *row, GError **error)
{
    g_autofree char *variable = option_variable(row->name);
    g_autofree char *origin = g_strdup_printf("environment %s", variable);
    g_autofree char *here = option_value_here();
    const char *value = g_getenv(variable);

    if (!value || !*value || row->type == OPTION_IGNORED)
        return TRUE;
    if (row->traits & OPTION_ONLY_IN_FILE)
        return fail(error, origin, row->name, "is read from the configuration file only");
    return layer_value(options, row, value, here, origin, error);
}

gboolean layer_environment(Options *options, GError **error)
{
    gsize count;
    const OptionRow *rows = option_table(&count);
    const OptionRow *config = option_find("config"); /* was needed, and read, before */

    if (g_getenv("PPIOFS_API_KEY"))
        return fail(error, "environment PPIOFS_API_KEY", "api_key",
                    "the variable for the key is PPIO_API_KEY");
    for (gsize i = 0; i < count; i++)
        if (&rows[i] != config && !layer_variable(options, &rows[i], error))
            return FALSE;
    return TRUE;
}

gboolean layer_command_line(Options *options, const CommandLine *line, GError **error)
{
    g_autofree char *here = option_value_here();

    for (guint i = 0; i < line->settings->len; i++) {
        const Setting *setting = g_ptr_array_index(line->settings, i);
        const char *value = setting->value ? setting->value : "yes"; /* a flag's */

        if (!layer_value(options, option_find(setting->name), value, here, ORIGIN_COMMAND_LINE,
                         error))
            return FALSE;
    }
    return TRUE;
}
