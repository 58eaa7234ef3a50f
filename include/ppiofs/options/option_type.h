/* SPDX-License-Identifier: MIT */
/* option_type: how the text of each type of option is read and written. Used by option_value. */
#pragma once

#include "ppiofs/options/option_table.h"

typedef struct {
    /* @field is that of @row in Options. Sets PPIOFS_ERROR_USAGE: "must be ...". */
    gboolean (*parse)(const OptionRow *row, const char *text, const char *base, gpointer field,
                      GError **error);
    char *(*format)(const OptionRow *row, gconstpointer field); /* (transfer full), NULL: none */
    gboolean owns_text;                                         /* the field is a char * to free */
} OptionValueType;

extern const OptionValueType option_type_seconds;
extern const OptionValueType option_type_count;
extern const OptionValueType option_type_octal;
extern const OptionValueType option_type_uid;
extern const OptionValueType option_type_gid;
extern const OptionValueType option_type_string;
extern const OptionValueType option_type_path;
extern const OptionValueType option_type_url;
extern const OptionValueType option_type_proxy;
extern const OptionValueType option_type_command;

/* Sets PPIOFS_ERROR_USAGE, returns FALSE. */
gboolean option_type_refuse(GError **error, const char *why);
