/* SPDX-License-Identifier: MIT */
/* The collection against the model of it (collection_model.h): the world changes, questions about
 * it are sent, and the answers come in any order. After each step everything that can be seen is
 * compared.
 */
#include "ppiofs/model/collection.h"

#include <string.h>

#include "collection_model.h"
#include "ppiofs/model/compare.h"
#include "support.h"

#define STEPS 60000
#define QUESTIONS_MOST 8

static const char *const names[NAMES] = { "a", "b", "c", "d" };
static const Kind kind = { .links = (const KindLink[]){
                               { "by-status", "status" }, { "by-network", "network/id" }, { 0 } } };
static const Place field_places[] = { STATUS, NETWORK_ID };
#define FIELDS G_N_ELEMENTS(field_places)

/* A question on its way, and what the API said when it was sent. */
typedef struct {
    gint64 asked;
    gint of; /* an object; -1: the list */
    Content answer[NAMES];
    gboolean exists[NAMES];
} Question;

/* What can be seen of an object, and of the collection. */
typedef struct {
    gboolean known, shows_full, contested;
    Content shown, item, full; /* zero: there is none */
    gint64 mtimes[PLACES];
    guint64 stamp, serial;
} Look;
typedef struct {
    guint64 version, removals, overruled, field_versions[FIELDS];
    Look looks[NAMES];
} Sight;

typedef struct {
    Collection *collection;
    Model model;
    FakeClock clock;
    gint64 serials;
    Content world[NAMES];
    gboolean exists[NAMES];
    Question questions[QUESTIONS_MOST];
    guint n_questions;
    Question list; /* the newest that was applied, or is */
    GPtrArray *records;
    gboolean applying;
    guint next, from;  /* how far it is applied: records, then objects */
    gboolean dropping; /* this step drops a full answer */
    Sight sight;
    Record *told[NAMES];  /* by CollectionChanged */
    GHashTable *listings; /* place and its date -> its names */
} Fixture;

static guint dice(guint n)
{
    return (guint)g_test_rand_int_range(0, (gint32)n);
}

static gboolean often(guint percent)
{
    return dice(100) < percent;
}

/* The world. */

static void fill(Content *content, Place place)
{
    gboolean below = place == ROOT || content->at[places[place].parent] != 0;
    gboolean must =
        place == ROOT || place == STATUS || place == PORT_1_PORT || place == PORT_2_PORT;

    content->at[place] = 0;
    if (!below || (!must && often(30)))
        return;
    content->at[place] = 1;
    if (!places[place].is_directory && !must)
        content->at[place] += dice(2);
    if (place == PORT_2_PORT)
        content->at[place] = 2;
    if (place == STATUS)
        content->at[place] += dice(2);
}

static void fill_from(Content *content, Place top)
{
    for (Place p = top; p < PLACES; p++) {
        Place at = p;

        while (at != top && at != ROOT)
            at = places[at].parent;
        if (at == top)
            fill(content, p);
    }
}

static void change_world(Fixture *f)
{
    guint i = dice(NAMES);

    if (often(15))
        f->exists[i] = !f->exists[i];
    else
        fill_from(&f->world[i], dice(PLACES));
}

static Content listed_part(const Content *full)
{
    Content item = *full;

    for (Place p = 0; p < PLACES; p++)
        if (places[p].is_full_only)
            item.at[p] = 0;
    return item;
}

/* A list may lie: the real one's `image` differs from the GET's now and then. */
static void send_question(Fixture *f)
{
    if (f->n_questions == QUESTIONS_MOST)
        return;
    Question *q = &f->questions[f->n_questions++];

    fake_clock_turn(&f->clock, 1);
    q->asked = f->clock.now;
    q->of = often(30) ? -1 : (gint)dice(NAMES);
    for (guint i = 0; i < NAMES; i++) {
        q->exists[i] = f->exists[i];
        q->answer[i] = q->of < 0 ? listed_part(&f->world[i]) : f->world[i];
        if (often(10))
            q->answer[i].at[IMAGE] = 2;
    }
}

/* Answers. */

