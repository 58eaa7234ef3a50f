/* SPDX-License-Identifier: MIT */
#include "cache_fixture.h"

#include "ppiofs/base/error.h"

/* The state table of src/cache/resource.c, for the list and for a detail alike. A history is a row
 * of letters: a  somebody asks        s  the fetch succeeds   f  it fails       F  the key is
 * refused e  the ttl passes       p  patience passes      b  a back-off passes m  max_stale passes
 */
typedef struct {
    const char *history;
    ClassState class;
    CacheState asked; /* WAIT: the answer of who cannot wait is @late */
    gboolean fetches; /* a fetch is started */
    CacheState late;
    CacheState on_success, on_failure; /* once a fetch that is under way has ended */
} Row;

static const Row rows[] = {
    { "", CLASS_EMPTY, CACHE_WAIT, TRUE, CACHE_FAILED, CACHE_FRESH, CACHE_FAILED },
    { "a", CLASS_EMPTY, CACHE_WAIT, FALSE, CACHE_FAILED, CACHE_FRESH, CACHE_FAILED },
    { "as", CLASS_FRESH, CACHE_FRESH, FALSE, CACHE_FRESH, 0, 0 },
    { "ase", CLASS_EXPIRED, CACHE_WAIT, TRUE, CACHE_STALE, CACHE_FRESH, CACHE_STALE },
    { "asea", CLASS_EXPIRED, CACHE_WAIT, FALSE, CACHE_STALE, CACHE_FRESH, CACHE_STALE },
    { "aseap", CLASS_SLOW, CACHE_STALE, FALSE, CACHE_STALE, CACHE_FRESH, CACHE_STALE },
    { "aseaf", CLASS_STALE, CACHE_STALE, FALSE, CACHE_STALE, 0, 0 },
    { "aseafb", CLASS_STALE, CACHE_STALE, TRUE, CACHE_STALE, CACHE_FRESH, CACHE_STALE },
    { "aseafbas", CLASS_FRESH, CACHE_FRESH, FALSE, CACHE_FRESH, 0, 0 },
    { "asm", CLASS_EXPIRED, CACHE_WAIT, TRUE, CACHE_FAILED, CACHE_FRESH, CACHE_FAILED },
    { "aseafm", CLASS_FAILED, CACHE_WAIT, TRUE, CACHE_FAILED, CACHE_FRESH, CACHE_FAILED },
    { "af", CLASS_FAILED, CACHE_FAILED, FALSE, CACHE_FAILED, 0, 0 },
    { "afb", CLASS_FAILED, CACHE_WAIT, TRUE, CACHE_FAILED, CACHE_FRESH, CACHE_FAILED },
    { "aseaF", CLASS_FAILED, CACHE_FAILED, FALSE, CACHE_FAILED, 0, 0 },
    { "aseaFbaf", CLASS_FAILED, CACHE_FAILED, FALSE, CACHE_FAILED, 0, 0 },
    { "aseaFb", CLASS_FAILED, CACHE_WAIT, TRUE, CACHE_FAILED, CACHE_FRESH, CACHE_FAILED },
};

/* What the table is read for: its ttl is TTL, and nothing else is fetched. */
typedef struct {
    What what;
    const char *id;
} Subject;
static const Subject subjects[] = { { LIST, NULL }, { DETAIL, "a" } };

static Fixture *fixture_for(const Subject *subject)
{
    CacheOptions options = usual_options();

    if (subject->what == DETAIL) {
        options.ttl = 1000 * MAX_STALE;
        options.detail_ttl = TTL;
    }
    Fixture *f = fixture_with(&options);
    if (subject->what == DETAIL)
        have_list(f, "a");
    return f;
}

static void succeed(Fixture *f, const Subject *subject)
{
    if (subject->what == LIST)
        answer_list(f, "a");
    else
        answer_detail(f, subject->id, "");
}

static void make_history(Fixture *f, const Subject *subject, const char *history)
{
    for (; *history != '\0'; history++)
        switch (*history) {
        case 'a':
            ask(f, subject->what, subject->id);
            break;
        case 's':
            succeed(f, subject);
            break;
        case 'f':
            fail(f, subject->id, PPIOFS_ERROR_SERVER);
            break;
        case 'F':
            fail(f, subject->id, PPIOFS_ERROR_DENIED);
            break;
        default:
            turn(f, *history == 'e'   ? TTL
                    : *history == 'p' ? PATIENCE
                    : *history == 'b' ? BACKED_OFF
                                      : MAX_STALE + 1);
        }
}

