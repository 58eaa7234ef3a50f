/* SPDX-License-Identifier: MIT */
#include "ppiofs/cache/cache.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/log.h"
#include "ppiofs/base/log.h"
#include "cache_fixture.h"

/* Both resources go through the same states: each test of one is run for both. The list holds x. */
static const What both[] = { LIST, DETAIL };

static const char *id_of(What what)
{
    return what == LIST ? NULL : "x";
}

static void answer_one(Fixture *f, What what)
{
    if (what == LIST)
        answer_list(f, "x");
    else
        answer_detail(f, "x", "'tools':{}");
}

/* Asks when the list is so fresh that only the resource itself matters. */
static void have(Fixture *f, What what)
{
    g_assert_cmpint(ask(f, what, "x"), ==, CACHE_WAIT);
    answer_one(f, what);
    g_assert_cmpint(look(f, what, "x"), ==, CACHE_FRESH);
}

static gint64 ttl_of(What what)
{
    return what == LIST ? TTL : DETAIL_TTL;
}

/* Lets the resource grow old by @us, and the list of the detail not. */
static void grow_old(Fixture *f, What what, gint64 us)
{
    turn(f, us);
    if (what == DETAIL && look(f, LIST, NULL) != CACHE_FRESH) {
        g_assert_cmpint(ask(f, LIST, NULL), ==, CACHE_WAIT);
        answer_list(f, "x");
    }
}

static Fixture *fixture_expired(What what)
{
    Fixture *f = fixture_new();

    have(f, what);
    grow_old(f, what, ttl_of(what));
    return f;
}

static Fixture *fixture_stale(What what)
{
    Fixture *f = fixture_expired(what);

    g_assert_cmpint(ask(f, what, "x"), ==, CACHE_WAIT);
    fail_first(f, id_of(what), PPIOFS_ERROR_SERVER);
    return f;
}

static Fixture *fixture_failed(What what)
{
    Fixture *f = fixture_new();

    g_assert_cmpint(ask(f, what, "x"), ==, CACHE_WAIT);
    fail_first(f, id_of(what), PPIOFS_ERROR_SERVER);
    return f;
}

#define FOR_BOTH(what) for (gsize b_ = 0; b_ < 2 && ((what) = both[b_], TRUE); b_++)

static void test_empty_fetches_and_waits(void)
{
    What what;

    FOR_BOTH(what)
    {
        g_autoptr(Fixture) f = fixture_new();
        Reader *reader = reader_begin(f, what, "x");

        g_assert_cmpint(reader->answer.state, ==, CACHE_WAIT);
        g_assert_cmpuint(started(f), ==, 1);
        answer_one(f, what);
        g_assert_cmpuint(reader->woken, ==, 1);
        g_assert_cmpint(reader->answer.state, ==, CACHE_FRESH);
    }
}

static void test_empty_becomes_failed(void)
{
    What what;

    FOR_BOTH(what)
    {
        g_autoptr(Fixture) f = fixture_new();
        Reader *reader = reader_begin(f, what, "x");

        fail_first(f, id_of(what), PPIOFS_ERROR_TIMEOUT);
        g_assert_cmpint(reader->answer.state, ==, CACHE_FAILED);
        g_assert_cmpuint(f->errors, ==, 1);
        g_assert_cmpuint(started(f), ==, 1);
    }
}

static void test_fresh_answers_at_once_until_its_ttl_ends(void)
{
    What what;

    FOR_BOTH(what)
    {
        g_autoptr(Fixture) f = fixture_new();

        have(f, what);
        guint n = started(f);
        turn(f, TTL / 2);
        Reader *reader = reader_begin(f, what, "x");
        g_assert_cmpint(reader->answer.state, ==, CACHE_FRESH);
        g_assert_cmpint(reader->answer.keep_us, >, 0);
        g_assert_cmpint(reader->answer.keep_us, <=, TTL / 2);
        g_assert_cmpuint(started(f), ==, n);
    }
}

static void test_expired_fetches_and_waits_and_is_fresh_again(void)
{
    What what;

    FOR_BOTH(what)
    {
        g_autoptr(Fixture) f = fixture_expired(what);
        guint n = started(f);
        Reader *reader = reader_begin(f, what, "x");

        g_assert_cmpint(reader->answer.state, ==, CACHE_WAIT);
        g_assert_cmpuint(started(f), ==, n + 1);
        answer_one(f, what);
        g_assert_cmpint(reader->answer.state, ==, CACHE_FRESH);
    }
}

