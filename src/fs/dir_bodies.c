/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "ppiofs/fs/private.h"
#include "ppiofs/tree/name.h"

#define SUFFIX ".json"

char *body_name(const Object *object)
{
    g_autofree char *raw = g_strconcat(record_id(object->record), SUFFIX, NULL);

    return name_encode(raw);
}

/* A name that was cut to length says no id: only a look at all of them finds it. */
static gboolean find_cut_name(Op *op, Collection *collection, char **ret_name)
{
    if (!name_is_cut(op->name))
        return TRUE;
    for (const GPtrArray *all = op_listing(op, collection)->objects; op->walked < all->len;
         op->walked++) {
        const Object *object = all->pdata[op->walked];
        g_autofree char *name = body_name(object);

        if (strcmp(name, op->name) == 0) { /* it stays there for when the op is run again */
            *ret_name = g_strdup(object->name);
            return TRUE;
        }
        if (!turn_walks_on(op)) {
            turn_yield(op);
            return FALSE;
        }
    }
    return TRUE;
}

/* The name of the object whose body is looked up; NULL: none. FALSE: the op has yielded. (transfer
 * full) */
static gboolean find_name(Op *op, Collection *collection, char **ret_name)
{
    g_autofree char *raw = name_decode(op->name);

    *ret_name = NULL;
    if (raw == NULL || !g_str_has_suffix(raw, SUFFIX) || strlen(raw) == strlen(SUFFIX))
        return find_cut_name(op, collection, ret_name);
    raw[strlen(raw) - strlen(SUFFIX)] = '\0';
    *ret_name = name_encode(raw);
    return TRUE;
}

static void lookup_in_bodies(Op *op, const Directory *in)
{
    if (op_reply_top(op, in))
        return;
    const Top *top = in->top;
    g_autofree char *name = NULL;
    struct fuse_entry_param entry;
    Keep keep;

    if (top->cache == NULL) {
        op_reply_missing(op, KEEP_FOREVER_US);
        return;
    }
    if (!find_name(op, top_collection(top), &name))
        return;
    if (name == NULL ||
        (name_is_junk(op->name) && collection_find(top_collection(top), name) == NULL)) {
        op_reply_missing(op, 0);
        return;
    }
    const Object *object = op_object_detail(op, top, name, &keep);
    if (object == NULL)
        return;
    if (record_body(object->record) == NULL) /* in a list so odd that nobody knows where it was */
        op_reply_missing(op, keep.detail_us);
    else
        op_reply_filled(op, entry_body(op->fs, &entry, top, object, keep.detail_us), &entry);
}

static void list_bodies(Op *op, const Directory *in)
{
    gint64 keep_us;
    const Pin *pin = in->top->cache == NULL ? NULL : op_pin_objects(op, in->top, &keep_us);
    if (pin == NULL && in->top->cache != NULL)
        return;

    const GPtrArray *objects = pin == NULL ? NULL : pin->listing->objects;
    Reply reply = reply_new(op, pin);
    guint first = reply_add_tops(&reply, in->slot) + 2;
    for (guint i = reply.position; objects != NULL && i - first < objects->len && !reply.full;
         i++) {
        g_autofree char *name = body_name(g_ptr_array_index(objects, i - first));
        reply_add_bare(&reply, i, name, subtree_step_ino(in->top->ino, name), S_IFREG);
    }
    reply_send(&reply);
}

const DirectoryType bodies_directory = { lookup_in_bodies, list_bodies, attr_of_top, NULL };
