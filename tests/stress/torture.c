/* SPDX-License-Identifier: MIT */
/* torture: lets each allocation of json, model, tree, and of a page of the list, fail once. What is
 * asked for must then fail with PPIOFS_ERROR_NO_MEMORY or be as right as ever; it leaks nothing,
 * and works the next time.
 *
 * malloc() and its kin are ours here. GLib's own small allocations are spared: g_malloc() ends the
 * program when memory ends, which is a choice for what has a fixed size; what the network sizes
 * must not come from it, and a larger one that does ends this program. */
#include <errno.h>
#include <glib.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ppiofs/api/page_reader.h"
#include "ppiofs/base/error.h"
#include "ppiofs/json/json.h"
#include "ppiofs/model/collection.h"
#include "ppiofs/tree/name.h"
#include "ppiofs/view/links.h"
#include "ppiofs/view/making.h"
#include "ppiofs/view/ssh_config.h"
#include "ppiofs/view/table.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_OWN_MALLOC 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_OWN_MALLOC 1
#endif
#endif

#ifdef HAS_OWN_MALLOC
int main(void)
{
    return 77; /* skipped: the sanitizer's malloc cannot be replaced */
}
#else

/* A page that is checked: the largest thing of a fixed size that GLib is asked for here. */
#define SPARED_BYTES 1536

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void __libc_free(void *block);

/* GLib, and the C library, which makes the texts of g_strdup_printf(). */
static const char *const spared_libraries[] = { "libglib-2.0.", "libc.so." };

static struct {
    struct {
        const char *start, *end;
    } spared[G_N_ELEMENTS(spared_libraries)];
    gboolean armed;
    guint64 left; /* until the one that fails */
    gboolean failed;
    gint64 live; /* blocks */
} torture;

static gboolean is_spared(const char *caller)
{
    for (gsize i = 0; i < G_N_ELEMENTS(torture.spared); i++)
        if (caller >= torture.spared[i].start && caller < torture.spared[i].end)
            return TRUE;
    return FALSE;
}

static gboolean must_fail(size_t size, const char *caller)
{
    if (!torture.armed || torture.failed || (size <= SPARED_BYTES && is_spared(caller)))
        return FALSE;
    if (torture.left-- > 0)
        return FALSE;
    torture.failed = TRUE;
    errno = ENOMEM;
    return TRUE;
}

void *malloc(size_t size)
{
    if (must_fail(size, __builtin_return_address(0)))
        return NULL;
    torture.live++;
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    if (must_fail(n * size, __builtin_return_address(0)))
        return NULL;
    torture.live++;
    return __libc_calloc(n, size);
}

void *realloc(void *block, size_t size)
{
    if (must_fail(size, __builtin_return_address(0)))
        return NULL;
    torture.live += block == NULL;
    return __libc_realloc(block, size);
}

void free(void *block)
{
    torture.live -= block != NULL;
    __libc_free(block);
}

static gsize library_number(const char *path)
{
    gsize i = 0;

    while (i < G_N_ELEMENTS(spared_libraries) && strstr(path, spared_libraries[i]) == NULL)
        i++;
    return i;
}

static int find_library(struct dl_phdr_info *info, size_t size, void *data)
{
    gsize number = library_number(info->dlpi_name);

    (void)size;
    (void)data;
    for (int i = 0; i < info->dlpi_phnum && number < G_N_ELEMENTS(spared_libraries); i++) {
        const char *start = (const char *)info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;

        if (info->dlpi_phdr[i].p_type != PT_LOAD || !(info->dlpi_phdr[i].p_flags & PF_X))
            continue;
        torture.spared[number].start = start;
        torture.spared[number].end = start + info->dlpi_phdr[i].p_memsz;
    }
    return 0;
}

/* What is tortured: NULL with @error set, or a text that says what came out. (transfer full) */
typedef char *(*Work)(gconstpointer data, GError **error);

/* What is freed in turns of the loop. */
static void free_the_rest(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        continue;
}

/* Runs @work once for each of its allocations, that one failing. */
static void torture_work(Work work, gconstpointer data)
{
    g_autofree char *right = work(data, NULL);
    guint64 n = 0;

    g_assert_nonnull(right);
    free_the_rest();
    for (;; n++) {
        g_autoptr(GError) error = NULL;
        gint64 live = torture.live;

        torture.failed = FALSE;
        torture.left = n;
        torture.armed = TRUE;
        char *got = work(data, &error);
        torture.armed = FALSE;
        if (got == NULL)
            g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_NO_MEMORY);
        else
            g_assert_cmpstr(got, ==, right);
        g_free(got);
        g_clear_error(&error);
        free_the_rest();
        if (n > 0) /* the first brings what is made once: the name of the error domain */
            g_assert_cmpint(torture.live, ==, live);
        if (!torture.failed)
            break;
    }
    g_test_message("%" G_GUINT64_FORMAT " allocations", n);
    g_assert_cmpuint(n, >, 1);
}

