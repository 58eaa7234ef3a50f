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
        subtree_unref(fs->made_files[i].tree);
    for (guint i = 0; i < fs->n_tops; i++) {
        g_free(fs->tops[i].name);
        subtree_unref(fs->tops[i].made.tree);
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

/* A newly made tree takes the place of the old one, unless it says the same. (takes @tree) */
static Subtree *made_replace(const Fs *fs, Made *made, Subtree *tree, guint64 version)
{
    gint64 now = clock_wall(fs->clock);

    made->version = version;
    made->removals = fleet_removals(cache_fleet(fs->cache));
    if (made->tree != NULL && subtree_agrees(tree, 0, made->tree, 0) &&
        subtree_agrees(made->tree, 0, tree, 0)) {
        subtree_unref(tree);
        return made->tree;
    }
    subtree_date(tree, made->tree, now, now);
    subtree_unref(made->tree);
    return made->tree = tree;
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

    return made->tree != NULL && made->version == links_version(fs, top) &&
           (made->removals == fleet_removals(cache_fleet(fs->cache)) ||
            (!whole && !top->links->shares_names));
}

Subtree *top_links(Fs *fs, Top *top, gboolean whole)
{
    if (links_are_up_to_date(fs, top, whole))
        return top->made.tree;

    g_autoptr(Listing) listing = fleet_listing(cache_fleet(fs->cache));
    Draft *draft = draft_new();
    top->links->add(draft, listing, top->links->field);
    Subtree *tree = draft_finish(draft, NULL);
    return tree == NULL ? NULL : made_replace(fs, &top->made, tree, links_version(fs, top));
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

/* Starts all that is missing, then waits for the last of it: so it takes few rounds. */
static gboolean ask_running_details(Op *op, const Listing *listing, gint64 *keep_us)
{
    GPtrArray *instances = listing->instances;

    for (guint i = 0; i < instances->len; i++)
        if (view_is_running(g_ptr_array_index(instances, i)))
            cache_fetch_ahead(op->fs->cache, ((Instance *)g_ptr_array_index(instances, i))->name);

    for (guint i = instances->len; i-- > 0;) {
        const Instance *instance = g_ptr_array_index(instances, i);
        if (!view_is_running(instance))
            continue;

        CacheAnswer answer = cache_ask_detail(op->fs->cache, instance->name, &op->ask);
        gboolean failed = answer.state == CACHE_FAILED || answer.state == CACHE_MISSING;
        if (!(failed && is_about_one(op, answer.error)) && !op_may_go_on(op, &answer))
            return FALSE;
        *keep_us = MIN(*keep_us, answer.keep_us);
    }
    return TRUE;
}

static Subtree *make_view(Op *op, const FileView *view, gint64 *ret_keep_us)
{
    Fs *fs = op->fs;
    gsize n;
    Made *made = &fs->made_files[view - view_files(&n)];

    /* ssh reads it on its way to any host: what is not known by then is left out. */
    if (view->need == VIEW_NEEDS_RUNNING_DETAILS)
        op_limit(op, fs->options.patience_us);
    CacheAnswer answer = cache_ask_list(fs->cache, &op->ask);
    if (!op_may_go_on(op, &answer))
        return NULL;

    *ret_keep_us = answer.keep_us;
    guint64 version = fleet_version(cache_fleet(fs->cache));
    if (view->need == VIEW_NEEDS_LIST && made->tree != NULL && made->version == version)
        return subtree_ref(made->tree);
    g_autoptr(Listing) listing = fleet_listing(cache_fleet(fs->cache));
    if (view->need == VIEW_NEEDS_RUNNING_DETAILS && !ask_running_details(op, listing, ret_keep_us))
        return NULL;

    g_auto(Buffer) text = { .most = VIEW_MAX_BYTES };
    view->write(&text, listing, &fs->options.view);
    Subtree *tree = text.failed ? NULL : one_file(view->name, text.bytes, text.length);
    if (tree == NULL) {
        op_reply_error(op, ENOMEM);
        return NULL;
    }
    return subtree_ref(made_replace(fs, made, tree, version));
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

/* A name that was cut to length says no id: only a look at all of them finds it. Such a name falls
 * short of the bound by less than one character. */
static char *find_cut_name(Fs *fs, const char *file)
{
    if (!name_is_cut(file))
        return NULL;
    g_autoptr(Listing) listing = fleet_listing(cache_fleet(fs->cache));

    for (guint i = 0; i < listing->instances->len; i++) {
        const Instance *instance = g_ptr_array_index(listing->instances, i);
        g_autofree char *name = json_file_name(instance);

        if (strcmp(name, file) == 0)
            return g_strdup(instance->name);
    }
    return NULL;
}

char *json_instance_name(Fs *fs, const char *file)
{
    g_autofree char *raw = name_decode(file);

    if (raw == NULL || !g_str_has_suffix(raw, JSON_SUFFIX) || strlen(raw) == strlen(JSON_SUFFIX))
        return find_cut_name(fs, file);
    raw[strlen(raw) - strlen(JSON_SUFFIX)] = '\0';
    return name_encode(raw);
}