static void test_expired_becomes_stale(void)
{
    static const int codes[] = { PPIOFS_ERROR_TIMEOUT,   PPIOFS_ERROR_UNREACHABLE,
                                 PPIOFS_ERROR_REFUSED,   PPIOFS_ERROR_BUSY,
                                 PPIOFS_ERROR_PROTOCOL,  PPIOFS_ERROR_BAD_ANSWER,
                                 PPIOFS_ERROR_TOO_LARGE, PPIOFS_ERROR_SERVER };
    What what;

    FOR_BOTH(what)
    {
        for (gsize i = 0; i < G_N_ELEMENTS(codes); i++) {
            g_autoptr(Fixture) f = fixture_expired(what);
            Reader *reader = reader_begin(f, what, "x");

            fail_first(f, id_of(what), codes[i]);
            g_assert_cmpint(reader->answer.state, ==, CACHE_STALE);
            g_assert_cmpint(reader->answer.keep_us, <=, SECOND);
            g_assert_cmpuint(f->errors, ==, 1);
        }
    }
}

static void test_expired_longer_than_max_stale_becomes_failed(void)
{
    What what;

    FOR_BOTH(what)
    {
        g_autoptr(Fixture) f = fixture_expired(what);

        grow_old(f, what, MAX_STALE);
        Reader *reader = reader_begin(f, what, "x");
        fail_first(f, id_of(what), PPIOFS_ERROR_SERVER);
        g_assert_cmpint(reader->answer.state, ==, CACHE_FAILED);
    }
}

static void test_a_refusal_is_never_answered_from_stale_data(void)
{
    What what;

    FOR_BOTH(what)
    {
        g_autoptr(Fixture) f = fixture_expired(what);
        Reader *reader = reader_begin(f, what, "x");

        fail_first(f, id_of(what), PPIOFS_ERROR_DENIED);
        g_assert_cmpint(reader->answer.state, ==, CACHE_FAILED);
        g_assert_cmpint(look(f, what, "x"), ==, CACHE_FAILED);
    }
}

static void test_a_refusal_stands_until_the_api_says_otherwise(void)
{
    What what;

    FOR_BOTH(what)
    {
        g_autoptr(Fixture) f = fixture_expired(what);

        g_assert_cmpint(ask(f, what, "x"), ==, CACHE_WAIT);
        fail_first(f, id_of(what), PPIOFS_ERROR_DENIED);
        grow_old(f, what, BACKED_OFF);
        Reader *reader = reader_begin(f, what, "x");
        g_assert_cmpint(reader->answer.state, ==, CACHE_WAIT);
        fail(f, id_of(what), PPIOFS_ERROR_TIMEOUT); /* says nothing about the key */
        g_assert_cmpint(reader->answer.state, ==, CACHE_FAILED);
        grow_old(f, what, BACKED_OFF);
        g_assert_cmpint(ask(f, what, "x"), ==, CACHE_WAIT);
        expect_recovery(id_of(what));
        answer_one(f, what);
        assert_logged();
        g_assert_cmpint(look(f, what, "x"), ==, CACHE_FRESH);
    }
}

static void test_stale_is_answered_without_a_fetch_until_a_probe_is_due(void)
{
    What what;

    FOR_BOTH(what)
    {
        g_autoptr(Fixture) f = fixture_stale(what);
        guint n = started(f);

        turn(f, NOT_YET);
        g_assert_cmpint(ask(f, what, "x"), ==, CACHE_STALE);
        g_assert_cmpuint(started(f), ==, n);
    }
}

static void test_stale_starts_a_due_probe_and_nobody_waits_for_it(void)
{
    What what;

    FOR_BOTH(what)
    {
        g_autoptr(Fixture) f = fixture_stale(what);

        grow_old(f, what, BACKED_OFF);
        guint n = started(f);
        g_assert_cmpint(ask(f, what, "x"), ==, CACHE_STALE);
        g_assert_cmpint(ask(f, what, "x"), ==, CACHE_STALE);
        g_assert_cmpuint(started(f), ==, n + 1);
        g_assert_cmpuint(cache_stats(f->cache).parked, ==, 0);
        expect_recovery(id_of(what));
        answer_one(f, what);
        assert_logged();
        g_assert_cmpint(ask(f, what, "x"), ==, CACHE_FRESH);
    }
}

static void test_stale_stays_stale_until_max_stale_ends(void)
{
    What what;

    FOR_BOTH(what)
    {
        g_autoptr(Fixture) f = fixture_stale(what);

        grow_old(f, what, BACKED_OFF);
        g_assert_cmpint(ask(f, what, "x"), ==, CACHE_STALE);
        fail(f, id_of(what), PPIOFS_ERROR_SERVER);
        g_assert_cmpint(ask(f, what, "x"), ==, CACHE_STALE);
        grow_old(f, what, MAX_STALE);
        Reader *reader = reader_begin(f, what, "x");
        g_assert_cmpint(reader->answer.state, ==, CACHE_WAIT);
        fail(f, id_of(what), PPIOFS_ERROR_SERVER);
        g_assert_cmpint(reader->answer.state, ==, CACHE_FAILED);
    }
}

