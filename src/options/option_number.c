/* SPDX-License-Identifier: MIT */
#include "ppiofs/options/option_type.h"

#include "ppiofs/base/error.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

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

static char *format_seconds(const OptionRow *row, gconstpointer field)
{
    gint64 us = *(const gint64 *)field;
    char *text = g_strdup_printf("%" G_GINT64_FORMAT ".%06d", us / G_USEC_PER_SEC,
                                 (int)(us % G_USEC_PER_SEC));
    gsize length = strlen(text);

    (void)row;
    while (text[length - 1] == '0')
        text[--length] = '\0';
    if (text[length - 1] == '.')
        text[length - 1] = '\0';
    return text;
}

static gboolean parse_seconds(const OptionRow *row, const char *text, const char *base,
                              gpointer field, GError **error)
{
    gboolean may_be_off = row->traits & OPTION_MAY_BE_OFF;
    gint64 us = 0;
    gboolean number = (may_be_off && strcmp(text, "off") == 0) || parse_decimal(text, &us);
    gboolean off = may_be_off && us == 0;

    (void)base;
    if (!number || us > row->max || (us < row->min && !off)) {
        g_autofree char *min = format_seconds(row, &row->min);
        g_autofree char *max = format_seconds(row, &row->max);

        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE,
                    "must be a number of seconds from %s to %s%s", min, max,
                    may_be_off ? ", or 'off'" : "");
        return FALSE;
    }
    *(gint64 *)field = us;
    return TRUE;
}

static gboolean parse_count(const OptionRow *row, const char *text, const char *base,
                            gpointer field, GError **error)
{
    guint64 value;

    (void)base;
    if (!g_ascii_string_to_unsigned(text, 10, row->min, row->max, &value, NULL)) {
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE, "must be a whole number from %d to %d",
                    (int)row->min, (int)row->max);
        return FALSE;
    }
    *(guint *)field = value;
    return TRUE;
}

static char *format_count(const OptionRow *row, gconstpointer field)
{
    (void)row;
    return g_strdup_printf("%u", *(const guint *)field);
}

static gboolean parse_octal(const OptionRow *row, const char *text, const char *base,
                            gpointer field, GError **error)
{
    guint64 value;

    (void)row, (void)base;
    if (!g_ascii_string_to_unsigned(text, 8, 0, 0777, &value, NULL))
        return option_type_refuse(error, "must be an octal number from 000 to 777");
    *(guint *)field = value;
    return TRUE;
}

static char *format_octal(const OptionRow *row, gconstpointer field)
{
    (void)row;
    return g_strdup_printf("%03o", *(const guint *)field);
}

/* (uid_t)-1 means "none" to the kernel. */
static gboolean parse_number_of_owner(const char *text, guint64 *ret_id)
{
    return g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32 - 1, ret_id, NULL);
}

static gboolean parse_uid(const OptionRow *row, const char *text, const char *base, gpointer field,
                          GError **error)
{
    guint64 id;

    (void)row, (void)base;
    if (!parse_number_of_owner(text, &id)) {
        const struct passwd *user = getpwnam(text);

        if (!user)
            return option_type_refuse(error, "must be the number or name of a user");
        id = user->pw_uid;
    }
    *(uid_t *)field = id;
    return TRUE;
}

static gboolean parse_gid(const OptionRow *row, const char *text, const char *base, gpointer field,
                          GError **error)
{
    guint64 id;

    (void)row, (void)base;
    if (!parse_number_of_owner(text, &id)) {
        const struct group *group = getgrnam(text);

        if (!group)
            return option_type_refuse(error, "must be the number or name of a group");
        id = group->gr_gid;
    }
    *(gid_t *)field = id;
    return TRUE;
}

G_STATIC_ASSERT(sizeof(uid_t) == sizeof(guint) && sizeof(gid_t) == sizeof(guint));

const OptionValueType option_type_seconds = { parse_seconds, format_seconds, FALSE };
const OptionValueType option_type_count = { parse_count, format_count, FALSE };
const OptionValueType option_type_octal = { parse_octal, format_octal, FALSE };
const OptionValueType option_type_uid = { parse_uid, format_count, FALSE };
const OptionValueType option_type_gid = { parse_gid, format_count, FALSE };
