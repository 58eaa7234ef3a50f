/* SPDX-License-Identifier: MIT */
#include "ppiofs/model/fleet.h"

#include <string.h>

#include "support.h"

typedef struct {
    Fleet *fleet;
    gint64 now; /* both times, in seconds */
} Fixture;

static void fixture_init(Fixture *f)
{
    *f = (Fixture){ fleet_new(), 1000 };
}

static void fixture_clear(Fixture *f)
{
    fleet_free(f->fleet);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

/* An answer that comes @after seconds after the one before, and took @took of them. */
static AnswerTime answered(Fixture *f, gint64 after, gint64 took)
{
    f->now += after;
    return (AnswerTime){ .sent = (f->now - took) * SECOND,
                         .monotonic = f->now * SECOND,
                         .wall = f->now * SECOND + 1 };
}

/* "id members; id members": a list, ten seconds after the last answer. */
static void take_list_sent(Fixture *f, const char *text, gint64 took)
{
    g_auto(GStrv) items = g_strsplit(text, "; ", -1);
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func((GDestroyNotify)record_unref);
    AnswerTime time = answered(f, 10, took);

    for (gsize i = 0; items[i] != NULL && *items[i] != '\0'; i++) {
        g_auto(GStrv) halves = g_strsplit(items[i], " ", 2);
        const char *members = halves[1] == NULL ? "" : halves[1];
        g_ptr_array_add(records, record_with(halves[0], members, 0));
    }
    fleet_apply_list(f->fleet, records, &time);
}

static void take_list(Fixture *f, const char *text)
{
    take_list_sent(f, text, 1);
}

static void take_record(Fixture *f, const char *id, const char *members)
{
    g_autoptr(Record) record = record_with(id, members, RECORD_FULL);
    AnswerTime time = answered(f, 10, 1);

    fleet_apply_record(f->fleet, record, &time);
}

static void remove_instance(Fixture *f, const char *name)
{
    AnswerTime time = answered(f, 10, 1);

    fleet_remove(f->fleet, name, &time);
}

static Instance *must_have(const Fixture *f, const char *name)
{
    Instance *instance = fleet_find(f->fleet, name);

    g_assert_nonnull(instance);
    return instance;
}

static void assert_files(const Fixture *f, const char *name, const char *expected)
{
    g_autofree char *text = tree_text(record_tree(must_have(f, name)->record));

    g_assert_cmpstr(text, ==, expected);
}

/* In seconds. */
static gint64 mtime(const Fixture *f, const char *name, const char *path)
{
    const Subtree *tree = record_tree(must_have(f, name)->record);

    return subtree_mtime(tree, must_find(tree, path)) / SECOND;
}

static char *names(const Fixture *f)
{
    g_autoptr(Listing) listing = fleet_listing(f->fleet);
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < listing->instances->len; i++) {
        const Instance *instance = g_ptr_array_index(listing->instances, i);
        g_string_append_printf(out, "%s%s", i > 0 ? " " : "", instance->name);
    }
    return g_string_free(out, FALSE);
}

static void assert_names(const Fixture *f, const char *expected)
{
    g_autofree char *have = names(f);

    g_assert_cmpstr(have, ==, expected);
}

static void test_an_empty_fleet_has_an_empty_listing(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    assert_names(&f, "");
    g_assert_cmpuint(fleet_size(f.fleet), ==, 0);
    g_assert_cmpint(fleet_time(f.fleet), ==, 0);
    g_assert_null(fleet_find(f.fleet, "a"));
}

static void test_a_listing_is_in_the_order_of_the_file_names(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_list(&f, "b; a; -c; B; %; é");
    assert_names(&f, "%25 %2Dc B a b é");
    g_assert_cmpuint(fleet_size(f.fleet), ==, 6);
    g_assert_cmpstr(record_id(must_have(&f, "%2Dc")->record), ==, "-c");
}

static void test_what_a_list_lacks_is_removed(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_list(&f, "a; b; c");
    take_list(&f, "b; d");
    assert_names(&f, "b d");
    take_list(&f, "");
    assert_names(&f, "");
}

