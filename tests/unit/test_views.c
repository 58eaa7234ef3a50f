/* SPDX-License-Identifier: MIT */
#include "ppiofs/view/view.h"

#include <string.h>

#include "ppiofs/view/links.h"
#include "ppiofs/view/making.h"
#include "ppiofs/view/table.h"
#include "support.h"

static int compare_file_names(gconstpointer a, gconstpointer b)
{
    const Record *const *x = a, *const *y = b;

    return strcmp(record_file_name(*x), record_file_name(*y));
}

/* "id members; id members", sorted as a listing is. (transfer full) */
static GPtrArray *records_of(const char *text)
{
    g_auto(GStrv) items = g_strsplit(text, "; ", -1);
    GPtrArray *records = g_ptr_array_new_with_free_func((GDestroyNotify)record_unref);

    for (gsize i = 0; items[i] != NULL && *items[i] != '\0'; i++) {
        g_auto(GStrv) halves = g_strsplit(items[i], " ", 2);
        g_ptr_array_add(records, record_with(halves[0], halves[1] == NULL ? "" : halves[1], 0));
    }
    g_ptr_array_sort(records, compare_file_names);
    return records;
}

/* In steps of @n. */
static Subtree *make(const MakingOrder *order, const char *list, Subtree *older, guint n)
{
    Making *making = making_new(order, records_of(list), older, 5 * SECOND);

    while (!making_step(making, n))
        continue;
    return making_finish(making);
}

static void assert_links(const ViewRecipe *recipe, const char *field, const char *list,
                         const char *expected)
{
    const MakingOrder order = { .recipe = recipe, .field = field };
    g_autoptr(Subtree) tree = make(&order, list, NULL, 3);
    g_autofree char *text = tree_text(tree);

    g_assert_cmpstr(text, ==, expected);
}

static void test_case_twins_are_different_names(void)
{
    assert_links(&links_by_name, NULL, "i1 'name':'a'; i2 'name':'A'",
                 "A->../instances/i2 a->../instances/i1");
}

static char *table_of(const char *list)
{
    const MakingOrder order = { .recipe = &table_recipe,
                                .file = "t",
                                .table = &kinds[0].tables[0] };
    g_autoptr(Subtree) tree = make(&order, list, NULL, 3);

    return file_text(tree, "t");
}

#define HEADER                                                                                     \
    "id\tname\tstatus\ttype\tgpu_num\tproduct_id\tregion\tbilling_mode\timage\tcreated_at\t"       \
    "last_started_at\n"

static void test_an_empty_table_is_its_header(void)
{
    g_autofree char *table = table_of("");

    g_assert_cmpstr(table, ==, HEADER);
}

static void test_each_column_shows_its_field(void)
{
    g_autofree char *table = table_of(
        "i 'name':'n','status':{'status':'running'},'type':'gpu','resource_specs':{'gpu_num':8},"
        "'product_id':'p','region':'r','billing':{'mode':'spot'},'image':'img','created_at':1.10,"
        "'last_started_at':18446744073709551615");

    g_assert_cmpstr(table, ==,
                    HEADER "i\tn\trunning\tgpu\t8\tp\tr\tspot\timg\t1.10\t18446744073709551615\n");
}

static void test_missing_values_are_empty_columns(void)
{
    g_autofree char *table = table_of("i 'name':null,'status':{},'billing':'x'");

    g_assert_cmpstr(table, ==, HEADER "i\t\t\t\t\t\t\t\t\t\t\n");
}

static void test_what_would_break_a_line_is_escaped(void)
{
    g_autofree char *table =
        table_of("i 'name':'a\\tb\\nc\\\\d\\u001b\\u007f\\u0085\\u202e','image':"
                 "['x','y']");

    g_assert_cmpstr(table, ==,
                    HEADER "i\ta\\tb\\nc\\\\d\\x1b\\x7f\\xc2\\x85\\xe2\\x80\\xae\t\t\t\t\t\t\tx\\ny"
                           "\t\t\n");
}

