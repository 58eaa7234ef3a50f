/* SPDX-License-Identifier: MIT */
#include "ppiofs/api/api.h"

#include "fake_http.h"
#include "ppiofs/api/page_reader.h"
#include "ppiofs/base/error.h"

#include <string.h>

#define S G_USEC_PER_SEC
#define BASE "https://api.example.com/gpus/v2/instances"

/* Items are objects with commas between them; @more is true or false. */
#define ITEM(id) "{\"id\":\"" id "\"}"
#define PAGE(items, cursor, more)                                                                  \
    "{\"data\":[" items "],\"next_cursor\":\"" cursor "\",\"has_more\":" more "}"
#define LAST(items) PAGE(items, "", "false")

typedef struct {
    Http *http;
    Api *api;
    guint n_ends;
    GPtrArray *records; /* of the last list; NULL if it failed */
    gboolean unchanged;
    guint n_pages;
    gboolean warned;
    GError *error;
    guint page_of_handler;
} Fixture;

static Fixture *fixture_new_with(guint page_size)
{
    Fixture *f = g_new0(Fixture, 1);
    ApiOptions options = {
        .base_url = "https://api.example.com",
        .page_size = page_size,
        .parallel_requests = 16,
        .timeout_us = 5 * S,
    };

    f->http = fake_http_new();
    f->api = api_new(f->http, &options, clock_system());
    return f;
}

static Fixture *fixture_new(void)
{
    return fixture_new_with(100);
}

static void fixture_forget(Fixture *f)
{
    g_clear_pointer(&f->records, g_ptr_array_unref);
    g_clear_error(&f->error);
    f->unchanged = FALSE;
    f->n_pages = 0;
}

static void fixture_free(Fixture *f)
{
    api_free(f->api);
    http_free(f->http);
    fixture_forget(f);
    g_free(f);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, fixture_free)

static void on_list(const ApiList *list, const GError *error, gpointer data)
{
    Fixture *f = data;

    g_assert_true((list->records == NULL) == (error != NULL));
    fixture_forget(f);
    f->n_ends++;
    if (error) {
        f->error = g_error_copy(error);
        return;
    }
    f->records = g_ptr_array_ref(list->records);
    f->unchanged = list->unchanged;
    f->n_pages = list->n_pages;
    f->warned = list->warning != NULL;
}

static void run_until_ends(Fixture *f, guint n)
{
    gint64 limit = g_get_monotonic_time() + 30 * S;

    while (f->n_ends < n && g_get_monotonic_time() < limit)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(f->n_ends, ==, n);
}

static void list(Fixture *f)
{
    api_list(f->api, KIND_INSTANCES, on_list, f);
    run_until_ends(f, f->n_ends + 1);
}

static void script(Fixture *f, const char *body)
{
    fake_http_script(f->http, (FakeReply){ .status = 200, .body = body });
}

static void script_etag(Fixture *f, guint status, const char *body, const char *etag)
{
    fake_http_script(f->http, (FakeReply){ .status = status, .body = body, .etag = etag });
}

static void list_scripted(Fixture *f, const char *body)
{
    script(f, body);
    list(f);
}

static void assert_ids(Fixture *f, const char *expected)
{
    g_autoptr(GString) ids = g_string_new(NULL);

    g_assert_no_error(f->error);
    for (guint i = 0; i < f->records->len; i++)
        g_string_append_printf(ids, "%s%s", i ? " " : "", record_id(f->records->pdata[i]));
    g_assert_cmpstr(ids->str, ==, expected);
}

static void test_one_page(void)
{
    g_autoptr(Fixture) f = fixture_new();

    list_scripted(f, LAST(ITEM("b") "," ITEM("a")));
    assert_ids(f, "b a");
    g_assert_cmpuint(f->n_pages, ==, 1);
    g_assert_cmpstr(fake_http_request(f->http, 0)->url, ==, BASE "?limit=100");
    g_assert_cmpuint(fake_http_request(f->http, 0)->max_body, ==, API_MAX_PAGE_BYTES);
    g_assert_false(record_is_full(f->records->pdata[0]));
}

