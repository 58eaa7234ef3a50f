/* SPDX-License-Identifier: MIT */
#include "ppiofs/options.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"
#include "ppiofs/options/private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    const char *url;
} profiles[] = {
    { "ppio", "https://api.ppio.com" }, /* the default */
    { "novita", "https://api.novita.ai" },
};

const char *options_profile_url(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(profiles); i++)
        if (strcmp(profiles[i].name, name) == 0)
            return profiles[i].url;
    return NULL;
}

char *profile_list(GKeyFile *keys)
{
    g_auto(GStrv) sections = g_key_file_get_groups(keys, NULL);
    GString *list = g_string_new(profiles[0].name);

    for (gsize i = 1; i < G_N_ELEMENTS(profiles); i++)
        g_string_append_printf(list, ", %s", profiles[i].name);
    for (gsize i = 0; sections[i]; i++) {
        g_autofree char *shown = text_printable(sections[i], -1, 64);

        if (!options_profile_url(sections[i]) && strcmp(sections[i], CONFIG_FILE_DEFAULTS) != 0)
            g_string_append_printf(list, ", %s", shown);
    }
    return g_string_free(list, FALSE);
}

static gboolean is_profile(const char *name, GKeyFile *keys)
{
    return options_profile_url(name) ||
           (g_key_file_has_group(keys, name) && strcmp(name, CONFIG_FILE_DEFAULTS) != 0);
}

/* Makes the profile one that is known. mount(8) makes it an absolute path where a file of that name
 * is in the current directory, so of a path the last component counts. */
static gboolean settle_profile(Options *options, GKeyFile *keys, GError **error)
{
    g_autofree char *last = g_path_get_basename(options->profile);

    if (is_profile(options->profile, keys))
        return TRUE;
    if (strchr(options->profile, '/') && is_profile(last, keys)) {
        g_free(options->profile);
        options->profile = g_steal_pointer(&last);
        return TRUE;
    }
    g_autofree char *shown = text_printable(options->profile, -1, 4096);
    g_autofree char *known = profile_list(keys);
    return error_set(error, PPIOFS_ERROR_USAGE,
                     "unknown profile '%s' (known: %s); if it is the mount point, write ./%s",
                     shown, known, shown);
}

/* The current directory; NULL: it is gone. Not g_get_current_dir(), for which that is the root. */
static char *current_directory(void)
{
    char *here = getcwd(NULL, 0);

    if (here && *here != '/') /* "(unreachable)/...": outside of this root */
        g_clear_pointer(&here, free);
    return here;
}

static Options *options_new(void)
{
    Options *options = g_new0(Options, 1);
    gsize count;
    const OptionRow *rows = option_table(&count);

    options->origins = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    options->uid = geteuid();
    options->gid = getegid();
    for (gsize i = 0; i < count; i++)
        if (rows[i].fallback)
            option_set(options, &rows[i], rows[i].fallback, NULL, NULL);
    return options;
}

static const char *origin_of(const Options *options, const OptionRow *row)
{
    return g_hash_table_lookup(options->origins, row);
}

static void set_origin(Options *options, const OptionRow *row, const char *origin)
{
    g_hash_table_replace(options->origins, (gpointer)row, g_strdup(origin));
}

gboolean layer_set(Layers *layers, const OptionRow *row, const char *text, const char *base,
                   const char *origin, GError **error)
{
    const char *stronger = origin_of(layers->options, row);
    gboolean is_taken = !stronger || strcmp(stronger, origin) == 0; /* the last one of a source */
    gboolean is_public =
        row->type != OPTION_URL && row->type != OPTION_PROXY && row->type != OPTION_COMMAND;
    g_autofree char *shown = is_public ? text_printable(text, -1, 64) : g_strdup("");

    if (!option_set(is_taken ? layers->options : layers->covered, row, text, base, error)) {
        g_prefix_error(error, "%s: %s%s%s: ", origin, row->name, is_public ? "=" : "", shown);
        return FALSE;
    }
    if (is_taken)
        set_origin(layers->options, row, origin);
    return TRUE;
}

/* One that is empty counts as not set. */
static gboolean lay_variable(Layers *layers, const OptionRow *row, GError **error)
{
    g_autofree char *upper = g_ascii_strup(row->name, -1);
    g_autofree char *variable = g_strconcat("PPIOFS_", upper, NULL);
    g_autofree char *origin = g_strconcat("environment ", variable, NULL);
    const char *value = g_getenv(variable);

    if (!value || !*value)
        return TRUE;
    if (row->traits & OPTION_ONLY_IN_FILE)
        return error_set(error, PPIOFS_ERROR_USAGE,
                         "%s: %s: only the configuration file may set this option", origin,
                         row->name);
    return layer_set(layers, row, value, layers->here, origin, error);
}

static gboolean lay_environment(Layers *layers, GError **error)
{
    gsize count;
    const OptionRow *rows = option_table(&count);

    if (g_getenv("PPIOFS_API_KEY"))
        return error_set(error, PPIOFS_ERROR_USAGE,
                         "environment PPIOFS_API_KEY: api_key: the variable for the key is "
                         "PPIO_API_KEY");
    for (gsize i = 0; i < count && rows[i].type != OPTION_IGNORED; i++)
        if (!lay_variable(layers, &rows[i], error))
            return FALSE;
    return TRUE;
}