/* The worst that the network can choose: sizes and numbers that no constant bounds. */

static char *long_text(char letter, gsize length)
{
    char *text = g_malloc(length + 1);

    memset(text, letter, length);
    text[length] = '\0';
    return text;
}

/* @n members, of which every third has the name of the one before. */
static void append_envs(GString *out, guint n)
{
    g_string_append(out, "\"envs\":[");
    for (guint i = 0; i < n; i++)
        g_string_append_printf(out, "%s{\"key\":\"K%u\",\"value\":\"v%u\"}", i > 0 ? "," : "",
                               i - i % 3 / 2, i);
    g_string_append(out, "]");
}

static char *make_record(const char *name)
{
    g_autofree char *word = long_text('n', 400), *secret = long_text('S', 3000);
    GString *out = g_string_new(NULL);

    g_string_append_printf(out, "{\"id\":\"%s\",\"name\":\"%s\",", "an id", name);
    g_string_append_printf(out, "\"status\":{\"status\":\"running\",\"%s\":1,\"error\":\"\"},",
                           word);
    g_string_append_printf(out, "\"%s\":{\"%s\":[1.10,18446744073709551615,\"\\u0000\"]},", word,
                           secret);
    g_string_append_printf(out, "\"tools\":{\"ssh\":{\"command\":\"%s\"}},", secret);
    g_string_append_printf(out, "\"%s_PASSWORD\":[[{}],[]],\"ports\":[{\"port\":1},{\"port\":1}],",
                           secret);
    g_string_append_printf(out, "\"created_at\":1755000000,\"last_started_at\":\"%s\",", secret);
    append_envs(out, 90);
    g_string_append_c(out, '}');
    return g_string_free(out, FALSE);
}

/* All of a tree, so that a difference anywhere shows. */
static char *digest_tree(const Subtree *tree)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_MD5);

    for (NodeIndex i = 0; i < subtree_n_nodes(tree); i++) {
        const char *name = subtree_name(tree, i);
        gsize length;
        const char *content = subtree_content(tree, i, &length);
        guint64 numbers[] = { subtree_parent(tree, i), subtree_kind(tree, i), length };

        g_checksum_update(sum, (const guchar *)name, (gssize)strlen(name));
        g_checksum_update(sum, (const guchar *)numbers, sizeof numbers);
        g_checksum_update(sum, (const guchar *)content, (gssize)length);
    }
    return g_strdup(g_checksum_get_string(sum));
}

static char *work_parse(gconstpointer data, GError **error)
{
    g_autoptr(JsonDoc) doc = json_parse(data, strlen(data), error);

    return doc == NULL ? NULL : g_strdup("parsed");
}

static char *work_record(gconstpointer data, GError **error)
{
    g_autoptr(Record) record = record_new(KIND_INSTANCES, data, NULL, RECORD_FULL, error);

    if (record == NULL)
        return NULL;
    torture.armed = FALSE; /* from here on it is the test's own */
    g_autofree char *digest = digest_tree(record_tree(record));
    g_autofree char *name = name_encode(record_name(record));
    return g_strdup_printf("%s %s %s %d %" G_GINT64_FORMAT, digest, record_id(record), name,
                           record_is_gone(record), record_own_time(record));
}

static char *work_page(gconstpointer data, GError **error)
{
    g_autoptr(GBytes) body = g_bytes_new_static(data, strlen(data));
    HttpAnswer answer = { .status = 200, .body = body };
    g_autoptr(Page) page = page_read(KIND_INSTANCES, &answer, 0, error);

    if (page == NULL)
        return NULL;
    torture.armed = FALSE;
    return g_strdup_printf("%u items, then %s", page_n_items(page), page_next_cursor(page));
}

/* Two lists and a detail, as they come after each other. */
static char *work_fleet(gconstpointer data, GError **error)
{
    static const RecordFlags flags[] = { 0, RECORD_FULL, 0, 0, RECORD_FULL };
    const cJSON *const *objects = data;
    Collection *fleet = collection_new(KIND_INSTANCES);
    gboolean good = TRUE;

    for (guint i = 0; good && i < G_N_ELEMENTS(flags); i++) {
        AnswerTime time = { 10 * i + 1, 10 * i + 2, 10 * i + 3 };
        g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)record_unref);
        Record *record = record_new(KIND_INSTANCES, objects[i % 2], NULL, flags[i], error);

        good = record != NULL;
        if (!good)
            break;
        g_ptr_array_add(list, record);
        if (flags[i] == 0)
            collection_begin_list(fleet, list, &time);
        else
            collection_apply_record(fleet, record, &time);
        g_assert_true(collection_step_list(fleet, G_MAXUINT));
    }
    torture.armed = FALSE;
    char *digest = good ? digest_tree(record_tree(collection_find(fleet, "an id")->record)) : NULL;
    collection_free(fleet);
    return digest;
}

