/* SPDX-License-Identifier: MIT */
#include "ppiofs/model/fleet.h"

#include <string.h>

#include "ppiofs/model/compare.h"
#include "ppiofs/tree/name.h"

/* What is remembered of instances that a GET said are gone, until a list that was asked for later
 * says so too. Thousands of wrong ids must not fill the memory. */
#define GONE_MOST 10000

/* A list on its way into the fleet. */
typedef struct {
    GPtrArray *records; /* NULL: none is on its way */
    guint next;         /* the next record */
    char *from;         /* all are applied: where to go on looking for those that the list lacks */
} Update;

struct Fleet {
    GTree *by_name;     /* Instance.name -> Instance, with a reference */
    GTree *gone;        /* name -> when a GET was asked for that said so (gint64) */
    gint64 gone_newest; /* of these times, also of those that were dropped */
    gint64 gone_floor;  /* what was asked for before shows no instance that is not known */
    AnswerTime list, list_before; /* the newest list, and the one before it */
    guint64 list_number;
    Update update;
    gboolean unlike_list; /* a GET said something else than the newest list */

    Listing *listing; /* NULL: the set of names changed since it was made */
    guint64 names_version, version, removals, overruled, stamps;
    const char *const *fields;
    guint64 *field_versions;
    gint64 time;
    gsize full_bytes;

    FleetChanged changed;
    gpointer changed_data;
    void (*removed)(Instance *instance, gpointer data);
    gpointer removed_data;
};

static gint compare_names(gconstpointer a, gconstpointer b, gpointer data)
{
    (void)data;
    return strcmp(a, b);
}

Fleet *fleet_new(const char *const *fields)
{
    Fleet *fleet = g_new0(Fleet, 1);

    fleet->by_name = g_tree_new_full(compare_names, NULL, NULL, (GDestroyNotify)instance_unref);
    fleet->gone = g_tree_new_full(compare_names, NULL, g_free, g_free);
    fleet->fields = fields;
    fleet->field_versions = g_new0(guint64, g_strv_length((char **)(gpointer)fields) + 1);
    return fleet;
}

/* The time of a change, later than the one before although the clock may have been set back. */
static void touch(Fleet *fleet, gint64 wall)
{
    fleet->time = MAX(wall, fleet->time + 1);
}

static void names_changed(Fleet *fleet)
{
    g_clear_pointer(&fleet->listing, listing_unref);
    fleet->names_version++;
    fleet->version++;
    fleet->overruled++;
}

static void tell(const Fleet *fleet, Record *old, Record *before, Record *new)
{
    if (fleet->changed != NULL)
        fleet->changed(old, before, new, fleet->changed_data);
}

/* @old NULL: an instance was added. */
static void count_change(Fleet *fleet, Record *old, Record *new)
{
    fleet->version++;
    for (gsize i = 0; fleet->fields[i] != NULL; i++)
        if (old == NULL || !records_share_value(old, new, fleet->fields[i]))
            fleet->field_versions[i]++;
}

static gsize record_bytes(const Record *record)
{
    GBytes *body = record_body(record);

    return subtree_size(record_tree(record)) + (body == NULL ? 0 : g_bytes_get_size(body));
}

static void set_item(Instance *instance, Record *item)
{
    record_unref(instance->item);
    instance->item = item == NULL ? NULL : record_ref(item);
}

static void set_full(Fleet *fleet, Instance *instance, Record *full, const AnswerTime *time)
{
    if (instance->full != NULL)
        fleet->full_bytes -= record_bytes(instance->full);
    if (full != NULL)
        fleet->full_bytes += record_bytes(full);
    record_unref(instance->full);
    instance->full = full == NULL ? NULL : record_ref(full);
    instance->full_time = *time;
}

static Instance *add_instance(Fleet *fleet, const char *name, Record *record)
{
    Instance *instance = g_new0(Instance, 1);

    instance->refs = 1;
    instance->name = g_strdup(name);
    instance->record = record;
    instance->stamp = ++fleet->stamps;
    instance->use.data = instance;
    g_tree_insert(fleet->by_name, instance->name, instance);
    names_changed(fleet);
    count_change(fleet, NULL, record);
    tell(fleet, NULL, NULL, record);
    return instance;
}

