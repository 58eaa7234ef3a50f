/* SPDX-License-Identifier: MIT */
#include "ppiofs/options/command_line.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"
#include "ppiofs/options/command_switch.h"
#include "ppiofs/options/option_table.h"

#include <string.h>

static void setting_free(gpointer data)
{
    Setting *setting = data;

    g_free(setting->name);
    g_free(setting->value);
    g_free(setting);
}

static CommandLine *command_line_new(void)
{
    CommandLine *line = g_new0(CommandLine, 1);

    line->settings = g_ptr_array_new_with_free_func(setting_free);
    line->words = g_ptr_array_new_with_free_func(g_free);
    return line;
}

void command_line_free(CommandLine *line)
{
    if (!line)
        return;
    g_ptr_array_unref(line->settings);
    g_ptr_array_unref(line->words);
    g_free(line);
}

static gboolean usage(GError **error, const char *format, const char *word)
{
    g_autofree char *shown = text_printable(word, -1, 64);

    g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE, format, shown);
    return FALSE;
}

static gboolean add_setting(CommandLine *line, const char *item, GError **error)
{
    gsize length = strcspn(item, "=");
    g_autofree char *name = g_strndup(item, length);
    const OptionRow *row = option_find(name);

    if (!row) {
        option_set_unknown(name, NULL, error);
        return FALSE;
    }
    if (row->type == OPTION_IGNORED)
        return TRUE;
    if (row->traits & OPTION_ONLY_IN_FILE)
        return usage(error, "option '%s' is read from the configuration file only", name);
    if (!item[length] && row->type != OPTION_FLAG) {
        g_autofree char *wanted = g_strdup_printf("%s=%s", name, row->placeholder);

        return usage(error, "an option needs a value: %s", wanted);
    }

    Setting *setting = g_new0(Setting, 1);
    setting->name = g_steal_pointer(&name);
    setting->value = item[length] ? g_strdup(item + length + 1) : NULL;
    g_ptr_array_add(line->settings, setting);
    return TRUE;
}

static gboolean is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* The next character as libfuse reads it: "\," is a comma, "\040" a space. Returns how many bytes
 * of @text that took. "\000" is not an escape: nothing can go on after it. */
static gsize append_unescaped(GString *item, const char *text)
{
    if (text[0] != '\\' || !text[1]) {
        g_string_append_c(item, text[0]);
        return 1;
    }
    if (text[1] >= '0' && text[1] <= '3' && is_octal(text[2]) && is_octal(text[3]) &&
        strncmp(text + 1, "000", 3) != 0) {
        g_string_append_c(item, (text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
        return 4;
    }
    g_string_append_c(item, text[1]);
    return 2;
}

static gboolean add_settings(CommandLine *line, const char *list, GError **error)
{
    g_autoptr(GString) item = g_string_new(NULL);

    for (;;) {
        if (*list && *list != ',') {
            list += append_unescaped(item, list);
            continue;
        }
        /* fstab lines end in a comma now and then */
        if (item->len > 0 && !add_setting(line, item->str, error))
            return FALSE;
        if (!*list)
            return TRUE;
        g_string_truncate(item, 0);
        list++;
    }
}

static gboolean ends_reading(OptionsMode mode)
{
    return mode == OPTIONS_HELP || mode == OPTIONS_VERSION;
}

static gboolean set_mode(CommandLine *line, OptionsMode mode, GError **error)
{
    if (line->mode != OPTIONS_MOUNT && line->mode != mode && !ends_reading(mode)) {
        g_set_error_literal(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE,
                            "only one of --check, --refresh and --print-config at a time");
        return FALSE;
    }
    line->mode = mode;
    return TRUE;
}

static gboolean apply_switch(CommandLine *line, const CommandSwitch *found, GError **error)
{
    switch (found->action) {
    case SWITCH_MODE:
        return set_mode(line, found->mode, error);
    case SWITCH_DEBUG:
        line->foreground = TRUE;
        return add_setting(line, "log=debug", error);
    case SWITCH_FOREGROUND:
        line->foreground = TRUE;
        return TRUE;
    default:
        return TRUE;
    }
}

/* Takes argv[0] that starts with '-', and what belongs to it. Returns how many that were, 0 on
 * failure. */
static int take_dashed(CommandLine *line, char **argv, gboolean helper, GError **error)
{
    const CommandSwitch *found;

    if (g_str_has_prefix(argv[0], "-o")) {
        const char *list = argv[0][2] ? argv[0] + 2 : argv[1];

        if (!list)
            usage(error, "%s needs options after it", argv[0]);
        else if (add_settings(line, list, error))
            return argv[0][2] ? 1 : 2;
        return 0;
    }
    found = command_switch_find(argv[0], helper);
    if (!found)
        command_switch_set_unknown(argv[0], error);
    else if (apply_switch(line, found, error))
        return found->action == SWITCH_SKIP_ONE && argv[1] ? 2 : 1;
    return 0;
}

CommandLine *command_line_parse(int argc, char **argv, GError **error)
{
    g_autoptr(CommandLine) line = command_line_new();
    gboolean helper = argc > 0 && options_is_mount_helper(argv[0]);
    gboolean only_words = FALSE;

    for (int i = 1; i < argc && !ends_reading(line->mode);) {
        if (only_words || argv[i][0] != '-' || !argv[i][1]) {
            g_ptr_array_add(line->words, g_strdup(argv[i++]));
        } else if (strcmp(argv[i], "--") == 0) {
            only_words = TRUE;
            i++;
        } else {
            int taken = take_dashed(line, argv + i, helper, error);

            if (taken == 0)
                return NULL;
            i += taken;
        }
    }
    return g_steal_pointer(&line);
}

const char *command_line_value(const CommandLine *line, const char *name)
{
    for (guint i = line->settings->len; i > 0; i--) {
        const Setting *setting = g_ptr_array_index(line->settings, i - 1);

        if (strcmp(setting->name, name) == 0)
            return setting->value;
    }
    return NULL;
}