static void test_pages_follow_the_cursor(void)
{
    g_autoptr(Fixture) f = fixture_new();

    script(f, PAGE(ITEM("a"), "p&2/=", "true"));
    script(f, PAGE("", "p3", "true"));
    script(f, PAGE(ITEM("c"), "", "false"));
    list(f);
    assert_ids(f, "a c");
    g_assert_cmpuint(f->n_pages, ==, 3);
    g_assert_cmpstr(fake_http_request(f->http, 1)->url, ==, BASE "?limit=100&cursor=p%262%2F%3D");
    g_assert_cmpstr(fake_http_request(f->http, 2)->url, ==, BASE "?limit=100&cursor=p3");
}

static void test_without_a_page_size_no_limit_is_sent(void)
{
    g_autoptr(Fixture) f = fixture_new_with(0);

    script(f, PAGE("", "p2", "true"));
    script(f, LAST(""));
    list(f);
    g_assert_cmpstr(fake_http_request(f->http, 0)->url, ==, BASE);
    g_assert_cmpstr(fake_http_request(f->http, 1)->url, ==, BASE "?cursor=p2");
}

static void test_each_way_to_say_that_it_was_the_last_page(void)
{
    static const char *const bodies[] = {
        PAGE(ITEM("a"), "p2", "false"),
        "{\"data\":[" ITEM("a") "]}",
        "{\"data\":[" ITEM("a") "],\"next_cursor\":\"\"}",
        "{\"data\":[" ITEM("a") "],\"next_cursor\":7,\"has_more\":false}",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(Fixture) f = fixture_new();
        list_scripted(f, bodies[i]);
        assert_ids(f, "a");
        g_assert_cmpuint(fake_http_n_requests(f->http), ==, 1);
    }
}

static void test_more_without_a_cursor_is_taken_with_a_warning(void)
{
    static const char *const bodies[] = {
        PAGE(ITEM("a"), "", "true"),
        "{\"data\":[" ITEM("a") "],\"has_more\":true}",
        "{\"data\":[" ITEM("a") "],\"next_cursor\":null,\"has_more\":true}",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(Fixture) f = fixture_new();

        g_test_expect_message("ppiofs", G_LOG_LEVEL_WARNING, "*instances may be missing*");
        list_scripted(f, bodies[i]);
        g_test_assert_expected_messages();
        assert_ids(f, "a");
        g_assert_true(f->warned);
        list_scripted(f, bodies[i]); /* said again, logged once */
        g_assert_true(f->unchanged && f->warned);
    }
}

static void test_a_cursor_without_has_more_is_followed(void)
{
    g_autoptr(Fixture) f = fixture_new();

    script(f, "{\"data\":[" ITEM("a") "],\"next_cursor\":\"p2\"}");
    script(f, LAST(ITEM("b")));
    list(f);
    assert_ids(f, "a b");
}

static void test_empty_lists(void)
{
    g_autoptr(Fixture) f = fixture_new();

    list_scripted(f, LAST(""));
    assert_ids(f, "");
    list_scripted(f, "{\"data\":null,\"has_more\":false}");
    assert_ids(f, "");
}

static void test_a_body_that_is_no_page_is_bad(void)
{
    static const char *const bodies[] = {
        "",
        "null",
        "[]",
        "[{\"id\":\"a\"}]",
        "{}",
        "{\"data\":null}",
        "{\"data\":null,\"has_more\":true}",
        "{\"data\":{}}",
        "{\"data\":\"x\"}",
        "{\"data\":[",
        "{\"data\":[]} {}",
        "\xef\xbb\xbf{\"data\":[]}",
        "<html><title>Log in</title></html>",
        "{\"data\":[],\"next_cursor\":7,\"has_more\":true}",
        "{\"data\":[],\"next_cursor\":{}}",
    };
    g_autoptr(Fixture) f = fixture_new();

    for (guint i = 0; i < G_N_ELEMENTS(bodies); i++) {
        list_scripted(f, bodies[i]);
        g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
        g_assert_true(g_str_has_prefix(f->error->message, "GET /gpus/v2/instances: 200, but "));
        g_assert_cmpuint(fake_http_n_requests(f->http), ==, i + 1);
    }
}

