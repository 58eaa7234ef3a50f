/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "ppiofs/base/error.h"
#include "ppiofs/fs/private.h"
#include "ppiofs/tree/name.h"

#define JSON_SUFFIX ".json"

static void add_top(GArray *tops, const char *name, TopKind kind, const LinkView *links)
{
    Top top = { .name = g_strdup(name),
                .kind = kind,
                .ino = subtree_step_ino(NODEID_ROOT, name),
                .links = links };

    for (guint i = 0; i < tops->len; i++)
        if (strcmp(g_array_index(tops, Top, i).name, name) == 0) {
            g_free(top.name);
            return;
        }
    g_array_append_val(tops, top);
}

void top_init(Fs *fs)
{
    GArray *tops = g_array_new(FALSE, FALSE, sizeof(Top));
    gsize n_links, n_files;
    const LinkView *links = view_links(&n_links);
    const FileView *files = view_files(&n_files);

    add_top(tops, "instances", TOP_INSTANCES, NULL); /* the first: see instance_ino() */
    if (!fs->options.hide_secrets)
        add_top(tops, "json", TOP_JSON, NULL);
    for (gsize i = 0; i < n_links; i++)
        add_top(tops, links[i].name, TOP_LINKS, &links[i]);
    for (gsize i = 0; i < n_files; i++)
        add_top(tops, files[i].directory, TOP_FILES, NULL);
    add_top(tops, ".ppiofs", TOP_ABOUT, NULL);

    fs->n_tops = tops->len;
    fs->tops = (Top *)(gpointer)g_array_free(tops, FALSE);
    fs->made_files = g_new0(Made, n_files);
}

void top_clear(Fs *fs)
{
    gsize n_files;

    view_files(&n_files);
    for (gsize i = 0; i < n_files; i++)
        made_clear(&fs->made_files[i]);
    for (guint i = 0; i < fs->n_tops; i++) {
        g_free(fs->tops[i].name);
        made_clear(&fs->tops[i].made);
    }
    g_free(fs->made_files);
    g_free(fs->tops);
}

Top *top_find(Fs *fs, const char *name)
{
    for (guint i = 0; i < fs->n_tops; i++)
        if (strcmp(fs->tops[i].name, name) == 0)
            return &fs->tops[i];
    return NULL;
}

Top *top_of_slot(Fs *fs, guint slot)
{
    return slot >= 1 && slot <= fs->n_tops ? &fs->tops[slot - 1] : NULL;
}

guint top_slot(const Fs *fs, const Top *top)
{
    return (guint)(top - fs->tops) + 1;
}

static guint64 links_version(Fs *fs, const Top *top)
{
    return fleet_field_version(cache_fleet(fs->cache), top->links->field);
}

/* What was only removed is left out one by one: see top_link_is_gone(). But a name that several
 * shared may be another's alone now. */
static gboolean links_are_up_to_date(Fs *fs, const Top *top, gboolean whole)
{
    const Made *made = &top->made;

    return made->tree != NULL && made->mark.version == links_version(fs, top) &&
           (made->mark.removals == fleet_removals(cache_fleet(fs->cache)) ||
            (!whole && !top->links->shares_names));
}

Subtree *top_links(Op *op, Top *top, gboolean whole)
{
    const MakingOrder order = { .recipe = top->links->recipe, .field = top->links->field };

    if (links_are_up_to_date(op->fs, top, whole))
        return top->made.tree;
    return made_get(op, &top->made, &order, links_version(op->fs, top));
}

gboolean top_link_is_gone(Fs *fs, const Top *top, NodeIndex node)
{
    gsize length;
    const char *target;

    if (node == NODE_NONE || subtree_kind(top->made.tree, node) != NODE_SYMLINK)
        return FALSE;
    target = subtree_content(top->made.tree, node, &length);
    g_autofree char *path = g_strndup(target, length);
    return fleet_find(cache_fleet(fs->cache), strrchr(path, '/') + 1) == NULL;
}

/* The rows of view_files() that are in this directory. */
static const FileView *file_view(const Top *top, guint position)
{
    gsize n;
    const FileView *views = view_files(&n);

    for (gsize i = 0; i < n; i++)
        if (strcmp(views[i].directory, top->name) == 0 && position-- == 0)
            return &views[i];
    return NULL;
}

const char *top_file_name(Fs *fs, const Top *top, guint position)
{
    if (top->kind == TOP_ABOUT) {
        guint n = 0;

        while (fs->options.about[n].name != NULL)
            n++;
        return position < n ? fs->options.about[position].name : NULL;
    }
    const FileView *view = file_view(top, position);
    return view == NULL ? NULL : view->name;
}

static Subtree *one_file(const char *name, const char *bytes, gsize length)
{
    Draft *draft = draft_new();

    draft_file(draft, 0, name, bytes, length, 0);
    return draft_finish(draft, NULL);
}

