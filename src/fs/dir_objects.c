/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/private.h"

static void lookup_in_objects(Op *op, const Directory *in)
{
    Cache *cache = in->top->cache;
    CacheAnswer answer = cache_ask_item(cache, op->name, &op->ask);

    if (!op_may_go_on(op, &answer))
        return;
    const Object *object = collection_find(cache_collection(cache), op->name);
    Keep keep = { answer.keep_us, cache_detail_keep_us(cache, object) };
    Shown shown = shown_object(in->top, object, keep);
    op_reply_node(op, &shown, 0);
}

static void list_objects(Op *op, const Directory *in)
{
    gint64 keep_us;
    const Pin *pin = op_pin_objects(op, in->top, &keep_us);
    if (pin == NULL)
        return;

    const GPtrArray *objects = pin->listing->objects;
    Reply reply = reply_new(op, pin);
    struct fuse_entry_param entry;
    for (guint i = reply.position; i - 2 < objects->len; i++) {
        const Object *object = g_ptr_array_index(objects, i - 2);

        if (!reply_has_room(&reply, object->name))
            break;
        Keep keep = { keep_us, cache_detail_keep_us(in->top->cache, object) };
        Shown shown = shown_object(in->top, object, keep);
        if (entry_node(op->fs, &entry, &shown, 0))
            reply_add(&reply, i, object->name, &entry);
    }
    reply_send(&reply);
}

const DirectoryType objects_directory = { lookup_in_objects, list_objects, attr_of_top, NULL };