static void append_object(GString *json, const Content *content, Place directory)
{
    g_string_append_c(json, '{');
    for (Place p = directory + 1; p < PLACES; p++) {
        const char *name = strrchr(places[p].path, '/');

        if (places[p].parent != directory || content->at[p] == 0)
            continue;
        if (json->str[json->len - 1] != '{')
            g_string_append_c(json, ',');
        g_string_append_printf(json, "'%s':", name == NULL ? places[p].path : name + 1);
        if (!places[p].is_directory)
            g_string_append_printf(json, "%d", content->at[p]);
        else if (!places[p].is_array)
            append_object(json, content, p);
        else
            for (Place i = p; i < PLACES; i++)
                if (i == p)
                    g_string_append_c(json, '[');
                else if (places[i].parent == p && content->at[i] != 0) {
                    if (json->str[json->len - 1] != '[')
                        g_string_append_c(json, ',');
                    append_object(json, content, i);
                }
        if (places[p].is_array)
            g_string_append_c(json, ']');
    }
    g_string_append_c(json, '}');
}

static Record *record_from(guint i, const Content *content, RecordFlags flags)
{
    g_autoptr(GString) json = g_string_new(NULL);

    append_object(json, content, ROOT);
    g_string_truncate(json, json->len - 1);
    return record_with(names[i], json->str + 1, flags);
}

static AnswerTime answered(Fixture *f, gint64 asked)
{
    fake_clock_turn(&f->clock, 1);
    return (AnswerTime){ asked, f->clock.now, f->clock.wall };
}

static gboolean lists_equal(const Question *a, const Question *b)
{
    for (guint i = 0; i < NAMES; i++)
        if (a->exists[i] != b->exists[i] ||
            (a->exists[i] && !content_equals(&a->answer[i], &b->answer[i])))
            return FALSE;
    return TRUE;
}

static void make_records(Fixture *f, const Question *q)
{
    g_clear_pointer(&f->records, g_ptr_array_unref);
    f->records = g_ptr_array_new_with_free_func((GDestroyNotify)record_unref);
    for (guint i = 0; i < NAMES; i++)
        if (q->exists[i])
            g_ptr_array_add(f->records, record_from(i, &q->answer[i], 0));
}

static void confirm_in_model(Fixture *f, gint64 asked)
{
    model_list_begins(&f->model, asked);
    for (guint i = 0; i < NAMES; i++)
        if (f->list.exists[i])
            model_item(&f->model, i, &f->list.answer[i]);
    for (guint i = 0; i < NAMES; i++)
        model_unlisted(&f->model, i);
}

static void take_list(Fixture *f, const Question *q)
{
    AnswerTime time = answered(f, q->asked);
    gboolean newer = q->asked > f->model.list_asked;
    gboolean unchanged = newer && f->records != NULL && lists_equal(q, &f->list);

    if (!unchanged && newer)
        make_records(f, q);
    if (unchanged && collection_is_like_list(f->collection)) {
        collection_confirm_list(f->collection, &time);
        confirm_in_model(f, q->asked);
        return;
    }
    if (!newer) {
        g_autoptr(GPtrArray) none = g_ptr_array_new();

        collection_begin_list(f->collection, none, &time);
        g_assert_true(collection_step_list(f->collection, NAMES));
        return;
    }
    f->list = *q;
    collection_begin_list(f->collection, f->records, &time);
    model_list_begins(&f->model, q->asked);
    f->applying = TRUE;
    f->next = f->from = 0;
}

/* The same step in the model: the next records, then the next objects that are known. */
static gboolean step_model(Fixture *f, guint n)
{
    for (; n > 0 && f->next < f->records->len; n--) {
        const char *name = record_id(g_ptr_array_index(f->records, f->next++));
        guint i = (guint)(name[0] - 'a');

        model_item(&f->model, i, &f->list.answer[i]);
    }
    if (n == 0)
        return FALSE;
    for (; f->from < NAMES && (n > 0 || !f->model.objects[f->from].known); f->from++) {
        n -= f->model.objects[f->from].known;
        model_unlisted(&f->model, f->from);
    }
    return f->from == NAMES;
}

