/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "ppiofs/fs/private.h"

/* The reply under construction. An offset handed to the kernel is where to go on: the number of the
 * pin that keeps what is being listed, and a position in it. */
typedef struct {
    Op *op;
    guint32 pin;
    guint position; /* the first to add */
    gsize used;
    gboolean full;
} Reply;

#define PIN_SHIFT 32
#define PIN_MASK 0x7fffffff /* an offset is positive */

/* The number of what is listed: the same for the same version, so that the kernel can complete with
 * a second reading the listing it keeps of a first that was broken off. */
static guint32 pin_id(guint64 version)
{
    guint32 id = (guint32)(version & PIN_MASK);

    return id == 0 ? 1 : id;
}

static Pin *find_pin(Fs *fs, guint slot, guint32 id)
{
    for (guint i = 0; id != 0 && i < PINS; i++)
        if (fs->pins[i].id == id && fs->pins[i].slot == slot)
            return &fs->pins[i];
    return NULL;
}

/* What the listing that this request goes on with began with; NULL at the beginning of one, and
 * when it is too long ago. An offset may be anything that seekdir(3) was given. */
static Pin *op_pin(const Op *op)
{
    return find_pin(op->fs, nodeid_slot(op->directory),
                    (guint32)((guint64)op->offset >> PIN_SHIFT));
}

static void clear_pin(Pin *pin)
{
    g_clear_pointer(&pin->listing, listing_unref);
    g_clear_pointer(&pin->tree, subtree_unref);
}

void list_clear_pins(Fs *fs)
{
    for (guint i = 0; i < PINS; i++)
        clear_pin(&fs->pins[i]);
}

/* Keeps one of the two, whatever takes its place meanwhile, for the requests that go on with it. */
static Pin *add_pin(const Op *op, Listing *listing, Subtree *tree)
{
    Fs *fs = op->fs;
    guint slot = nodeid_slot(op->directory);
    guint64 version = 0;

    if (tree != NULL)
        version = versions_serial(fs->versions, subtree_ref(tree));
    else if (listing != NULL)
        version = listing_ref(listing)->version;

    guint32 id = pin_id(version);
    Pin *pin = find_pin(fs, slot, id);
    if (pin == NULL)
        pin = &fs->pins[fs->next_pin++ % PINS];
    clear_pin(pin);
    *pin = (Pin){ .id = id, .slot = slot, .listing = listing, .tree = tree };
    return pin;
}

static off_t next_offset(const Reply *reply, guint position)
{
    return (off_t)((guint64)reply->pin << PIN_SHIFT | (position + 1));
}

/* Whether there is room for an entry of that name: to be asked before the entry counts as handed
 * out. */
static gboolean has_room(Reply *reply, const char *name)
{
    gsize needed = fuse_add_direntry_plus(reply->op->req, NULL, 0, name, NULL, 0);

    reply->full = reply->full || reply->used + needed > reply->op->size;
    return !reply->full;
}

static void add(Reply *reply, guint position, const char *name,
                const struct fuse_entry_param *entry)
{
    reply->used += fuse_add_direntry_plus(reply->op->req, reply->op->fs->scratch + reply->used,
                                          reply->op->size - reply->used, name, entry,
                                          next_offset(reply, position));
}

/* A name without attributes: who wants them looks it up. */
static void add_bare(Reply *reply, guint position, const char *name, guint64 ino, mode_t type)
{
    struct fuse_entry_param entry = { .attr = { .st_ino = ino, .st_mode = type } };

    if (has_room(reply, name))
        add(reply, position, name, &entry);
}

/* "." and "..", positions 0 and 1. Their inode numbers are of no use to anybody here. */
static void add_dots(Reply *reply)
{
    for (guint i = reply->position; i < 2 && !reply->full; i++)
        add_bare(reply, i, i == 0 ? "." : "..", NODEID_ROOT, S_IFDIR);
    reply->position = MAX(reply->position, 2);
}

static Reply reply_new(Op *op, const Pin *pin)
{
    Fs *fs = op->fs;
    Reply reply = {
        .op = op,
        .pin = pin == NULL ? 0 : pin->id,
        .position = (guint)((guint64)op->offset & G_MAXUINT32),
    };

    if (fs->scratch_size < op->size) {
        fs->scratch = g_realloc(fs->scratch, op->size);
        fs->scratch_size = op->size;
    }
    add_dots(&reply);
    return reply;
}

static void reply_send(Reply *reply)
{
    op_reply_bytes(reply->op, reply->op->fs->scratch, reply->used);
}

static void list_root(Op *op)
{
    Fs *fs = op->fs;
    Reply reply = reply_new(op, NULL);
    struct fuse_entry_param entry;

    for (guint i = reply.position; i - 2 < fs->n_tops && has_room(&reply, fs->tops[i - 2].name);
         i++) {
        entry_top(fs, &entry, &fs->tops[i - 2]);
        add(&reply, i, fs->tops[i - 2].name, &entry);
        reply.position = i + 1;
    }
    if (fs->options.growing != NULL && reply.position == fs->n_tops + 2 &&
        has_room(&reply, fs->options.growing->name)) {
        entry_growing(fs, &entry);
        add(&reply, reply.position, fs->options.growing->name, &entry);
    }
    reply_send(&reply);
}