static void remove_instance(Fleet *fleet, Instance *instance)
{
    if (fleet->removed != NULL)
        fleet->removed(instance, fleet->removed_data);
    tell(fleet, instance->record, NULL, NULL);
    if (instance->full != NULL)
        fleet->full_bytes -= record_bytes(instance->full);
    names_changed(fleet);
    fleet->removals++;
    g_tree_remove(fleet->by_name, instance->name);
}

/* A value of the instance is another one now. */
static void note_change(Fleet *fleet, Instance *instance, gint64 wall)
{
    fleet->overruled++;
    instance->changed = MAX(wall, instance->changed + 1);
}

/* @record takes the place of the record that is shown. @listed: a field that the list has is
 * another one now. The caller stores @record in the instance afterwards. */
static void show(Fleet *fleet, Instance *instance, Record *record, gboolean listed, gint64 wall)
{
    Record *old = instance->record;
    Record *before = old != instance->full ? instance->full : NULL;

    if (listed) {
        count_change(fleet, old, record);
        note_change(fleet, instance, wall);
    }
    tell(fleet, old, before, record);
    instance->record = record;
    instance->stamp = ++fleet->stamps;
}

/* The item takes the place of the full answer: what differs is younger than what was shown. */
static void show_item(Fleet *fleet, Instance *instance, gboolean listed, gint64 wall)
{
    Subtree *tree = record_tree(instance->item);

    subtree_date(tree, record_tree(instance->record), wall, 0);
    subtree_set_serial(tree, 0);
    show(fleet, instance, instance->item, listed, wall);
}

/* An equal answer takes the place of an older one, and its version and times. */
static void adopt(Record *record, Record *older)
{
    subtree_date(record_tree(record), record_tree(older), 0, 0);
    subtree_set_serial(record_tree(record), subtree_serial(record_tree(older)));
}

/* The full answer stays as it is; the newest item is @item, which was asked for later, and differs
 * from the one before (@old, may be NULL). */
static gboolean full_holds(const Instance *instance, Record *old, Record *item)
{
    return instance_shows_full(instance) && record_agrees(item, instance->full) &&
           (old == NULL || !record_lost(old, item, instance->full));
}

static void contest(Fleet *fleet, Instance *instance, gboolean contested)
{
    instance->contested = contested;
    fleet->unlike_list |= contested;
}

/* The same item again. A full answer that was newer than the list, and differed, may now be older.
 */
static void confirm_item(Fleet *fleet, Instance *instance)
{
    if (!instance->contested)
        return;
    if (instance->full_time.asked > fleet->list.asked) {
        fleet->unlike_list = TRUE;
        return;
    }
    instance->contested = FALSE;
    show_item(fleet, instance, TRUE, fleet->list.wall);
}

static void replace_item(Fleet *fleet, Instance *instance, Record *item)
{
    g_autoptr(Record) old = instance->item == NULL ? NULL : record_ref(instance->item);
    Record *full = instance->full, *shown = instance->record;
    gint64 wall = fleet->list.wall;
    gboolean newer_full = full != NULL && instance->full_time.asked > fleet->list.asked;
    gboolean keep_full = newer_full || (full != NULL && full_holds(instance, old, item));

    subtree_date_after(record_tree(item), record_tree(shown),
                       full == NULL || full == shown ? NULL : record_tree(full), wall, wall);
    if (!keep_full)
        show(fleet, instance, item, TRUE, wall);
    contest(fleet, instance,
            newer_full &&
                (!record_agrees(item, full) || (old != NULL && record_lost(old, item, full))));
    if (old != NULL && record_lost(old, item, old))
        instance->shrank = fleet->list.asked;
    set_item(instance, item);
}

static void apply_to_instance(Fleet *fleet, Instance *instance, Record *item)
{
    gboolean same =
        instance->item != NULL && (item == instance->item || record_equals(item, instance->item));

    if (!same) {
        replace_item(fleet, instance, item);
        return;
    }
    if (item != instance->item) {
        adopt(item, instance->item);
        if (instance->record == instance->item)
            instance->record = item;
        set_item(instance, item);
    }
    confirm_item(fleet, instance);
}

