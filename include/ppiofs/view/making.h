/* SPDX-License-Identifier: MIT */
/* making: a view comes into being, in steps. It shows the records with which
 * it began, even if newer ones arrive meanwhile. */
#pragma once

#include "ppiofs/view/view.h"

typedef struct Making Making;

/* The view to make. @file NULL: a directory of links, by @field. All borrowed. */
typedef struct {
    const ViewRecipe *recipe;
    const char *file, *field;
    const ViewSettings *settings;
    const KindTable *table;
} MakingOrder;

/* A directory of symlinks to the objects of @kind, from list data only. */
MakingOrder view_of_links(const Kind *kind, const KindLink *link);

MakingOrder view_of_table(const KindTable *table);
MakingOrder view_of_ssh_config(const ViewSettings *settings);

/* @records: Record*, in the order of their file names; taken. @older: the view as it was before,
 * or NULL; what it has as well keeps its mtime, what is new gets @wall. (transfer full) */
Making *making_new(const MakingOrder *order, GPtrArray *records, Subtree *older, gint64 wall);

/* Goes on for about @n records or nodes. TRUE: it is done. */
gboolean making_step(Making *making, guint n);

/* Frees it. The view, a file as node 1; @older itself if nothing has changed. NULL: memory ended,
 * or it was not done. (transfer full) */
Subtree *making_finish(Making *making);

void making_free(Making *making);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Making, making_free)