static void test_a_monstrous_cursor_is_bad(void)
{
    g_autoptr(Fixture) f = fixture_new();
    g_autofree char *cursor = g_strnfill(5000, 'x');
    g_autofree char *body = g_strdup_printf("{\"data\":[],\"next_cursor\":\"%s\"}", cursor);

    list_scripted(f, body);
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
}

static void test_an_error_on_a_later_page_fails_the_list(void)
{
    g_autoptr(Fixture) f = fixture_new();

    script(f, PAGE(ITEM("a"), "p2", "true"));
    fake_http_script(f->http, (FakeReply){ .status = 404 });
    list(f);
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_SERVER);
    g_assert_cmpstr(f->error->message, ==, "GET /gpus/v2/instances (page 2): 404; check api_url");
}

static void test_a_repeated_cursor_is_an_error(void)
{
    g_autoptr(Fixture) f = fixture_new();

    script(f, PAGE(ITEM("a"), "p2", "true"));
    script(f, PAGE(ITEM("b"), "p2", "true"));
    list(f);
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
    g_assert_cmpuint(fake_http_n_requests(f->http), ==, 2);
}

static void test_a_cycle_of_cursors_is_an_error(void)
{
    g_autoptr(Fixture) f = fixture_new();

    script(f, PAGE("", "p2", "true"));
    script(f, PAGE("", "p3", "true"));
    script(f, PAGE("", "p2", "true"));
    list(f);
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
    g_assert_cmpuint(fake_http_n_requests(f->http), ==, 3);
}

static void test_the_same_bytes_for_another_cursor_are_another_page(void)
{
    static const char page[] = PAGE(ITEM("b"), "p3", "true");
    g_autoptr(Fixture) f = fixture_new();

    script(f, PAGE(ITEM("a"), "p2", "true"));
    script(f, page);
    script(f, LAST(""));
    list(f);
    script(f, PAGE(ITEM("a"), "p3", "true"));
    script(f, page); /* asked with p3, points to p3 */
    list(f);
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
}

/* An endless list, one item a page. */
static void answer_endlessly(const FakeRequest *request, FakeReply *ret_reply, gpointer data)
{
    Fixture *f = data;
    guint n = ++f->page_of_handler;

    (void)request;
    ret_reply->status = 200;
    ret_reply->owned = g_strdup_printf(
        "{\"data\":[{\"id\":\"i%u\"}],\"next_cursor\":\"p%u\",\"has_more\":true}", n, n);
    ret_reply->body = ret_reply->owned;
}

static void test_endless_pages_are_too_large(void)
{
    g_autoptr(Fixture) f = fixture_new();

    fake_http_handle(f->http, answer_endlessly, f);
    list(f);
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE);
    g_assert_cmpuint(fake_http_n_requests(f->http), ==, API_MAX_PAGES);
}

static void answer_thousand_pages(const FakeRequest *request, FakeReply *ret_reply, gpointer data)
{
    Fixture *f = data;

    answer_endlessly(request, ret_reply, data);
    if (f->page_of_handler < API_MAX_PAGES)
        return;
    f->page_of_handler = 0;
    g_free(ret_reply->owned);
    ret_reply->owned = NULL;
    ret_reply->body = LAST(ITEM("last"));
}

static void test_a_thousand_pages_are_not(void)
{
    g_autoptr(Fixture) f = fixture_new();

    fake_http_handle(f->http, answer_thousand_pages, f);
    list(f);
    g_assert_no_error(f->error);
    g_assert_cmpuint(f->records->len, ==, API_MAX_PAGES);
    g_assert_cmpuint(f->n_pages, ==, API_MAX_PAGES);
    list(f);
    g_assert_true(f->unchanged);
    g_assert_cmpuint(api_stats(f->api)->pages_unchanged, ==, API_MAX_PAGES);
}