static void test_an_unchanged_item_keeps_its_record(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_list(&f, "a 'status':'running'");
    const Record *record = must_have(&f, "a")->record;
    guint64 version = fleet_version(f.fleet);
    take_list(&f, "a 'status':'running'");

    g_assert_true(must_have(&f, "a")->record == record);
    g_assert_cmpuint(fleet_version(f.fleet), ==, version);
    g_assert_cmpint(must_have(&f, "a")->item_time, ==, f.now * SECOND);
}

static void test_the_same_record_object_may_come_again(void)
{
    g_auto(Fixture) f;
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func((GDestroyNotify)record_unref);

    fixture_init(&f);
    g_ptr_array_add(records, record_with("a", "'x':1", 0));
    for (int i = 0; i < 3; i++) {
        AnswerTime time = answered(&f, 10, 1);
        fleet_apply_list(f.fleet, records, &time);
    }
    g_assert_true(must_have(&f, "a")->record == g_ptr_array_index(records, 0));
    take_record(&f, "a", "'x':1,'y':2");
    AnswerTime time = answered(&f, 10, 1);
    fleet_apply_list(f.fleet, records, &time);
    assert_files(&f, "a", "id='a$' x='1$' y='2$'");
    g_assert_cmpint(must_have(&f, "a")->detail_time, !=, 0);

    time = answered(&f, 10, 1);
    fleet_apply_list(f.fleet, records, &time);
    g_assert_cmpint(must_have(&f, "a")->item_time, ==, f.now * SECOND);
    /* A list sent before the newest GET shows that y is listed: then an item without it differs. */
    take_record(&f, "a", "'x':1,'y':2,'z':3");
    time = answered(&f, 10, 1);
    fleet_apply_list(f.fleet, records, &time);
    take_list_sent(&f, "a 'x':1,'y':2", 25);
    time = answered(&f, 10, 1);
    fleet_apply_list(f.fleet, records, &time);
    assert_files(&f, "a", "id='a$' x='1$'");

    take_record(&f, "a", "'x':3,'y':2"); /* and now it does not agree any more */
    time = answered(&f, 10, 1);
    fleet_apply_list(f.fleet, records, &time);
    assert_files(&f, "a", "id='a$' x='1$'");
}

static void test_a_changed_item_takes_the_place_of_the_old_one(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_list(&f, "a 'status':'running'");
    guint64 version = fleet_version(f.fleet);
    take_list(&f, "a 'status':'exited'");
    assert_files(&f, "a", "id='a$' status='exited$'");
    g_assert_cmpuint(fleet_version(f.fleet), >, version);
}

static void test_a_member_that_went_from_an_item_is_gone(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_list(&f, "a 'x':1,'d':{'y':2,'z':3}");
    take_list(&f, "a 'd':{'y':2}");
    assert_files(&f, "a", "d/ d/y='2$' id='a$'");
}

static void test_two_items_with_one_id_are_one_instance(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_list(&f, "a 'x':1; a 'x':1; b");
    assert_names(&f, "a b");
}

static void test_an_instance_has_its_own_time_and_its_files_that_of_the_first_look(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_list(&f, "a 'created_at':500; b");
    g_assert_cmpint(mtime(&f, "a", ""), ==, 500);
    g_assert_cmpint(mtime(&f, "a", "id"), ==, f.now);
    g_assert_cmpint(mtime(&f, "b", ""), ==, f.now);
}

static void test_only_what_changed_gets_a_new_time(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_list(&f, "a 'created_at':500,'status':'running'");
    gint64 first = f.now;
    take_list(&f, "a 'created_at':500,'status':'exited','new':1");
    g_assert_cmpint(mtime(&f, "a", "created_at"), ==, first);
    g_assert_cmpint(mtime(&f, "a", "status"), ==, f.now);
    g_assert_cmpint(mtime(&f, "a", "new"), ==, f.now);
    g_assert_cmpint(mtime(&f, "a", ""), ==, f.now);
}

static void test_a_list_that_agrees_keeps_the_detail(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_list(&f, "a 'status':'running'");
    take_record(&f, "a", "'status':'running','tools':{'x':1}");
    const Record *full = must_have(&f, "a")->record;
    gint64 detail_time = must_have(&f, "a")->detail_time;
    take_list(&f, "a 'status':'running'");

    g_assert_true(must_have(&f, "a")->record == full);
    g_assert_cmpint(must_have(&f, "a")->detail_time, ==, detail_time);
    g_assert_cmpint(must_have(&f, "a")->item_time, ==, f.now * SECOND);
}

