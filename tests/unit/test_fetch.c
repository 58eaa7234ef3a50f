/* SPDX-License-Identifier: MIT */
/* One fetch for any number of waiters, and how waiters come and go: cache/fetch.c and status.c. */
#include "ppiofs/cache/cache.h"

#include "ppiofs/base/error.h"
#include "cache_fixture.h"

#define MANY 64

static void begin_many(Fixture *f, What what, const char *name, Reader *readers[MANY])
{
    for (int i = 0; i < MANY; i++)
        readers[i] = reader_begin(f, what, name);
}

static void assert_all(Reader *readers[MANY], CacheState state)
{
    for (int i = 0; i < MANY; i++) {
        g_assert_cmpuint(readers[i]->woken, ==, 1);
        g_assert_cmpint(readers[i]->answer.state, ==, state);
    }
}

static void test_sixty_four_readers_make_one_request(void)
{
    g_autoptr(Fixture) f = fixture_new();
    Reader *readers[MANY], *others[MANY];

    begin_many(f, LIST, NULL, readers);
    g_assert_cmpuint(cache_stats(f->cache).parked, ==, MANY);
    answer_list(f, "x");
    assert_all(readers, CACHE_FRESH);
    begin_many(f, DETAIL, "x", others);
    answer_detail(f, "x", "");
    assert_all(others, CACHE_FRESH);
    g_assert_cmpuint(started(f), ==, 2);
    g_assert_cmpuint(cache_stats(f->cache).fetches, ==, 2);
    g_assert_cmpuint(cache_stats(f->cache).parked, ==, 0);
}

static void test_a_failure_answers_all_who_waited_and_no_one_tries_again(void)
{
    g_autoptr(Fixture) f = fixture_new();
    Reader *readers[MANY];

    begin_many(f, LIST, NULL, readers);
    fail_first(f, NULL, PPIOFS_ERROR_SERVER);
    assert_all(readers, CACHE_FAILED);
    g_assert_cmpuint(started(f), ==, 1);
    g_assert_cmpuint(f->errors, ==, 1);
}

static void test_details_of_different_instances_are_fetched_side_by_side(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "a; b");
    Reader *a = reader_begin(f, DETAIL, "a");
    Reader *b = reader_begin(f, DETAIL, "b");
    g_assert_cmpuint(cache_details_status(f->cache).in_flight, ==, 2);
    answer_detail(f, "b", "");
    g_assert_cmpuint(a->woken, ==, 0);
    g_assert_cmpint(b->answer.state, ==, CACHE_FRESH);
    answer_detail(f, "a", "");
    g_assert_cmpint(a->answer.state, ==, CACHE_FRESH);
}

static void test_one_who_leaves_does_not_take_the_fetch_from_the_others(void)
{
    g_autoptr(Fixture) f = fixture_new();
    Reader *a = reader_begin(f, LIST, NULL);
    Reader *b = reader_begin(f, LIST, NULL);

    cache_leave(&a->waiter, FALSE);
    g_assert_false(under_way(f, NULL)->cancelled);
    answer_list(f, "x");
    g_assert_cmpuint(a->woken, ==, 0);
    g_assert_cmpint(b->answer.state, ==, CACHE_FRESH);
}

static void test_when_the_last_one_leaves_the_fetch_is_cancelled(void)
{
    g_autoptr(Fixture) f = fixture_new();
    Reader *readers[MANY];

    begin_many(f, DETAIL, "x", readers);
    Call *call = under_way(f, "x");
    for (int i = 0; i < MANY; i++) {
        g_assert_false(call->cancelled);
        cache_leave(&readers[i]->waiter, FALSE);
    }
    g_assert_true(call->cancelled);
    g_assert_cmpuint(cache_stats(f->cache).cancelled, ==, 1);
    g_assert_cmpuint(cache_stats(f->cache).parked, ==, 0);
    g_assert_cmpint(ask(f, DETAIL, "x"), ==, CACHE_WAIT);
    g_assert_cmpuint(started(f), ==, 2);
}

static void test_leaving_twice_or_without_waiting_does_nothing(void)
{
    g_autoptr(Fixture) f = fixture_new();
    Reader *a = reader_begin(f, LIST, NULL);
    Reader *b = reader_new(f, LIST, NULL);

    reader_begin(f, LIST, NULL);
    cache_leave(&a->waiter, FALSE);
    cache_leave(&a->waiter, FALSE);
    cache_leave(&b->waiter, FALSE);
    g_assert_cmpuint(cache_stats(f->cache).parked, ==, 1);
}