static void step_list(Fixture *f)
{
    guint n = 1 + dice(NAMES);
    gboolean over = collection_step_list(f->collection, n);
    gboolean expected = step_model(f, n);

    f->applying = !over;
    if (over) /* it may take one more step to see that it is over */
        g_assert_true(expected);
}

static void take_answer(Fixture *f)
{
    guint at = f->n_questions == 0 ? 0 : dice(f->n_questions);
    Question q = f->questions[at];

    if (f->n_questions == 0 || (q.of < 0 && f->applying))
        return;
    f->questions[at] = f->questions[--f->n_questions];
    if (q.of < 0) {
        take_list(f, &q);
        return;
    }
    guint i = (guint)q.of;
    AnswerTime time = answered(f, q.asked);
    if (q.exists[i]) {
        g_autoptr(Record) record = record_from(i, &q.answer[i], RECORD_FULL);

        g_assert_cmpint(collection_apply_record(f->collection, record, &time), ==,
                        model_full(&f->model, i, &q.answer[i], q.asked));
    } else {
        g_assert_cmpint(collection_remove(f->collection, names[i], &time), ==,
                        model_gone(&f->model, i, q.asked));
    }
}

static void drop_full(Fixture *f)
{
    guint i = dice(NAMES);
    Object *object = collection_find(f->collection, names[i]);

    f->dropping = TRUE;
    if (object == NULL)
        return;
    collection_drop_full(f->collection, object);
    model_drop_full(&f->model, i);
}

/* What is seen. */

static Content content_of(Record *record)
{
    const Subtree *tree = record_tree(record);
    Content content = { { 0 } };

    for (Place p = 0; p < PLACES; p++) {
        NodeIndex node = p == ROOT ? 0 : subtree_lookup(tree, places[p].path);
        gsize length;

        if (node != NODE_NONE && places[p].is_directory)
            content.at[p] = 1;
        else if (node != NODE_NONE)
            content.at[p] = (guint8)(subtree_content(tree, node, &length)[0] - '0');
    }
    return content;
}

static Look look_at(Fixture *f, guint i)
{
    const Object *object = collection_find(f->collection, names[i]);
    Look look = { .known = object != NULL };

    if (object == NULL)
        return look;
    Subtree *tree = record_tree(object->record);
    if (subtree_serial(tree) == 0)
        subtree_set_serial(tree, (guint64)++f->serials);
    look.serial = subtree_serial(tree);
    look.stamp = object->stamp;
    look.shows_full = object_shows_full(object);
    look.shown = content_of(object->record);
    if (object->item != NULL)
        look.item = content_of(object->item);
    if (object->full != NULL)
        look.full = content_of(object->full);
    look.contested = look.shows_full && !content_agrees(&look.item, &look.full);
    for (Place p = 1; p < PLACES; p++)
        if (look.shown.at[p] != 0)
            look.mtimes[p] = subtree_mtime(tree, subtree_lookup(tree, places[p].path));
    return look;
}

static Sight see(Fixture *f)
{
    Sight sight = { .version = collection_version(f->collection),
                    .removals = collection_removals(f->collection),
                    .overruled = collection_overruled(f->collection) };

    for (guint i = 0; i < FIELDS; i++)
        sight.field_versions[i] = collection_link_version(f->collection, &kind.links[i]);
    for (guint i = 0; i < NAMES; i++)
        sight.looks[i] = look_at(f, i);
    return sight;
}

/* The rules. */

/* Which objects there are, and which answer is shown of each; all fields of one answer. */
static void check_shown(Fixture *f, guint i, const Look *look)
{
    Expected *e = &f->model.objects[i];
    const Object *object = collection_find(f->collection, names[i]);
    gint64 listed = e->listed ? e->item_asked : 0;

    g_assert_cmpint(look->known, ==, e->known);
    if (!e->known)
        return;
    if (e->may_be_item) {
        e->shows_full = look->shows_full;
        e->contested &= e->shows_full;
    }
    g_assert_cmpint(look->shows_full, ==, e->shows_full);
    g_assert_true(content_equals(&look->shown, expected_shown(e)));
    g_assert_cmpint(object->item != NULL, ==, e->listed);
    g_assert_cmpint(object->full != NULL, ==, e->has_full);
    g_assert_cmpint(collection_detail_time(object).asked, ==, e->shows_full ? e->full_asked : 0);
    g_assert_cmpint(collection_listed_time(f->collection, object).asked, ==,
                    e->shows_full ? MAX(listed, e->full_asked) : listed);
}

