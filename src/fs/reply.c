/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "ppiofs/base/hash.h"
#include "ppiofs/fs/private.h"

#define PIN_SHIFT 32
#define PIN_MASK 0x7fffffff /* an offset is positive */

/* The number of what is listed: the same for the same version, so that the kernel can complete with
 * a second reading the listing it keeps of a first that was broken off. */
static guint32 pin_id(guint64 version)
{
    guint32 id = (guint32)(version & PIN_MASK);

    return id == 0 ? 1 : id;
}

static gsize pin_bytes(const Pin *pin)
{
    if (pin->tree != NULL)
        return subtree_size(pin->tree);
    return pin->listing == NULL ? 0 : pin->listing->objects->len * sizeof(gpointer);
}

/* The pin becomes the one that was used last. */
static Pin *find_pin(Fs *fs, guint slot, guint32 id)
{
    for (GList *link = fs->pins.head; id != 0 && link != NULL; link = link->next) {
        Pin *pin = link->data;

        if (pin->id == id && pin->slot == slot) {
            g_queue_unlink(&fs->pins, link);
            g_queue_push_head_link(&fs->pins, link);
            return pin;
        }
    }
    return NULL;
}

static guint32 wanted_pin(const Op *op)
{
    return (guint32)((guint64)op->offset >> PIN_SHIFT);
}

static void drop_oldest_pin(Fs *fs)
{
    Pin *pin = g_queue_pop_tail(&fs->pins);

    fs->pins_bytes -= pin_bytes(pin);
    keep_drop(fs->keep, pin->kept_at);
    g_clear_pointer(&pin->listing, listing_unref);
    g_clear_pointer(&pin->tree, subtree_unref);
    g_free(pin);
}

void pins_clear(Fs *fs)
{
    while (!g_queue_is_empty(&fs->pins))
        drop_oldest_pin(fs);
}

static guint64 hash_names(const Listing *listing)
{
    HashKey key = { listing->objects->len, 0 };

    for (guint i = 0; i < listing->objects->len; i++) {
        const char *name = ((const Object *)listing->objects->pdata[i])->name;
        key.k1 = hash_bytes(&key, name, strlen(name));
    }
    return key.k1;
}

/* (takes @pin) */
static Pin *enter_pin(Fs *fs, Pin *pin)
{
    g_queue_push_head(&fs->pins, pin);
    fs->pins_bytes += pin_bytes(pin);
    while (fs->pins.length > 1 && (fs->pins.length > PINS_MOST || fs->pins_bytes > PINS_BYTES_MOST))
        drop_oldest_pin(fs);
    return pin;
}

gboolean pins_adopt(Fs *fs, const KeepRecord *record)
{
    Pin *pin;

    if (record->number >= fs->n_tops || record->id == 0 || record->id > PIN_MASK)
        return FALSE;
    pin = g_new(Pin, 1);
    *pin = (Pin){ .id = (guint32)record->id,
                  .slot = record->number,
                  .names = record->extra,
                  .kept_at = record->at };
    enter_pin(fs, pin);
    return TRUE;
}

/* A successor goes on with it if it finds the same names. */
static void keep_listing(Fs *fs, Pin *pin)
{
    if (fs->keep == NULL)
        return;
    pin->names = hash_names(pin->listing);
    pin->kept_at = keep_put(fs->keep, &(KeepRecord){ .kind = KEEP_LISTING,
                                                     .number = pin->slot,
                                                     .id = pin->id,
                                                     .extra = pin->names });
}

Pin *op_add_pin(const Op *op, Listing *listing, Subtree *tree, guint64 root_ino)
{
    Fs *fs = op->fs;
    guint slot = nodeid_slot(op->directory);
    guint32 id =
        pin_id(listing == NULL ? versions_serial(fs->versions, tree, root_ino) : listing->version);
    Pin *pin = find_pin(fs, slot, id);

    if (pin != NULL)
        return pin; /* it has the same */
    pin = g_new(Pin, 1);
    *pin = (Pin){ .id = id, .slot = slot };
    if (listing == NULL) {
        pin->tree = subtree_ref(tree);
    } else {
        pin->listing = listing_ref(listing);
        keep_listing(fs, pin);
    }
    return enter_pin(fs, pin);
}

/* An offset may be anything that seekdir(3) was given. A tree of which the kernel holds files is
 * there although it is long ago, or was another process. */
Pin *op_pin(const Op *op)
{
    guint slot = nodeid_slot(op->directory);
    Pin *pin = find_pin(op->fs, slot, wanted_pin(op));
    const Version *version = pin == NULL ? versions_find(op->fs->versions, wanted_pin(op)) : NULL;

    if (version != NULL && version->slot == slot)
        pin = op_add_pin(op, NULL, version->tree, version->root_ino);
    return pin;
}