static ClassState class_of(Fixture *f, const Subject *subject)
{
    return (subject->what == LIST ? cache_list_status(f->cache) : cache_details_status(f->cache))
        .state;
}

typedef CacheState (*Try)(Fixture *f, What what, const char *name);

/* What @try says after the history, and how many fetches it starts. */
static void assert_row(const Row *row, const Subject *subject, Try try, CacheState expected,
                       gboolean fetches)
{
    g_autoptr(Fixture) f = fixture_for(subject);

    g_test_message("%s after '%s'", subject->what == LIST ? "list" : "detail", row->history);
    make_history(f, subject, row->history);
    guint before = started(f);
    g_assert_cmpint(class_of(f, subject), ==, row->class);
    g_assert_cmpint(try(f, subject->what, subject->id), ==, expected);
    g_assert_cmpuint(started(f) - before, ==, fetches);
}

static void assert_ends(const Row *row, const Subject *subject, gboolean well, CacheState expected)
{
    g_autoptr(Fixture) f = fixture_for(subject);

    make_history(f, subject, row->history);
    Reader *reader = reader_begin(f, subject->what, subject->id);
    if (in_flight(f) == 0)
        return;
    if (well)
        succeed(f, subject);
    else
        fail(f, subject->id, PPIOFS_ERROR_SERVER);
    if (reader->woken > 0)
        g_assert_cmpint(reader->answer.state, ==, expected);
    g_assert_cmpint(ask(f, subject->what, subject->id), ==, expected);
    g_assert_cmpuint(in_flight(f), ==, 0);
}

static void test_the_state_table_holds_for_the_list_and_a_detail(void)
{
    for (gsize s = 0; s < G_N_ELEMENTS(subjects); s++)
        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
            const Row *row = &rows[i];

            assert_row(row, &subjects[s], ask, row->asked, row->fetches);
            assert_row(row, &subjects[s], ask_impatiently, row->late, row->fetches);
            assert_row(row, &subjects[s], look, row->late, FALSE);
            assert_ends(row, &subjects[s], TRUE, row->on_success);
            assert_ends(row, &subjects[s], FALSE, row->on_failure);
        }
}

/* Any number of readers share one fetch, and the last one that leaves ends it. */
static void test_one_fetch_serves_all_and_ends_with_the_last(void)
{
    for (gsize s = 0; s < G_N_ELEMENTS(subjects); s++) {
        g_autoptr(Fixture) f = fixture_for(&subjects[s]);
        guint before = started(f);
        Reader *readers[64];

        for (guint i = 0; i < G_N_ELEMENTS(readers); i++)
            readers[i] = reader_begin(f, subjects[s].what, subjects[s].id);
        g_assert_cmpuint(started(f), ==, before + 1);
        Call *call = under_way(f, subjects[s].id);
        for (guint i = 1; i < G_N_ELEMENTS(readers); i++)
            cache_leave(&readers[i]->waiter, FALSE);
        g_assert_false(call->cancelled);
        succeed(f, &subjects[s]);
        g_assert_cmpint(readers[0]->answer.state, ==, CACHE_FRESH);
        g_assert_cmpuint(readers[0]->woken, ==, 1);
        g_assert_cmpuint(readers[1]->woken, ==, 0);

        turn(f, TTL);
        cache_leave(&reader_begin(f, subjects[s].what, subjects[s].id)->waiter, FALSE);
        g_assert_cmpuint(in_flight(f), ==, 0);
        g_assert_cmpuint(cache_stats(f->cache).cancelled, ==, 1);
        g_assert_cmpuint(cache_stats(f->cache).parked, ==, 0);
    }
}

static void leave_other(Reader *reader)
{
    Reader *other = g_ptr_array_index(reader->fixture->readers, reader->fixture->readers->len - 1);

    cache_leave(&other->waiter, FALSE);
    reader_ask(reader);
}