/* TRUE if what was asked for at @asked may show an instance that is not known. */
static gboolean may_appear(const Fleet *fleet, const char *name, gint64 asked)
{
    const gint64 *gone = g_tree_lookup(fleet->gone, name);

    return asked > fleet->gone_floor && (gone == NULL || asked > *gone);
}

static void apply_item(Fleet *fleet, Record *item)
{
    const char *name = record_file_name(item);
    Instance *instance = fleet_find(fleet, name);

    if (instance != NULL) {
        apply_to_instance(fleet, instance, item);
    } else if (may_appear(fleet, name, fleet->list.asked)) {
        subtree_date(record_tree(item), NULL, fleet->list.wall, fleet->list.wall);
        instance = add_instance(fleet, name, item);
        set_item(instance, item);
    } else {
        fleet->unlike_list = TRUE;
        return;
    }
    instance->list = fleet->list_number;
}

void fleet_begin_list(Fleet *fleet, GPtrArray *records, const AnswerTime *time)
{
    if (time->asked < fleet->list.asked)
        return;
    fleet->list_before = fleet->list;
    fleet->list = *time;
    fleet->list_number++;
    fleet->unlike_list = FALSE;
    fleet->update.records = g_ptr_array_ref(records);
    fleet->update.next = 0;
}

static gboolean is_confirmed_gone(gpointer name, gpointer asked, gpointer data)
{
    GPtrArray *old = ((gpointer *)data)[0];
    const Fleet *fleet = ((gpointer *)data)[1];

    if (*(gint64 *)asked <= fleet->list.asked)
        g_ptr_array_add(old, name);
    return FALSE;
}

/* The newest list was asked for later than these GETs: now it alone says what there is. */
static void forget_gone(Fleet *fleet)
{
    g_autoptr(GPtrArray) old = g_ptr_array_new();
    gpointer data[] = { old, fleet };

    g_tree_foreach(fleet->gone, is_confirmed_gone, data);
    for (guint i = 0; i < old->len; i++)
        g_tree_remove(fleet->gone, g_ptr_array_index(old, i));
}

static void end_update(Fleet *fleet)
{
    g_clear_pointer(&fleet->update.records, g_ptr_array_unref);
    g_clear_pointer(&fleet->update.from, g_free);
    forget_gone(fleet);
    touch(fleet, fleet->list.wall);
}

/* An instance that the newest list lacks. */
static void unlist(Fleet *fleet, Instance *instance)
{
    if (instance->full_time.asked <= fleet->list.asked) {
        remove_instance(fleet, instance);
        return;
    }
    set_item(instance, NULL); /* the full answer is newer, so it is the one that is shown */
    instance->contested = FALSE;
    fleet->unlike_list = TRUE; /* the next list may lack it, too, and equal this one */
}

static const char *name_after(GTreeNode *node)
{
    GTreeNode *next = g_tree_node_next(node);

    return next == NULL ? NULL : g_tree_node_key(next);
}

/* FALSE: all have been looked at. */
static gboolean look_for_unlisted(Fleet *fleet, guint n)
{
    Update *update = &fleet->update;
    GTreeNode *node = update->from == NULL ? g_tree_node_first(fleet->by_name)
                                           : g_tree_lower_bound(fleet->by_name, update->from);

    for (; node != NULL && n > 0; n--) {
        Instance *instance = g_tree_node_value(node);
        const char *next = name_after(node);

        if (instance->list == fleet->list_number) {
            node = g_tree_node_next(node);
        } else {
            unlist(fleet, instance); /* which may move the nodes of the tree */
            node = next == NULL ? NULL : g_tree_lookup_node(fleet->by_name, next);
        }
    }
    g_free(update->from);
    update->from = node == NULL ? NULL : g_strdup(g_tree_node_key(node));
    return node != NULL;
}

gboolean fleet_step_list(Fleet *fleet, guint n)
{
    Update *update = &fleet->update;

    if (update->records == NULL)
        return TRUE;
    for (; n > 0 && update->next < update->records->len; n--)
        apply_item(fleet, g_ptr_array_index(update->records, update->next++));
    if (n == 0 || look_for_unlisted(fleet, n))
        return FALSE;
    end_update(fleet);
    return TRUE;
}

