/* SPDX-License-Identifier: MIT */
#include "ppiofs/cache/cache.h"

#include "ppiofs/base/error.h"
#include "cache_fixture.h"

static Fixture *fixture_listed(void)
{
    Fixture *f = fixture_new();

    have_list(f, "a; b; c; d; e; f; g; h; i; j; k; l; m; n; o; p");
    g_ptr_array_set_size(f->calls, 0); /* what follows is about details */
    return f;
}

/* What an operation on a detail does. */
static Reader *walk_to(Fixture *f, const char *name)
{
    Reader *reader = reader_begin(f, DETAIL, name);

    cache_walked_to(f->cache, name);
    return reader;
}

/* Which details were asked for, in order. */
static void assert_fetched(const Fixture *f, const char *expected)
{
    GString *ids = g_string_new(NULL);

    for (guint i = 0; i < f->calls->len; i++)
        g_string_append(ids, ((Call *)g_ptr_array_index(f->calls, i))->id);
    g_assert_cmpstr(ids->str, ==, expected);
    g_string_free(ids, TRUE);
}

static void test_a_single_access_reads_nothing_ahead(void)
{
    g_autoptr(Fixture) f = fixture_listed();

    walk_to(f, "c");
    walk_to(f, "c");
    assert_fetched(f, "c");
    g_assert_cmpuint(cache_stats(f->cache).read_ahead, ==, 0);
}

static void test_a_walk_reads_ahead_and_doubles(void)
{
    g_autoptr(Fixture) f = fixture_listed();

    walk_to(f, "a");
    answer_detail(f, "a", "");
    walk_to(f, "b");
    assert_fetched(f, "abcd"); /* two ahead */
    answer_detail(f, "b", "");
    answer_detail(f, "c", "");
    answer_detail(f, "d", "");
    g_assert_cmpint(walk_to(f, "c")->answer.state, ==, CACHE_FRESH);
    assert_fetched(f, "abcdefg"); /* four ahead */
    g_assert_cmpuint(cache_stats(f->cache).read_ahead, ==, 5);
}

static void test_a_walk_backward_reads_ahead_too(void)
{
    g_autoptr(Fixture) f = fixture_listed();

    walk_to(f, "p");
    walk_to(f, "o");
    assert_fetched(f, "ponm");
}

static void test_no_more_requests_than_allowed_are_under_way(void)
{
    g_autoptr(Fixture) f = fixture_listed();

    for (const char *c = "abcdefg"; *c != '\0'; c++)
        walk_to(f, (char[]){ *c, '\0' });
    g_assert_cmpuint(started(f), ==, 8);
}

static void test_random_accesses_read_nothing_ahead(void)
{
    g_autoptr(Fixture) f = fixture_listed();

    for (const char *c = "aipdlgn"; *c != '\0'; c++)
        walk_to(f, (char[]){ *c, '\0' });
    assert_fetched(f, "aipdlgn");
}

static void test_reading_ahead_ends_with_the_listing(void)
{
    g_autoptr(Fixture) f = fixture_listed();

    walk_to(f, "o");
    walk_to(f, "p");
    assert_fetched(f, "op");
}

static void test_nothing_is_read_ahead_without_a_list_or_in_trouble(void)
{
    g_autoptr(Fixture) empty = fixture_new();
    g_autoptr(Fixture) troubled = fixture_listed();

    walk_to(empty, "a");
    walk_to(empty, "b");
    assert_fetched(empty, "ab");
    walk_to(troubled, "a");
    fail_first(troubled, "a", PPIOFS_ERROR_SERVER);
    walk_to(troubled, "b");
    assert_fetched(troubled, "ab");
}

static void test_what_was_read_ahead_serves_who_comes(void)
{
    g_autoptr(Fixture) f = fixture_listed();

    walk_to(f, "a");
    walk_to(f, "b");
    Reader *waits = walk_to(f, "c"); /* under way: waits for the same */
    answer_detail(f, "c", "");
    g_assert_cmpint(waits->answer.state, ==, CACHE_FRESH);
    answer_detail(f, "d", "");
    g_assert_cmpuint(cache_stats(f->cache).read_ahead_unused, ==, 1);
    g_assert_cmpint(ask(f, DETAIL, "d"), ==, CACHE_FRESH);
    g_assert_cmpuint(cache_stats(f->cache).read_ahead_unused, ==, 0);
}

static void test_what_was_read_ahead_in_vain_does_not_add_up(void)
{
    g_autoptr(Fixture) f = fixture_listed();

    walk_to(f, "a");
    walk_to(f, "b");
    answer_detail(f, "c", "");
    answer_detail(f, "d", "");
    turn(f, TTL);
    ask(f, LIST, NULL);
    answer_list(f, "a; b"); /* the others are gone, unread */
    g_assert_cmpuint(cache_stats(f->cache).read_ahead_unused, ==, 0);
}

static void test_fetching_ahead_spares_what_is_fresh_under_way_or_in_trouble(void)
{
    g_autoptr(Fixture) f = fixture_listed();

    have_detail(f, "a", "");
    ask(f, DETAIL, "b");
    ask(f, DETAIL, "c");
    fail_first(f, "c", PPIOFS_ERROR_SERVER);
    for (const char *c = "abcd"; *c != '\0'; c++)
        cache_fetch_ahead(f->cache, (char[]){ *c, '\0' });
    cache_fetch_ahead(f->cache, "nosuch");
    assert_fetched(f, "abcd");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* A line that no test expects is one too many. */
    g_log_set_always_fatal(G_LOG_LEVEL_MASK & ~(G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO));
    g_test_add_func("/walk/a_single_access_reads_nothing_ahead",
                    test_a_single_access_reads_nothing_ahead);
    g_test_add_func("/walk/a_walk_reads_ahead_and_doubles", test_a_walk_reads_ahead_and_doubles);
    g_test_add_func("/walk/a_walk_backward_reads_ahead_too", test_a_walk_backward_reads_ahead_too);
    g_test_add_func("/walk/no_more_requests_than_allowed_are_under_way",
                    test_no_more_requests_than_allowed_are_under_way);
    g_test_add_func("/walk/random_accesses_read_nothing_ahead",
                    test_random_accesses_read_nothing_ahead);
    g_test_add_func("/walk/reading_ahead_ends_with_the_listing",
                    test_reading_ahead_ends_with_the_listing);
    g_test_add_func("/walk/nothing_is_read_ahead_without_a_list_or_in_trouble",
                    test_nothing_is_read_ahead_without_a_list_or_in_trouble);
    g_test_add_func("/walk/what_was_read_ahead_serves_who_comes",
                    test_what_was_read_ahead_serves_who_comes);
    g_test_add_func("/walk/what_was_read_ahead_in_vain_does_not_add_up",
                    test_what_was_read_ahead_in_vain_does_not_add_up);
    g_test_add_func("/walk/fetching_ahead_spares_what_is_fresh_under_way_or_in_trouble",
                    test_fetching_ahead_spares_what_is_fresh_under_way_or_in_trouble);
    return g_test_run();
}