static char *many_items(guint n, const char *rest)
{
    GString *body = g_string_new("{\"data\":[");

    for (guint i = 0; i < n; i++)
        g_string_append(body, i ? ",0" : "0");
    g_string_append_printf(body, "]%s}", rest);
    return g_string_free(body, FALSE);
}

static void test_too_many_items_in_one_page_are_too_large(void)
{
    g_autoptr(Fixture) f = fixture_new();
    g_autofree char *body = many_items(API_MAX_ITEMS + 1, "");

    list_scripted(f, body);
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE);
    g_assert_nonnull(strstr(f->error->message, "200, but"));
}

static void test_too_many_items_in_all_pages_are_too_large(void)
{
    g_autoptr(Fixture) f = fixture_new();
    g_autofree char *first = many_items(API_MAX_ITEMS, ",\"next_cursor\":\"p2\"");

    script(f, first);
    script(f, LAST(ITEM("a")));
    list(f);
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE);
}

#define LARGE_PAGE_ITEMS 1000

/* A megabyte. */
static char *large_page(void)
{
    GString *body = g_string_new("{\"data\":[");

    for (guint i = 0; i < LARGE_PAGE_ITEMS; i++)
        g_string_append_printf(body, "%s{\"id\":\"i%u\",\"x\":\"%01000u\"}", i ? "," : "", i, i);
    g_string_append(body, "],\"has_more\":false}");
    return g_string_free(body, FALSE);
}

static gboolean count_turn(gpointer data)
{
    guint *turns = data;

    (*turns)++;
    return G_SOURCE_CONTINUE;
}

/* No turn of the reader is longer than its bounds, and what else is ready comes between two. */
static void test_while_a_large_page_is_read_others_get_their_turn(void)
{
    g_autoptr(Fixture) f = fixture_new();
    g_autofree char *body = large_page();
    guint turns = 0;

    fake_http_script(f->http, (FakeReply){ .hold = TRUE });
    api_list(f->api, KIND_INSTANCES, on_list, f);
    fake_http_end(f->http, (FakeReply){ .status = 200, .body = body });

    GSource *other = g_idle_source_new();
    g_source_set_priority(other, G_PRIORITY_DEFAULT);
    g_source_set_callback(other, count_turn, &turns, NULL);
    g_source_attach(other, NULL);
    run_until_ends(f, 1);
    g_source_destroy(other);
    g_source_unref(other);
    g_assert_no_error(f->error);
    g_assert_cmpuint(f->records->len, ==, LARGE_PAGE_ITEMS);
    g_assert_cmpuint(turns, >=, strlen(body) / PAGE_READER_PARSED_BYTES);
}

static void test_a_list_can_be_cancelled_while_a_page_is_read(void)
{
    g_autoptr(Fixture) f = fixture_new();
    g_autofree char *body = many_items(10000, "");
    Request *call;

    fake_http_script(f->http, (FakeReply){ .hold = TRUE });
    call = api_list(f->api, KIND_INSTANCES, on_list, f);
    fake_http_end(f->http, (FakeReply){ .status = 200, .body = body });
    for (guint i = 0; i < 3; i++)
        g_main_context_iteration(NULL, FALSE);
    g_assert_cmpuint(f->n_ends, ==, 0);
    api_cancel(call);
    for (guint i = 0; i < 10; i++)
        g_main_context_iteration(NULL, FALSE);
    g_assert_cmpuint(f->n_ends, ==, 0);
}