static void check_confirmed(Fixture *f, guint i, const Look *look)
{
    const Expected *e = &f->model.objects[i];
    const Object *object = collection_find(f->collection, names[i]);

    for (Place p = 0; look->known && p < PLACES; p++) {
        NodeIndex node = subtree_lookup(record_tree(object->record), places[p].path);
        gboolean listed = e->listed && e->item.at[p] != 0;
        guint shown_names = content_names(&look->shown, p);

        if (p == ROOT)
            node = 0;
        if (node == NODE_NONE)
            continue;
        g_assert_cmpint(object_confirms(object, node), ==, listed);
        if (!places[p].is_directory || (e->contested && !object_confirms_listing(object, node)))
            continue;
        listed = listed &&
                 (e->shows_full ? content_names(&e->item, p) == shown_names : places[p].is_array);
        g_assert_cmpint(object_confirms_listing(object, node), ==, listed);
    }
}

/* A directory never has one date with two sets of names, whatever went and came back. */
static void remember_listing(Fixture *f, guint i, Place p, gint64 date, guint listing)
{
    gint64 key = (date * NAMES + i) * PLACES + p;
    gpointer known;

    if (g_hash_table_lookup_extended(f->listings, &key, NULL, &known))
        g_assert_cmpuint(GPOINTER_TO_UINT(known), ==, listing);
    else
        g_hash_table_insert(f->listings, g_memdup2(&key, sizeof key), GUINT_TO_POINTER(listing));
}

static void check_dates(Fixture *f, guint i, const Look *old, const Look *new)
{
    gboolean same = content_equals(&old->shown, &new->shown);

    if (!new->known)
        return;
    remember_listing(f, i, ROOT, (gint64) new->stamp, content_names(&new->shown, ROOT));
    if (old->known && same && old->shows_full == new->shows_full)
        g_assert_cmpuint(old->serial, ==, new->serial);
    for (Place p = 1; p < PLACES; p++) {
        if (places[p].is_directory && new->shown.at[p] != 0)
            remember_listing(f, i, p, new->mtimes[p], content_names(&new->shown, p));
        if (!old->known || old->shown.at[p] == 0 || new->shown.at[p] == 0)
            continue;
        if (!places[p].is_directory && old->shown.at[p] == new->shown.at[p])
            g_assert_cmpint(old->mtimes[p], ==, new->mtimes[p]);
        if (old->shown.at[p] != new->shown.at[p])
            g_assert_cmpint(old->mtimes[p], <, new->mtimes[p]);
    }
}

/* What happened to the objects in one step. */
typedef struct {
    gboolean added, removed;
    gboolean shown[PLACES];  /* another value is shown there */
    gboolean listed[PLACES]; /* and the list has or had one there */
    gboolean replaced;       /* a shown value is another one, or gone */
    gboolean unclear; /* versions may grow without need: the GET says something else than the list,
                         or than the GET before */
} Changes;

static void compare_looks(Changes *changes, const Look *old, const Look *new)
{
    gboolean unlisted = old->item.at[ROOT] == 0 || new->item.at[ROOT] == 0;

    changes->added |= new->known && !old->known;
    changes->removed |= old->known && !new->known;
    changes->unclear |= old->contested || new->contested ||
                        (old->full.at[ROOT] && !content_equals(&old->full, &new->full));
    if (!old->known || !new->known)
        return;
    for (Place p = 0; p < PLACES; p++) {
        if (old->shown.at[p] == new->shown.at[p])
            continue;
        changes->shown[p] = TRUE;
        changes->listed[p] |= unlisted || old->item.at[p] != 0 || new->item.at[p] != 0;
        changes->replaced |= old->shown.at[p] != 0;
    }
}

static gboolean any_place(const gboolean in[PLACES], gboolean full_only)
{
    for (Place p = 0; p < PLACES; p++)
        if (in[p] && (full_only || !places[p].is_full_only))
            return TRUE;
    return FALSE;
}