static void test_a_reader_that_is_told_may_make_another_leave(void)
{
    g_autoptr(Fixture) f = fixture_new();
    Reader *first = reader_begin(f, LIST, NULL), *last = reader_begin(f, LIST, NULL);

    first->on_ready = leave_other;
    answer_list(f, "a");
    g_assert_cmpint(first->answer.state, ==, CACHE_FRESH);
    g_assert_cmpuint(last->woken, ==, 0);
    g_assert_cmpuint(cache_stats(f->cache).parked, ==, 0);
}

/* Who can be shown an older answer waits for patience, once; the fetch goes on for the next. */
static void test_patience(void)
{
    for (gsize s = 0; s < G_N_ELEMENTS(subjects); s++) {
        const Subject *it = &subjects[s];
        g_autoptr(Fixture) f = fixture_for(it);

        Reader *nothing_older = reader_begin(f, it->what, it->id);
        g_assert_cmpint(nothing_older->answer.keep_us, ==, G_MAXINT64);
        succeed(f, it);
        turn(f, TTL);
        Reader *reader = reader_begin(f, it->what, it->id);
        g_assert_cmpint(reader->answer.state, ==, CACHE_WAIT);
        g_assert_cmpint(reader->answer.keep_us, ==, PATIENCE);
        turn(f, PATIENCE / 2);
        g_assert_cmpint(reader_begin(f, it->what, it->id)->answer.keep_us, <=, PATIENCE / 2);
        turn(f, PATIENCE / 2);
        reader_again(reader);
        g_assert_cmpint(reader->answer.state, ==, CACHE_STALE);
        g_assert_cmpint(reader->answer.keep_us, <=, TTL);
        /* Nobody else waits, nobody asks the API twice, and the slow answer is for all. */
        g_assert_cmpint(ask(f, it->what, it->id), ==, CACHE_STALE);
        g_assert_cmpuint(in_flight(f), ==, 1);
        turn(f, TIMEOUT);
        succeed(f, it);
        g_assert_cmpint(ask(f, it->what, it->id), ==, CACHE_FRESH);
    }
}

/* The next name of a path goes on with the time that the operation began. */
static void test_patience_is_one_for_a_path_of_many_names(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "a; b");
    turn(f, TTL);
    Reader *next = reader_new(f, LIST, NULL);
    next->ask.started -= PATIENCE;
    reader_ask(next);
    g_assert_cmpint(next->answer.state, ==, CACHE_STALE);
    g_assert_cmpuint(in_flight(f), ==, 1);
}

static void test_with_ttl_0_each_operation_fetches_once(void)
{
    CacheOptions options = usual_options();

    options.ttl = options.detail_ttl = 0;
    g_autoptr(Fixture) f = fixture_with(&options);
    for (guint i = 1; i <= 3; i++) {
        Reader *reader = reader_begin(f, LIST, NULL);

        answer_list(f, "a");
        g_assert_cmpint(reader->answer.state, ==, CACHE_FRESH);
        g_assert_cmpuint(started(f), ==, i);
    }
}

/* SIGHUP. What is under way answers those who began before, and nobody after. */
static void test_a_drop_forgets_all_answers_and_failures(void)
{
    for (gsize s = 0; s < G_N_ELEMENTS(subjects); s++)
        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
            const Subject *it = &subjects[s];
            g_autoptr(Fixture) f = fixture_for(&subjects[s]);

            make_history(f, it, rows[i].history);
            turn(f, 1);
            cache_drop(f->cache);
            g_assert_cmpint(class_of(f, it), ==, CLASS_EMPTY);
            g_assert_cmpint(ask(f, it->what, it->id), ==, CACHE_WAIT);
        }
}

static void test_who_waited_before_a_drop_gets_that_answer(void)
{
    g_autoptr(Fixture) f = fixture_new();
    Reader *before = reader_begin(f, LIST, NULL);

    turn(f, 1);
    cache_drop(f->cache);
    Reader *after = reader_begin(f, LIST, NULL);
    g_assert_cmpuint(started(f), ==, 1);
    answer_list(f, "a");
    g_assert_cmpint(before->answer.state, ==, CACHE_FRESH);
    g_assert_cmpint(after->answer.state, ==, CACHE_WAIT);
    answer_list(f, "a");
    g_assert_cmpint(after->answer.state, ==, CACHE_FRESH);
    g_assert_cmpuint(started(f), ==, 2);
}