/* At any point of the reading: what may happen then is a key read again, or the end. */
static void test_a_reset_and_an_end_may_come_while_a_page_is_read(void)
{
    g_autofree char *body = large_page();

    for (guint turns = 0; turns < 30; turns++)
        for (guint end = 0; end < 2; end++) {
            g_autoptr(Fixture) f = fixture_new();

            list_scripted(f, LAST(ITEM("a"))); /* so that there is something to forget */
            fake_http_script(f->http, (FakeReply){ .hold = TRUE });
            api_list(f->api, KIND_INSTANCES, on_list, f);
            fake_http_end(f->http, (FakeReply){ .status = 200, .body = body });
            for (guint i = 0; i < turns; i++)
                g_main_context_iteration(NULL, FALSE);
            if (end == 0)
                continue; /* the fixture is freed */
            api_reset(f->api);
            api_set_key(f->api, "another");
            run_until_ends(f, 2);
            g_assert_no_error(f->error);
            g_assert_false(f->unchanged);
        }
}

static void test_where_pages_overlap_the_later_item_counts(void)
{
    g_autoptr(Fixture) f = fixture_new();

    script(f, PAGE("{\"id\":\"a\"},{\"id\":\"b\",\"name\":\"old\"}", "p2", "true"));
    script(f, LAST("{\"id\":\"b\",\"name\":\"new\"},{\"id\":\"c\"}"));
    list(f);
    assert_ids(f, "a b c");
    g_assert_cmpstr(record_name(f->records->pdata[1]), ==, "new");
}

static void test_what_is_gone_is_not_listed(void)
{
    g_autoptr(Fixture) f = fixture_new();

    script(f, PAGE("{\"id\":\"a\",\"status\":{\"status\":\"removed\"}}," ITEM("b"), "p2", "true"));
    script(f, LAST("{\"id\":\"b\",\"status\":{\"status\":\"removing\"}}," ITEM("c")));
    list(f);
    assert_ids(f, "c");
}

static void test_items_without_an_id_are_left_out_with_one_warning(void)
{
    g_autoptr(Fixture) f = fixture_new();

    script(f, PAGE("{},{\"id\":null}," ITEM("a"), "p2", "true"));
    script(f, LAST("null,{\"id\":[]}," ITEM("b")));
    g_test_expect_message("ppiofs", G_LOG_LEVEL_WARNING, "*: 4 of 6 items left out: *");
    list(f);
    g_test_assert_expected_messages();
    assert_ids(f, "a b");
}

static void test_the_same_bytes_again_are_unchanged(void)
{
    g_autoptr(Fixture) f = fixture_new();

    for (guint i = 0; i < 3; i++) {
        script(f, PAGE(ITEM("a"), "p2", "true"));
        script(f, LAST(ITEM("b")));
        list(f);
        assert_ids(f, "a b");
        g_assert_cmpint(f->unchanged, ==, i > 0);
        g_assert_cmpuint(f->n_pages, ==, 2);
    }
    g_assert_cmpuint(api_stats(f->api)->pages_unchanged, ==, 4);
}

static void test_a_changed_page_is_a_change_and_the_others_are_kept(void)
{
    g_autoptr(Fixture) f = fixture_new();
    g_autoptr(Record) before = NULL;

    script(f, PAGE(ITEM("a"), "p2", "true"));
    script(f, LAST(ITEM("b")));
    list(f);
    before = record_ref(f->records->pdata[0]);
    script(f, PAGE(ITEM("a"), "p2", "true"));
    script(f, LAST(ITEM("c")));
    list(f);
    assert_ids(f, "a c");
    g_assert_false(f->unchanged);
    g_assert_true(f->records->pdata[0] == before); /* not parsed again */
    script(f, PAGE(ITEM("z"), "p2", "true"));
    script(f, LAST(ITEM("c")));
    list(f);
    assert_ids(f, "z c");
    g_assert_false(f->unchanged);
}

static void test_fewer_and_more_pages_are_changes(void)
{
    g_autoptr(Fixture) f = fixture_new();

    list_scripted(f, LAST(ITEM("a")));
    script(f, PAGE(ITEM("a"), "p2", "true"));
    script(f, LAST(ITEM("b")));
    list(f);
    assert_ids(f, "a b");
    g_assert_false(f->unchanged);
    list_scripted(f, LAST(ITEM("a")));
    assert_ids(f, "a");
    g_assert_false(f->unchanged);
}

