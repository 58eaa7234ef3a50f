/* SPDX-License-Identifier: MIT */
/* A kind is a row: what follows from it is shown with a kind that the table does not have. */
#include "ppiofs/model/kind.h"

#include "ppiofs/api/page_reader.h"
#include "ppiofs/view/making.h"
#include "support.h"

/* All that `images` takes. */
static const FieldRule image_rules[] = {
    { "tags", RULE_LIST, "tag" },
    { 0 },
};
static const KindColumn image_columns[] = { { "id", "id" }, { "tag", "*tag" }, { 0 } };
static const Kind images = {
    .directory = "images",
    .one = "image",
    .route = "/gpus/v2/images",
    .items = "images",
    .identity = "id",
    .name = "name",
    .rules = image_rules,
    .tables = (const KindTable[]){ { "images.tsv", "tags", image_columns }, { 0 } },
};

static const char answer_text[] =
    "{\"images\":[ "
    "{\"id\":\"a/b\",\"name\":\"torch\",\"tags\":[{\"tag\":\"2.7\"},{\"tag\":\"v1\"}]},"
    "{\"id\":\"c\",\"tags\":null} ,{\"name\":\"no id\"}]}";

static GPtrArray *read_images(void)
{
    g_autoptr(GBytes) body = g_bytes_new_static(answer_text, strlen(answer_text));
    const HttpAnswer answer = { .status = 200, .body = body };
    g_autoptr(GError) error = NULL;
    g_autoptr(Page) page = page_read(&images, &answer, 0, &error);
    g_autoptr(GPtrArray) pages = g_ptr_array_new();

    g_assert_no_error(error);
    g_ptr_array_add(pages, page);
    g_autoptr(PagesMerge) merge = pages_merge_new(pages);
    return pages_merge_step(merge, G_MAXUINT);
}

static void test_a_row_makes_directories_of_a_list(void)
{
    g_autoptr(GPtrArray) records = read_images();
    g_autofree char *one = tree_text(record_tree(records->pdata[0]));
    g_autofree char *other = tree_text(record_tree(records->pdata[1]));
    gsize length;
    const char *body = g_bytes_get_data(record_body(records->pdata[1]), &length);

    g_assert_cmpuint(records->len, ==, 2);
    g_assert_cmpstr(one, ==,
                    "id='a/b$' name='torch$' tags/ tags/2.7/ tags/2.7/tag='2.7$' tags/v1/ "
                    "tags/v1/tag='v1$'");
    g_assert_cmpstr(other, ==, "id='c$' tags/");
    g_assert_true(record_is_full(records->pdata[0]));
    g_assert_cmpmem(body, length, "{\"id\":\"c\",\"tags\":null}", 22);
}

static void test_a_row_makes_a_table(void)
{
    const MakingOrder order = view_of_table(&images.tables[0]);
    Making *making = making_new(&order, read_images(), NULL, 1);

    while (!making_step(making, 1))
        continue;
    g_autoptr(Subtree) tree = making_finish(making);
    g_autofree char *text = file_text(tree, "images.tsv");
    g_assert_cmpstr(text, ==, "id\ttag\na/b\t2.7\na/b\tv1\n");
}

static void test_every_row_has_words_of_its_own(void)
{
    guint set;

    for (guint i = 0; i < n_kinds; i++) {
        g_autofree char *words = kinds_words(1u << i);

        g_assert_cmpstr(words, ==, kinds[i].directory);
        g_assert_true(kinds_parse(words, &set));
        g_assert_cmpuint(set, ==, 1u << i);
        g_assert_nonnull(kinds[i].about);
    }
    g_assert_true(kinds_parse("all", &set));
    g_assert_cmpuint(set, ==, kinds_all());
    g_assert_false(kinds_parse("instances:", &set));
    g_assert_false(kinds_parse("", &set));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kind/a_row_makes_directories_of_a_list",
                    test_a_row_makes_directories_of_a_list);
    g_test_add_func("/kind/a_row_makes_a_table", test_a_row_makes_a_table);
    g_test_add_func("/kind/every_row_has_words_of_its_own", test_every_row_has_words_of_its_own);
    return g_test_run();
}
