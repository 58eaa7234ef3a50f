/* SPDX-License-Identifier: MIT */
#include "ppiofs/options/private.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"
#include "ppiofs/http/http.h"
#include "ppiofs/model/kind.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

#define MAX_SHOWN 4096 /* bytes of a value in --print-config */

/* Microseconds of "12", "0.5", ".5" or "5."; FALSE for anything else, and for what is over the
 * largest number that any option allows. */
static gboolean parse_decimal(const char *text, gint64 *ret_us)
{
    gint64 us = 0, unit = G_USEC_PER_SEC;
    gboolean fraction = FALSE, digits = FALSE;

    for (; *text; text++) {
        if (*text == '.' && !fraction) {
            fraction = TRUE;
        } else if (g_ascii_isdigit(*text) && us < G_MAXINT64 / 100) {
            digits = TRUE;
            unit = fraction ? unit / 10 : unit;
            us = (fraction ? us : us * 10) + (*text - '0') * unit;
        } else {
            return FALSE;
        }
    }
    *ret_us = us;
    return digits;
}

static char *format_seconds(gint64 us)
{
    char *text = g_strdup_printf("%" G_GINT64_FORMAT ".%06d", us / G_USEC_PER_SEC,
                                 (int)(us % G_USEC_PER_SEC));
    gsize length = strlen(text);

    while (text[length - 1] == '0')
        text[--length] = '\0';
    if (text[length - 1] == '.')
        text[length - 1] = '\0';
    return text;
}

static gboolean parse_seconds(const OptionRow *row, const char *text, gint64 *field, GError **error)
{
    gboolean may_be_off = row->traits & OPTION_MAY_BE_OFF;
    g_autofree char *min = format_seconds(row->min), *max = format_seconds(row->max);
    gint64 us = 0;

    if (((may_be_off && strcmp(text, "off") == 0) || parse_decimal(text, &us)) && us <= row->max &&
        (us >= row->min || (may_be_off && us == 0))) {
        *field = us;
        return TRUE;
    }
    return error_set(error, PPIOFS_ERROR_USAGE, "must be a number of seconds from %s to %s%s", min,
                     max, may_be_off ? ", or 'off'" : "");
}

static gboolean parse_number(const OptionRow *row, const char *text, guint *field, GError **error)
{
    gboolean octal = row->type == OPTION_OCTAL;
    guint64 value;

    if (!g_ascii_string_to_unsigned(text, octal ? 8 : 10, row->min, row->max, &value, NULL))
        return error_set(error, PPIOFS_ERROR_USAGE,
                         octal ? "must be an octal number from %03o to %03o"
                               : "must be a whole number from %u to %u",
                         (guint)row->min, (guint)row->max);
    *field = value;
    return TRUE;
}

G_STATIC_ASSERT(sizeof(uid_t) == sizeof(guint) && sizeof(gid_t) == sizeof(guint));

static gboolean parse_owner(const OptionRow *row, const char *text, guint *field, GError **error)
{
    gboolean is_user = row->type == OPTION_UID;
    guint64 id;

    /* (uid_t)-1 means "none" to the kernel. */
    if (g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32 - 1, &id, NULL)) {
        *field = id;
        return TRUE;
    }
    const struct passwd *user = is_user ? getpwnam(text) : NULL;
    const struct group *group = is_user ? NULL : getgrnam(text);
    if (!user && !group)
        return error_set(error, PPIOFS_ERROR_USAGE, "must be the number or name of a %s",
                         is_user ? "user" : "group");
    *field = user ? user->pw_uid : group->gr_gid;
    return TRUE;
}

static gboolean parse_flag(const char *text, gboolean *field, GError **error)
{
    static const char *const yes[] = { "yes", "true", "on", "1", NULL };
    static const char *const no[] = { "no", "false", "off", "0", NULL };

    if (!g_strv_contains(yes, text) && !g_strv_contains(no, text))
        return error_set(error, PPIOFS_ERROR_USAGE, "must be yes or no");
    *field = g_strv_contains(yes, text);
    return TRUE;
}

/* An enum's value is the place of its word. */
G_STATIC_ASSERT(sizeof(SecretsMode) == sizeof(guint) && sizeof(SshNames) == sizeof(guint) &&
                sizeof(LogLevel) == sizeof(guint));

static gboolean parse_choice(const OptionRow *row, const char *text, guint *field, GError **error)
{
    g_auto(GStrv) words = g_strsplit(row->placeholder, "|", -1);

    for (guint i = 0; words[i]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *field = i;
            return TRUE;
        }
    }
    g_autofree char *known = g_strjoinv(" or ", words);
    return error_set(error, PPIOFS_ERROR_USAGE, "must be %s", known);
}

