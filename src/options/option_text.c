/* SPDX-License-Identifier: MIT */
#include "ppiofs/options/option_type.h"

#include "ppiofs/base/text.h"
#include "ppiofs/http/http.h"
#include "ppiofs/options/option_value.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_SHOWN 4096 /* bytes of a value in --print-config */

static void set_string(gpointer field, char *value)
{
    g_free(*(char **)field);
    *(char **)field = value;
}

static gboolean is_plain_text(const char *text)
{
    if (!g_utf8_validate(text, -1, NULL))
        return FALSE;
    for (; *text; text = g_utf8_next_char(text))
        if (text_is_control(g_utf8_get_char(text)))
            return FALSE;
    return TRUE;
}

static gboolean parse_string(const OptionRow *row, const char *text, const char *base,
                             gpointer field, GError **error)
{
    (void)row, (void)base;
    if (!*text)
        return option_type_refuse(error, "must not be empty");
    if (!is_plain_text(text))
        return option_type_refuse(error, "must be one line of plain text");
    set_string(field, g_strdup(text));
    return TRUE;
}

static char *format_string(const OptionRow *row, gconstpointer field)
{
    const char *text = *(char *const *)field;

    (void)row;
    return text ? text_printable(text, -1, MAX_SHOWN) : NULL;
}

char *option_value_here(void)
{
    char *here = getcwd(NULL, 0);

    if (here && *here != '/') /* "(unreachable)/...": outside of this root */
        g_clear_pointer(&here, free);
    return here;
}

char *option_value_path(const char *path, const char *base, GError **error)
{
    const char *home = g_getenv("HOME");
    g_autofree char *full = NULL;
    g_autofree char *inside = NULL;

    if (g_str_has_prefix(path, "~/") && home && g_path_is_absolute(home))
        full = g_build_filename(home, path + 2, NULL);
    else if (g_path_is_absolute(path))
        full = g_strdup(path);
    else if (base)
        full = g_build_filename(base, path, NULL);
    else
        option_type_refuse(error, "is relative, and the current directory is gone; change to "
                                  "another one, or give a path that begins with /");
    if (!full)
        return NULL;
    inside = g_strconcat(full, "/", NULL);
    if (strstr(inside, "/../"))
        return g_steal_pointer(&full);
    return g_canonicalize_filename(full, "/");
}

static gboolean parse_path(const OptionRow *row, const char *text, const char *base, gpointer field,
                           GError **error)
{
    (void)row;
    if (!*text)
        return option_type_refuse(error, "must not be empty");
    char *path = option_value_path(text, base, error);
    if (path)
        set_string(field, path);
    return path != NULL;
}

static gboolean parse_url(const OptionRow *row, const char *text, const char *base, gpointer field,
                          GError **error)
{
    gsize length = strlen(text);

    (void)row, (void)base;
    while (length > 0 && text[length - 1] == '/')
        length--;
    g_autofree char *url = g_strndup(text, length);
    if (!http_check_url(url, error))
        return FALSE;
    set_string(field, g_steal_pointer(&url));
    return TRUE;
}

static gboolean parse_proxy(const OptionRow *row, const char *text, const char *base,
                            gpointer field, GError **error)
{
    (void)row, (void)base;
    if (!is_plain_text(text) || strchr(text, ' '))
        return option_type_refuse(error,
                                  "must be a URL such as http://proxy.example:3128, or empty");
    set_string(field, g_strdup(text));
    return TRUE;
}

/* Without "user:password@". */
static char *format_proxy(const OptionRow *row, gconstpointer field)
{
    const char *url = *(char *const *)field;
    const char *host = url ? strrchr(url, '@') : NULL;
    const char *scheme = url ? strstr(url, "://") : NULL;

    (void)row;
    if (!host)
        return format_string(row, field);
    if (!scheme || scheme > host)
        return g_strconcat("***", host, NULL);
    return g_strdup_printf("%.*s***%s", (int)(scheme + 3 - url), url, host);
}

static gboolean parse_command(const OptionRow *row, const char *text, const char *base,
                              gpointer field, GError **error)
{
    (void)row, (void)base;
    if (!g_shell_parse_argv(text, NULL, NULL, NULL))
        return option_type_refuse(error,
                                  "must be a program and its arguments, quoted as for a shell");
    set_string(field, g_strdup(text));
    return TRUE;
}

/* The arguments may be as secret as the key. */
static char *format_command(const OptionRow *row, gconstpointer field)
{
    const char *text = *(char *const *)field;
    g_auto(GStrv) argv = NULL;
    int argc = 0;

    (void)row;
    if (!text || !g_shell_parse_argv(text, &argc, &argv, NULL))
        return NULL;
    g_autofree char *program = text_printable(argv[0], -1, MAX_SHOWN);
    return g_strconcat(program, argc > 1 ? " ..." : "", NULL);
}

const OptionValueType option_type_string = { parse_string, format_string, TRUE };
const OptionValueType option_type_path = { parse_path, format_string, TRUE };
const OptionValueType option_type_url = { parse_url, format_string, TRUE };
const OptionValueType option_type_proxy = { parse_proxy, format_proxy, TRUE };
const OptionValueType option_type_command = { parse_command, format_command, TRUE };