static void test_failed_is_an_error_without_a_fetch_until_a_try_is_due(void)
{
    What what;

    FOR_BOTH(what)
    {
        g_autoptr(Fixture) f = fixture_failed(what);

        turn(f, NOT_YET);
        for (int i = 0; i < 100; i++)
            g_assert_cmpint(ask(f, what, "x"), ==, CACHE_FAILED);
        g_assert_cmpuint(started(f), ==, 1);
        turn(f, BACKED_OFF);
        Reader *reader = reader_begin(f, what, "x");
        g_assert_cmpint(reader->answer.state, ==, CACHE_WAIT);
        g_assert_cmpuint(started(f), ==, 2);
        fail(f, id_of(what), PPIOFS_ERROR_SERVER);
        g_assert_cmpint(reader->answer.state, ==, CACHE_FAILED);
    }
}

static void test_failed_becomes_fresh(void)
{
    What what;

    FOR_BOTH(what)
    {
        g_autoptr(Fixture) f = fixture_failed(what);

        turn(f, BACKED_OFF);
        Reader *reader = reader_begin(f, what, "x");
        expect_recovery(id_of(what));
        answer_one(f, what);
        assert_logged();
        g_assert_cmpint(reader->answer.state, ==, CACHE_FRESH);
    }
}

static void test_who_only_looks_starts_nothing(void)
{
    What what;

    FOR_BOTH(what)
    {
        g_autoptr(Fixture) empty = fixture_new();
        g_autoptr(Fixture) expired = fixture_expired(what);
        g_autoptr(Fixture) stale = fixture_stale(what);
        guint n = started(expired);

        g_assert_cmpint(look(empty, what, "x"), ==, CACHE_FAILED);
        g_assert_cmpuint(started(empty), ==, 0);
        g_assert_cmpint(look(expired, what, "x"), ==, CACHE_STALE);
        g_assert_cmpuint(started(expired), ==, n);
        grow_old(stale, what, BACKED_OFF);
        n = started(stale);
        g_assert_cmpint(look(stale, what, "x"), ==, CACHE_STALE);
        g_assert_cmpuint(started(stale), ==, n);
    }
}

static void test_the_impatient_get_stale_data_or_a_timeout(void)
{
    What what;

    FOR_BOTH(what)
    {
        g_autoptr(Fixture) empty = fixture_new();
        g_autoptr(Fixture) expired = fixture_expired(what);

        g_assert_cmpint(ask(empty, what, "x"), ==, CACHE_WAIT);
        Reader *late = reader_new(empty, what, "x");
        late->ask.impatient = TRUE;
        reader_ask(late);
        g_assert_cmpint(late->answer.state, ==, CACHE_FAILED);
        g_assert_error(late->answer.error, PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT);
        g_assert_cmpint(late->answer.keep_us, <=, G_USEC_PER_SEC / 2);
        g_assert_cmpint(ask(expired, what, "x"), ==, CACHE_WAIT);
        g_assert_cmpint(ask_impatiently(expired, what, "x"), ==, CACHE_STALE);
    }
}

static void test_an_impatient_end_is_no_failure(void)
{
    g_autoptr(Fixture) f = fixture_new();

    ask(f, LIST, NULL);
    g_assert_cmpint(ask_impatiently(f, LIST, NULL), ==, CACHE_FAILED);
    g_assert_cmpint(cache_list_status(f->cache).state, ==, CLASS_EMPTY);
    g_assert_cmpuint(f->errors, ==, 0);
    g_assert_cmpint(ask(f, LIST, NULL), ==, CACHE_WAIT);
}

static void test_an_impatient_reader_gets_what_is_fresh(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "x");
    g_assert_cmpint(ask_impatiently(f, ITEM, "x"), ==, CACHE_FRESH);
}

static void test_with_ttl_0_each_operation_fetches_once(void)
{
    g_autoptr(Fixture) f = fixture_with(&(CacheOptions){ .max_stale = MAX_STALE });

    for (guint i = 1; i <= 3; i++) {
        Reader *reader = reader_begin(f, LIST, NULL);
        g_assert_cmpint(reader->answer.state, ==, CACHE_WAIT);
        turn(f, SECOND); /* however long it takes */
        answer_list(f, "x");
        g_assert_cmpint(reader->answer.state, ==, CACHE_FRESH);
        g_assert_cmpuint(started(f), ==, i);
        turn(f, SECOND);
    }
}

static void test_a_slow_list_lives_ten_times_as_long_as_it_took(void)
{
    g_autoptr(Fixture) f = fixture_new();

    ask(f, LIST, NULL);
    turn(f, 5 * SECOND);
    answer_list(f, "x");
    turn(f, 49 * SECOND);
    g_assert_cmpint(ask(f, LIST, NULL), ==, CACHE_FRESH);
    turn(f, 2 * SECOND);
    g_assert_cmpint(ask(f, LIST, NULL), ==, CACHE_WAIT);
}