gboolean fleet_is_like_list(const Fleet *fleet)
{
    return !fleet->unlike_list && fleet->update.records == NULL;
}

void fleet_confirm_list(Fleet *fleet, const AnswerTime *time)
{
    fleet->list = fleet->list_before = *time;
    forget_gone(fleet);
    touch(fleet, time->wall);
}

static gboolean same_full(Record *a, Record *b)
{
    GBytes *x = record_body(a), *y = record_body(b);

    return (x == y || (x != NULL && y != NULL && g_bytes_equal(x, y))) && record_equals(a, b);
}

static void replace_full(Fleet *fleet, Instance *instance, Record *full, const AnswerTime *time)
{
    Record *shown = instance->record, *before = instance->full;
    gint64 listed = fleet_listed_time(fleet, instance).asked;
    gboolean agrees = instance->item == NULL || record_agrees(instance->item, full);
    gboolean holds = instance->item == NULL || time->asked >= listed ||
                     (agrees && time->asked >= instance->shrank);
    gboolean was_contested = instance->contested || instance->item == NULL;

    subtree_date_after(record_tree(full), record_tree(shown),
                       before == NULL || before == shown ? NULL : record_tree(before), time->wall,
                       time->wall);
    if (before != NULL && !record_equals(before, full))
        note_change(fleet, instance, time->wall);
    if (holds) {
        gboolean differs = !agrees || (was_contested && !record_equals(shown, full));

        if (differs)
            touch(fleet, time->wall);
        show(fleet, instance, full, differs, time->wall);
    } else if (shown == before) {
        show_item(fleet, instance, TRUE, time->wall);
    }
    contest(fleet, instance, holds && !agrees);
    fleet->unlike_list |= instance->item == NULL;
    set_full(fleet, instance, full, time);
}

static void apply_full(Fleet *fleet, Instance *instance, Record *full, const AnswerTime *time)
{
    if (instance->full == NULL || !instance_shows_full(instance) ||
        !same_full(instance->full, full)) {
        replace_full(fleet, instance, full, time);
        return;
    }
    adopt(full, instance->full);
    instance->record = full;
    set_full(fleet, instance, full, time);
}

gboolean fleet_apply_record(Fleet *fleet, Record *full, const AnswerTime *time)
{
    const char *name = record_file_name(full);
    Instance *instance = fleet_find(fleet, name);

    if (instance == NULL) {
        /* The newest list, if it was asked for later, did not show it. */
        if (time->asked < fleet->list.asked || !may_appear(fleet, name, time->asked))
            return FALSE;
        subtree_date(record_tree(full), NULL, time->wall, time->wall);
        instance = add_instance(fleet, name, full);
        set_full(fleet, instance, full, time);
        fleet->unlike_list = TRUE;
        touch(fleet, time->wall);
    } else if (time->asked >= instance->full_time.asked) {
        apply_full(fleet, instance, full, time);
    }
    return TRUE;
}

static void remember_gone(Fleet *fleet, const char *name, gint64 asked)
{
    const gint64 *before = g_tree_lookup(fleet->gone, name);

    if (before != NULL && *before >= asked)
        return;
    fleet->gone_newest = MAX(fleet->gone_newest, asked);
    if (g_tree_nnodes(fleet->gone) >= GONE_MOST) {
        g_tree_remove_all(fleet->gone);
        fleet->gone_floor = fleet->gone_newest;
    }
    g_tree_replace(fleet->gone, g_strdup(name), g_memdup2(&asked, sizeof asked));
}

gboolean fleet_remove(Fleet *fleet, const char *name, const AnswerTime *time)
{
    Instance *instance = fleet_find(fleet, name);
    gint64 listed = instance == NULL ? 0 : fleet_listed_time(fleet, instance).asked;

    if (listed > time->asked || (instance != NULL && instance->full_time.asked > time->asked))
        return FALSE;
    remember_gone(fleet, name, time->asked);
    fleet->unlike_list = TRUE;
    if (instance != NULL) {
        remove_instance(fleet, instance);
        touch(fleet, time->wall);
    }
    return TRUE;
}

