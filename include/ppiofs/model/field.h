/* SPDX-License-Identifier: MIT */
/* field: how the fields of an object become files.
 *
 * General: object -> directory, scalar -> file with one newline, array of scalars -> file with a
 * line each, any other array -> directory by position. Where a kind departs from that, its rules
 * say so. */
#pragma once

#include <cjson/cJSON.h>
#include <glib.h>

#include "ppiofs/tree/draft.h"

typedef enum {
    RULE_OBJECT,  /* the document says object: null and [] show as an empty directory */
    RULE_LIST,    /* array of objects: elements are directories, by position or by @argument */
    RULE_MAP,     /* array of {key, value}: a secret file per element, named by @argument */
    RULE_FLATTEN, /* object: its member @argument takes its place, the others are NAME_member */
    RULE_ALSO_AS, /* shown at the top as @argument, too */
    RULE_SECRET,
} RuleKind;

typedef struct {
    const char *path; /* "tools.ssh.command"; of the elements of a RULE_LIST "workers.log" */
    RuleKind kind;
    const char *argument;
} FieldRule;

/* Adds every member of @object to the root of @draft. @rules end with a NULL path. With
 * @hide_secrets, secrets are left out. */
void fields_add(Draft *draft, const cJSON *object, const FieldRule *rules, gboolean hide_secrets);