static void test_a_detail_is_good_for_detail_ttl_while_the_list_agrees(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "x 'status':'running'");
    have_detail(f, "x", "'status':'running','tools':{}");
    for (int i = 0; i < 29; i++) {
        turn(f, TTL);
        g_assert_cmpint(ask(f, DETAIL, "x"), ==, CACHE_WAIT); /* for the list alone */
        answer_list(f, "x 'status':'running'");
        g_assert_cmpint(look(f, DETAIL, "x"), ==, CACHE_FRESH);
    }
    g_assert_cmpuint(started(f), ==, 2 + 29);
    turn(f, TTL);
    Reader *reader = reader_begin(f, DETAIL, "x");
    answer_list(f, "x 'status':'running'");
    g_assert_cmpint(reader->answer.state, ==, CACHE_WAIT);
    answer_detail(f, "x", "'status':'running','tools':{}");
    g_assert_cmpint(reader->answer.state, ==, CACHE_FRESH);
}

static void test_a_detail_that_the_list_contradicts_is_fetched_anew(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "x 'last_started_at':1");
    have_detail(f, "x", "'last_started_at':1,'tools':{}");
    turn(f, TTL);
    Reader *reader = reader_begin(f, DETAIL, "x");
    answer_list(f, "x 'last_started_at':2");
    g_assert_cmpint(reader->answer.state, ==, CACHE_WAIT);
    under_way(f, "x");
    answer_detail(f, "x", "'last_started_at':2,'tools':{}");
    g_assert_cmpint(reader->answer.state, ==, CACHE_FRESH);
}

static void test_a_detail_is_kept_no_longer_than_the_list(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "x");
    turn(f, 3 * SECOND);
    have_detail(f, "x", "");
    turn(f, 2 * SECOND);
    Reader *reader = reader_begin(f, DETAIL, "x");
    g_assert_cmpint(reader->answer.state, ==, CACHE_FRESH);
    g_assert_cmpint(reader->answer.keep_us, <=, TTL - 2 * SECOND);
}

static void test_a_typed_path_costs_one_get_and_no_list(void)
{
    g_autoptr(Fixture) f = fixture_new();
    Reader *reader = reader_begin(f, ITEM, "x");

    under_way(f, "x");
    answer_detail(f, "x", "");
    g_assert_cmpint(reader->answer.state, ==, CACHE_FRESH);
    g_assert_cmpint(ask(f, DETAIL, "x"), ==, CACHE_FRESH);
    g_assert_cmpuint(started(f), ==, 1);
}

static void test_the_raw_id_is_asked_for(void)
{
    g_autoptr(Fixture) f = fixture_new();

    ask(f, ITEM, "a%2Fb c");
    under_way(f, "a/b c");
}

static void test_an_unknown_id_is_missing_for_negative_ttl(void)
{
    g_autoptr(Fixture) f = fixture_new();
    Reader *reader = reader_begin(f, ITEM, "nosuch");

    fail(f, "nosuch", PPIOFS_ERROR_NOT_FOUND); /* no log line: it is no failure of the API */
    g_assert_cmpint(reader->answer.state, ==, CACHE_MISSING);
    for (int i = 0; i < 1000; i++)
        g_assert_cmpint(ask(f, ITEM, "nosuch"), ==, CACHE_MISSING);
    g_assert_cmpuint(started(f), ==, 1);
    Reader *later = reader_begin(f, DETAIL, "nosuch");
    g_assert_cmpint(later->answer.keep_us, <=, NEGATIVE_TTL);
    g_assert_cmpint(later->answer.keep_us, >, 0);
    turn(f, NEGATIVE_TTL);
    g_assert_cmpint(ask(f, ITEM, "nosuch"), ==, CACHE_WAIT);
}

static void test_many_unknown_ids_do_not_fill_the_memory(void)
{
    g_autoptr(Fixture) f = fixture_new();
    char name[32];

    for (int i = 0; i < 30000; i++) {
        g_snprintf(name, sizeof name, "nosuch%d", i);
        ask(f, ITEM, name);
        fail(f, name, PPIOFS_ERROR_NOT_FOUND);
        g_ptr_array_set_size(f->readers, 0);
        g_ptr_array_set_size(f->calls, 0);
    }
    g_assert_cmpint(ask(f, ITEM, "nosuch29999"), ==, CACHE_MISSING);
    g_assert_cmpint(ask(f, ITEM, "nosuch0"), ==, CACHE_WAIT); /* forgotten */
}

