/* SPDX-License-Identifier: MIT */
#include "ppiofs/view/making.h"

#include <string.h>

#include "ppiofs/base/hash.h"
#include "ppiofs/base/sort.h"

/* Each stage goes on to the next:
 *
 *   SORT      the records by their ids, if the recipe wants them so
 *   PASSES    the recipe's, each over all records
 *   PACK      the draft becomes a tree
 *   COMPARE   with the older one: is it the same?
 *   DATE      if not, what is new in it?
 *   DONE      also when memory ended */
typedef enum { STAGE_SORT, STAGE_PASSES, STAGE_PACK, STAGE_COMPARE, STAGE_DATE, STAGE_DONE } Stage;

struct Making {
    MakingOrder order;
    ViewParts parts;
    GPtrArray *records;
    Sort by_id;
    Stage stage;
    guint pass, at; /* the next record of which pass */
    Subtree *older, *tree;
    gint64 wall;
};

static int compare_ids(guint32 a, guint32 b, gconstpointer data)
{
    const GPtrArray *records = data;

    return strcmp(record_id(records->pdata[a]), record_id(records->pdata[b]));
}

Making *making_new(const MakingOrder *order, GPtrArray *records, Subtree *older, gint64 wall)
{
    Making *making = g_new0(Making, 1);
    ViewParts *parts = &making->parts;

    making->order = *order;
    making->records = records;
    making->older = older == NULL ? NULL : subtree_ref(older);
    making->wall = wall;
    parts->settings = order->settings;
    parts->field = order->field;
    parts->table = order->table;
    parts->draft = draft_new();
    parts->text.most = VIEW_MAX_BYTES;
    parts->counts = g_hash_table_new(hash_text, g_str_equal);
    parts->strings = g_hash_table_new_full(hash_text, g_str_equal, g_free, NULL);
    if (order->recipe->begin != NULL)
        order->recipe->begin(parts);
    making->stage = order->recipe->by_id ? STAGE_SORT : STAGE_PASSES;
    if (order->recipe->by_id && !sort_init(&making->by_id, records->len, compare_ids, records))
        making->stage = STAGE_DONE;
    return making;
}

static const Record *next_record(Making *making)
{
    guint at = making->at++;

    return making->records->pdata[making->order.recipe->by_id ? making->by_id.items[at] : at];
}

/* FALSE: that was the last of the last pass. */
static gboolean pass_next(Making *making)
{
    const ViewRecipe *recipe = making->order.recipe;

    if (recipe->passes[making->pass] == NULL)
        return FALSE;
    if (making->at < making->records->len) {
        recipe->passes[making->pass](&making->parts, next_record(making));
        return TRUE;
    }
    making->pass++;
    making->at = 0;
    return TRUE;
}

/* A file that failed is none. */
static void end_passes(Making *making)
{
    Buffer *text = &making->parts.text;

    making->stage = text->failed ? STAGE_DONE : STAGE_PACK;
    if (making->order.file == NULL || text->failed)
        return;
    draft_file(making->parts.draft, 0, making->order.file, text->bytes, text->length, 0);
    buffer_clear(text);
}

static void end_pack(Making *making)
{
    making->tree = draft_finish(g_steal_pointer(&making->parts.draft), NULL);
    making->stage = making->tree == NULL ? STAGE_DONE : STAGE_COMPARE;
}

static gboolean is_same(const Subtree *a, const Subtree *b)
{
    return a != NULL && subtree_agrees(a, 0, b, 0) && subtree_agrees(b, 0, a, 0);
}

static void compare(Making *making)
{
    making->stage = STAGE_DATE;
    if (!is_same(making->older, making->tree))
        return;
    subtree_unref(making->tree);
    making->tree = g_steal_pointer(&making->older);
    making->stage = STAGE_DONE;
}

gboolean making_step(Making *making, guint n)
{
    switch (making->stage) {
    case STAGE_SORT:
        if (sort_step(&making->by_id, n))
            making->stage = STAGE_PASSES;
        break;
    case STAGE_PASSES:
        while (n > 0 && pass_next(making))
            n--;
        if (n > 0)
            end_passes(making);
        break;
    case STAGE_PACK:
        if (draft_step(making->parts.draft, n))
            end_pack(making);
        break;
    case STAGE_COMPARE:
        compare(making);
        break;
    case STAGE_DATE:
        subtree_date(making->tree, making->older, making->wall, making->wall);
        making->stage = STAGE_DONE;
        break;
    case STAGE_DONE:
        break;
    }
    return making->stage == STAGE_DONE;
}

Subtree *making_finish(Making *making)
{
    Subtree *tree = making->stage == STAGE_DONE ? g_steal_pointer(&making->tree) : NULL;

    making_free(making);
    return tree;
}

void making_free(Making *making)
{
    if (making == NULL)
        return;
    draft_free(making->parts.draft);
    buffer_clear(&making->parts.text);
    g_hash_table_unref(making->parts.counts);
    g_hash_table_unref(making->parts.strings);
    sort_clear(&making->by_id);
    g_ptr_array_unref(making->records);
    subtree_unref(making->older);
    subtree_unref(making->tree);
    g_free(making);
}