/* A walk over everything costs one GET each, also when one was under way at the SIGHUP. */
static void test_a_drop_with_a_get_under_way_costs_no_other_get(void)
{
    g_autoptr(Fixture) f = fixture_new();
    const guint n = 50;
    g_autoptr(GString) items = g_string_new("i00");

    for (guint i = 1; i < n; i++)
        g_string_append_printf(items, "; i%02u", i);
    have_list(f, items->str);
    ask(f, DETAIL, "i00");
    turn(f, 1);
    cache_drop(f->cache);
    answer_detail(f, "i00", "");
    have_list(f, items->str);
    guint before = started(f);
    for (guint i = 0; i < n; i++) {
        g_autofree char *id = g_strdup_printf("i%02u", i);

        cache_walked_to(f->cache, id);
        if (ask(f, DETAIL, id) == CACHE_WAIT)
            answer_detail(f, id, "");
        g_assert_cmpint(ask(f, DETAIL, id), ==, CACHE_FRESH);
    }
    g_assert_cmpuint(started(f) - before, ==, n);
}

static void test_absence_is_remembered_for_negative_ttl(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "a");
    ask(f, ITEM, "nosuch");
    g_assert_true(under_way(f, "nosuch")->unknown);
    fail(f, "nosuch", PPIOFS_ERROR_NOT_FOUND);
    turn(f, NEGATIVE_TTL / 2);
    Reader *reader = reader_begin(f, ITEM, "nosuch");
    g_assert_cmpint(reader->answer.state, ==, CACHE_MISSING);
    g_assert_cmpint(reader->answer.keep_us, <=, NEGATIVE_TTL / 2);
    turn(f, NEGATIVE_TTL / 2);
    g_assert_cmpint(ask(f, ITEM, "nosuch"), ==, CACHE_WAIT);
    g_assert_cmpint(ask(f, ITEM, ".git"), ==, CACHE_MISSING);
    g_assert_cmpuint(started(f), ==, 3);
}

/* Fixed paths, no listing: two GETs, then the list, for each ttl. */
static void test_two_single_gets_then_the_list(void)
{
    g_autoptr(Fixture) f = fixture_new();
    static const char *const ids[] = { "a", "b", "c", "d", "e" };

    for (guint round = 0; round < 3; round++) {
        guint before = started(f);

        for (guint i = 0; i < G_N_ELEMENTS(ids); i++) {
            if (ask(f, ITEM, ids[i]) != CACHE_WAIT)
                continue;
            const Call *call = g_ptr_array_index(f->calls, started(f) - 1);
            if (call->id == NULL)
                answer_pages(f, "a; b; c; d; e", 7);
            else
                answer_detail(f, ids[i], "");
            g_assert_cmpint(ask(f, ITEM, ids[i]), ==, CACHE_FRESH);
        }
        g_assert_cmpuint(started(f) - before, ==, 3);
        turn(f, TTL + 1);
    }
}

static void test_one_page_is_refreshed_as_a_list(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "a; b");
    turn(f, TTL);
    g_assert_cmpint(ask(f, ITEM, "a"), ==, CACHE_WAIT);
    answer_list(f, "a; b");
    g_assert_cmpint(ask(f, ITEM, "b"), ==, CACHE_FRESH);
    g_assert_cmpuint(started(f), ==, 2);
}

/* A slow list lives ten times as long as it took, and 600 s at most. */
static void test_the_effective_ttl_follows_the_list_up_to_a_bound(void)
{
    static const struct {
        gint64 took, lives; /* seconds */
    } cases[] = { { 0, 10 }, { 5, 50 }, { 200, 600 } };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Fixture) f = fixture_new();

        ask(f, LIST, NULL);
        turn(f, cases[i].took * SECOND);
        answer_list(f, "a");
        turn(f, (cases[i].lives - cases[i].took) * SECOND - 2);
        g_assert_cmpint(look(f, LIST, NULL), ==, CACHE_FRESH);
        turn(f, 2 + SECOND / 1000);
        g_assert_cmpint(look(f, LIST, NULL), ==, CACHE_STALE);
    }
}

