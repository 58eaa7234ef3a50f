/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/sort.h"

gboolean sort_init(Sort *sort, guint32 n, SortCompare compare, gconstpointer data)
{
    *sort = (Sort){ .n = n, .compare = compare, .data = data };
    sort->items = g_try_new(guint32, n);
    sort->spare = g_try_new(guint32, n);
    for (guint32 i = 0; sort->items != NULL && i < n; i++)
        sort->items[i] = i;
    return n == 0 || (sort->items != NULL && sort->spare != NULL);
}

static gboolean in_order(const Sort *sort, guint32 a, guint32 b)
{
    return sort->compare(sort->items[a], sort->items[b], sort->data) <= 0;
}

static void begin_pair(Sort *sort, guint32 start)
{
    sort->start = sort->left = sort->next = start;
    sort->right = MIN(start + sort->width, sort->n);
}

/* Before the first merge: how far all is in order already. FALSE: at @next it is not. */
static gboolean look_on(Sort *sort)
{
    if (sort->next + 1 >= sort->n)
        sort->width = sort->n;
    else if (in_order(sort, sort->next, sort->next + 1))
        sort->next++;
    else
        return FALSE;
    return TRUE;
}

static void end_pass(Sort *sort)
{
    guint32 *merged = sort->spare;

    sort->spare = sort->items;
    sort->items = merged;
    sort->width = sort->width > sort->n / 2 ? sort->n : 2 * sort->width;
    begin_pair(sort, 0);
}

/* The two runs begin at @start; @left and @right are the next of each, @next the place they go to.
 */
static void merge_one(Sort *sort)
{
    guint32 middle = MIN(sort->start + sort->width, sort->n);
    guint32 end = MIN(middle + sort->width, sort->n);
    gboolean from_left =
        sort->left < middle && (sort->right >= end || in_order(sort, sort->left, sort->right));

    sort->spare[sort->next++] = sort->items[from_left ? sort->left++ : sort->right++];
    if (sort->next == sort->n)
        end_pass(sort);
    else if (sort->next == end)
        begin_pair(sort, end);
}

gboolean sort_step(Sort *sort, guint n)
{
    for (; n > 0 && sort->width < sort->n; n--) {
        if (sort->width > 0) {
            merge_one(sort);
        } else if (!look_on(sort)) {
            sort->width = 1;
            begin_pair(sort, 0);
        }
    }
    return sort->width >= sort->n;
}

void sort_clear(Sort *sort)
{
    g_clear_pointer(&sort->items, g_free);
    g_clear_pointer(&sort->spare, g_free);
}