static void test_junk_names_are_missing_at_once_and_never_asked_for(void)
{
    static const char *const names[] = { ".git", "4913", "a~", ".a.swp", "autorun.inf" };
    g_autoptr(Fixture) f = fixture_new();

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_assert_cmpint(ask(f, ITEM, names[i]), ==, CACHE_MISSING);
        g_assert_cmpint(ask(f, DETAIL, names[i]), ==, CACHE_MISSING);
    }
    g_assert_cmpuint(started(f), ==, 0);
}

static void test_an_instance_with_a_junk_name_is_there_once_it_is_known(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, ".git");
    g_assert_cmpint(ask(f, ITEM, ".git"), ==, CACHE_FRESH);
    g_assert_cmpint(ask(f, DETAIL, ".git"), ==, CACHE_WAIT);
}

static void test_a_name_that_is_no_encoded_id_asks_the_list(void)
{
    g_autoptr(Fixture) f = fixture_new();
    Reader *reader = reader_begin(f, ITEM, "a%zz");

    under_way(f, NULL);
    answer_list(f, "x");
    g_assert_cmpint(reader->answer.state, ==, CACHE_MISSING);
    g_assert_cmpuint(started(f), ==, 1);
}

static void test_a_cut_name_is_found_by_the_list(void)
{
    g_autofree char *id = g_strnfill(255, 'a');
    g_autoptr(Fixture) f = fixture_new();

    id[250] = '/'; /* 257 bytes as a name */
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, id, -1);
    g_autofree char *name = g_strdup_printf("%.238s~%.16s", id, digest);
    Reader *reader = reader_begin(f, ITEM, name);
    answer_list(f, id);
    g_assert_cmpint(reader->answer.state, ==, CACHE_FRESH);
}

static void test_gone_removes_the_instance_at_once(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "x; y");
    Reader *reader = reader_begin(f, DETAIL, "x");
    fail(f, "x", PPIOFS_ERROR_NOT_FOUND);
    g_assert_cmpint(reader->answer.state, ==, CACHE_MISSING);
    g_assert_cmpuint(fleet_size(cache_fleet(f->cache)), ==, 1);
    g_assert_cmpint(ask(f, ITEM, "y"), ==, CACHE_FRESH);
}

static void test_one_page_is_refreshed_as_a_list(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "x; y");
    turn(f, TTL);
    Reader *reader = reader_begin(f, ITEM, "x");
    under_way(f, NULL);
    answer_list(f, "x; y");
    g_assert_cmpint(reader->answer.state, ==, CACHE_FRESH);
    g_assert_cmpint(ask(f, ITEM, "y"), ==, CACHE_FRESH);
    g_assert_cmpuint(started(f), ==, 2);
}

static void test_of_many_pages_two_instances_are_refreshed_alone_before_a_list(void)
{
    g_autoptr(Fixture) f = fixture_new();

    ask(f, LIST, NULL);
    answer_pages(f, "a; b; c; d", 40);
    turn(f, TTL);
    ask(f, ITEM, "a");
    answer_detail(f, "a", "");
    g_assert_cmpint(ask(f, ITEM, "a"), ==, CACHE_FRESH);
    ask(f, ITEM, "b");
    answer_detail(f, "b", "");
    g_assert_cmpint(ask(f, ITEM, "c"), ==, CACHE_WAIT);
    answer_pages(f, "a; b; c; d", 40);
    g_assert_cmpint(ask(f, ITEM, "d"), ==, CACHE_FRESH);
    g_assert_cmpuint(started(f), ==, 4);
    turn(f, TTL);
    ask(f, ITEM, "a"); /* the count starts again */
    under_way(f, "a");
}

static void test_a_list_under_way_is_waited_for_however_many_pages_it_has(void)
{
    g_autoptr(Fixture) f = fixture_new();

    ask(f, LIST, NULL);
    answer_pages(f, "a; b", 40);
    turn(f, TTL);
    ask(f, LIST, NULL);
    g_assert_cmpint(ask(f, ITEM, "a"), ==, CACHE_WAIT);
    g_assert_cmpuint(started(f), ==, 2);
}

static void test_an_instance_that_a_failing_list_cannot_show_is_asked_for_alone(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "x");
    turn(f, TTL + MAX_STALE);
    Reader *reader = reader_begin(f, ITEM, "x");
    fail_first(f, NULL, PPIOFS_ERROR_SERVER);
    g_assert_cmpint(reader->answer.state, ==, CACHE_WAIT);
    answer_detail(f, "x", "");
    g_assert_cmpint(reader->answer.state, ==, CACHE_FRESH);
}

static void test_a_stale_list_answers_for_its_items(void)
{
    g_autoptr(Fixture) f = fixture_stale(LIST);
    guint n = started(f);

    g_assert_cmpint(ask(f, ITEM, "x"), ==, CACHE_STALE);
    g_assert_cmpuint(started(f), ==, n);
}