/* It goes on for who asks again within three timeouts. */
static void test_a_list_that_nobody_wants_is_given_up(void)
{
    g_autoptr(Fixture) f = fixture_new();
    Reader *reader = reader_begin(f, LIST, NULL);
    Call *call = under_way(f, NULL);

    turn(f, 3 * TIMEOUT);
    cache_leave(&reader->waiter, TRUE); /* it was wanted until now */
    let_the_alarm_ring(f);
    turn(f, 3 * TIMEOUT - 1);
    let_the_alarm_ring(f);
    cache_leave(&reader_begin(f, LIST, NULL)->waiter, TRUE); /* and again */
    let_the_alarm_ring(f);
    g_assert_false(call->cancelled);
    turn(f, 3 * TIMEOUT);
    let_the_alarm_ring(f);
    g_assert_true(call->cancelled);
    g_assert_cmpuint(f->errors, ==, 0);
    have_list(f, "a");
}

static void test_no_list_takes_longer_than_600_s(void)
{
    g_autoptr(Fixture) f = fixture_new();

    cache_poll(f->cache);
    Reader *reader = reader_begin(f, LIST, NULL);
    turn(f, 599 * (gint64)SECOND);
    let_the_alarm_ring(f);
    g_assert_cmpint(reader->answer.state, ==, CACHE_WAIT);
    turn(f, SECOND);
    let_the_alarm_ring(f);
    g_assert_cmpint(reader->answer.state, ==, CACHE_FAILED);
    g_assert_true(((Call *)g_ptr_array_index(f->calls, 0))->cancelled);
}

/* A machine that slept: all is as old as it is, by the clock that counts sleep. */
static void test_time_in_suspend_has_passed(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "a");
    have_detail(f, "a", "");
    turn(f, 8 * 3600 * (gint64)SECOND);
    g_assert_cmpint(look(f, LIST, NULL), ==, CACHE_FAILED);
    g_assert_cmpint(look(f, DETAIL, "a"), ==, CACHE_FAILED);
    Reader *reader = reader_begin(f, LIST, NULL);
    g_assert_cmpint(reader->answer.state, ==, CACHE_WAIT);
    g_assert_cmpint(reader->answer.keep_us, ==, G_MAXINT64);
}

/* Only a detail that the list agrees with is kept, and no longer than the list. */
static void test_a_detail_is_good_while_the_list_agrees(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "a 'status':'running'");
    have_detail(f, "a", "'status':'running','tools':{'ssh':{'port':1}}");
    Reader *reader = reader_begin(f, DETAIL, "a");
    g_assert_cmpint(reader->answer.state, ==, CACHE_FRESH);
    g_assert_cmpint(reader->answer.keep_us, <=, TTL);
    turn(f, TTL);
    have_list(f, "a 'status':'running'");
    g_assert_cmpint(ask(f, DETAIL, "a"), ==, CACHE_FRESH);
    turn(f, TTL);
    have_list(f, "a 'status':'exited'");
    g_assert_cmpint(ask(f, DETAIL, "a"), ==, CACHE_WAIT);
}

static void have_big_detail(Fixture *f, const char *id, const char *members, gsize bytes)
{
    g_autoptr(GBytes) body = g_bytes_new_take(g_malloc0(bytes), bytes); /* never touched */

    g_assert_cmpint(ask(f, DETAIL, id), ==, CACHE_WAIT);
    answer_body(f, id, members, body);
}

/* 256 MB of details are held. Those that were not read for longest go first, but none that says
 * something newer than the list. */
static void test_the_least_used_details_go_first(void)
{
    g_autoptr(Fixture) f = fixture_new();
    const gsize bytes = 80 << 20;

    have_list(f, "a; b; c; d 'status':'running'");
    have_big_detail(f, "d", "'status':'exited'", bytes);
    have_big_detail(f, "a", "", bytes);
    have_big_detail(f, "b", "", bytes);
    g_assert_cmpint(ask(f, DETAIL, "a"), ==, CACHE_FRESH);
    have_big_detail(f, "c", "", bytes);
    g_assert_cmpint(look(f, DETAIL, "a"), ==, CACHE_FRESH);
    g_assert_cmpint(look(f, DETAIL, "b"), !=, CACHE_FRESH);
    g_assert_cmpint(look(f, DETAIL, "c"), ==, CACHE_FRESH);
    g_assert_cmpint(look(f, DETAIL, "d"), ==, CACHE_FRESH);
    g_assert_cmpuint(cache_stats(f->cache).detail_bytes, <, 256 << 20);
}