static void test_a_list_that_differs_drops_the_detail(void)
{
    static const char *const lists[] = {
        "a 'status':'exited','network':{'ip':'1'},'ports':[{'port':1}]", /* another value */
        "a 'status':'running','network':{'ip':'2'},'ports':[{'port':1}]",
        "a 'status':'running','network':{'ip':'1'},'ports':[]",
        "a 'status':'running','network':{'ip':'1'},'ports':[{'port':1},{'port':2}]",
        "a 'status':'running','network':null,'ports':[{'port':1}],'new':1",
        "a 'network':{'ip':'1'},'ports':[{'port':1}]", /* a field that it had is gone */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_auto(Fixture) f;

        fixture_init(&f);
        take_list(&f, "a 'status':'running','network':{'ip':'1'},'ports':[{'port':1}]");
        take_record(&f, "a",
                    "'status':'running','network':{'ip':'1'},'ports':[{'port':1}],'tools':{'x':1}");
        take_list(&f, lists[i]);
        g_assert_false(record_is_full(must_have(&f, "a")->record));
        g_assert_cmpint(must_have(&f, "a")->detail_time, ==, 0);
    }
}

static void test_a_list_need_not_have_what_only_the_get_has(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_record(&f, "a", "'status':'running','tools':{'x':1}");
    take_list(&f, "a 'status':'running'");
    assert_files(&f, "a", "id='a$' status='running$' tools/ tools/x='1$'");
    g_assert_cmpint(must_have(&f, "a")->detail_time, !=, 0);
}

static void test_listed_fields_are_those_that_the_list_has(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_list(&f, "a 'status':'running'");
    const Instance *a = must_have(&f, "a");
    g_assert_true(instance_is_listed(a, must_find(record_tree(a->record), "status")));
    take_record(&f, "a", "'status':'running','tools':{'x':1}");
    g_assert_true(instance_is_listed(a, must_find(record_tree(a->record), "status")));
    g_assert_false(instance_is_listed(a, must_find(record_tree(a->record), "tools")));
    take_record(&f, "a", "'status':'exited','tools':{'x':2}");
    g_assert_true(instance_is_listed(a, must_find(record_tree(a->record), "status")));
    g_assert_false(instance_is_listed(a, must_find(record_tree(a->record), "tools")));

    take_record(&f, "b", "'status':'running'"); /* no list has shown it yet */
    const Instance *b = must_have(&f, "b");
    g_assert_false(instance_is_listed(b, must_find(record_tree(b->record), "status")));
    take_list(&f, "a 'status':'exited'; b 'status':'running'");
    g_assert_true(instance_is_listed(b, must_find(record_tree(b->record), "status")));
}

static void test_an_equal_detail_keeps_the_record(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_record(&f, "a", "'status':'running','tools':{'x':1}");
    const Record *record = must_have(&f, "a")->record;
    take_record(&f, "a", "'status':'running','tools':{'x':1}");
    g_assert_true(must_have(&f, "a")->record == record);
    g_assert_cmpint(must_have(&f, "a")->detail_time, ==, f.now * SECOND);
}

static void test_a_detail_in_other_bytes_is_a_new_version_with_the_old_times(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_record(&f, "a", "'created_at':500,'x':1");
    const Record *record = must_have(&f, "a")->record;
    gint64 first = f.now;
    take_record(&f, "a", "'x':1,'created_at':500");
    g_assert_true(must_have(&f, "a")->record != record);
    g_assert_cmpint(mtime(&f, "a", "x"), ==, first);
}

static void test_a_detail_newer_than_the_list_was_sent_wins(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_list(&f, "a 'status':'running'");
    take_record(&f, "a", "'status':'exited','tools':{'x':1}");
    take_list_sent(&f, "a 'status':'running'", 15); /* asked for before that */
    assert_files(&f, "a", "id='a$' status='exited$' tools/ tools/x='1$'");
    g_assert_false(fleet_is_like_list(f.fleet));
    take_list(&f, "a 'status':'running'");
    assert_files(&f, "a", "id='a$' status='running$'");
    g_assert_true(fleet_is_like_list(f.fleet));
}