gboolean op_needs_list(Op *op, const Top *top, const Pin *pin, gint64 *ret_keep_us)
{
    const CacheAsk look = { .started = op->ask.started };
    CacheAnswer answer = cache_ask_list(top->cache, pin == NULL ? &op->ask : &look);

    *ret_keep_us = pin == NULL || answer.state == CACHE_FRESH ? answer.keep_us : 0;
    return pin != NULL || op_may_go_on(op, &answer);
}

Pin *op_pin_objects(Op *op, Top *top, gint64 *ret_keep_us)
{
    Pin *pin = op_pin(op);
    gboolean is_known = pin != NULL && pin->listing != NULL;

    if (!op_needs_list(op, top, is_known ? pin : NULL, ret_keep_us))
        return NULL;
    if (is_known)
        return pin;
    g_autoptr(Listing) listing = collection_listing(top_collection(top));
    if (pin == NULL || pin->names != hash_names(listing)) {
        pin = op_add_pin(op, listing, NULL, 0);
        attr_listed(top);
    } else { /* of another process */
        pin->listing = listing_ref(listing);
        op->fs->pins_bytes += pin_bytes(pin);
    }
    return pin;
}

static off_t next_offset(const Reply *reply, guint position)
{
    return (off_t)((guint64)reply->pin << PIN_SHIFT | (position + 1));
}

gboolean reply_has_room(Reply *reply, const char *name)
{
    gsize needed = fuse_add_direntry_plus(reply->op->req, NULL, 0, name, NULL, 0);

    reply->full = reply->full || reply->used + needed > reply->op->size;
    return !reply->full;
}

void reply_add(Reply *reply, guint position, const char *name, const struct fuse_entry_param *entry)
{
    reply->used += fuse_add_direntry_plus(reply->op->req, reply->op->fs->scratch + reply->used,
                                          reply->op->size - reply->used, name, entry,
                                          next_offset(reply, position));
}

void reply_add_bare(Reply *reply, guint position, const char *name, guint64 ino, mode_t type)
{
    struct fuse_entry_param entry = { .attr = { .st_ino = ino, .st_mode = type } };

    if (reply_has_room(reply, name))
        reply_add(reply, position, name, &entry);
}

/* "." and "..", positions 0 and 1. Their inode numbers are of no use to anybody here. */
static void add_dots(Reply *reply)
{
    for (guint i = reply->position; i < 2 && !reply->full; i++)
        reply_add_bare(reply, i, i == 0 ? "." : "..", NODEID_ROOT, S_IFDIR);
    reply->position = MAX(reply->position, 2);
}

Reply reply_new(Op *op, const Pin *pin)
{
    Fs *fs = op->fs;
    Reply reply = {
        .op = op,
        .pin = pin == NULL ? 0 : pin->id,
        .position = (guint)((guint64)op->offset & G_MAXUINT32),
    };
    reply.is_lost = wanted_pin(op) != 0 && wanted_pin(op) != reply.pin;
    reply.full = reply.is_lost;

    if (fs->scratch_size < op->size) {
        fs->scratch = g_realloc(fs->scratch, op->size);
        fs->scratch_size = op->size;
    }
    add_dots(&reply);
    return reply;
}

void reply_send(Reply *reply)
{
    if (reply->is_lost)
        op_reply_error(reply->op, ESTALE);
    else
        op_reply_bytes(reply->op, reply->op->fs->scratch, reply->used);
}

guint reply_add_tops(Reply *reply, guint slot)
{
    Fs *fs = reply->op->fs;
    struct fuse_entry_param entry;
    Top *top;
    guint n = 0;

    for (; (top = top_child(fs, slot, n)) != NULL; n++) {
        if (n + 2 < reply->position || !reply_has_room(reply, top->name))
            continue;
        entry_top(fs, &entry, top);
        reply_add(reply, n + 2, top->name, &entry);
        reply->position = n + 3;
    }
    return n;
}

void reply_subtree(Op *op, const Pin *pin, const Shown *shown, NodeIndex node)
{
    if (node == NODE_NONE) {
        op_reply_missing(op, 0);
        return;
    }
    Reply reply = reply_new(op, pin);
    struct fuse_entry_param entry;
    NodeIndex first;
    guint32 n = subtree_children(shown->tree, node, &first);

    for (guint i = reply.position; i - 2 < n; i++) {
        const char *name = subtree_name(shown->tree, first + i - 2);

        if (!reply_has_room(&reply, name))
            break;
        if (entry_node(op->fs, &entry, shown, first + i - 2))
            reply_add(&reply, i, name, &entry);
    }
    reply_send(&reply);
}
