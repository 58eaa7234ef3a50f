/* SPDX-License-Identifier: MIT */
/* sort: a stable merge sort of the numbers 0 to n - 1 that can be done in steps, so that nobody
 * waits for the whole of a long one. Numbers that are in order already cost one comparison each. */
#pragma once

#include <glib.h>

typedef int (*SortCompare)(guint32 a, guint32 b, gconstpointer data);

/* All but @items is the sort's own. */
typedef struct {
    guint32 *items; /* in order when sort_step() has said so */
    guint32 *spare;
    guint32 n;
    guint32 width;                    /* runs of that many are in order; 0: not looked at yet */
    guint32 start, left, right, next; /* of the two runs that are merged: see sort.c */
    SortCompare compare;
    gconstpointer data;
} Sort;

/* @data is for @compare, and borrowed. FALSE when memory ends. */
gboolean sort_init(Sort *sort, guint32 n, SortCompare compare, gconstpointer data);

/* Moves the next @n. TRUE: all are in order. */
gboolean sort_step(Sort *sort, guint n);

void sort_clear(Sort *sort);
