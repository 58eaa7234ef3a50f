/* SPDX-License-Identifier: MIT */
#include "ppiofs/model/field.h"

#include <string.h>

#include "ppiofs/json/json.h"

/* A field is a secret wherever it appears, today's (tools.ssh.password,
 * tools.web_terminal.password) and tomorrow's, if one of the words of its name is one of these, in
 * any case, also as a plural. A word ends at a character that is no letter or digit, and before a
 * capital: "accessToken", but not "tokenizer". */
static const char *const secret_words[] = { "password", "passwd", "token", "secret", "credential" };

/* And if its name ends like this, whatever stands between the words: "private_key", "apiKey". */
static const char *const secret_endings[] = { "privatekey", "apikey", "accesskey" };

/* And if that is the whole name: the API's variables, also where no rule knows them. */
static const char *const secret_names[] = { "envs" };

/* The longest path in a rule has three dots; what lies deeper has no rule. */
#define RULE_PATH_MAX 64

typedef struct {
    Draft *draft;
    const FieldRule *rules;
    gboolean hide_secrets;
} Mapping;

/* One value and where it goes. @path is the dotted path for the rules; "" where none can apply. */
typedef struct {
    NodeIndex parent;
    const char *name;
    const char *path;
    const cJSON *value;
    NodeFlags flags;
} Place;

static void map_value(const Mapping *mapping, const Place *place);

static const FieldRule *find_rule(const Mapping *mapping, const char *path)
{
    if (*path == '?')
        return NULL;
    for (const FieldRule *rule = mapping->rules; rule->path != NULL; rule++)
        if (strcmp(rule->path, path) == 0)
            return rule;
    return NULL;
}

/* Below what has no rule, too long for the table, or with a dot of its own that would pretend a
 * path: no rule. */
static void join_path(char joined[RULE_PATH_MAX], const char *path, const char *name)
{
    if (*path == '?' || strlen(path) + strlen(name) + sizeof "." > RULE_PATH_MAX ||
        strchr(name, '.') != NULL) {
        strcpy(joined, "?");
        return;
    }
    char *end = g_stpcpy(joined, path);
    if (end > joined)
        *end++ = '.';
    strcpy(end, name);
}

/* Where the word ends that begins at @word, a letter or digit. Of "APIKey" the first is "API". */
static const char *word_end(const char *word)
{
    const char *end = word + 1;

    while (g_ascii_isalnum(*end)) {
        gboolean starts_word =
            g_ascii_isupper(*end) && (!g_ascii_isupper(end[-1]) || g_ascii_islower(end[1]));

        if (starts_word)
            break;
        end++;
    }
    return end;
}