/* The kernel must forget names when a value that it may still show is overruled. */
static void test_an_overruled_value_is_told(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "a 'status':'running'; b");
    g_assert_cmpint(ask(f, LIST, NULL), ==, CACHE_FRESH);
    have_detail(f, "b", "");
    g_assert_cmpuint(f->renamed, ==, 0);
    have_detail(f, "a", "'status':'exited'");
    g_assert_cmpuint(f->renamed, ==, 1);
}

static void test_an_unchanged_list_confirms_unless_a_get_said_otherwise(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "a 'status':'running'");
    turn(f, TTL);
    g_assert_cmpint(ask(f, ITEM, "a"), ==, CACHE_WAIT);
    answer_unchanged(f, "a 'status':'running'");
    g_assert_cmpint(ask(f, ITEM, "a"), ==, CACHE_FRESH);
    have_detail(f, "a", "'status':'exited'");
    turn(f, TTL);
    g_assert_cmpint(ask(f, LIST, NULL), ==, CACHE_WAIT);
    answer_unchanged(f, "a 'status':'running'");
    g_autofree char *status =
        record_value(collection_find(cache_collection(f->cache), "a")->record, "status");
    g_assert_cmpstr(status, ==, "running");
    g_assert_cmpuint(f->lists, ==, 3);
}

/* With -o watch, details that were read lately are renewed; others are not. */
static void test_a_poll_renews_what_was_read_lately(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "a; b; c");
    have_detail(f, "a", "");
    have_detail(f, "b", "");
    turn(f, DETAIL_TTL * 19 / 10);
    have_list(f, "a; b; c");
    have_detail(f, "b", "");
    turn(f, DETAIL_TTL * 9 / 10);
    guint before = started(f);
    cache_poll(f->cache);
    answer_list(f, "a; b; c");
    under_way(f, "b");
    g_assert_cmpuint(started(f) - before, ==, 2);
    answer_detail(f, "b", "");
    g_assert_cmpuint(cache_stats(f->cache).renewed, ==, 1);
    g_assert_cmpint(ask(f, DETAIL, "b"), ==, CACHE_FRESH);
    cache_poll(f->cache);
    fail(f, NULL, PPIOFS_ERROR_SERVER);
    before = started(f);
    cache_poll(f->cache);
    g_assert_cmpuint(started(f), ==, before);
}

static void test_a_poll_is_not_cancelled_by_who_leaves(void)
{
    g_autoptr(Fixture) f = fixture_new();

    cache_poll(f->cache);
    cache_leave(&reader_begin(f, LIST, NULL)->waiter, FALSE);
    g_assert_cmpuint(in_flight(f), ==, 1);
}

#define ALPHABET "a; b; c; d; e; f; g; h; i; j; k; l; m; n; o; p; q; r; s; t; u; v; w; x; y; z"

/* Walks: forward and backward, two at once, and over what is removed on the way. */
static void test_walks_read_ahead(void)
{
    g_autoptr(Fixture) f = fixture_new();
    static const char *const up[] = { "a", "b", "c", "d" }, *const down[] = { "z", "y", "x", "w" };

    have_list(f, ALPHABET);
    for (guint i = 0; i < G_N_ELEMENTS(up); i++) {
        g_assert_cmpint(ask(f, DETAIL, up[i]), !=, CACHE_FAILED);
        cache_walked_to(f->cache, up[i]);
        g_assert_cmpint(ask(f, DETAIL, down[i]), !=, CACHE_FAILED);
        cache_walked_to(f->cache, down[i]);
        if (i == 1)
            g_assert_cmpuint(cache_stats(f->cache).read_ahead, >, 0);
        while (in_flight(f) > 0)
            for (guint c = 0; c < started(f); c++) {
                const Call *call = g_ptr_array_index(f->calls, c);
                if (!call->ended && g_strcmp0(call->id, "c") == 0)
                    fail(f, "c", PPIOFS_ERROR_NOT_FOUND); /* removed on the way */
                else if (!call->ended)
                    answer_detail(f, call->id, "");
            }
    }
    g_assert_cmpint(look(f, DETAIL, "h"), ==, CACHE_FRESH);
    g_assert_cmpint(look(f, DETAIL, "s"), ==, CACHE_FRESH);
    g_assert_cmpint(look(f, DETAIL, "m"), !=, CACHE_FRESH);
    g_assert_cmpint(look(f, DETAIL, "n"), !=, CACHE_FRESH);
    g_assert_cmpuint(cache_stats(f->cache).read_ahead_unused, >, 0);
}