static void test_an_instance_found_after_the_list_was_sent_stays(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_record(&f, "a", "");
    take_list_sent(&f, "b", 15);
    assert_names(&f, "a b");
    g_assert_false(fleet_is_like_list(f.fleet)); /* or an equal list would confirm it for ever */
    take_list(&f, "b");
    assert_names(&f, "b");
    g_assert_true(fleet_is_like_list(f.fleet));
}

static void test_a_confirmed_list_makes_all_items_new(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_list(&f, "a; b");
    guint64 version = fleet_version(f.fleet);
    AnswerTime time = answered(&f, 10, 1);
    fleet_confirm_list(f.fleet, &time);
    g_assert_cmpint(must_have(&f, "a")->item_time, ==, time.monotonic);
    g_assert_cmpint(must_have(&f, "b")->item_time, ==, time.monotonic);
    g_assert_cmpint(fleet_time(f.fleet), ==, time.wall);
    g_assert_cmpuint(fleet_version(f.fleet), ==, version);
}

static void test_whether_the_fleet_is_like_the_list(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_list(&f, "a 'x':1; b");
    g_assert_true(fleet_is_like_list(f.fleet));
    take_record(&f, "a", "'x':1,'y':2");
    g_assert_true(fleet_is_like_list(f.fleet)); /* says the same and more */
    take_record(&f, "a", "'x':1,'y':3");
    g_assert_true(fleet_is_like_list(f.fleet));
    take_record(&f, "a", "'x':2,'y':3");
    g_assert_false(fleet_is_like_list(f.fleet));
    take_list(&f, "a 'x':2; b");
    g_assert_true(fleet_is_like_list(f.fleet));
    take_record(&f, "c", "");
    g_assert_false(fleet_is_like_list(f.fleet));
    take_list(&f, "a 'x':2; b; c");
    remove_instance(&f, "b");
    g_assert_false(fleet_is_like_list(f.fleet));
    take_list(&f, "a 'x':2; c");
    g_assert_true(fleet_is_like_list(f.fleet));
}

static void test_a_removed_instance_is_gone_at_once(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_list(&f, "a; b");
    guint64 version = fleet_version(f.fleet);
    remove_instance(&f, "a");
    assert_names(&f, "b");
    g_assert_null(fleet_find(f.fleet, "a"));
    g_assert_cmpuint(fleet_version(f.fleet), >, version);
    g_assert_cmpint(fleet_time(f.fleet), ==, f.now * SECOND + 1);
    remove_instance(&f, "nosuch");
    assert_names(&f, "b");
}

static void test_the_time_is_that_of_the_newest_change_that_a_list_shows(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_list(&f, "a 'x':1");
    g_assert_cmpint(fleet_time(f.fleet), ==, f.now * SECOND + 1);
    gint64 listed = fleet_time(f.fleet);
    take_record(&f, "a", "'x':1,'y':1");
    take_record(&f, "a", "'x':1,'y':2");
    g_assert_cmpint(fleet_time(f.fleet), ==, listed);
    take_record(&f, "a", "'x':2,'y':2");
    g_assert_cmpint(fleet_time(f.fleet), ==, f.now * SECOND + 1);
    take_record(&f, "b", "");
    g_assert_cmpint(fleet_time(f.fleet), ==, f.now * SECOND + 1);
}

static void test_the_version_grows_with_what_a_list_shows(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_list(&f, "a 'x':1");
    guint64 version = fleet_version(f.fleet);
    take_record(&f, "a", "'x':1,'y':1");
    take_record(&f, "a", "'x':1,'y':2");
    g_assert_cmpuint(fleet_version(f.fleet), ==, version);
    take_record(&f, "a", "'x':2,'y':2");
    g_assert_cmpuint(fleet_version(f.fleet), >, version);
}

static void test_a_listing_is_the_same_until_the_names_change(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_list(&f, "a 'x':1");
    g_autoptr(Listing) first = fleet_listing(f.fleet);
    take_list(&f, "a 'x':2");
    g_autoptr(Listing) second = fleet_listing(f.fleet);
    take_list(&f, "a 'x':2; b");
    g_autoptr(Listing) third = fleet_listing(f.fleet);

    g_assert_true(first == second);
    g_assert_true(first != third);
    g_assert_cmpuint(third->version, >, first->version);
    g_assert_cmpuint(first->instances->len, ==, 1);
}

