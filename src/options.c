/* SPDX-License-Identifier: MIT */
#include "ppiofs/options.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"
#include "ppiofs/options/command_line.h"
#include "ppiofs/options/config_file.h"
#include "ppiofs/options/layer.h"
#include "ppiofs/options/option_table.h"
#include "ppiofs/options/option_value.h"
#include "ppiofs/options/profile.h"
#include "ppiofs/options/scrub.h"

#include <string.h>
#include <unistd.h>

#define SYSTEM_CONFIG PPIOFS_SYSCONFDIR "/ppiofs/config"

static Options *options_new(const CommandLine *line)
{
    Options *options = g_new0(Options, 1);
    gsize count;
    const OptionRow *rows = option_table(&count);

    options->mode = line->mode;
    options->foreground = line->foreground;
    options->uid = geteuid();
    options->gid = getegid();
    options->origins = g_new0(char *, count);
    for (gsize i = 0; i < count; i++)
        if (rows[i].fallback)
            option_value_set(options, &rows[i], rows[i].fallback, "/", NULL);
    return options;
}

/* Which words a call of @mode may have. A single word is the mount point where one is needed, and
 * else where it has a '/', which no profile has. */
static gboolean take_words(Options *options, const CommandLine *line, GError **error)
{
    gboolean must_have_point =
        options->mode != OPTIONS_CHECK && options->mode != OPTIONS_PRINT_CONFIG;
    guint count = line->words->len;
    guint most = options->mode == OPTIONS_REFRESH ? 1 : 2;
    const char *last = count > 0 ? g_ptr_array_index(line->words, count - 1) : NULL;
    gboolean has_point = count == 2 || (count == 1 && (must_have_point || strchr(last, '/')));
    g_autofree char *here = option_value_here();

    if (count > most || (must_have_point && (!last || !*last))) {
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE, "%s: see ppiofs --help",
                    count > most ? "too many words" : "the mount point is missing");
        return FALSE;
    }
    if (has_point && !(options->mountpoint = option_value_path(last, here, error))) {
        g_autofree char *shown = text_printable(last, -1, 4096);

        g_prefix_error(error, "%s: ", shown);
        return FALSE;
    }
    if (count > (guint)has_point && *(char *)g_ptr_array_index(line->words, 0))
        options->profile = g_strdup(g_ptr_array_index(line->words, 0));
    else
        options->profile = g_strdup(PROFILE_DEFAULT);
    return TRUE;
}

/* Which file that is must be known before any other option is. */
static ConfigFile *open_config(Options *options, const CommandLine *line, GError **error)
{
    const OptionRow *row = option_find("config");
    g_autofree char *here = option_value_here();
    g_autofree char *of_user = config_file_user_path("config");
    const char *given = command_line_value(line, "config");
    const char *variable = g_getenv("PPIOFS_CONFIG");
    gboolean named = given || (variable && *variable);
    const char *paths[] = { of_user ? of_user : SYSTEM_CONFIG, SYSTEM_CONFIG, NULL };
    ConfigFile *file = NULL;

    if (named) {
        const char *origin = given ? ORIGIN_COMMAND_LINE : "environment PPIOFS_CONFIG";

        if (!layer_value(options, row, given ? given : variable, here, origin, error))
            return NULL;
        paths[0] = options->config;
        paths[1] = NULL;
    }
    if (config_file_open(paths, named, &file, error) && file && !named)
        options->config = g_strdup(config_file_path(file));
    return file;
}

/* All sources, the strongest last. */
static gboolean lay_all(Options *options, const CommandLine *line, const ConfigFile *file,
                        GError **error)
{
    if (!profile_settle(&options->profile, file, error))
        return FALSE;

    const char *url = profile_url(options->profile);
    return (!url || option_value_set(options, option_find("api_url"), url, "/", error)) &&
           (!file || layer_section(options, file, CONFIG_FILE_DEFAULTS, error)) &&
           (!file || layer_section(options, file, options->profile, error)) &&
           layer_environment(options, error) && layer_command_line(options, line, error);
}

/* What depends on several options. */
static gboolean settle(Options *options, GError **error)
{
    if (!options->api_url) {
        g_autofree char *shown = text_printable(options->profile, -1, 64);

        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE,
                    "profile '%s' has no api_url: add one to its section of %s", shown,
                    options->config);
        return FALSE;
    }
    if (options->allow_other && strcmp(options_origin(options, "secrets"), ORIGIN_BUILT_IN) == 0) {
        options->secrets = SECRETS_HIDE;
        layer_set_origin(options, option_find("secrets"),
                         ORIGIN_BUILT_IN ", because of allow_other");
    }
    options->patience_us = MIN(options->patience_us, options->timeout_us);
    if (!options->fsname)
        options->fsname = g_strdup(options->profile);
    return TRUE;
}

Options *options_parse(int argc, char **argv, GError **error)
{
    scrub_argv(argc, argv);
    g_autoptr(CommandLine) line = command_line_parse(argc, argv, error);
    if (!line)
        return NULL;

    g_autoptr(Options) options = options_new(line);
    if (options->mode == OPTIONS_HELP || options->mode == OPTIONS_VERSION)
        return g_steal_pointer(&options);
    if (!take_words(options, line, error))
        return NULL;
    if (options->mode == OPTIONS_REFRESH)
        return g_steal_pointer(&options);

    g_autoptr(GError) cause = NULL;
    g_autoptr(ConfigFile) file = open_config(options, line, &cause);
    if (cause) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return NULL;
    }
    if (!lay_all(options, line, file, error) || !settle(options, error))
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
    gsize count;
    const OptionRow *rows = option_table(&count);
    const char *origin = options->origins[option_find(name) - rows];

    return origin ? origin : ORIGIN_BUILT_IN;
}

void options_free(Options *options)
{
    gsize count;
    const OptionRow *rows = option_table(&count);

    if (!options)
        return;
    for (gsize i = 0; i < count; i++) {
        option_value_clear(options, &rows[i]);
        g_free(options->origins[i]);
    }
    g_free(options->origins);
    g_free(options->profile);
    g_free(options->mountpoint);
    g_free(options);
}
