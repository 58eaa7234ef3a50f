/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/slot.h"

#include "ppiofs/fs/nodeid.h"

static void test_a_name_in_a_place_keeps_its_number_while_it_is_held(void)
{
    Slots *slots = slots_new(8);
    guint a = slots_hold(slots, 1, "a");
    guint b = slots_hold(slots, 2, "a"), owner = 0;

    g_assert_cmpuint(a, >=, 8);
    g_assert_cmpuint(a, !=, b);
    g_assert_cmpuint(slots_hold(slots, 1, "a"), ==, a);
    g_assert_cmpstr(slots_name(slots, a, &owner), ==, "a");
    g_assert_cmpuint(owner, ==, 1);
    g_assert_cmpstr(slots_name(slots, b, &owner), ==, "a");
    g_assert_cmpuint(owner, ==, 2);
    g_assert_cmpuint(slots_count(slots), ==, 2);
    slots_free(slots);
}

static void test_a_slot_goes_with_its_last_reference(void)
{
    Slots *slots = slots_new(8);
    guint a = slots_hold(slots, 1, "a"), owner;

    slots_hold(slots, 1, "a");
    slots_hold(slots, 1, "a");
    slots_forget(slots, a, 2);
    g_assert_cmpstr(slots_name(slots, a, &owner), ==, "a");
    slots_forget(slots, a, 1);
    g_assert_null(slots_name(slots, a, &owner));
    g_assert_cmpuint(slots_count(slots), ==, 0);
    slots_free(slots);
}

static void test_free_numbers_are_given_out_again(void)
{
    Slots *slots = slots_new(8);

    for (int i = 0; i < 10000; i++) {
        guint number = slots_hold(slots, 1, "a");
        g_assert_cmpuint(number, ==, 8);
        slots_forget(slots, number, 1);
    }
    g_assert_cmpuint(slots_end(slots), ==, 9);
    slots_free(slots);
}

static void test_numbers_that_nobody_has_name_nothing(void)
{
    static const guint numbers[] = { 0, 7, 9, G_MAXUINT };
    Slots *slots = slots_new(8);
    guint owner;

    slots_hold(slots, 1, "a");
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        g_assert_null(slots_name(slots, numbers[i], &owner));
        slots_forget(slots, numbers[i], 1);
    }
    g_assert_cmpuint(slots_count(slots), ==, 1);
    slots_free(slots);
}

static void test_forgetting_too_much_is_forgetting(void)
{
    Slots *slots = slots_new(8);

    slots_forget(slots, slots_hold(slots, 1, "a"), G_MAXUINT64);
    g_assert_cmpuint(slots_count(slots), ==, 0);
    slots_free(slots);
}

static void test_when_all_numbers_are_taken_there_is_none(void)
{
    Slots *slots = slots_new(NODEID_SLOTS - 2);

    g_assert_cmpuint(slots_hold(slots, 1, "a"), ==, NODEID_SLOTS - 2);
    g_assert_cmpuint(slots_hold(slots, 1, "b"), ==, NODEID_SLOTS - 1);
    g_assert_cmpuint(slots_hold(slots, 1, "c"), ==, 0);
    g_assert_cmpuint(slots_hold(slots, 1, "a"), ==, NODEID_SLOTS - 2);
    slots_forget(slots, NODEID_SLOTS - 1, 1);
    g_assert_cmpuint(slots_hold(slots, 1, "c"), ==, NODEID_SLOTS - 1);
    slots_free(slots);
    slots_free(NULL);
}

static gboolean adopt(const KeepRecord *record, gpointer slots)
{
    return slots_adopt(slots, record);
}

static void test_the_next_process_goes_on_with_what_is_held(void)
{
    KeepFile *keep = keep_new(NULL);
    Slots *slots = slots_new(8), *next = slots_new(8);
    guint a, b, c, owner = 0;

    slots_keep(slots, keep);
    a = slots_hold(slots, 3, "a");
    b = slots_hold(slots, 3, "b");
    c = slots_hold(slots, 3, "c");
    slots_hold(slots, 3, "c");
    slots_forget(slots, b, 1);
    slots_flush(slots);
    slots_free(slots);

    g_assert_true(keep_each(keep, adopt, next));
    slots_adopted(next);
    g_assert_cmpuint(slots_count(next), ==, 2);
    g_assert_cmpuint(slots_hold(next, 3, "a"), ==, a);
    g_assert_cmpstr(slots_name(next, c, &owner), ==, "c");
    g_assert_cmpuint(owner, ==, 3);
    g_assert_cmpuint(slots_hold(next, 3, "new"), ==, b);
    slots_forget(next, c, 1);
    g_assert_nonnull(slots_name(next, c, &owner));
    slots_forget(next, c, 1);
    g_assert_null(slots_name(next, c, &owner));
    slots_free(next);
    keep_free(keep);
}

static void test_a_record_that_cannot_be_a_slot_is_refused(void)
{
    Slots *slots = slots_new(8);
    KeepRecord record = { .kind = KEEP_SLOT, .number = 9, .count = 1, .id = 3 };

    record.bytes = "a";
    record.length = 1;

    g_assert_true(slots_adopt(slots, &record));
    g_assert_false(slots_adopt(slots, &record)); /* twice */
    record.number = 10;
    g_assert_false(slots_adopt(slots, &record)); /* the same name */
    record.bytes = "b";
    record.number = 7;
    g_assert_false(slots_adopt(slots, &record));
    record.number = NODEID_SLOTS;
    g_assert_false(slots_adopt(slots, &record));
    record.number = 10;
    record.length = 2; /* a NUL in it */
    g_assert_false(slots_adopt(slots, &record));
    record.bytes = "";
    record.length = 0;
    g_assert_false(slots_adopt(slots, &record));
    record.bytes = "b";
    record.length = 1;
    record.id = 8; /* no owner */
    g_assert_false(slots_adopt(slots, &record));
    slots_free(slots);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/slot/a_name_in_a_place_keeps_its_number_while_it_is_held",
                    test_a_name_in_a_place_keeps_its_number_while_it_is_held);
    g_test_add_func("/slot/a_slot_goes_with_its_last_reference",
                    test_a_slot_goes_with_its_last_reference);
    g_test_add_func("/slot/free_numbers_are_given_out_again",
                    test_free_numbers_are_given_out_again);
    g_test_add_func("/slot/numbers_that_nobody_has_name_nothing",
                    test_numbers_that_nobody_has_name_nothing);
    g_test_add_func("/slot/forgetting_too_much_is_forgetting",
                    test_forgetting_too_much_is_forgetting);
    g_test_add_func("/slot/when_all_numbers_are_taken_there_is_none",
                    test_when_all_numbers_are_taken_there_is_none);
    g_test_add_func("/slot/the_next_process_goes_on_with_what_is_held",
                    test_the_next_process_goes_on_with_what_is_held);
    g_test_add_func("/slot/a_record_that_cannot_be_a_slot_is_refused",
                    test_a_record_that_cannot_be_a_slot_is_refused);
    return g_test_run();
}