static void check_grows(guint64 old, guint64 new, gboolean must, gboolean may)
{
    g_assert_cmpuint(new, >=, old);
    if (must)
        g_assert_cmpuint(new, >, old);
    else if (!may)
        g_assert_cmpuint(new, ==, old);
}

/* A version that does not grow when it must shows old views; one that grows for nothing has them
 * rendered for nothing. */
static void check_versions(const Fixture *f, const Sight *old, const Sight *new)
{
    Changes changes = { 0 };

    for (guint i = 0; i < NAMES; i++)
        compare_looks(&changes, &old->looks[i], &new->looks[i]);
    gboolean names_changed = changes.added || changes.removed;
    gboolean may = names_changed || any_place(changes.shown, FALSE) || changes.unclear;
    check_grows(old->version, new->version, names_changed || any_place(changes.listed, TRUE), may);
    check_grows(old->overruled, new->overruled,
                changes.removed || (changes.replaced && !f->dropping), may || changes.replaced);
    check_grows(old->removals, new->removals, changes.removed, FALSE);
    for (guint i = 0; i < FIELDS; i++)
        check_grows(old->field_versions[i], new->field_versions[i],
                    changes.added || changes.listed[field_places[i]],
                    changes.shown[field_places[i]]);
}

static void check_listing(Fixture *f)
{
    g_autoptr(Listing) listing = collection_listing(f->collection);
    gsize bytes = 0;
    guint n = 0;

    for (guint i = 0; i < NAMES; i++) {
        const Object *object = collection_find(f->collection, names[i]);

        if (object == NULL)
            continue;
        g_assert_cmpuint(n, <, listing->objects->len);
        g_assert_true(g_ptr_array_index(listing->objects, n) == object);
        n++;
        if (object->full != NULL)
            bytes += subtree_size(record_tree(object->full)) +
                     g_bytes_get_size(record_body(object->full));
    }
    g_assert_cmpuint(listing->objects->len, ==, n);
    g_assert_cmpuint(collection_full_bytes(f->collection), ==, bytes);
}

static void check(Fixture *f)
{
    Sight sight = see(f);

    for (guint i = 0; i < NAMES; i++) {
        check_shown(f, i, &sight.looks[i]);
        check_confirmed(f, i, &sight.looks[i]);
        check_dates(f, i, &f->sight.looks[i], &sight.looks[i]);
        g_assert_cmpint(f->told[i] != NULL, ==, sight.looks[i].known);
        if (f->told[i] != NULL) {
            Content told = content_of(f->told[i]);
            g_assert_true(content_equals(&told, &sight.looks[i].shown));
        }
    }
    check_versions(f, &f->sight, &sight);
    check_listing(f);
    f->sight = sight;
    f->dropping = FALSE;
}

/* The changes that are told lead from what was shown to what is. */
static void on_change(Record *old, Record *before, Record *new, gpointer data)
{
    Fixture *f = data;
    guint i = (guint)(record_id(old == NULL ? new : old)[0] - 'a');

    (void)before;
    g_assert_cmpint(old != NULL, ==, f->told[i] != NULL);
    if (old != NULL)
        g_assert_true(record_equals(old, f->told[i]));
    record_unref(f->told[i]);
    f->told[i] = new == NULL ? NULL : record_ref(new);
}

static void fixture_init(Fixture *f)
{
    *f = (Fixture){ .collection = collection_new(&kind),
                    .listings = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL) };
    fake_clock_init(&f->clock);
    collection_on_change(f->collection, on_change, f);
    for (guint i = 0; i < NAMES; i++) {
        f->exists[i] = TRUE;
        fill_from(&f->world[i], ROOT);
    }
}