static void test_a_refused_list_answers_for_its_items(void)
{
    g_autoptr(Fixture) f = fixture_expired(LIST);
    Reader *reader = reader_begin(f, ITEM, "x");

    fail_first(f, NULL, PPIOFS_ERROR_DENIED);
    g_assert_cmpint(reader->answer.state, ==, CACHE_FAILED);
    g_assert_cmpuint(started(f), ==, 2);
}

static void test_an_unchanged_list_confirms_what_is_known(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "x; y");
    turn(f, TTL);
    ask(f, LIST, NULL);
    answer_unchanged(f, "x; y");
    g_assert_cmpint(ask(f, ITEM, "x"), ==, CACHE_FRESH);
    g_assert_cmpuint(fleet_size(cache_fleet(f->cache)), ==, 2);
}

static void test_an_unchanged_list_does_not_confirm_what_a_get_changed(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "x 'n':1; y");
    have_detail(f, "x", "'n':2");
    ask(f, DETAIL, "y");
    fail(f, "y", PPIOFS_ERROR_NOT_FOUND);
    turn(f, TTL);
    ask(f, LIST, NULL);
    answer_unchanged(f, "x 'n':1; y");
    g_autofree char *n = record_value(fleet_find(cache_fleet(f->cache), "x")->record, "n");
    g_assert_cmpstr(n, ==, "1");
    g_assert_nonnull(fleet_find(cache_fleet(f->cache), "y"));
}

static void test_after_a_drop_nothing_counts_any_more(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "x");
    have_detail(f, "x", "");
    ask(f, ITEM, "nosuch");
    fail(f, "nosuch", PPIOFS_ERROR_NOT_FOUND);
    cache_drop(f->cache);
    g_assert_cmpint(look(f, LIST, NULL), ==, CACHE_FAILED);
    g_assert_cmpint(look(f, ITEM, "x"), ==, CACHE_FAILED);
    g_assert_cmpint(look(f, DETAIL, "x"), ==, CACHE_FAILED);
    g_assert_cmpint(cache_list_status(f->cache).state, ==, CLASS_EMPTY);
    g_assert_cmpint(cache_details_status(f->cache).state, ==, CLASS_EMPTY);
    g_assert_cmpint(ask(f, ITEM, "nosuch"), ==, CACHE_WAIT);
    g_assert_cmpint(ask(f, LIST, NULL), ==, CACHE_WAIT);
    answer_unchanged(f, "x");
    g_assert_cmpint(look(f, ITEM, "x"), ==, CACHE_FRESH);
    g_assert_cmpint(look(f, DETAIL, "x"), !=, CACHE_FRESH);
}

static void test_a_list_asked_for_before_a_drop_is_asked_for_again(void)
{
    g_autoptr(Fixture) f = fixture_new();

    ask(f, LIST, NULL);
    cache_drop(f->cache);
    answer_list(f, "x");
    g_assert_cmpuint(started(f), ==, 2); /* who waited has asked again */
    g_assert_cmpint(look(f, LIST, NULL), ==, CACHE_FAILED);
    answer_unchanged(f, "x");
    g_assert_cmpint(look(f, LIST, NULL), ==, CACHE_FRESH);
    g_assert_cmpint(look(f, ITEM, "x"), ==, CACHE_FRESH);
}

static void test_a_detail_asked_for_before_a_drop_is_asked_for_again(void)
{
    g_autoptr(Fixture) f = fixture_new();

    ask(f, DETAIL, "x");
    cache_drop(f->cache);
    answer_detail(f, "x", "");
    g_assert_cmpuint(started(f), ==, 2);
    answer_detail(f, "x", "");
    g_assert_cmpint(look(f, DETAIL, "x"), ==, CACHE_FRESH);
}

static void test_a_drop_ends_a_failure(void)
{
    What what;

    FOR_BOTH(what)
    {
        g_autoptr(Fixture) f = fixture_failed(what);

        cache_drop(f->cache);
        g_assert_cmpint(ask(f, what, "x"), ==, CACHE_WAIT);
    }
}

static void test_one_line_is_logged_for_each_transition(void)
{
    g_autoptr(Fixture) f = fixture_stale(LIST); /* one here */

    for (int i = 0; i < 5; i++) {
        turn(f, BACKED_OFF);
        ask(f, LIST, NULL);
        fail(f, NULL, PPIOFS_ERROR_TIMEOUT); /* any line would be fatal */
    }
    g_assert_cmpuint(f->errors, ==, 6);
    turn(f, BACKED_OFF);
    ask(f, LIST, NULL);
    g_test_expect_message(LOG_DOMAIN_NEWS, G_LOG_LEVEL_MESSAGE,
                          "the list of instances can be fetched again");
    answer_list(f, "x");
    assert_logged();
    turn(f, TTL);
    ask(f, LIST, NULL);
    answer_list(f, "x");
    turn(f, TTL);
    ask(f, LIST, NULL);
    g_test_expect_message(LOG_DOMAIN_NEWS, G_LOG_LEVEL_WARNING,
                          "the list of instances cannot be refreshed, answers are 10 s old: *");
    fail(f, NULL, PPIOFS_ERROR_TIMEOUT);
    assert_logged();
}