static void test_a_deadline_leaves_the_fetch_to_the_next_who_asks(void)
{
    g_autoptr(Fixture) f = fixture_new();
    Reader *a = reader_begin(f, LIST, NULL);

    cache_leave(&a->waiter, TRUE);
    g_assert_false(under_way(f, NULL)->cancelled);
    turn(f, SECOND);
    Reader *b = reader_begin(f, LIST, NULL);
    g_assert_cmpuint(started(f), ==, 1);
    answer_list(f, "x");
    g_assert_cmpuint(a->woken, ==, 0);
    g_assert_cmpint(b->answer.state, ==, CACHE_FRESH);
}

static void test_what_nobody_waits_for_any_more_is_still_taken(void)
{
    g_autoptr(Fixture) f = fixture_new();
    Reader *a = reader_begin(f, LIST, NULL);

    cache_leave(&a->waiter, TRUE);
    answer_list(f, "x");
    g_assert_cmpint(look(f, LIST, NULL), ==, CACHE_FRESH);
}

static Reader *other;

static void leave_other(Reader *reader)
{
    (void)reader;
    cache_leave(&other->waiter, FALSE);
}

static void test_one_who_is_woken_may_make_the_last_other_leave(void)
{
    g_autoptr(Fixture) f = fixture_new();
    Reader *first = reader_begin(f, DETAIL, "x");

    other = reader_begin(f, DETAIL, "x");
    first->on_ready = leave_other;
    answer_detail(f, "x", "");
    g_assert_cmpuint(first->woken, ==, 1);
    g_assert_cmpuint(other->woken, ==, 0);
    g_assert_cmpuint(cache_stats(f->cache).cancelled, ==, 0);
    g_assert_cmpint(look(f, DETAIL, "x"), ==, CACHE_FRESH);
}

static void ask_for_detail(Reader *reader)
{
    reader->on_ready = NULL;
    reader->what = DETAIL;
    reader_ask(reader);
}

static void test_one_who_is_woken_may_park_again_at_once(void)
{
    g_autoptr(Fixture) f = fixture_new();
    Reader *a = reader_begin(f, LIST, "x");
    Reader *b = reader_begin(f, LIST, "x");

    a->on_ready = ask_for_detail;
    b->on_ready = ask_for_detail;
    answer_list(f, "x");
    g_assert_cmpint(a->answer.state, ==, CACHE_WAIT);
    g_assert_cmpint(b->answer.state, ==, CACHE_WAIT);
    answer_detail(f, "x", "");
    g_assert_cmpint(a->answer.state, ==, CACHE_FRESH);
    g_assert_cmpuint(b->woken, ==, 2);
    g_assert_cmpuint(started(f), ==, 2);
}

static void drop_and_ask(Reader *reader)
{
    cache_drop(reader->fixture->cache);
    reader_ask(reader);
}

static void test_one_who_is_woken_may_park_for_the_same_again(void)
{
    g_autoptr(Fixture) f = fixture_new();
    Reader *a = reader_begin(f, LIST, NULL);
    Reader *b = reader_begin(f, LIST, NULL);

    a->on_ready = drop_and_ask;
    answer_list(f, "x");
    g_assert_cmpint(a->answer.state, ==, CACHE_WAIT);
    g_assert_cmpuint(a->woken, ==, 1);
    g_assert_cmpint(b->answer.state, ==, CACHE_WAIT); /* what it waited for was dropped */
    a->on_ready = NULL;
    g_assert_cmpuint(started(f), ==, 2);
    answer_list(f, "x");
    g_assert_cmpint(a->answer.state, ==, CACHE_FRESH);
    g_assert_cmpint(b->answer.state, ==, CACHE_FRESH);
}

static void test_freeing_the_cache_cancels_all_fetches_and_wakes_nobody(void)
{
    Fixture *f = fixture_new();
    Reader *a = reader_begin(f, LIST, NULL);
    Reader *b = reader_begin(f, ITEM, "x");

    cache_free(g_steal_pointer(&f->cache));
    for (guint i = 0; i < f->calls->len; i++)
        g_assert_true(((Call *)g_ptr_array_index(f->calls, i))->cancelled);
    g_assert_cmpuint(a->woken + b->woken, ==, 0);
    fixture_free(f);
}

