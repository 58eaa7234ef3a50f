/* SPDX-License-Identifier: MIT */
#include "ppiofs/keep/keep.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static guint64 put(KeepFile *keep, KeepKind kind, guint64 id, const char *text)
{
    return keep_put(keep, &(KeepRecord){ .kind = kind,
                                         .number = 7,
                                         .count = 3,
                                         .id = id,
                                         .extra = ~id,
                                         .bytes = text,
                                         .length = strlen(text) });
}

static KeepFile *new_keep(void)
{
    g_autoptr(GError) error = NULL;
    KeepFile *keep = keep_new(&error);

    g_assert_no_error(error);
    return keep;
}

static gboolean describe(const KeepRecord *record, gpointer data)
{
    g_assert_cmpuint(record->extra, ==, ~record->id);
    g_assert_cmpuint(record->number, ==, 7);
    g_assert_cmpuint(strlen(record->bytes), ==, record->length);
    g_string_append_printf(data, "%d:%u:%" G_GUINT64_FORMAT "=%s ", record->kind, record->count,
                           record->id, (const char *)record->bytes);
    return TRUE;
}

/* Each record as "kind:count:id=bytes ". (transfer full) */
static char *text_of(const KeepFile *keep)
{
    GString *text = g_string_new(NULL);

    g_assert_true(keep_each(keep, describe, text));
    return g_string_free(text, FALSE);
}

/* What the next process finds, once this one is no more. (transfer full) */
static KeepFile *reopen(KeepFile *keep)
{
    g_autoptr(GError) error = NULL;
    int fd = dup(keep_fd(keep));

    keep_free(keep);
    KeepFile *again = keep_open(fd, &error);
    g_assert_no_error(error);
    return again;
}

static void assert_refused(int fd, const char *why)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(keep_open(fd, &error));
    g_assert_nonnull(strstr(error->message, why));
}

static void test_the_next_process_finds_what_was_put_and_not_dropped(void)
{
    KeepFile *keep = new_keep();

    put(keep, KEEP_SLOT, 1, "one");
    guint64 two = put(keep, KEEP_SLOT, 2, "two");
    guint64 three = put(keep, KEEP_BODY, 3, "");
    keep_drop(keep, two);
    keep_count(keep, three, 5);
    keep = reopen(keep);
    g_autofree char *text = text_of(keep);
    g_assert_cmpstr(text, ==, "7:3:1=one 9:5:3= ");
    g_autoptr(GBytes) found = keep_find(keep, KEEP_SLOT);
    g_assert_cmpmem(g_bytes_get_data(found, NULL), g_bytes_get_size(found), "one", 3);
    g_assert_null(keep_find(keep, KEEP_TREE));
    keep_free(keep);
}

static void test_counts_beyond_bounds_are_countless(void)
{
    KeepFile *keep = new_keep();

    keep_count(keep, put(keep, KEEP_SLOT, 1, "x"), G_MAXUINT64 / 2);
    g_autofree char *text = text_of(keep);
    g_assert_cmpstr(text, ==, "7:4294967295:1=x ");
    keep_free(keep);
}

/* Against a plain list, through thousands of random steps and some changes of the process. */
static void test_any_mixture_is_found_again(void)
{
    KeepFile *keep = new_keep();
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(guint64));

    for (int step = 0; step < 4000; step++) {
        if (places->len < 5 || g_test_rand_int_range(0, 9) < 5) {
            char *text = g_strnfill((gsize)g_test_rand_int_range(0, 9000), 'a' + step % 26);
            guint64 at = put(keep, KEEP_BODY, (guint64)step, text);

            g_ptr_array_add(texts, g_strdup_printf("9:3:%d=%s ", step, text));
            g_array_append_val(places, at);
            g_free(text);
        } else {
            guint victim = (guint)g_test_rand_int_range(0, (gint)places->len);

            keep_drop(keep, g_array_index(places, guint64, victim));
            g_array_remove_index_fast(places, victim);
            g_ptr_array_remove_index_fast(texts, victim);
        }
        if (step % 500 == 0)
            keep = reopen(keep);
    }
    g_autofree char *found = text_of(keep);
    gsize expected = 0;
    for (guint i = 0; i < texts->len; i++) {
        g_assert_nonnull(strstr(found, g_ptr_array_index(texts, i)));
        expected += strlen(g_ptr_array_index(texts, i));
    }
    g_assert_cmpuint(strlen(found), ==, expected);
    keep_free(keep);
}

static gint64 memory_of(const KeepFile *keep)
{
    struct stat status;

    g_assert_cmpint(fstat(keep_fd(keep), &status), ==, 0);
    return (gint64)status.st_blocks * 512;
}

static void test_what_is_dropped_gives_its_memory_back(void)
{
    KeepFile *keep = new_keep();
    g_autofree char *text = g_strnfill(1 << 20, 'x');

    for (int i = 0; i < 100; i++)
        keep_drop(keep, put(keep, KEEP_BODY, 1, text));
    g_assert_cmpint(memory_of(keep), <, 64 << 10);
    for (int i = 0; i < 100000; i++)
        keep_drop(keep, put(keep, KEEP_SLOT, 1, "a name as an instance has"));
    g_assert_cmpint(memory_of(keep), <, 64 << 10);
    keep_free(keep);
}

/* Killed at any moment, a process leaves each record whole. */
static void write_for_ever(KeepFile *keep)
{
    guint64 at = 0;

    for (guint64 i = 1;; i++) {
        g_autofree char *text = g_strdup_printf("%0*" G_GUINT64_FORMAT, (int)(i % 6000 + 1), i);
        guint64 next = put(keep, KEEP_BODY, i, text);

        keep_drop(keep, at);
        at = next;
    }
}

