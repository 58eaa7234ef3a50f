/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "ppiofs/base/error.h"
#include "ppiofs/fs/private.h"

/* (transfer full); NULL: memory has ended, and the op is answered. */
static Subtree *make_about(Op *op, const AboutFile *file)
{
    g_autoptr(GString) text = g_string_new(NULL);
    gint64 now = clock_wall(op->fs->clock);
    Draft *draft = draft_new();

    file->write(text, file->data);
    draft_file(draft, 0, file->name, text->str, text->len, 0);
    Subtree *tree = draft_finish(draft, NULL);
    if (tree == NULL)
        op_reply_error(op, ENOMEM);
    else
        subtree_date(tree, NULL, now, now);
    return tree;
}

/* One object whose details cannot be had is left to the writer to say; that the API as a whole
 * cannot be had is an error of the file. */
static gboolean is_about_one(const Op *op, const GError *error)
{
    return error == NULL ||
           (op->ask.impatient && g_error_matches(error, PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT)) ||
           g_error_matches(error, PPIOFS_ERROR, PPIOFS_ERROR_NOT_FOUND) ||
           g_error_matches(error, PPIOFS_ERROR, PPIOFS_ERROR_SERVER) ||
           g_error_matches(error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER) ||
           g_error_matches(error, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE);
}

/* FALSE: the op has been parked or answered. */
static gboolean ask_detail(Op *op, Cache *cache, const char *name)
{
    CacheAnswer answer = cache_ask_detail(cache, name, &op->ask);
    gboolean failed = answer.state == CACHE_FAILED || answer.state == CACHE_MISSING;

    if (!(failed && is_about_one(op, answer.error)) && !op_may_go_on(op, &answer))
        return FALSE;
    op->keep_us = MIN(op->keep_us, answer.keep_us);
    return TRUE;
}

/* Starts all that is missing, then, from the end on, waits for the last of it: so it takes few
 * rounds. It goes on where it was, in turns; who is in a hurry takes what is known. FALSE: the op
 * has been parked or answered. */
static gboolean ask_running_details(Op *op, Cache *cache)
{
    const GPtrArray *objects = op_listing(op, cache_collection(cache))->objects;

    for (guint n = objects->len; op->walked < 2 * n; op->walked++) {
        gboolean starts = op->walked < n;
        const Object *object = objects->pdata[starts ? op->walked : 2 * n - 1 - op->walked];

        if (!turn_walks_on(op)) {
            if (op->ask.impatient)
                return TRUE;
            turn_yield(op);
            return FALSE;
        }
        if (!view_is_running(object->record))
            continue;
        if (starts)
            cache_fetch_ahead(cache, object->name);
        else if (!ask_detail(op, cache, object->name))
            return FALSE;
    }
    return TRUE;
}

/* Borrowed; NULL: the op has been parked or answered. */
static Subtree *make_view(Op *op, File *file, gint64 *ret_keep_us)
{
    Cache *cache = file->cache;
    Made *made = &file->made;

    /* ssh reads it on its way to any host: what is not known by then is left out. */
    if (file->needs_details)
        op_limit(op, op->fs->options.patience_us);
    CacheAnswer answer = cache_ask_list(cache, &op->ask);
    if (!op_may_go_on(op, &answer))
        return NULL;

    guint64 version = collection_version(cache_collection(cache));
    *ret_keep_us = answer.keep_us;
    if (!file->needs_details && made->tree != NULL && made->mark.version == version)
        return made->tree;
    if (file->needs_details && !ask_running_details(op, cache))
        return NULL;
    *ret_keep_us = MIN(answer.keep_us, op->keep_us);
    return made_get(op, made, &file->order, cache_collection(cache), version);
}

/* The files that are in the directory, by number; NULL after the last. */
static File *file_in(const Fs *fs, const Directory *in, guint number)
{
    for (guint i = 0; i < fs->n_files; i++)
        if (strcmp(fs->files[i].directory, in->top->name) == 0 && number-- == 0)
            return &fs->files[i];
    return NULL;
}

/* @tree NULL: the op has been parked or answered. */
static void reply_file(Op *op, const Directory *in, Subtree *tree, gint64 keep_us)
{
    if (tree == NULL)
        return;
    Shown shown = shown_top(in->top, tree, keep_us);
    op_reply_node(op, &shown, 1);
}

static void lookup_in_files(Op *op, const Directory *in)
{
    File *file;
    gint64 keep_us = 0;

    for (guint i = 0; (file = file_in(op->fs, in, i)) != NULL; i++) {
        if (strcmp(file->order.file, op->name) != 0)
            continue;
        Subtree *tree = make_view(op, file, &keep_us);
        reply_file(op, in, tree, keep_us);
        return;
    }
    op_reply_missing(op, KEEP_FOREVER_US);
}

static void lookup_in_about(Op *op, const Directory *in)
{
    for (const AboutFile *file = op->fs->options.about; file->name != NULL; file++) {
        if (strcmp(file->name, op->name) != 0)
            continue;
        g_autoptr(Subtree) tree = make_about(op, file);
        reply_file(op, in, tree, 0);
        return;
    }
    op_reply_missing(op, KEEP_FOREVER_US);
}

static void add_file(Reply *reply, const Directory *in, guint place, const char *name)
{
    if (place >= reply->position)
        reply_add_bare(reply, place, name, subtree_step_ino(in->top->ino, name), S_IFREG);
}

static void list_files(Op *op, const Directory *in)
{
    Reply reply = reply_new(op, NULL);
    const File *file;

    for (guint i = 0; (file = file_in(op->fs, in, i)) != NULL; i++)
        add_file(&reply, in, i + 2, file->order.file);
    reply_send(&reply);
}

static void list_about(Op *op, const Directory *in)
{
    const AboutFile *files = op->fs->options.about;
    Reply reply = reply_new(op, NULL);

    for (guint i = 0; files[i].name != NULL; i++)
        add_file(&reply, in, i + 2, files[i].name);
    reply_send(&reply);
}

const DirectoryType files_directory = { lookup_in_files, list_files, attr_of_top, NULL };
const DirectoryType about_directory = { lookup_in_about, list_about, attr_of_top, NULL };
