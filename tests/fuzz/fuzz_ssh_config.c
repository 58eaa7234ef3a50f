/* SPDX-License-Identifier: MIT */
/* Whatever ids, names and commands the API sends: each line of ssh/config is of a form that it may
 * have, each instance is there exactly once, and no word stands for two of them.
 *
 * The input is id, name, command, id, name, ... of instances that run, with a byte 0xff between. */
#include "ppiofs/base/text.h"
#include "ppiofs/view/making.h"
#include "ppiofs/view/ssh_config.h"

#include <stdint.h>
#include <arpa/inet.h>
#include <string.h>

#define BETWEEN 0xff
#define PLAIN G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    const uint8_t *data;
    size_t left;
} Input;

/* The next field as what the JSON layer lets through: UTF-8 without NUL. */
static char *next_field(Input *input)
{
    const uint8_t *end = input->left == 0 ? NULL : memchr(input->data, BETWEEN, input->left);
    size_t length = end == NULL ? input->left : (size_t)(end - input->data);
    g_autofree char *bytes = g_strndup((const char *)input->data, length);

    input->data += length + (end != NULL);
    input->left -= length + (end != NULL);
    return g_utf8_make_valid(bytes, -1);
}

/* @records: by id; of two with one id the second counts. */
static void add_instance(GTree *records, Input *input)
{
    g_autofree char *id = next_field(input), *name = next_field(input);
    g_autofree char *command = next_field(input);
    cJSON *object = cJSON_CreateObject();

    cJSON_AddStringToObject(object, "id", id);
    cJSON_AddStringToObject(object, "name", name);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(object, "status"), "status", "running");
    cJSON_AddStringToObject(
        cJSON_AddObjectToObject(cJSON_AddObjectToObject(object, "tools"), "ssh"), "command",
        command);
    Record *record = record_new(KIND_INSTANCES, object, NULL, RECORD_FULL, NULL);
    if (record != NULL)
        g_tree_replace(records, g_strdup(record_id(record)), record);
    cJSON_Delete(object);
}

static gboolean is_of(const char *text, const char *characters)
{
    return *text != '\0' && *text != '-' && text[strspn(text, characters)] == '\0';
}

static void check_comment(const char *comment)
{
    g_assert_true(g_utf8_validate(comment, -1, NULL));
    for (const char *at = comment; *at != '\0'; at = g_utf8_next_char(at))
        g_assert_false(text_is_control(g_utf8_get_char(at)));
}

static void check_patterns(const char *text, GHashTable *seen)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    struct in_addr address;
    guint n = g_strv_length(words);

    g_assert_true(n >= 1 && n <= 4);
    g_assert_true(g_str_has_suffix(words[n - 1], ".ppio"));
    for (guint i = 0; i < n; i++) {
        gboolean is_long = g_str_has_suffix(words[i], ".ppio");

        g_assert_true(*words[i] != '\0' && *words[i] != '-');
        for (const char *at = words[i]; *at; at = g_utf8_next_char(at))
            g_assert_true(g_unichar_isalnum(g_utf8_get_char(at)) || strchr("._-", *at));
        g_assert_true(is_long || (!strchr(words[i], '.') && inet_aton(words[i], &address) == 0));
        g_assert_true(g_hash_table_add(seen, g_strdup(words[i])));
    }
}

/* Whether the line begins an instance. */
static gboolean check_line(const char *line, GHashTable *seen)
{
    static const struct {
        const char *keyword, *characters;
    } directives[] = {
        { "    HostName ", PLAIN ":" },
        { "    Port ", G_CSET_DIGITS },
        { "    User ", PLAIN },
        { "    HostKeyAlias ppio-", PLAIN },
    };

    if (*line == '#') {
        check_comment(line);
        return !strstr(line, "use its id"); /* its Host line follows */
    }
    if (g_str_has_prefix(line, "Host ")) {
        check_patterns(line + strlen("Host "), seen);
        return TRUE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(directives); i++)
        if (g_str_has_prefix(line, directives[i].keyword)) {
            g_assert_true(is_of(line + strlen(directives[i].keyword), directives[i].characters));
            return FALSE;
        }
    g_assert_cmpstr(line, ==, "");
    return FALSE;
}

/* Without the lines of comment at the head. */
static void check_text(const char *text, guint n_instances)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    guint head = 0, n = 0;

    while (lines[head][0] == '#')
        head++;
    for (char **line = lines + head; *line != NULL; line++)
        n += (guint)check_line(*line, seen);
    g_assert_cmpuint(n, ==, n_instances);
}

static gint compare_keys(gconstpointer a, gconstpointer b, gpointer data)
{
    (void)data;
    return strcmp(a, b);
}

static gboolean collect(gpointer id, gpointer record, gpointer records)
{
    (void)id;
    g_ptr_array_add(records, record_ref(record));
    return FALSE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GTree) by_id =
        g_tree_new_full(compare_keys, NULL, g_free, (GDestroyNotify)record_unref);
    GPtrArray *records = g_ptr_array_new_with_free_func((GDestroyNotify)record_unref);
    Input input = { data, size };
    const ViewSettings settings = { "ppio", size % 2 };
    const MakingOrder order = { &ssh_config, "config", NULL, &settings };
    guint n;

    while (input.left > 0)
        add_instance(by_id, &input);
    g_tree_foreach(by_id, collect, records);
    n = records->len;
    Making *making = making_new(&order, records, NULL, 1);
    while (!making_step(making, 5))
        continue;
    g_autoptr(Subtree) tree = making_finish(making);
    gsize length;
    const char *bytes = subtree_content(tree, 1, &length);
    g_autofree char *text = g_strndup(bytes, length);
    check_text(text, n);
    return 0;
}
