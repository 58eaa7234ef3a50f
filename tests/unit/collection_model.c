/* SPDX-License-Identifier: MIT */
#include "collection_model.h"

#include <string.h>

const PlaceRow places[PLACES] = {
    /* path                              parent     directory array  full only */
    [ROOT] = { "", ROOT, TRUE, FALSE, FALSE },
    [STATUS] = { "status", ROOT, FALSE, FALSE, FALSE },
    [IMAGE] = { "image", ROOT, FALSE, FALSE, FALSE },
    [NETWORK] = { "network", ROOT, TRUE, FALSE, FALSE },
    [NETWORK_ID] = { "network/id", NETWORK, FALSE, FALSE, FALSE },
    [NETWORK_IP] = { "network/ip", NETWORK, FALSE, FALSE, TRUE },
    [PORTS] = { "ports", ROOT, TRUE, TRUE, FALSE },
    [PORT_1] = { "ports/1", PORTS, TRUE, FALSE, FALSE },
    [PORT_1_PORT] = { "ports/1/port", PORT_1, FALSE, FALSE, FALSE },
    [PORT_1_ENDPOINT] = { "ports/1/endpoint", PORT_1, FALSE, FALSE, FALSE },
    [PORT_2] = { "ports/2", PORTS, TRUE, FALSE, FALSE },
    [PORT_2_PORT] = { "ports/2/port", PORT_2, FALSE, FALSE, FALSE },
    [PORT_2_ENDPOINT] = { "ports/2/endpoint", PORT_2, FALSE, FALSE, FALSE },
    [TOOLS] = { "tools", ROOT, TRUE, FALSE, TRUE },
    [TOOLS_SSH] = { "tools/ssh", TOOLS, TRUE, FALSE, TRUE },
    [TOOLS_SSH_PORT] = { "tools/ssh/port", TOOLS_SSH, FALSE, FALSE, TRUE },
};

gboolean content_equals(const Content *a, const Content *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

guint content_names(const Content *content, Place directory)
{
    guint names = 0;

    for (Place p = directory + 1; p < PLACES; p++)
        if (places[p].parent == directory && content->at[p] != 0)
            names |= 1u << p;
    return names;
}

gboolean content_agrees(const Content *item, const Content *full)
{
    for (Place p = 0; p < PLACES; p++)
        if (item->at[p] != 0 &&
            (item->at[p] != full->at[p] ||
             (places[p].is_array && content_names(item, p) != content_names(full, p))))
            return FALSE;
    return TRUE;
}

/* Something that was in @old, and is in @full, is missing in @new. */
static gboolean lost(const Content *old, const Content *new, const Content *full)
{
    for (Place p = 0; p < PLACES; p++)
        if (old->at[p] != 0 && full->at[p] != 0 && new->at[p] == 0)
            return TRUE;
    return FALSE;
}

const Content *expected_shown(const Expected *expected)
{
    return expected->shows_full ? &expected->full : &expected->item;
}

static void forget(Expected *e)
{
    *e = (Expected){ .gone_asked = e->gone_asked };
}

void model_list_begins(Model *model, gint64 asked)
{
    model->list_asked = asked;
    for (guint i = 0; i < NAMES; i++)
        model->objects[i].in_list = FALSE;
}

static void set_item(Expected *e, const Content *item, gint64 asked)
{
    e->listed = e->in_list = TRUE;
    e->item = *item;
    e->item_asked = asked;
    for (Place p = 0; p < PLACES; p++)
        e->once.at[p] |= item->at[p];
}

void model_item(Model *model, guint i, const Content *item)
{
    Expected *e = &model->objects[i];
    gint64 asked = model->list_asked;
    Content old = e->listed ? e->item : (Content){ 0 };
    gboolean same = e->listed && content_equals(&old, item);
    gboolean older_full = e->shows_full && e->full_asked < asked;

    if (!e->known && asked <= e->gone_asked)
        return;
    e->known = TRUE;
    if (!same)
        e->contested =
            e->shows_full && (!content_agrees(item, &e->full) || lost(&old, item, &e->full));
    if (older_full && e->contested)
        e->shows_full = e->contested = FALSE;
    if (lost(&old, item, &old))
        e->shrank = asked;
    e->may_be_item = older_full && lost(&e->once, item, &e->full);
    set_item(e, item, asked);
}

void model_unlisted(Model *model, guint i)
{
    Expected *e = &model->objects[i];

    if (!e->known || e->in_list)
        return;
    e->listed = e->contested = FALSE;
    if (!e->has_full || e->full_asked < model->list_asked)
        forget(e);
}

gboolean model_full(Model *model, guint i, const Content *full, gint64 asked)
{
    Expected *e = &model->objects[i];

    if (!e->known && (asked < model->list_asked || asked <= e->gone_asked))
        return FALSE;
    if (asked < e->full_asked)
        return TRUE;
    gboolean agrees = !e->listed || content_agrees(&e->item, full);
    gboolean newer = !e->listed || asked > e->item_asked;
    gboolean lacks = e->listed && lost(&e->once, &e->item, full);
    if (!e->shows_full || !content_equals(full, &e->full)) { /* else it says nothing new */
        e->contested = newer && !agrees;
        e->shows_full = newer || (agrees && asked >= e->shrank);
        e->may_be_item = !newer && agrees && lacks != (asked < e->shrank);
    }
    e->known = e->has_full = TRUE;
    e->full = *full;
    e->full_asked = asked;
    return TRUE;
}

gboolean model_gone(Model *model, guint i, gint64 asked)
{
    Expected *e = &model->objects[i];

    if (e->known && ((e->listed && e->item_asked > asked) || e->full_asked > asked))
        return FALSE;
    e->gone_asked = MAX(e->gone_asked, asked);
    forget(e);
    return TRUE;
}

void model_drop_full(Model *model, guint i)
{
    Expected *e = &model->objects[i];

    if (!e->known || !e->listed || !e->has_full)
        return;
    if (e->contested)
        return; /* it is newer than the list, and says something else */
    e->has_full = e->shows_full = FALSE;
    e->full_asked = 0;
}