static void test_a_failed_list_does_not_count_as_the_last(void)
{
    g_autoptr(Fixture) f = fixture_new();

    list_scripted(f, LAST(ITEM("a")));
    list_scripted(f, "garbage");
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
    list_scripted(f, LAST(ITEM("a")));
    g_assert_true(f->unchanged);
}

static void test_after_a_reset_nothing_is_unchanged(void)
{
    g_autoptr(Fixture) f = fixture_new();

    list_scripted(f, LAST(ITEM("a")));
    api_reset(f->api);
    list_scripted(f, LAST(ITEM("a")));
    assert_ids(f, "a");
    g_assert_false(f->unchanged);
}

static void test_after_a_reset_during_a_list_nothing_is_unchanged(void)
{
    g_autoptr(Fixture) f = fixture_new();

    list_scripted(f, LAST(ITEM("a")));
    script(f, LAST(ITEM("a")));
    api_list(f->api, KIND_INSTANCES, on_list, f);
    api_reset(f->api);
    run_until_ends(f, 2);
    assert_ids(f, "a");
    g_assert_false(f->unchanged);
}

static void test_two_lists_at_once_do_not_confuse_each_other(void)
{
    static const FakeReply hold = { .hold = TRUE };
    static const FakeReply a = { .status = 200, .body = LAST(ITEM("a")) };
    static const FakeReply b = { .status = 200, .body = LAST(ITEM("b")) };
    g_autoptr(Fixture) f = fixture_new();

    list_scripted(f, LAST(ITEM("a")));
    for (guint i = 0; i < 3; i++) {
        fake_http_script(f->http, hold);
        api_list(f->api, KIND_INSTANCES, on_list, f);
    }
    fake_http_end(f->http, a);
    run_until_ends(f, 2);
    g_assert_true(f->unchanged);
    fake_http_end(f->http, b);
    run_until_ends(f, 3);
    assert_ids(f, "b");
    g_assert_false(f->unchanged);
    fake_http_end(f->http, a); /* what it was when this one started, but not any more */
    run_until_ends(f, 4);
    assert_ids(f, "a");
    g_assert_false(f->unchanged);
}

static void test_an_etag_is_sent_back_and_304_is_unchanged(void)
{
    g_autoptr(Fixture) f = fixture_new();

    script_etag(f, 200, PAGE(ITEM("a"), "p2", "true"), "\"1\"");
    script_etag(f, 200, LAST(ITEM("b")), "\"2\"");
    list(f);
    g_assert_null(fake_http_request(f->http, 0)->if_none_match);
    script_etag(f, 304, "", NULL);
    script_etag(f, 304, "", NULL);
    list(f);
    g_assert_true(f->unchanged);
    g_assert_cmpstr(fake_http_request(f->http, 2)->if_none_match, ==, "\"1\"");
    g_assert_cmpstr(fake_http_request(f->http, 3)->if_none_match, ==, "\"2\"");
    script_etag(f, 304, "", NULL);
    script_etag(f, 200, LAST(ITEM("c")), "\"3\"");
    list(f);
    assert_ids(f, "a c");
    g_assert_false(f->unchanged);
    script_etag(f, 304, "", NULL);
    script_etag(f, 304, "", NULL);
    list(f);
    g_assert_true(f->unchanged);
    g_assert_cmpstr(fake_http_request(f->http, 7)->if_none_match, ==, "\"3\"");
}

static void test_a_new_etag_for_the_same_bytes_is_taken_over(void)
{
    g_autoptr(Fixture) f = fixture_new();

    script_etag(f, 200, LAST(ITEM("a")), "\"1\"");
    script_etag(f, 200, LAST(ITEM("a")), "\"2\"");
    script_etag(f, 200, LAST(ITEM("a")), NULL);
    script_etag(f, 200, LAST(ITEM("a")), NULL);
    for (guint i = 0; i < 4; i++)
        list(f);
    g_assert_true(f->unchanged);
    g_assert_cmpstr(fake_http_request(f->http, 2)->if_none_match, ==, "\"2\"");
    g_assert_null(fake_http_request(f->http, 3)->if_none_match);
}