static void test_the_status_of_the_list_follows_its_states(void)
{
    g_autoptr(Fixture) f = fixture_new();
    ClassStatus status = cache_list_status(f->cache);

    g_assert_cmpint(status.state, ==, CLASS_EMPTY);
    g_assert_cmpint(status.age_us, ==, -1);
    g_assert_null(status.why);
    ask(f, LIST, NULL);
    g_assert_cmpuint(cache_list_status(f->cache).in_flight, ==, 1);
    answer_list(f, "x; y");
    turn(f, SECOND);
    status = cache_list_status(f->cache);
    g_assert_cmpint(status.state, ==, CLASS_FRESH);
    g_assert_cmpint(status.age_us, ==, SECOND);
    g_assert_cmpuint(status.known, ==, 2);
    g_assert_cmpuint(status.in_flight, ==, 0);
    turn(f, TTL);
    g_assert_cmpint(cache_list_status(f->cache).state, ==, CLASS_EXPIRED);
    ask(f, LIST, NULL);
    fail_first(f, NULL, PPIOFS_ERROR_SERVER);
    status = cache_list_status(f->cache);
    g_assert_cmpint(status.state, ==, CLASS_STALE);
    g_assert_cmpstr(status.why, ==, "it failed");
    g_assert_cmpint(status.next_try_us, >, 0);
    turn(f, MAX_STALE);
    g_assert_cmpint(cache_list_status(f->cache).state, ==, CLASS_FAILED);
    g_assert_cmpint(cache_list_status(f->cache).next_try_us, ==, 0);
}

static void test_the_status_of_the_details_follows_their_states(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "x");
    g_assert_cmpint(cache_details_status(f->cache).state, ==, CLASS_EMPTY);
    have_detail(f, "x", "");
    g_assert_cmpint(cache_details_status(f->cache).state, ==, CLASS_FRESH);
    turn(f, DETAIL_TTL);
    g_assert_cmpint(cache_details_status(f->cache).state, ==, CLASS_EXPIRED);
    ask(f, DETAIL, "x");
    answer_list(f, "x");
    fail_first(f, "x", PPIOFS_ERROR_SERVER);
    g_assert_cmpint(cache_details_status(f->cache).state, ==, CLASS_STALE);
    turn(f, BACKED_OFF);
    ask(f, DETAIL, "nosuch");
    expect_recovery("x"); /* the API answers */
    fail(f, "nosuch", PPIOFS_ERROR_NOT_FOUND);
    assert_logged();
    g_assert_cmpint(cache_details_status(f->cache).state, !=, CLASS_STALE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* A line that no test expects is one too many. */
    g_log_set_always_fatal(G_LOG_LEVEL_MASK & ~(G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO));
    g_test_add_func("/fetch/sixty_four_readers_make_one_request",
                    test_sixty_four_readers_make_one_request);
    g_test_add_func("/fetch/a_failure_answers_all_who_waited_and_no_one_tries_again",
                    test_a_failure_answers_all_who_waited_and_no_one_tries_again);
    g_test_add_func("/fetch/details_of_different_instances_are_fetched_side_by_side",
                    test_details_of_different_instances_are_fetched_side_by_side);
    g_test_add_func("/fetch/one_who_leaves_does_not_take_the_fetch_from_the_others",
                    test_one_who_leaves_does_not_take_the_fetch_from_the_others);
    g_test_add_func("/fetch/when_the_last_one_leaves_the_fetch_is_cancelled",
                    test_when_the_last_one_leaves_the_fetch_is_cancelled);
    g_test_add_func("/fetch/leaving_twice_or_without_waiting_does_nothing",
                    test_leaving_twice_or_without_waiting_does_nothing);
    g_test_add_func("/fetch/a_deadline_leaves_the_fetch_to_the_next_who_asks",
                    test_a_deadline_leaves_the_fetch_to_the_next_who_asks);
    g_test_add_func("/fetch/what_nobody_waits_for_any_more_is_still_taken",
                    test_what_nobody_waits_for_any_more_is_still_taken);
    g_test_add_func("/fetch/one_who_is_woken_may_make_the_last_other_leave",
                    test_one_who_is_woken_may_make_the_last_other_leave);
    g_test_add_func("/fetch/one_who_is_woken_may_park_again_at_once",
                    test_one_who_is_woken_may_park_again_at_once);
    g_test_add_func("/fetch/one_who_is_woken_may_park_for_the_same_again",
                    test_one_who_is_woken_may_park_for_the_same_again);
    g_test_add_func("/fetch/freeing_the_cache_cancels_all_fetches_and_wakes_nobody",
                    test_freeing_the_cache_cancels_all_fetches_and_wakes_nobody);
    g_test_add_func("/fetch/the_status_of_the_list_follows_its_states",
                    test_the_status_of_the_list_follows_its_states);
    g_test_add_func("/fetch/the_status_of_the_details_follows_their_states",
                    test_the_status_of_the_details_follows_their_states);
    return g_test_run();
}