static Subtree *make_about(Op *op, guint position)
{
    const AboutFile *file = &op->fs->options.about[position];
    GString *text = g_string_new(NULL);
    gint64 now = clock_wall(op->fs->clock);

    file->write(text, file->data);
    Subtree *tree = one_file(file->name, text->str, text->len);
    g_string_free(text, TRUE);
    if (tree == NULL)
        op_reply_error(op, ENOMEM);
    else
        subtree_date(tree, NULL, now, now);
    return tree;
}

/* One instance whose details cannot be had is left to the writer to say; that the API as a whole
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
static gboolean ask_detail(Op *op, const char *name)
{
    CacheAnswer answer = cache_ask_detail(op->fs->cache, name, &op->ask);
    gboolean failed = answer.state == CACHE_FAILED || answer.state == CACHE_MISSING;

    if (!(failed && is_about_one(op, answer.error)) && !op_may_go_on(op, &answer))
        return FALSE;
    op->keep_us = MIN(op->keep_us, answer.keep_us);
    return TRUE;
}

/* Starts all that is missing, then, from the end on, waits for the last of it: so it takes few
 * rounds. It goes on where it was, in turns; who is in a hurry takes what is known. FALSE: the op
 * has been parked or answered. */
static gboolean ask_running_details(Op *op)
{
    const GPtrArray *instances = op_listing(op)->instances;

    for (guint n = instances->len; op->walked < 2 * n; op->walked++) {
        gboolean starts = op->walked < n;
        const Instance *instance = instances->pdata[starts ? op->walked : 2 * n - 1 - op->walked];

        if (!turn_walks_on(op)) {
            if (op->ask.impatient)
                return TRUE;
            turn_yield(op);
            return FALSE;
        }
        if (!view_is_running(instance->record))
            continue;
        if (starts)
            cache_fetch_ahead(op->fs->cache, instance->name);
        else if (!ask_detail(op, instance->name))
            return FALSE;
    }
    return TRUE;
}

static Subtree *make_view(Op *op, const FileView *view, gint64 *ret_keep_us)
{
    Fs *fs = op->fs;
    gsize n;
    Made *made = &fs->made_files[view - view_files(&n)];
    const MakingOrder order = { view->recipe, view->name, NULL, &fs->options.view };

    /* ssh reads it on its way to any host: what is not known by then is left out. */
    if (view->need == VIEW_NEEDS_RUNNING_DETAILS)
        op_limit(op, fs->options.patience_us);
    CacheAnswer answer = cache_ask_list(fs->cache, &op->ask);
    if (!op_may_go_on(op, &answer))
        return NULL;

    guint64 version = fleet_version(cache_fleet(fs->cache));
    *ret_keep_us = answer.keep_us;
    if (view->need == VIEW_NEEDS_LIST && made->tree != NULL && made->mark.version == version)
        return subtree_ref(made->tree);
    if (view->need == VIEW_NEEDS_RUNNING_DETAILS && !ask_running_details(op))
        return NULL;
    *ret_keep_us = MIN(answer.keep_us, op->keep_us);
    Subtree *tree = made_get(op, made, &order, version);
    return tree == NULL ? NULL : subtree_ref(tree);
}

Subtree *top_make_file(Op *op, Top *top, const char *name, gint64 *ret_keep_us)
{
    const char *file;

    for (guint i = 0; (file = top_file_name(op->fs, top, i)) != NULL; i++) {
        if (strcmp(file, name) != 0)
            continue;
        *ret_keep_us = 0;
        return top->kind == TOP_ABOUT ? make_about(op, i)
                                      : make_view(op, file_view(top, i), ret_keep_us);
    }
    op_reply_missing(op, KEEP_FOREVER_US);
    return NULL;
}

char *json_file_name(const Instance *instance)
{
    g_autofree char *raw = g_strconcat(record_id(instance->record), JSON_SUFFIX, NULL);

    return name_encode(raw);
}

/* A name that was cut to length says no id: only a look at all of them finds it. */
static gboolean find_cut_name(Op *op, char **ret_name)
{
    if (!name_is_cut(op->name))
        return TRUE;
    for (const GPtrArray *all = op_listing(op)->instances; op->walked < all->len; op->walked++) {
        const Instance *instance = all->pdata[op->walked];
        g_autofree char *name = json_file_name(instance);

        if (strcmp(name, op->name) == 0) { /* it stays there for when the op is run again */
            *ret_name = g_strdup(instance->name);
            return TRUE;
        }
        if (!turn_walks_on(op)) {
            turn_yield(op);
            return FALSE;
        }
    }
    return TRUE;
}

gboolean json_instance_name(Op *op, char **ret_name)
{
    g_autofree char *raw = name_decode(op->name);

    *ret_name = NULL;
    if (raw == NULL || !g_str_has_suffix(raw, JSON_SUFFIX) || strlen(raw) == strlen(JSON_SUFFIX))
        return find_cut_name(op, ret_name);
    raw[strlen(raw) - strlen(JSON_SUFFIX)] = '\0';
    *ret_name = name_encode(raw);
    return TRUE;
}