static void test_lines_are_sorted_by_id_and_not_by_file_name(void)
{
    g_autofree char *table = table_of("b; -a; &c; A"); /* names: %2Da &c A b */

    g_assert_cmpstr(table, ==,
                    HEADER "&c\t\t\t\t\t\t\t\t\t\t\n-a\t\t\t\t\t\t\t\t\t\t\nA\t\t\t\t\t\t\t\t\t\t\n"
                           "b\t\t\t\t\t\t\t\t\t\t\n");
}

static void test_only_the_status_running_runs(void)
{
    g_autoptr(GPtrArray) records = records_of(
        "a 'status':'running'; b 'status':'Running'; c; d 'status':{'status':'running'}");
    static const gboolean runs[] = { TRUE, FALSE, FALSE, TRUE };

    for (guint i = 0; i < records->len; i++)
        g_assert_cmpint(view_is_running(g_ptr_array_index(records, i)), ==, runs[i]);
}

#define FLEET "c 'name':'x'; a 'name':'x'; b 'name':'y','status':'s'; -d 'status':'t'; e"

/* However large the steps are, and whatever the order is, the same comes out. */
static void test_a_view_is_the_same_in_steps_of_any_size(void)
{
    const MakingOrder orders[] = {
        { .recipe = &links_by_name },
        { .recipe = &links_by_field, .field = "status" },
        { .recipe = &table_recipe, .file = "t", .table = &kinds[0].tables[0] },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(orders); i++) {
        g_autoptr(Subtree) whole = make(&orders[i], FLEET, NULL, G_MAXUINT);
        g_autofree char *expected = tree_text(whole);

        for (guint n = 1; n < 20; n++) {
            g_autoptr(Subtree) tree = make(&orders[i], FLEET, NULL, n);
            g_autofree char *text = tree_text(tree);
            g_assert_cmpstr(text, ==, expected);
        }
    }
}

static void test_a_view_that_says_the_same_is_the_same(void)
{
    const MakingOrder order = { .recipe = &links_by_name };
    g_autoptr(Subtree) first = make(&order, FLEET, NULL, 1);
    g_autoptr(Subtree) again = make(&order, FLEET, first, 1);
    g_autoptr(Subtree) other = make(&order, FLEET "; f 'name':'f'", first, 1);

    g_assert_true(again == first);
    g_assert_true(other != first);
}

static void test_a_view_that_was_given_up_is_none(void)
{
    const MakingOrder order = { .recipe = &table_recipe,
                                .file = "t",
                                .table = &kinds[0].tables[0] };

    for (guint steps = 0; steps < 20; steps++) {
        Making *making = making_new(&order, records_of(FLEET), NULL, 1);
        gboolean over = FALSE;

        for (guint i = 0; i < steps && !over; i++)
            over = making_step(making, 1);
        g_autoptr(Subtree) tree = making_finish(making);
        g_assert_true((tree != NULL) == over);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/views/case_twins_are_different_names", test_case_twins_are_different_names);
    g_test_add_func("/views/an_empty_table_is_its_header", test_an_empty_table_is_its_header);
    g_test_add_func("/views/each_column_shows_its_field", test_each_column_shows_its_field);
    g_test_add_func("/views/missing_values_are_empty_columns",
                    test_missing_values_are_empty_columns);
    g_test_add_func("/views/what_would_break_a_line_is_escaped",
                    test_what_would_break_a_line_is_escaped);
    g_test_add_func("/views/lines_are_sorted_by_id_and_not_by_file_name",
                    test_lines_are_sorted_by_id_and_not_by_file_name);
    g_test_add_func("/views/only_the_status_running_runs", test_only_the_status_running_runs);
    g_test_add_func("/views/a_view_is_the_same_in_steps_of_any_size",
                    test_a_view_is_the_same_in_steps_of_any_size);
    g_test_add_func("/views/a_view_that_says_the_same_is_the_same",
                    test_a_view_that_says_the_same_is_the_same);
    g_test_add_func("/views/a_view_that_was_given_up_is_none",
                    test_a_view_that_was_given_up_is_none);
    return g_test_run();
}