static void test_an_etag_is_not_sent_for_another_cursor(void)
{
    g_autoptr(Fixture) f = fixture_new();

    script_etag(f, 200, PAGE(ITEM("a"), "p2", "true"), "\"1\"");
    script_etag(f, 200, LAST(ITEM("b")), "\"2\"");
    list(f);
    script_etag(f, 200, PAGE(ITEM("a"), "q2", "true"), "\"3\"");
    script_etag(f, 200, LAST(ITEM("b")), "\"4\"");
    list(f);
    g_assert_null(fake_http_request(f->http, 3)->if_none_match);
    assert_ids(f, "a b");
}

static void test_a_304_that_nobody_asked_for_is_bad(void)
{
    g_autoptr(Fixture) f = fixture_new();

    list_scripted(f, LAST(ITEM("a")));
    script_etag(f, 304, "", NULL);
    list(f);
    g_assert_error(f->error, PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER);
}

static void test_no_cursor_in_the_debug_log(void)
{
    g_autoptr(Fixture) f = fixture_new();

    script(f, PAGE("", "hidden", "true"));
    script(f, LAST(""));
    g_test_expect_message("ppiofs", G_LOG_LEVEL_DEBUG, "GET /gpus/v2/instances: 200, *");
    g_test_expect_message("ppiofs", G_LOG_LEVEL_DEBUG, "GET /gpus/v2/instances (page 2): 200, *");
    list(f);
    g_test_assert_expected_messages();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/list/" #name, test_##name)
    ADD(one_page);
    ADD(pages_follow_the_cursor);
    ADD(without_a_page_size_no_limit_is_sent);
    ADD(each_way_to_say_that_it_was_the_last_page);
    ADD(more_without_a_cursor_is_taken_with_a_warning);
    ADD(a_cursor_without_has_more_is_followed);
    ADD(empty_lists);
    ADD(a_body_that_is_no_page_is_bad);
    ADD(a_monstrous_cursor_is_bad);
    ADD(an_error_on_a_later_page_fails_the_list);
    ADD(a_repeated_cursor_is_an_error);
    ADD(a_cycle_of_cursors_is_an_error);
    ADD(the_same_bytes_for_another_cursor_are_another_page);
    ADD(endless_pages_are_too_large);
    ADD(a_thousand_pages_are_not);
    ADD(too_many_items_in_one_page_are_too_large);
    ADD(too_many_items_in_all_pages_are_too_large);
    ADD(while_a_large_page_is_read_others_get_their_turn);
    ADD(a_list_can_be_cancelled_while_a_page_is_read);
    ADD(a_reset_and_an_end_may_come_while_a_page_is_read);
    ADD(where_pages_overlap_the_later_item_counts);
    ADD(what_is_gone_is_not_listed);
    ADD(items_without_an_id_are_left_out_with_one_warning);
    ADD(the_same_bytes_again_are_unchanged);
    ADD(a_changed_page_is_a_change_and_the_others_are_kept);
    ADD(fewer_and_more_pages_are_changes);
    ADD(a_failed_list_does_not_count_as_the_last);
    ADD(after_a_reset_nothing_is_unchanged);
    ADD(after_a_reset_during_a_list_nothing_is_unchanged);
    ADD(two_lists_at_once_do_not_confuse_each_other);
    ADD(an_etag_is_sent_back_and_304_is_unchanged);
    ADD(a_new_etag_for_the_same_bytes_is_taken_over);
    ADD(an_etag_is_not_sent_for_another_cursor);
    ADD(a_304_that_nobody_asked_for_is_bad);
    ADD(no_cursor_in_the_debug_log);
    return g_test_run();
}