static void list_files(Op *op, Top *top)
{
    Reply reply = reply_new(op, NULL);
    const char *name;

    for (guint i = reply.position; (name = top_file_name(op->fs, top, i - 2)) != NULL; i++)
        add_bare(&reply, i, name, subtree_step_ino(top->ino, name), S_IFREG);
    reply_send(&reply);
}

static void send_instances(Op *op, const Pin *pin, gint64 keep_us)
{
    GPtrArray *instances = pin->listing->instances;
    Reply reply = reply_new(op, pin);
    struct fuse_entry_param entry;

    for (guint i = reply.position; i - 2 < instances->len; i++) {
        const Instance *instance = g_ptr_array_index(instances, i - 2);

        if (!has_room(&reply, instance->name))
            break;
        Keep keep = { keep_us, cache_detail_keep_us(op->fs->cache, instance) };
        if (entry_instance(op->fs, &entry, instance, keep))
            add(&reply, i, instance->name, &entry);
    }
    reply_send(&reply);
}

static void send_json(Op *op, const Pin *pin, guint64 top_ino)
{
    GPtrArray *instances = pin->listing->instances;
    Reply reply = reply_new(op, pin);

    for (guint i = reply.position; i - 2 < instances->len && !reply.full; i++) {
        g_autofree char *name = json_file_name(g_ptr_array_index(instances, i - 2));
        add_bare(&reply, i, name, subtree_step_ino(top_ino, name), S_IFREG);
    }
    reply_send(&reply);
}

/* The children of the directory @node. */
static void send_subtree(Op *op, const Pin *pin, const Shown *shown, NodeIndex node)
{
    Reply reply = reply_new(op, pin);
    struct fuse_entry_param entry;
    NodeIndex first;
    guint32 n = subtree_children(shown->tree, node, &first);

    for (guint i = reply.position; i - 2 < n; i++) {
        const char *name = subtree_name(shown->tree, first + i - 2);

        if (!has_room(&reply, name))
            break;
        if (entry_node(op->fs, &entry, shown, first + i - 2))
            add(&reply, i, name, &entry);
    }
    reply_send(&reply);
}

static void list_instances(Op *op, Top *top)
{
    Fs *fs = op->fs;
    Pin *pin = op_pin(op);
    CacheAsk look = { .started = op->ask.started };
    CacheAnswer answer = cache_ask_list(fs->cache, pin == NULL ? &op->ask : &look);

    if (pin == NULL) {
        if (!op_may_go_on(op, &answer))
            return;
        g_autoptr(Listing) listing = fleet_listing(cache_fleet(fs->cache));
        pin = add_pin(op, listing, NULL);
        attr_listed(fs, top);
    }
    if (top->kind == TOP_JSON)
        send_json(op, pin, top->ino);
    else
        send_instances(op, pin, answer.state == CACHE_FRESH ? answer.keep_us : 0);
}

static void list_links(Op *op, Top *top)
{
    Fs *fs = op->fs;
    Pin *pin = op_pin(op);
    CacheAsk look = { .started = op->ask.started };
    CacheAnswer answer = cache_ask_list(fs->cache, pin == NULL ? &op->ask : &look);

    if (pin == NULL) {
        if (!op_may_go_on(op, &answer))
            return;
        Subtree *tree = top_links(op, top, TRUE);
        if (tree == NULL)
            return;
        pin = add_pin(op, NULL, tree);
        attr_listed(fs, top);
    }
    NodeIndex node = subtree_directory_by_key(pin->tree, nodeid_key(op->directory));
    Shown shown = shown_top(fs, top, pin->tree, answer.state == CACHE_FRESH ? answer.keep_us : 0);
    if (node == NODE_NONE)
        op_reply_missing(op, 0);
    else
        send_subtree(op, pin, &shown, node);
}

static void list_instance(Op *op)
{
    Fs *fs = op->fs;
    Pin *pin = op_pin(op);
    const char *name = slots_name(fs->slots, nodeid_slot(op->directory));
    NodeIndex node;
    Keep keep = { 0, 0 };

    if (pin != NULL && name != NULL) {
        /* The rest of a listing: as it began, and nothing of it is kept. */
        Shown shown = { .tree = pin->tree, .name = name, .root_ino = instance_ino(fs, name) };
        node = subtree_directory_by_key(pin->tree, nodeid_key(op->directory));
        if (node == NODE_NONE)
            op_reply_missing(op, 0);
        else
            send_subtree(op, pin, &shown, node);
        return;
    }
    const Instance *instance = op_instance_directory(op, TRUE, &node, &keep);
    if (instance == NULL)
        return;
    Shown shown = shown_instance(fs, instance, keep);
    pin = add_pin(op, NULL, shown.tree);
    send_subtree(op, pin, &shown, node);
}

void list_run(Op *op)
{
    guint slot = nodeid_slot(op->directory);
    Top *top = top_of_slot(op->fs, slot);

    if (slot == 0)
        list_root(op);
    else if (top == NULL)
        list_instance(op);
    else if (top->kind == TOP_INSTANCES || top->kind == TOP_JSON)
        list_instances(op, top);
    else if (top->kind == TOP_LINKS)
        list_links(op, top);
    else
        list_files(op, top);
}