/* A view of records. */
typedef struct {
    MakingOrder order;
    GPtrArray *records;
} View;

static char *work_view(gconstpointer data, GError **error)
{
    const View *view = data;
    Making *making = making_new(&view->order, g_ptr_array_ref(view->records), NULL, 1);

    while (!making_step(making, 100))
        continue;
    g_autoptr(Subtree) tree = making_finish(making);
    torture.armed = FALSE;
    if (tree != NULL)
        return digest_tree(tree);
    g_set_error_literal(error, PPIOFS_ERROR, PPIOFS_ERROR_NO_MEMORY, "the view");
    return NULL;
}

static void test_each_allocation_of_the_views_fails_once(void)
{
    static const ViewSettings settings = { "ppio", TRUE };
    const MakingOrder orders[] = {
        { &links_by_name, NULL, NULL, &settings },
        { &links_by_field, NULL, "image", &settings },
        { &table_recipe, "t", NULL, &settings, &kinds[0].tables[0] },
        { &ssh_config, "c", NULL, &settings },
    };
    g_autofree char *name = long_text('x', 100000), *image = long_text('y', 50000);
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func((GDestroyNotify)record_unref);

    for (guint i = 0; i < 40; i++) {
        g_autofree char *text = g_strdup_printf(
            "{\"id\":\"%u\",\"name\":\"%s%u\",\"image\":\"%s%u\",\"status\":\"running\","
            "\"tools\":{\"ssh\":{\"command\":\"ssh -p %u h.example\"}}}",
            i, name, i % 7, image, i % 5, 1 + i);
        g_autoptr(JsonDoc) doc = json_parse(text, strlen(text), NULL);
        g_ptr_array_add(records,
                        record_new(KIND_INSTANCES, json_root(doc), NULL, RECORD_FULL, NULL));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(orders); i++) {
        const View view = { orders[i], records };
        torture_work(work_view, &view);
    }
}

static void test_each_allocation_of_the_parser_fails_once(void)
{
    g_autofree char *text = make_record("name");

    torture_work(work_parse, text);
}

static void test_each_allocation_of_a_page_fails_once(void)
{
    g_autofree char *name = long_text('x', 100000);
    g_autofree char *one = make_record(name), *two = make_record("two");
    g_autofree char *text =
        g_strdup_printf("{\"data\":[%s,%s],\"next_cursor\":\"more\",\"has_more\":true}", one, two);

    torture_work(work_page, text);
}

static void test_each_allocation_of_a_record_fails_once(void)
{
    g_autofree char *name = long_text('x', 100000);
    g_autofree char *text = make_record(name);
    g_autoptr(JsonDoc) doc = json_parse(text, strlen(text), NULL);

    torture_work(work_record, json_root(doc));
}

static void test_each_allocation_of_a_fleet_fails_once(void)
{
    g_autofree char *one = make_record("one"), *two = make_record("two");
    g_autoptr(JsonDoc) first = json_parse(one, strlen(one), NULL);
    g_autoptr(JsonDoc) second = json_parse(two, strlen(two), NULL);
    const cJSON *objects[] = { json_root(first), json_root(second) };

    torture_work(work_fleet, objects);
}

int main(int argc, char **argv)
{
    /* GLib's slices would hide who frees what. */
    if (g_getenv("G_SLICE") == NULL) {
        g_setenv("G_SLICE", "always-malloc", TRUE);
        execv("/proc/self/exe", argv);
    }
    dl_iterate_phdr(find_library, NULL);
    g_assert_nonnull(torture.spared[0].start);
    g_assert_nonnull(torture.spared[1].start);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/torture/parser", test_each_allocation_of_the_parser_fails_once);
    g_test_add_func("/torture/page", test_each_allocation_of_a_page_fails_once);
    g_test_add_func("/torture/record", test_each_allocation_of_a_record_fails_once);
    g_test_add_func("/torture/views", test_each_allocation_of_the_views_fails_once);
    g_test_add_func("/torture/fleet", test_each_allocation_of_a_fleet_fails_once);
    return g_test_run();
}
#endif