static gboolean check_whole(const KeepRecord *record, gpointer data)
{
    guint64 value;

    g_assert_cmpuint(record->length, ==, MAX(record->id % 6000 + 1, strlen(record->bytes)));
    g_assert_true(g_ascii_string_to_unsigned(record->bytes, 10, 0, G_MAXUINT64, &value, NULL));
    g_assert_cmpuint(value, ==, record->id);
    ++*(guint *)data;
    return TRUE;
}

static void test_no_end_of_a_process_leaves_half_a_record(void)
{
    for (int round = 0; round < 40; round++) {
        KeepFile *keep = new_keep();
        guint n = 0;
        pid_t writer = fork();

        if (writer == 0)
            write_for_ever(keep);
        g_usleep((gulong)g_test_rand_int_range(500, 6000));
        kill(writer, SIGKILL);
        g_assert_cmpint(waitpid(writer, NULL, 0), ==, writer);
        keep = reopen(keep);
        g_assert_true(keep_each(keep, check_whole, &n));
        g_assert_cmpuint(n, <=, 2);
        put(keep, KEEP_BODY, 1, "00");
        keep = reopen(keep);
        keep_free(keep);
    }
}

static void test_only_one_process_has_it(void)
{
    KeepFile *keep = new_keep();
    int fd = keep_fd(keep), status;
    pid_t other = fork();

    if (other == 0) {
        assert_refused(fd, "another process uses it");
        _exit(0);
    }
    g_assert_cmpint(waitpid(other, &status, 0), ==, other);
    g_assert_cmpint(status, ==, 0);
    keep_free(keep);
}

static void test_what_is_none_is_refused(void)
{
    int other = memfd_create("other", MFD_ALLOW_SEALING);

    assert_refused(open("/dev/null", O_RDWR), "no memfd");
    g_assert_cmpint(write(other, "ppiofs keep 1", 13), ==, 13);
    assert_refused(other, "no memfd");
    other = memfd_create("other", MFD_ALLOW_SEALING);
    g_assert_cmpint(fcntl(other, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL), ==, 0);
    assert_refused(other, "incomplete");
}

static void test_nobody_can_cut_it_off(void)
{
    KeepFile *keep = new_keep();

    g_assert_cmpint(ftruncate(keep_fd(keep), 16), !=, 0);
    keep_free(keep);
}

/* Whatever the bytes of a head are, nothing beyond the file is read: see fuzz_keep.c. */
static void test_a_damaged_head_is_refused(void)
{
    const struct {
        off_t at;
        guint32 value;
    } damages[] = { { 0, 99 }, { 0, KEEP_KINDS }, { 8, 1u << 31 }, { 8, 1u << 20 } };

    for (gsize i = 0; i < G_N_ELEMENTS(damages); i++) {
        KeepFile *keep = new_keep();
        off_t head = (off_t)put(keep, KEEP_SLOT, 1, "one");
        int fd = dup(keep_fd(keep));

        g_assert_cmpint(pwrite(fd, &damages[i].value, 4, head + damages[i].at), ==, 4);
        keep_free(keep);
        assert_refused(fd, "damaged");
    }
}

static void test_without_room_nobody_can_go_on(void)
{
    KeepFile *keep = new_keep();
    const struct rlimit little = { 100, RLIM_INFINITY };
    int fd = dup(keep_fd(keep));

    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &little);
    g_test_expect_message("ppiofs", G_LOG_LEVEL_WARNING, "*cannot keep what*: File too large*");
    g_assert_cmpuint(put(keep, KEEP_SLOT, 1, "one"), !=, 0);
    g_assert_cmpuint(put(keep, KEEP_SLOT, 2, "two"), ==, 0);
    g_test_assert_expected_messages();
    g_assert_cmpuint(put(keep, KEEP_SLOT, 3, "three"), ==, 0); /* and no word more */
    g_assert_false(keep_is_whole(keep));
    keep_free(keep);
    assert_refused(fd, "incomplete");
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
}

static void test_without_a_keep_nothing_is_kept(void)
{
    g_assert_cmpuint(put(NULL, KEEP_SLOT, 1, "one"), ==, 0);
    keep_count(NULL, 32, 1);
    keep_drop(NULL, 32);
    keep_free(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keep/the_next_process_finds_what_was_put_and_not_dropped",
                    test_the_next_process_finds_what_was_put_and_not_dropped);
    g_test_add_func("/keep/counts_beyond_bounds_are_countless",
                    test_counts_beyond_bounds_are_countless);
    g_test_add_func("/keep/any_mixture_is_found_again", test_any_mixture_is_found_again);
    g_test_add_func("/keep/what_is_dropped_gives_its_memory_back",
                    test_what_is_dropped_gives_its_memory_back);
    g_test_add_func("/keep/no_end_of_a_process_leaves_half_a_record",
                    test_no_end_of_a_process_leaves_half_a_record);
    g_test_add_func("/keep/only_one_process_has_it", test_only_one_process_has_it);
    g_test_add_func("/keep/what_is_none_is_refused", test_what_is_none_is_refused);
    g_test_add_func("/keep/nobody_can_cut_it_off", test_nobody_can_cut_it_off);
    g_test_add_func("/keep/a_damaged_head_is_refused", test_a_damaged_head_is_refused);
    g_test_add_func("/keep/without_room_nobody_can_go_on", test_without_room_nobody_can_go_on);
    g_test_add_func("/keep/without_a_keep_nothing_is_kept", test_without_a_keep_nothing_is_kept);
    return g_test_run();
}