static void test_a_listing_outlives_its_instances_and_the_fleet(void)
{
    g_autoptr(Listing) listing = NULL;
    {
        g_auto(Fixture) f;

        fixture_init(&f);
        take_list(&f, "a; b");
        listing = fleet_listing(f.fleet);
        take_list(&f, "");
    }
    const Instance *b = g_ptr_array_index(listing->instances, 1);
    g_assert_cmpstr(record_id(b->record), ==, "b");
}

static void test_an_expired_fleet_keeps_its_records_but_not_their_times(void)
{
    g_auto(Fixture) f;

    fixture_init(&f);
    take_list(&f, "a 'x':1; b");
    take_record(&f, "a", "'x':1,'y':2");
    const Record *a = must_have(&f, "a")->record;
    fleet_expire(f.fleet);
    assert_names(&f, "a b");
    g_assert_cmpint(must_have(&f, "a")->item_time, ==, 0);
    g_assert_cmpint(must_have(&f, "a")->detail_time, ==, 0);

    take_list(&f, "a 'x':1; b"); /* confirms the listed part only */
    g_assert_true(must_have(&f, "a")->record == a);
    g_assert_cmpint(must_have(&f, "a")->item_time, ==, f.now * SECOND);
    g_assert_cmpint(must_have(&f, "a")->detail_time, ==, 0);
    take_list(&f, "b");
    assert_names(&f, "b");
}

static void note_change(Record *old, Record *new, gpointer data)
{
    GString *out = data;

    g_string_append_printf(out, "%s%s%s ", old == NULL ? "+" : "", new == NULL ? "-" : "",
                           record_id(new == NULL ? old : new));
    g_assert_true(old != new);
}

static void assert_changes(GString *changes, const char *expected)
{
    g_assert_cmpstr(changes->str, ==, expected);
    g_string_truncate(changes, 0);
}

static void test_each_change_is_told_and_nothing_else(void)
{
    GString *changes = g_string_new(NULL);
    g_auto(Fixture) f;

    fixture_init(&f);
    fleet_on_change(f.fleet, note_change, changes);
    take_list(&f, "a; b 'x':1");
    assert_changes(changes, "+a +b ");
    take_list(&f, "a; b 'x':1");
    assert_changes(changes, "");
    take_list(&f, "a; b 'x':2");
    assert_changes(changes, "b ");
    take_record(&f, "b", "'x':2,'y':1");
    assert_changes(changes, "b ");
    take_record(&f, "b", "'x':2,'y':1");
    assert_changes(changes, "");
    take_list(&f, "b 'x':2");
    assert_changes(changes, "-a ");
    remove_instance(&f, "b");
    assert_changes(changes, "-b ");
    fleet_on_change(f.fleet, NULL, NULL);
    take_list(&f, "c");
    assert_changes(changes, "");
    g_string_free(changes, TRUE);
}

static void test_ids_that_look_like_cut_names_take_no_others_place(void)
{
    g_autofree char *id = g_strnfill(255, 'a');
    g_autofree char *list = NULL;
    g_auto(Fixture) f;

    fixture_init(&f);
    id[252] = '\0';
    g_autofree char *wide = g_strconcat(id, "中", "中", NULL); /* 258 bytes: cut */
    take_list(&f, wide);
    g_autofree char *cut = names(&f);
    list = g_strconcat(wide, "; ", cut, NULL);
    take_list(&f, list);
    g_assert_cmpuint(fleet_size(f.fleet), ==, 2);
}

