/* SPDX-License-Identifier: MIT */
#include "ppiofs/options/option_value.h"

#include "ppiofs/base/error.h"
#include "ppiofs/options/option_type.h"

#include <string.h>

gboolean option_type_refuse(GError **error, const char *why)
{
    g_set_error_literal(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE, why);
    return FALSE;
}

static gboolean parse_flag(const OptionRow *row, const char *text, const char *base, gpointer field,
                           GError **error)
{
    static const char *const yes[] = { "yes", "true", "on", "1", NULL };
    static const char *const no[] = { "no", "false", "off", "0", NULL };

    (void)row, (void)base;
    if (!g_strv_contains(yes, text) && !g_strv_contains(no, text))
        return option_type_refuse(error, "must be yes or no");
    *(gboolean *)field = g_strv_contains(yes, text);
    return TRUE;
}

static char *format_flag(const OptionRow *row, gconstpointer field)
{
    (void)row;
    return g_strdup(*(const gboolean *)field ? "yes" : "no");
}

/* An enum's value is the place of its word. */
G_STATIC_ASSERT(sizeof(SecretsMode) == sizeof(guint) && sizeof(SshNames) == sizeof(guint));

static gboolean parse_choice(const OptionRow *row, const char *text, const char *base,
                             gpointer field, GError **error)
{
    g_auto(GStrv) words = g_strsplit(row->placeholder, "|", -1);

    (void)base;
    for (guint i = 0; words[i]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *(guint *)field = i;
            return TRUE;
        }
    }
    g_autofree char *known = g_strjoinv(" or ", words);
    g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE, "must be %s", known);
    return FALSE;
}

static char *format_choice(const OptionRow *row, gconstpointer field)
{
    g_auto(GStrv) words = g_strsplit(row->placeholder, "|", -1);

    return g_strdup(words[*(const guint *)field]);
}

static gboolean parse_log_level(const OptionRow *row, const char *text, const char *base,
                                gpointer field, GError **error)
{
    (void)row, (void)base;
    if (!log_level_from_name(text, field))
        return option_type_refuse(error, "must be error, warning, info or debug");
    return TRUE;
}

static char *format_log_level(const OptionRow *row, gconstpointer field)
{
    (void)row;
    return g_strdup(log_level_name(*(const LogLevel *)field));
}

static const OptionValueType type_flag = { parse_flag, format_flag, FALSE };
static const OptionValueType type_choice = { parse_choice, format_choice, FALSE };
static const OptionValueType type_log_level = { parse_log_level, format_log_level, FALSE };

static const OptionValueType *const types[] = {
    [OPTION_SECONDS] = &option_type_seconds, [OPTION_COUNT] = &option_type_count,
    [OPTION_STRING] = &option_type_string,   [OPTION_PATH] = &option_type_path,
    [OPTION_URL] = &option_type_url,         [OPTION_PROXY] = &option_type_proxy,
    [OPTION_COMMAND] = &option_type_command, [OPTION_FLAG] = &type_flag,
    [OPTION_OCTAL] = &option_type_octal,     [OPTION_CHOICE] = &type_choice,
    [OPTION_LOG_LEVEL] = &type_log_level,    [OPTION_UID] = &option_type_uid,
    [OPTION_GID] = &option_type_gid,
};

gboolean option_value_set(Options *options, const OptionRow *row, const char *text,
                          const char *base, GError **error)
{
    return types[row->type]->parse(row, text, base, (char *)options + row->offset, error);
}

char *option_value_text(const Options *options, const OptionRow *row)
{
    const char *field = (const char *)options + row->offset;

    if ((row->traits & OPTION_MAY_BE_OFF) && *(const gint64 *)(gconstpointer)field == 0)
        return g_strdup("off");
    return types[row->type]->format(row, field);
}

gboolean option_value_is_public(const OptionRow *row)
{
    return row->type != OPTION_URL && row->type != OPTION_PROXY && row->type != OPTION_COMMAND;
}

void option_value_clear(Options *options, const OptionRow *row)
{
    char **text = (gpointer)((char *)options + row->offset);

    if (row->type != OPTION_IGNORED && types[row->type]->owns_text)
        g_clear_pointer(text, g_free);
}