static gboolean lay_key(Layers *layers, GKeyFile *keys, const char *section, const char *key,
                        GError **error)
{
    const char *path = layers->options->config;
    g_autoptr(GError) cause = NULL; /* may be set although there is a value */
    g_autofree char *value = g_key_file_get_string(keys, section, key, &cause);
    g_autofree char *shown = text_printable(section, -1, 64);
    g_autofree char *origin = g_strdup_printf("%s [%s]", path, shown);
    g_autofree char *base = g_path_get_dirname(path);
    const OptionRow *row = option_find(key);

    if (!row || row->type == OPTION_IGNORED)
        option_set_unknown(key, error);
    else if (row->traits & OPTION_NEVER_IN_FILE)
        error_set(error, PPIOFS_ERROR_USAGE, "%s: a configuration file cannot name another one",
                  key);
    else if (!value || cause)
        error_set(error, PPIOFS_ERROR_USAGE,
                  "%s: the value is not UTF-8 or has a broken backslash escape", key);
    else
        return layer_set(layers, row, g_strchomp(value), base, origin, error);
    g_prefix_error(error, "%s: ", origin);
    return FALSE;
}

static gboolean lay_section(Layers *layers, GKeyFile *keys, const char *section, GError **error)
{
    g_auto(GStrv) names = g_key_file_get_keys(keys, section, NULL, NULL);

    for (gsize i = 0; names && names[i]; i++)
        if (!lay_key(layers, keys, section, names[i], error))
            return FALSE;
    return TRUE;
}

/* What depends on several options. */
static gboolean settle(Options *options, GError **error)
{
    const OptionRow *secrets = option_find("secrets");
    g_autofree char *profile = text_printable(options->profile, -1, 64);

    if (!options->api_url)
        options->api_url = g_strdup(options_profile_url(options->profile));
    if (!options->api_url)
        return error_set(error, PPIOFS_ERROR_USAGE,
                         "profile '%s' has no api_url; add one to its section of %s", profile,
                         options->config);
    if (options->allow_other && !origin_of(options, secrets)) {
        options->secrets = SECRETS_HIDE;
        set_origin(options, secrets, ORIGIN_BUILT_IN ", because of allow_other");
    }
    if (options->watch_us > 0 && !(options->kinds & options->watch_kinds))
        return error_set(error, PPIOFS_ERROR_USAGE,
                         "watch_kinds: none of these directories is shown; add one to kinds");
    if (!options->fsname)
        options->fsname = g_strdup(options->profile);
    options->patience_us = MIN(options->patience_us, options->timeout_us);
    return TRUE;
}

/* All sources but the command line. */
static gboolean lay_all(Layers *layers, GError **error)
{
    Options *options = layers->options;
    g_autoptr(GKeyFile) keys = g_key_file_new();

    if (!lay_environment(layers, error) || !config_file_load(keys, &options->config, error) ||
        !settle_profile(options, keys, error) ||
        !lay_section(layers, keys, options->profile, error) ||
        !lay_section(layers, keys, CONFIG_FILE_DEFAULTS, error))
        return FALSE;
    return settle(options, error);
}

/* Which words a call may have depends on what it is to do. A single word is the mount point where
 * one is needed, and else where it has a '/', which no profile has. */
static gboolean take_words(Options *options, const GPtrArray *words, const char *here,
                           GError **error)
{
    gboolean needs_point = options->mode != OPTIONS_CHECK && options->mode != OPTIONS_PRINT_CONFIG;
    guint count = words->len;
    const char *first = count > 0 ? words->pdata[0] : "";
    const char *last = count > 0 ? words->pdata[count - 1] : "";
    gboolean has_point = count == 2 || (count == 1 && (needs_point || strchr(last, '/')));

    if (count > (options->mode == OPTIONS_REFRESH ? 1 : 2))
        return error_set(error, PPIOFS_ERROR_USAGE, "too many arguments; see ppiofs --help");
    if (needs_point && !*last)
        return error_set(error, PPIOFS_ERROR_USAGE,
                         "the mount point is missing; see ppiofs --help");
    if (has_point && !(options->mountpoint = option_path(last, here, error))) {
        g_autofree char *shown = text_printable(last, -1, 4096);

        g_prefix_error(error, "%s: ", shown);
        return FALSE;
    }
    options->profile = g_strdup(count > (guint)has_point && *first ? first : profiles[0].name);
    return TRUE;
}

Options *options_parse(char **argv, GError **error)
{
    g_autoptr(Options) options = options_new();
    g_autoptr(Options) covered = options_new();
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *here = current_directory();
    Layers layers = { options, covered, here };

    if (!command_line_read(argv, &layers, words, error))
        return NULL;
    if (options->mode == OPTIONS_HELP || options->mode == OPTIONS_VERSION)
        return g_steal_pointer(&options);
    if (!take_words(options, words, here, error))
        return NULL;
    if (options->mode != OPTIONS_REFRESH && !lay_all(&layers, error))
        return NULL;
    return g_steal_pointer(&options);
}

gboolean options_is_mount_helper(const char *program)
{
    g_autofree char *name = g_path_get_basename(program);

    return g_str_has_prefix(name, "mount.");
}

const char *options_origin(const Options *options, const char *name)
{
    const char *origin = origin_of(options, option_find(name));

    return origin ? origin : ORIGIN_BUILT_IN;
}

void options_free(Options *options)
{
    gsize count;
    const OptionRow *rows = option_table(&count);

    if (!options)
        return;
    for (gsize i = 0; i < count; i++) {
        char **text = (gpointer)((char *)options + rows[i].offset);

        if (rows[i].type >= OPTION_STRING)
            g_free(*text);
    }
    g_hash_table_unref(options->origins);
    g_free(options->profile);
    g_free(options->mountpoint);
    g_free(options);
}