void fleet_drop_full(Fleet *fleet, Instance *instance)
{
    const AnswerTime never = { 0 };

    if (instance->full == NULL || instance->item == NULL || instance->contested)
        return;
    if (instance_shows_full(instance))
        show_item(fleet, instance, FALSE, fleet->time);
    set_full(fleet, instance, NULL, &never);
}

gsize fleet_full_bytes(const Fleet *fleet)
{
    return fleet->full_bytes;
}

Instance *fleet_find(const Fleet *fleet, const char *name)
{
    return g_tree_lookup(fleet->by_name, name);
}

Instance *fleet_neighbour(const Fleet *fleet, const char *name, gint step)
{
    GTreeNode *node = g_tree_lookup_node(fleet->by_name, name);

    if (node != NULL)
        node = step > 0 ? g_tree_node_next(node) : g_tree_node_previous(node);
    return node == NULL ? NULL : g_tree_node_value(node);
}

AnswerTime fleet_listed_time(const Fleet *fleet, const Instance *instance)
{
    AnswerTime time = { 0 };

    if (instance->item != NULL)
        time = instance->list == fleet->list_number ? fleet->list : fleet->list_before;
    if (instance_shows_full(instance) && instance->full_time.asked > time.asked)
        time = instance->full_time;
    return time;
}

AnswerTime fleet_detail_time(const Instance *instance)
{
    return instance_shows_full(instance) ? instance->full_time : (AnswerTime){ 0 };
}

static gboolean add_to_listing(gpointer name, gpointer instance, gpointer instances)
{
    (void)name;
    g_ptr_array_add(instances, instance_ref(instance));
    return FALSE;
}

Listing *fleet_listing(Fleet *fleet)
{
    if (fleet->listing == NULL) {
        fleet->listing = g_new0(Listing, 1);
        fleet->listing->refs = 1;
        fleet->listing->version = fleet->names_version;
        fleet->listing->instances =
            g_ptr_array_new_full(fleet_size(fleet), (GDestroyNotify)instance_unref);
        g_tree_foreach(fleet->by_name, add_to_listing, fleet->listing->instances);
    }
    return listing_ref(fleet->listing);
}

guint fleet_size(const Fleet *fleet)
{
    return (guint)g_tree_nnodes(fleet->by_name);
}

gint64 fleet_time(const Fleet *fleet)
{
    return fleet->time;
}

guint64 fleet_version(const Fleet *fleet)
{
    return fleet->version;
}

guint64 fleet_field_version(const Fleet *fleet, const char *path)
{
    for (gsize i = 0; fleet->fields[i] != NULL; i++)
        if (strcmp(fleet->fields[i], path) == 0)
            return fleet->field_versions[i];
    return fleet->version;
}

guint64 fleet_removals(const Fleet *fleet)
{
    return fleet->removals;
}

guint64 fleet_overruled(const Fleet *fleet)
{
    return fleet->overruled;
}

void fleet_on_change(Fleet *fleet, FleetChanged changed, gpointer data)
{
    fleet->changed = changed;
    fleet->changed_data = data;
}

void fleet_on_remove(Fleet *fleet, void (*removed)(Instance *instance, gpointer data),
                     gpointer data)
{
    fleet->removed = removed;
    fleet->removed_data = data;
}

void fleet_free(Fleet *fleet)
{
    if (fleet == NULL)
        return;
    g_clear_pointer(&fleet->update.records, g_ptr_array_unref);
    g_free(fleet->update.from);
    g_clear_pointer(&fleet->listing, listing_unref);
    g_tree_unref(fleet->by_name);
    g_tree_unref(fleet->gone);
    g_free(fleet->field_versions);
    g_free(fleet);
}

Listing *listing_ref(Listing *listing)
{
    listing->refs++;
    return listing;
}

void listing_unref(Listing *listing)
{
    if (listing == NULL || --listing->refs > 0)
        return;
    g_ptr_array_unref(listing->instances);
    g_free(listing);
}