static void test_a_hundred_thousand_instances_are_no_problem(void)
{
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func((GDestroyNotify)record_unref);
    gint64 began = g_get_monotonic_time();
    g_auto(Fixture) f;
    char id[16];

    fixture_init(&f);
    for (int i = 0; i < 100000; i++) {
        g_snprintf(id, sizeof id, "%d", i);
        g_ptr_array_add(records, record_with(id, "'status':'running'", 0));
    }
    for (int i = 0; i < 3; i++) {
        AnswerTime time = answered(&f, 10, 1);
        fleet_apply_list(f.fleet, records, &time);
    }
    g_autoptr(Listing) listing = fleet_listing(f.fleet);
    g_assert_cmpuint(listing->instances->len, ==, 100000);
    g_assert_cmpint(g_get_monotonic_time() - began, <, 60 * (gint64)SECOND);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fleet/an_empty_fleet_has_an_empty_listing",
                    test_an_empty_fleet_has_an_empty_listing);
    g_test_add_func("/fleet/a_listing_is_in_the_order_of_the_file_names",
                    test_a_listing_is_in_the_order_of_the_file_names);
    g_test_add_func("/fleet/what_a_list_lacks_is_removed", test_what_a_list_lacks_is_removed);
    g_test_add_func("/fleet/an_unchanged_item_keeps_its_record",
                    test_an_unchanged_item_keeps_its_record);
    g_test_add_func("/fleet/the_same_record_object_may_come_again",
                    test_the_same_record_object_may_come_again);
    g_test_add_func("/fleet/a_changed_item_takes_the_place_of_the_old_one",
                    test_a_changed_item_takes_the_place_of_the_old_one);
    g_test_add_func("/fleet/a_member_that_went_from_an_item_is_gone",
                    test_a_member_that_went_from_an_item_is_gone);
    g_test_add_func("/fleet/two_items_with_one_id_are_one_instance",
                    test_two_items_with_one_id_are_one_instance);
    g_test_add_func("/fleet/times_at_first",
                    test_an_instance_has_its_own_time_and_its_files_that_of_the_first_look);
    g_test_add_func("/fleet/only_what_changed_gets_a_new_time",
                    test_only_what_changed_gets_a_new_time);
    g_test_add_func("/fleet/a_list_that_agrees_keeps_the_detail",
                    test_a_list_that_agrees_keeps_the_detail);
    g_test_add_func("/fleet/a_list_that_differs_drops_the_detail",
                    test_a_list_that_differs_drops_the_detail);
    g_test_add_func("/fleet/a_list_need_not_have_what_only_the_get_has",
                    test_a_list_need_not_have_what_only_the_get_has);
    g_test_add_func("/fleet/listed_fields_are_those_that_the_list_has",
                    test_listed_fields_are_those_that_the_list_has);
    g_test_add_func("/fleet/an_equal_detail_keeps_the_record",
                    test_an_equal_detail_keeps_the_record);
    g_test_add_func("/fleet/a_detail_in_other_bytes_is_a_new_version_with_the_old_times",
                    test_a_detail_in_other_bytes_is_a_new_version_with_the_old_times);
    g_test_add_func("/fleet/a_detail_newer_than_the_list_was_sent_wins",
                    test_a_detail_newer_than_the_list_was_sent_wins);
    g_test_add_func("/fleet/an_instance_found_after_the_list_was_sent_stays",
                    test_an_instance_found_after_the_list_was_sent_stays);
    g_test_add_func("/fleet/a_confirmed_list_makes_all_items_new",
                    test_a_confirmed_list_makes_all_items_new);
    g_test_add_func("/fleet/whether_the_fleet_is_like_the_list",
                    test_whether_the_fleet_is_like_the_list);
    g_test_add_func("/fleet/a_removed_instance_is_gone_at_once",
                    test_a_removed_instance_is_gone_at_once);
    g_test_add_func("/fleet/the_time_is_that_of_the_newest_change_that_a_list_shows",
                    test_the_time_is_that_of_the_newest_change_that_a_list_shows);
    g_test_add_func("/fleet/the_version_grows_with_what_a_list_shows",
                    test_the_version_grows_with_what_a_list_shows);
    g_test_add_func("/fleet/a_listing_is_the_same_until_the_names_change",
                    test_a_listing_is_the_same_until_the_names_change);
    g_test_add_func("/fleet/a_listing_outlives_its_instances_and_the_fleet",
                    test_a_listing_outlives_its_instances_and_the_fleet);
    g_test_add_func("/fleet/an_expired_fleet_keeps_its_records_but_not_their_times",
                    test_an_expired_fleet_keeps_its_records_but_not_their_times);
    g_test_add_func("/fleet/each_change_is_told_and_nothing_else",
                    test_each_change_is_told_and_nothing_else);
    g_test_add_func("/fleet/ids_that_look_like_cut_names_take_no_others_place",
                    test_ids_that_look_like_cut_names_take_no_others_place);
    g_test_add_func("/fleet/a_hundred_thousand_instances_are_no_problem",
                    test_a_hundred_thousand_instances_are_no_problem);
    return g_test_run();
}
