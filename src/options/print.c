/* SPDX-License-Identifier: MIT */
#include "ppiofs/options/private.h"

#include "ppiofs/base/text.h"

#include <string.h>

#define HELP_COLUMN 27 /* of the explanations in --help */
#define LINE_WIDTH 80

static const char usage_text[] =
    "Usage: ppiofs [PROFILE] MOUNTPOINT [-o OPTION[,OPTION...]] [-f] [-d]\n"
    "       ppiofs --check [PROFILE] [MOUNTPOINT] [-o ...]\n"
    "       ppiofs --refresh MOUNTPOINT\n"
    "\n"
    "Shows the instances of a GPU cloud account as files. PROFILE is a section of the\n"
    "configuration file, or one that is built in (%s).\n"
    "Unmount with: fusermount3 -u MOUNTPOINT\n";

static const char notes_text[] =
    "\n"
    "Each option can also be set by a variable (PPIOFS_TTL=30) or in the\n"
    "configuration file (ttl=30). The first of these wins: command line, environment,\n"
    "the profile's section, [defaults], built-in value.\n"
    "\n"
    "Configuration: $XDG_CONFIG_HOME/ppiofs/config (~/.config/ppiofs/config), "
    "else\n" PPIOFS_SYSCONFDIR "/ppiofs/config.\n"
    "\n"
    "The key comes from: api_key_file, the systemd credential ppio-api-key,\n"
    "api_key_command, $PPIO_API_KEY ($NOVITA_API_KEY for Novita),\n"
    "$XDG_CONFIG_HOME/ppiofs/api_key. The command line cannot carry it.\n"
    "\n"
    "Exit status: 0 ok, 1 failed, 2 wrong usage or configuration, 3 already mounted\n"
    "or busy, 4 no usable key, 32 any failure when started by mount(8).\n";

void help_append_entry(GString *out, const char *left, const char *help, const char *fallback)
{
    gsize start = out->len;

    g_string_append_printf(out, "  %s", left);
    if (out->len - start >= HELP_COLUMN)
        g_string_append_c(out, '\n'), start = out->len;
    g_string_append_printf(out, "%*s%s", (int)(HELP_COLUMN - (out->len - start)), "", help);
    if (fallback && out->len - start + strlen(fallback) + strlen(" []") > LINE_WIDTH)
        g_string_append_printf(out, "\n%*s[%s]", HELP_COLUMN, "", fallback);
    else if (fallback)
        g_string_append_printf(out, " [%s]", fallback);
    g_string_append_c(out, '\n');
}

static void append_options(GString *out)
{
    gsize count;
    const OptionRow *rows = option_table(&count);

    for (gsize i = 0; i < count && rows[i].type != OPTION_IGNORED; i++) {
        const OptionRow *row = &rows[i];
        g_autofree char *left = g_strconcat(row->traits & OPTION_ONLY_IN_FILE ? "" : "-o ",
                                            row->name, row->placeholder ? "=" : "",
                                            row->placeholder ? row->placeholder : "", NULL);

        help_append_entry(out, left, row->help, row->fallback ? row->fallback : row->otherwise);
    }
}

static void append_ignored(GString *out)
{
    gsize count;
    const OptionRow *rows = option_table(&count);
    gsize start = out->len;

    for (gsize i = 0; i < count; i++) {
        if (rows[i].type != OPTION_IGNORED)
            continue;
        if (out->len - start + strlen(rows[i].name) + 3 > LINE_WIDTH) {
            g_string_append_c(out, '\n');
            start = out->len;
        }
        g_string_append_printf(out, "%s%s", out->len == start ? "  " : " ", rows[i].name);
    }
    g_string_append_c(out, '\n');
}

char *options_help(void)
{
    g_autoptr(GKeyFile) no_file = g_key_file_new();
    g_autofree char *profiles = profile_list(no_file);
    GString *out = g_string_new(NULL);

    g_string_append_printf(out, usage_text, profiles);
    g_string_append_c(out, '\n');
    command_line_append_help(out);
    g_string_append(out, "\nOptions (default in brackets):\n");
    append_options(out);
    g_string_append(out,
                    "\nAlways on (ro, nosuid, nodev, noexec, default_permissions) or accepted\n"
                    "and ignored:\n");
    append_ignored(out);
    g_string_append(out, notes_text);
    return g_string_free(out, FALSE);
}

static void append_value(GString *out, const char *name, const char *value, const char *origin)
{
    g_autofree char *both = g_strdup_printf("%s=%s", name, value);

    g_string_append_printf(out, "%-40s # %s\n", both, origin);
}

char *options_print_config(const Options *options, const char *key_source)
{
    gsize count;
    const OptionRow *rows = option_table(&count);
    GString *out = g_string_new(NULL);
    g_autofree char *profile = text_printable(options->profile, -1, 64);

    g_string_append_printf(out, "[%s]\n", profile);
    for (gsize i = 0; i < count && rows[i].type != OPTION_IGNORED; i++) {
        g_autofree char *value = option_text(options, &rows[i]);
        const char *origin = options_origin(options, rows[i].name);

        if (value)
            append_value(out, rows[i].name, value, origin);
        else
            g_string_append_printf(out, "#%-39s # %s\n", rows[i].name, rows[i].otherwise);
    }
    if (key_source)
        g_string_append_printf(out, "# api_key is set from %s\n", key_source);
    else
        g_string_append(out, "# api_key is not set\n");
    return g_string_free(out, FALSE);
}