static gboolean is_secret_word(const char *word, gsize length)
{
    for (gsize i = 0; i < G_N_ELEMENTS(secret_words); i++) {
        gsize size = strlen(secret_words[i]);
        gboolean plural = length == size + 1 && g_ascii_tolower(word[size]) == 's';

        if ((length == size || plural) && g_ascii_strncasecmp(word, secret_words[i], size) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean has_secret_word(const char *name)
{
    while (*name) {
        const char *end = g_ascii_isalnum(*name) ? word_end(name) : name + 1;

        if (is_secret_word(name, (gsize)(end - name)))
            return TRUE;
        name = end;
    }
    return FALSE;
}

/* Back from the end, over what is between words. */
static gboolean ends_in(const char *name, const char *end, const char *ending)
{
    gsize left = strlen(ending);

    while (end > name && left > 0) {
        char c = *--end;

        if (!g_ascii_isalnum(c))
            continue;
        if (g_ascii_tolower(c) != ending[left - 1])
            return FALSE;
        left--;
    }
    return left == 0;
}

static gboolean has_secret_ending(const char *name)
{
    const char *end = name + strlen(name);

    for (gsize i = 0; i < G_N_ELEMENTS(secret_endings); i++)
        if (ends_in(name, end, secret_endings[i]) ||
            (end > name && g_ascii_tolower(end[-1]) == 's' &&
             ends_in(name, end - 1, secret_endings[i])))
            return TRUE;
    return FALSE;
}

static gboolean is_secret(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(secret_names); i++)
        if (g_ascii_strcasecmp(name, secret_names[i]) == 0)
            return TRUE;
    return has_secret_word(name) || has_secret_ending(name);
}

static void append_line(Draft *draft, const char *text)
{
    gsize length = strlen(text);

    draft_append(draft, text, length);
    if (length == 0 || text[length - 1] != '\n')
        draft_append(draft, "\n", 1);
}

static void map_scalar(const Mapping *mapping, const Place *place)
{
    const char *text = json_text(place->value);

    draft_file(mapping->draft, place->parent, place->name, "", 0, place->flags);
    if (*text != '\0')
        append_line(mapping->draft, text);
}

static gboolean is_scalar(const cJSON *value)
{
    return !cJSON_IsObject(value) && !cJSON_IsArray(value);
}

static gboolean holds_only(const cJSON *array, gboolean (*test)(const cJSON *))
{
    const cJSON *element;

    cJSON_ArrayForEach (element, array) {
        if (!test(element))
            return FALSE;
    }
    return TRUE;
}

static void map_lines(const Mapping *mapping, const Place *place)
{
    const cJSON *element;

    draft_file(mapping->draft, place->parent, place->name, "", 0, place->flags);
    cJSON_ArrayForEach (element, place->value)
        append_line(mapping->draft, json_text(element));
}

/* An element's own name where the rule knows one; its position otherwise. */
static const char *element_name(const cJSON *element, const FieldRule *rule, const char *position)
{
    gboolean keyed = rule != NULL && (rule->kind == RULE_LIST || rule->kind == RULE_MAP) &&
                     rule->argument != NULL;
    const cJSON *key = keyed ? json_member(element, rule->argument) : NULL;

    return key != NULL && is_scalar(key) && !cJSON_IsNull(key) ? json_text(key) : position;
}

static void map_elements(const Mapping *mapping, const Place *place, const FieldRule *rule)
{
    gboolean map = rule != NULL && rule->kind == RULE_MAP;
    const char *path = rule != NULL && rule->kind == RULE_LIST ? place->path : "?";
    NodeIndex directory =
        draft_directory(mapping->draft, place->parent, place->name, place->flags | NODE_ARRAY);
    const cJSON *element;
    guint n = 0;
    cJSON_ArrayForEach (element, place->value) {
        g_autofree char *position = g_strdup_printf("%u", n++);
        const char *name = element_name(element, rule, position);
        const cJSON *value = map && name != position ? json_member(element, "value") : element;

        if (value == NULL) /* an env without a value */
            draft_file(mapping->draft, directory, name, "", 0, place->flags);
        else
            map_value(mapping, &(Place){ directory, name, path, value, 0 });
    }
}

static gboolean is_object(const cJSON *value)
{
    return cJSON_IsObject(value);
}

static void map_array(const Mapping *mapping, const Place *place, const FieldRule *rule)
{
    if (holds_only(place->value, is_scalar))
        map_lines(mapping, place);
    else
        map_elements(mapping, place, holds_only(place->value, is_object) ? rule : NULL);
}

static void map_members(const Mapping *mapping, NodeIndex directory, const Place *place)
{
    const cJSON *member;

    cJSON_ArrayForEach (member, place->value) {
        char path[RULE_PATH_MAX];

        join_path(path, place->path, member->string);
        map_value(mapping, &(Place){ directory, member->string, path, member, 0 });
    }
}

/* NAME_member; NULL when memory ends: the API says how long it is. */
static char *flattened_name(const char *name, const char *member)
{
    gsize size = strlen(name) + strlen(member) + sizeof "_";
    char *longer = g_try_malloc(size);

    if (longer != NULL)
        g_snprintf(longer, size, "%s_%s", name, member);
    return longer;
}

static void map_flattened(const Mapping *mapping, const Place *place, const FieldRule *rule)
{
    const cJSON *member;

    cJSON_ArrayForEach (member, place->value) {
        gboolean takes_place = strcmp(member->string, rule->argument) == 0;
        g_autofree char *longer = takes_place ? NULL : flattened_name(place->name, member->string);

        if (takes_place)
            map_value(mapping, &(Place){ place->parent, place->name, "?", member, 0 });
        else if (longer != NULL)
            map_value(mapping, &(Place){ place->parent, longer, "?", member, NODE_OPTIONAL });
        else
            draft_file(mapping->draft, place->parent, NULL, "", 0, 0); /* which fails the draft */
    }
}

/* null, [] and {} where the document says object or array of objects. */
static gboolean is_empty_directory(const cJSON *value, const FieldRule *rule)
{
    return rule != NULL && rule->kind < RULE_ALSO_AS &&
           (cJSON_IsNull(value) || (cJSON_IsArray(value) && cJSON_GetArraySize(value) == 0));
}

static void map_shape(const Mapping *mapping, const Place *place, const FieldRule *rule)
{
    if (rule != NULL && rule->kind == RULE_FLATTEN &&
        (cJSON_IsObject(place->value) || is_empty_directory(place->value, rule)))
        map_flattened(mapping, place, rule);
    else if (is_empty_directory(place->value, rule))
        draft_directory(mapping->draft, place->parent, place->name,
                        place->flags | (rule->kind == RULE_OBJECT ? 0 : NODE_ARRAY));
    else if (cJSON_IsArray(place->value))
        map_array(mapping, place, rule);
    else if (cJSON_IsObject(place->value))
        map_members(mapping,
                    draft_directory(mapping->draft, place->parent, place->name, place->flags),
                    place);
    else
        map_scalar(mapping, place);
}

static void map_value(const Mapping *mapping, const Place *place)
{
    const FieldRule *rule = find_rule(mapping, place->path);
    gboolean map = rule != NULL && rule->kind == RULE_MAP;
    Place here = *place;

    if (map || (rule != NULL && rule->kind == RULE_SECRET) || is_secret(place->name)) {
        here.flags |= NODE_SECRET;
        /* Of a map only what is below is secret: the directory itself stays. */
        if (mapping->hide_secrets && map && !is_scalar(place->value))
            draft_directory(mapping->draft, here.parent, here.name, here.flags);
        if (mapping->hide_secrets)
            return;
    }
    map_shape(mapping, &here, rule);
    if (rule != NULL && rule->kind == RULE_ALSO_AS)
        map_shape(mapping,
                  &(Place){ 0, rule->argument, "?", place->value, here.flags | NODE_OPTIONAL },
                  NULL);
}

void fields_add(Draft *draft, const cJSON *object, const FieldRule *rules, gboolean hide_secrets)
{
    const Mapping mapping = { draft, rules, hide_secrets };

    map_members(&mapping, 0, &(Place){ 0, "", "", object, 0 });
}