static void test_a_walk_has_no_more_under_way_than_may_be(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, ALPHABET);
    for (const char *at = "abcdefghij"; *at != '\0'; at++)
        cache_walked_to(f->cache, (char[]){ *at, '\0' });
    g_assert_cmpuint(in_flight(f), ==, PARALLEL);
}

/* One line when it goes bad, one when it is good again; each failure is reported. */
static void test_an_outage_is_two_lines(void)
{
    for (gsize s = 0; s < G_N_ELEMENTS(subjects); s++) {
        g_autoptr(Fixture) f = fixture_for(&subjects[s]);

        make_history(f, &subjects[s], "afbafbaf");
        g_assert_cmpuint(f->lines, ==, 1);
        g_assert_cmpuint(f->errors, ==, 3);
        make_history(f, &subjects[s], "bas");
        g_assert_cmpuint(f->lines, ==, 2);
    }
}

static void test_thousands_of_wrong_names_do_not_fill_the_memory(void)
{
    g_autoptr(Fixture) f = fixture_new();

    have_list(f, "a");
    for (guint i = 0; i < 10100; i++) {
        g_autofree char *name = g_strdup_printf("n%u", i);

        if (ask(f, ITEM, name) != CACHE_WAIT)
            continue;
        const Call *call = g_ptr_array_index(f->calls, started(f) - 1);
        if (call->id == NULL)
            answer_list(f, "a");
        else
            fail(f, name, PPIOFS_ERROR_NOT_FOUND);
    }
    g_assert_cmpuint(collection_size(cache_collection(f->cache)), ==, 1);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        GTestFunc test;
    } tests[] = {
        { "state_table", test_the_state_table_holds_for_the_list_and_a_detail },
        { "one_fetch_serves_all", test_one_fetch_serves_all_and_ends_with_the_last },
        { "leave_while_told", test_a_reader_that_is_told_may_make_another_leave },
        { "patience", test_patience },
        { "patience_of_a_path", test_patience_is_one_for_a_path_of_many_names },
        { "ttl_0", test_with_ttl_0_each_operation_fetches_once },
        { "drop", test_a_drop_forgets_all_answers_and_failures },
        { "drop_and_who_waits", test_who_waited_before_a_drop_gets_that_answer },
        { "drop_and_walk", test_a_drop_with_a_get_under_way_costs_no_other_get },
        { "absence", test_absence_is_remembered_for_negative_ttl },
        { "two_singles_then_list", test_two_single_gets_then_the_list },
        { "one_page", test_one_page_is_refreshed_as_a_list },
        { "effective_ttl", test_the_effective_ttl_follows_the_list_up_to_a_bound },
        { "unwanted_list", test_a_list_that_nobody_wants_is_given_up },
        { "endless_list", test_no_list_takes_longer_than_600_s },
        { "suspend", test_time_in_suspend_has_passed },
        { "detail_while_agreed", test_a_detail_is_good_while_the_list_agrees },
        { "least_used", test_the_least_used_details_go_first },
        { "overruled", test_an_overruled_value_is_told },
        { "unchanged", test_an_unchanged_list_confirms_unless_a_get_said_otherwise },
        { "renewal", test_a_poll_renews_what_was_read_lately },
        { "poll_stays", test_a_poll_is_not_cancelled_by_who_leaves },
        { "walks", test_walks_read_ahead },
        { "walk_bound", test_a_walk_has_no_more_under_way_than_may_be },
        { "outage_lines", test_an_outage_is_two_lines },
        { "wrong_names", test_thousands_of_wrong_names_do_not_fill_the_memory },
    };

    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strconcat("/cache/", tests[i].name, NULL);
        g_test_add_func(path, tests[i].test);
    }
    return g_test_run();
}