static void test_failures_of_many_instances_are_one_line(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "a; b; c");
    ask(f, DETAIL, "a");
    ask(f, DETAIL, "b");
    fail_first(f, "a", PPIOFS_ERROR_SERVER);
    fail(f, "b", PPIOFS_ERROR_SERVER);
    ask(f, DETAIL, "c");
    expect_recovery("c");
    answer_detail(f, "c", "");
    assert_logged();
    g_assert_cmpint(ask(f, DETAIL, "c"), ==, CACHE_FRESH);
    g_assert_cmpint(ask(f, DETAIL, "a"), ==, CACHE_FAILED);
}

static void test_a_poll_fetches_for_nobody_unless_in_trouble(void)
{
    g_autoptr(Fixture) f = fixture_new();

    cache_poll_list(f->cache);
    cache_poll_list(f->cache);
    g_assert_cmpuint(started(f), ==, 1);
    fail_first(f, NULL, PPIOFS_ERROR_SERVER);
    turn(f, NOT_YET);
    cache_poll_list(f->cache);
    g_assert_cmpuint(started(f), ==, 1);
    turn(f, BACKED_OFF);
    cache_poll_list(f->cache);
    g_assert_cmpuint(started(f), ==, 2);
}

static void note_list(gpointer data)
{
    ++*(guint *)data;
}