static char *format_choice(const OptionRow *row, guint value)
{
    g_auto(GStrv) words = g_strsplit(row->placeholder, "|", -1);

    return g_strdup(words[value]);
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

char *option_path(const char *path, const char *base, GError **error)
{
    const char *home = g_getenv("HOME");
    g_autofree char *full = NULL;

    if (g_str_has_prefix(path, "~/") && home && g_path_is_absolute(home))
        full = g_build_filename(home, path + 2, NULL);
    else if (g_path_is_absolute(path))
        full = g_strdup(path);
    else if (base)
        full = g_build_filename(base, path, NULL);
    if (!full) {
        error_set(error, PPIOFS_ERROR_USAGE,
                  "is relative, and the current directory is gone; change to another one, or give "
                  "a path that begins with /");
        return NULL;
    }
    if (strstr(full, "/../") || g_str_has_suffix(full, "/.."))
        return g_steal_pointer(&full);
    return g_canonicalize_filename(full, "/");
}

/* Without a '/' at its end. */
static char *parse_url(const char *text, GError **error)
{
    gsize length = strlen(text);

    while (length > 0 && text[length - 1] == '/')
        length--;
    g_autofree char *url = g_strndup(text, length);
    return http_check_url(url, error) ? g_steal_pointer(&url) : NULL;
}

/* What is wrong with the text, or NULL. */
static const char *text_fault(OptionType type, const char *text)
{
    gboolean is_plain = is_plain_text(text);

    if (!*text && type != OPTION_PROXY)
        return "must not be empty";
    if (type == OPTION_STRING && !is_plain)
        return "must be one line of plain text";
    if (type == OPTION_PROXY && (!is_plain || strchr(text, ' ')))
        return "must be a URL such as http://proxy.example:3128, or empty";
    if (type == OPTION_COMMAND && !g_shell_parse_argv(text, NULL, NULL, NULL))
        return "must be a program and its arguments, quoted as for a shell";
    return NULL;
}

static gboolean parse_text(OptionType type, const char *text, const char *base, char **field,
                           GError **error)
{
    const char *fault = text_fault(type, text);
    char *value;

    if (fault)
        return error_set(error, PPIOFS_ERROR_USAGE, "%s", fault);
    if (type == OPTION_PATH)
        value = option_path(text, base, error);
    else
        value = type == OPTION_URL ? parse_url(text, error) : g_strdup(text);
    if (!value)
        return FALSE;
    g_free(*field);
    *field = value;
    return TRUE;
}

static gboolean parse_kinds(const char *text, guint *field, GError **error)
{
    g_autoptr(GString) known = g_string_new(NULL);

    if (kinds_parse(text, field))
        return TRUE;
    for (guint i = 0; i < n_kinds; i++)
        g_string_append_printf(known, "%s%s", i == 0 ? "" : ", ", kinds[i].directory);
    return error_set(error, PPIOFS_ERROR_USAGE,
                     "must be " KINDS_ALL ", or some of %s, split by ':'", known->str);
}

gboolean option_set(Options *options, const OptionRow *row, const char *text, const char *base,
                    GError **error)
{
    gpointer field = (char *)options + row->offset;

    switch (row->type) {
    case OPTION_SECONDS:
        return parse_seconds(row, text, field, error);
    case OPTION_COUNT:
    case OPTION_OCTAL:
        return parse_number(row, text, field, error);
    case OPTION_UID:
    case OPTION_GID:
        return parse_owner(row, text, field, error);
    case OPTION_FLAG:
        return parse_flag(text, field, error);
    case OPTION_CHOICE:
        return parse_choice(row, text, field, error);
    case OPTION_KINDS:
        return parse_kinds(text, field, error);
    case OPTION_IGNORED:
        return TRUE;
    default:
        return parse_text(row->type, text, base, field, error);
    }
}

/* Without "user:password@". */
static char *format_proxy(const char *url)
{
    const char *host = strrchr(url, '@');
    const char *scheme = strstr(url, "://");
    gsize kept = scheme && scheme < host ? (gsize)(scheme + 3 - url) : 0;

    return host ? g_strdup_printf("%.*s***%s", (int)kept, url, host)
                : text_printable(url, -1, MAX_SHOWN);
}

/* The arguments may be as secret as the key. */
static char *format_command(const char *text)
{
    g_auto(GStrv) argv = NULL;
    int argc = 0;

    if (!g_shell_parse_argv(text, &argc, &argv, NULL))
        return NULL;
    g_autofree char *program = text_printable(argv[0], -1, MAX_SHOWN);
    return g_strconcat(program, argc > 1 ? " ..." : "", NULL);
}

static char *format_number(const OptionRow *row, gconstpointer field)
{
    switch (row->type) {
    case OPTION_SECONDS:
        if ((row->traits & OPTION_MAY_BE_OFF) && *(const gint64 *)field == 0)
            return g_strdup("off");
        return format_seconds(*(const gint64 *)field);
    case OPTION_OCTAL:
        return g_strdup_printf("%03o", *(const guint *)field);
    case OPTION_FLAG:
        return g_strdup(*(const gboolean *)field ? "yes" : "no");
    case OPTION_CHOICE:
        return format_choice(row, *(const guint *)field);
    case OPTION_KINDS:
        return kinds_words(*(const guint *)field);
    default:
        return g_strdup_printf("%u", *(const guint *)field);
    }
}

char *option_text(const Options *options, const OptionRow *row)
{
    gconstpointer field = (const char *)options + row->offset;

    if (row->type < OPTION_STRING)
        return format_number(row, field);

    const char *text = *(char *const *)field;
    if (text && row->type == OPTION_PROXY)
        return format_proxy(text);
    if (text && row->type == OPTION_COMMAND)
        return format_command(text);
    return text ? text_printable(text, -1, MAX_SHOWN) : NULL;
}