static void fixture_clear(Fixture *f)
{
    collection_free(f->collection);
    g_clear_pointer(&f->records, g_ptr_array_unref);
    g_hash_table_unref(f->listings);
    for (guint i = 0; i < NAMES; i++)
        record_unref(f->told[i]);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

static void test_any_order_of_answers_shows_what_was_asked_for_last(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    for (guint step = 0; step < STEPS; step++) {
        guint what = dice(100);

        if (what < 15)
            change_world(&f);
        else if (what < 50)
            send_question(&f);
        else if (what < 53)
            drop_full(&f);
        else if (f.applying && what < 75)
            step_list(&f);
        else
            take_answer(&f);
        check(&f);
    }
}

/* Examples that document a rule. */

static AnswerTime asked_at(gint64 asked, gint64 received)
{
    return (AnswerTime){ asked * SECOND, received * SECOND, (1000 + received) * SECOND };
}

/* "id members; id members" */
static void list_at(Collection *collection, const char *text, gint64 asked, gint64 received)
{
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func((GDestroyNotify)record_unref);
    g_auto(GStrv) items = g_strsplit(text, "; ", -1);
    AnswerTime time = asked_at(asked, received);

    for (gsize i = 0; items[i] != NULL && *items[i] != '\0'; i++) {
        g_auto(GStrv) halves = g_strsplit(items[i], " ", 2);

        g_ptr_array_add(records, record_with(halves[0], halves[1] == NULL ? "" : halves[1], 0));
    }
    collection_begin_list(collection, records, &time);
    while (!collection_step_list(collection, 1))
        ;
}

static gboolean get_at(Collection *collection, const char *id, const char *members, gint64 asked,
                       gint64 received)
{
    AnswerTime time = asked_at(asked, received);
    if (members == NULL)
        return collection_remove(collection, id, &time);

    g_autoptr(Record) record = record_with(id, members, RECORD_FULL);
    return collection_apply_record(collection, record, &time);
}

static void test_what_returns_unchanged_has_another_stamp(void)
{
    g_autoptr(Collection) collection = collection_new(&kind);

    list_at(collection, "a 'created_at':5", 1, 2);
    get_at(collection, "a", "'created_at':5,'tools':{'ssh':{'port':1}}", 3, 4);
    guint64 stamp = collection_find(collection, "a")->stamp;
    list_at(collection, "", 5, 6);
    list_at(collection, "a 'created_at':5", 7, 8);
    g_assert_cmpuint(collection_find(collection, "a")->stamp, !=, stamp);
}

static void test_details_that_agree_change_no_view(void)
{
    g_autoptr(Collection) collection = collection_new(&kind);

    list_at(collection, "a 'status':'running'; b 'status':'running'", 1, 2);
    guint64 version = collection_version(collection),
            status = collection_link_version(collection, &kind.links[0]);
    get_at(collection, "a", "'status':'running','tools':{'ssh':{'port':1}}", 3, 4);
    get_at(collection, "b", "'status':'running','tools':{'ssh':{'port':1}}", 3, 4);
    g_assert_cmpuint(collection_version(collection), ==, version);
    g_assert_cmpuint(collection_link_version(collection, &kind.links[0]), ==, status);
    g_assert_true(collection_is_like_list(collection));
}

/* Thousands of wrong names do not fill the memory, and none of them is lost. */
static void test_any_number_of_names_stays_gone(void)
{
    g_autoptr(Collection) collection = collection_new(&kind);

    get_at(collection, "a", NULL, 5, 6);
    for (guint i = 0; i < 10001; i++) {
        g_autofree char *name = g_strdup_printf("wrong%u", i);
        get_at(collection, name, NULL, 4, 6);
    }
    list_at(collection, "a; wrong1", 3, 7);
    g_assert_null(collection_find(collection, "a"));
    g_assert_null(collection_find(collection, "wrong1"));
    list_at(collection, "a; wrong1", 6, 8);
    g_assert_cmpuint(collection_size(collection), ==, 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fleet/any_order_of_answers_shows_what_was_asked_for_last",
                    test_any_order_of_answers_shows_what_was_asked_for_last);
    g_test_add_func("/fleet/what_returns_unchanged_has_another_stamp",
                    test_what_returns_unchanged_has_another_stamp);
    g_test_add_func("/fleet/details_that_agree_change_no_view",
                    test_details_that_agree_change_no_view);
    g_test_add_func("/fleet/any_number_of_names_stays_gone", test_any_number_of_names_stays_gone);
    return g_test_run();
}