static void test_each_list_taken_is_told(void)
{
    g_autoptr(Fixture) f = fixture_new();
    guint lists = 0;

    cache_on_list(f->cache, note_list, &lists);
    have_list(f, "x");
    g_assert_cmpuint(lists, ==, 1);
    turn(f, TTL);
    ask(f, LIST, NULL);
    fail_first(f, NULL, PPIOFS_ERROR_SERVER);
    g_assert_cmpuint(lists, ==, 1);
    cache_on_list(f->cache, NULL, NULL);
    turn(f, BACKED_OFF);
    ask(f, LIST, NULL);
    expect_recovery(NULL);
    answer_list(f, "x");
    g_assert_cmpuint(lists, ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* A line that no test expects is one too many. */
    g_log_set_always_fatal(G_LOG_LEVEL_MASK & ~(G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO));
    g_test_add_func("/cache/empty_fetches_and_waits", test_empty_fetches_and_waits);
    g_test_add_func("/cache/empty_becomes_failed", test_empty_becomes_failed);
    g_test_add_func("/cache/fresh_answers_at_once_until_its_ttl_ends",
                    test_fresh_answers_at_once_until_its_ttl_ends);
    g_test_add_func("/cache/expired_fetches_and_waits_and_is_fresh_again",
                    test_expired_fetches_and_waits_and_is_fresh_again);
    g_test_add_func("/cache/expired_becomes_stale", test_expired_becomes_stale);
    g_test_add_func("/cache/expired_longer_than_max_stale_becomes_failed",
                    test_expired_longer_than_max_stale_becomes_failed);
    g_test_add_func("/cache/a_refusal_is_never_answered_from_stale_data",
                    test_a_refusal_is_never_answered_from_stale_data);
    g_test_add_func("/cache/a_refusal_stands_until_the_api_says_otherwise",
                    test_a_refusal_stands_until_the_api_says_otherwise);
    g_test_add_func("/cache/stale_is_answered_without_a_fetch_until_a_probe_is_due",
                    test_stale_is_answered_without_a_fetch_until_a_probe_is_due);
    g_test_add_func("/cache/stale_starts_a_due_probe_and_nobody_waits_for_it",
                    test_stale_starts_a_due_probe_and_nobody_waits_for_it);
    g_test_add_func("/cache/stale_stays_stale_until_max_stale_ends",
                    test_stale_stays_stale_until_max_stale_ends);
    g_test_add_func("/cache/failed_is_an_error_without_a_fetch_until_a_try_is_due",
                    test_failed_is_an_error_without_a_fetch_until_a_try_is_due);
    g_test_add_func("/cache/failed_becomes_fresh", test_failed_becomes_fresh);
    g_test_add_func("/cache/who_only_looks_starts_nothing", test_who_only_looks_starts_nothing);
    g_test_add_func("/cache/the_impatient_get_stale_data_or_a_timeout",
                    test_the_impatient_get_stale_data_or_a_timeout);
    g_test_add_func("/cache/an_impatient_end_is_no_failure", test_an_impatient_end_is_no_failure);
    g_test_add_func("/cache/an_impatient_reader_gets_what_is_fresh",
                    test_an_impatient_reader_gets_what_is_fresh);
    g_test_add_func("/cache/with_ttl_0_each_operation_fetches_once",
                    test_with_ttl_0_each_operation_fetches_once);
    g_test_add_func("/cache/a_slow_list_lives_ten_times_as_long_as_it_took",
                    test_a_slow_list_lives_ten_times_as_long_as_it_took);
    g_test_add_func("/cache/a_detail_is_good_for_detail_ttl_while_the_list_agrees",
                    test_a_detail_is_good_for_detail_ttl_while_the_list_agrees);
    g_test_add_func("/cache/a_detail_that_the_list_contradicts_is_fetched_anew",
                    test_a_detail_that_the_list_contradicts_is_fetched_anew);
    g_test_add_func("/cache/a_detail_is_kept_no_longer_than_the_list",
                    test_a_detail_is_kept_no_longer_than_the_list);
    g_test_add_func("/cache/a_typed_path_costs_one_get_and_no_list",
                    test_a_typed_path_costs_one_get_and_no_list);
    g_test_add_func("/cache/the_raw_id_is_asked_for", test_the_raw_id_is_asked_for);
    g_test_add_func("/cache/an_unknown_id_is_missing_for_negative_ttl",
                    test_an_unknown_id_is_missing_for_negative_ttl);
    g_test_add_func("/cache/many_unknown_ids_do_not_fill_the_memory",
                    test_many_unknown_ids_do_not_fill_the_memory);
    g_test_add_func("/cache/junk_names_are_missing_at_once_and_never_asked_for",
                    test_junk_names_are_missing_at_once_and_never_asked_for);
    g_test_add_func("/cache/an_instance_with_a_junk_name_is_there_once_it_is_known",
                    test_an_instance_with_a_junk_name_is_there_once_it_is_known);
    g_test_add_func("/cache/a_name_that_is_no_encoded_id_asks_the_list",
                    test_a_name_that_is_no_encoded_id_asks_the_list);
    g_test_add_func("/cache/a_cut_name_is_found_by_the_list", test_a_cut_name_is_found_by_the_list);
    g_test_add_func("/cache/gone_removes_the_instance_at_once",
                    test_gone_removes_the_instance_at_once);
    g_test_add_func("/cache/one_page_is_refreshed_as_a_list", test_one_page_is_refreshed_as_a_list);
    g_test_add_func("/cache/of_many_pages_two_instances_are_refreshed_alone_before_a_list",
                    test_of_many_pages_two_instances_are_refreshed_alone_before_a_list);
    g_test_add_func("/cache/a_list_under_way_is_waited_for_however_many_pages_it_has",
                    test_a_list_under_way_is_waited_for_however_many_pages_it_has);
    g_test_add_func("/cache/an_instance_that_a_failing_list_cannot_show_is_asked_for_alone",
                    test_an_instance_that_a_failing_list_cannot_show_is_asked_for_alone);
    g_test_add_func("/cache/a_stale_list_answers_for_its_items",
                    test_a_stale_list_answers_for_its_items);
    g_test_add_func("/cache/a_refused_list_answers_for_its_items",
                    test_a_refused_list_answers_for_its_items);
    g_test_add_func("/cache/an_unchanged_list_confirms_what_is_known",
                    test_an_unchanged_list_confirms_what_is_known);
    g_test_add_func("/cache/an_unchanged_list_does_not_confirm_what_a_get_changed",
                    test_an_unchanged_list_does_not_confirm_what_a_get_changed);
    g_test_add_func("/cache/after_a_drop_nothing_counts_any_more",
                    test_after_a_drop_nothing_counts_any_more);
    g_test_add_func("/cache/a_list_asked_for_before_a_drop_is_asked_for_again",
                    test_a_list_asked_for_before_a_drop_is_asked_for_again);
    g_test_add_func("/cache/a_detail_asked_for_before_a_drop_is_asked_for_again",
                    test_a_detail_asked_for_before_a_drop_is_asked_for_again);
    g_test_add_func("/cache/a_drop_ends_a_failure", test_a_drop_ends_a_failure);
    g_test_add_func("/cache/one_line_is_logged_for_each_transition",
                    test_one_line_is_logged_for_each_transition);
    g_test_add_func("/cache/failures_of_many_instances_are_one_line",
                    test_failures_of_many_instances_are_one_line);
    g_test_add_func("/cache/a_poll_fetches_for_nobody_unless_in_trouble",
                    test_a_poll_fetches_for_nobody_unless_in_trouble);
    g_test_add_func("/cache/each_list_taken_is_told", test_each_list_taken_is_told);
    return g_test_run();
}
