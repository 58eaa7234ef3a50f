/* SPDX-License-Identifier: MIT */
#include "ppiofs/view/ssh_config.h"

#include <string.h>

#include "ppiofs/base/hash.h"
#include "ppiofs/base/text.h"
#include "ppiofs/view/ssh_command.h"

#define COMMAND_PATH "tools/ssh/command"
#define WORD_MAX_BYTES 255 /* as a file name's; nobody types a longer one */
#define ID_MAX_BYTES 1024  /* 255 characters: an id is never cut */

static const char head[] = "# Made by ppiofs: how the instances that run are reached.\n"
                           "# For an Include in ~/.ssh/config, above its first Host line.\n";

/* What the names could be mistaken for: all names and ids of the account. */
typedef struct {
    GHashTable *names; /* name -> how many have it */
    GHashTable *ids;
} Taken;

static void taken_init(Taken *taken, const Listing *listing)
{
    taken->names = g_hash_table_new(hash_text, g_str_equal);
    taken->ids = g_hash_table_new(hash_text, g_str_equal);
    for (guint i = 0; i < listing->instances->len; i++) {
        const Instance *instance = g_ptr_array_index(listing->instances, i);
        const char *name = record_name(instance->record);
        guint n = name == NULL ? 0 : GPOINTER_TO_UINT(g_hash_table_lookup(taken->names, name));

        if (name != NULL)
            g_hash_table_insert(taken->names, (gpointer)name, GUINT_TO_POINTER(n + 1));
        g_hash_table_add(taken->ids, (gpointer)record_id(instance->record));
    }
}

static void taken_clear(Taken *taken)
{
    g_hash_table_unref(taken->names);
    g_hash_table_unref(taken->ids);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Taken, taken_clear)

/* Letters that show nothing (Hangul fillers) would make two names look alike. */
static gboolean is_word_character(gunichar c)
{
    if (c < 0x80)
        return g_ascii_isalnum((char)c) || c == '.' || c == '_' || c == '-';
    return g_unichar_isalnum(c) && !text_is_control(c) && c != 0x115f && c != 0x1160 &&
           c != 0x3164 && c != 0xffa0;
}

/* Whether ssh takes it for one pattern that matches itself alone, and a shell for no option. */
static gboolean is_plain(const char *word)
{
    gsize length = strlen(word);

    for (const char *at = word; *at; at = g_utf8_next_char(at))
        if (!is_word_character(g_utf8_get_char(at)))
            return FALSE;
    return length > 0 && length <= WORD_MAX_BYTES && *word != '-';
}

/* 2130706433, 017700000001 and 0x7f000001 are 127.0.0.1; what is longer is not far from one. */
static gboolean is_number(const char *word)
{
    gsize prefix = g_ascii_strncasecmp(word, "0x", 2) == 0 ? 2 : 0;
    const char *digits = prefix ? G_CSET_DIGITS "abcdefABCDEF" : G_CSET_DIGITS;

    return word[prefix + strspn(word + prefix, digits)] == '\0';
}

static gboolean is_loopback(const char *word)
{
    static const char *const names[] = { "localhost", "localhost4", "localhost6", "ip6-localhost",
                                         "ip6-loopback" };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_ascii_strcasecmp(word, names[i]) == 0)
            return TRUE;
    return FALSE;
}

static gboolean may_stand_alone(const char *word)
{
    return !strchr(word, '.') && !is_loopback(word) && !is_number(word);
}

/* Why the name is left out; NULL: it is not, or there is none. A name that could mean another
 * instance too is none: better to ask for the id. */
static const char *why_nameless(const char *name, const Taken *taken)
{
    if (name == NULL || *name == '\0')
        return NULL;
    if (!is_plain(name))
        return "has other characters than letters, digits, '.', '_' and '-', or is too long";
    if (g_hash_table_contains(taken->ids, name))
        return "is the id of an instance";
    if (GPOINTER_TO_UINT(g_hash_table_lookup(taken->names, name)) != 1)
        return "is also another instance's";
    return NULL;
}

static void append_left_out(Buffer *out, const char *id, const char *why)
{
    g_autofree char *safe = text_printable(id, -1, ID_MAX_BYTES);

    buffer_printf(out, "\n# %s: %s\n", safe, why);
}

/* A profile may be called anything: what is not plain in it becomes '-'. */
static void append_pattern(Buffer *out, const char *word, const ViewSettings *settings)
{
    if (settings->short_names && may_stand_alone(word))
        buffer_printf(out, " %s", word);
    buffer_printf(out, " %s.", word);
    for (const char *at = settings->profile; *at; at++) {
        const char c[] = { *at, '\0' };

        buffer_add_text(out, (guchar)*at < 0x80 && is_word_character((guchar)*at) ? c : "-");
    }
}

static void append_host_line(Buffer *out, const Record *record, const Taken *taken,
                             const ViewSettings *settings)
{
    const char *id = record_id(record), *name = record_name(record);
    const char *why = why_nameless(name, taken);

    if (why)
        buffer_printf(out, "\n# %s: only by its id, because its name %s", id, why);
    buffer_add_text(out, "\nHost");
    if (name && *name && !why)
        append_pattern(out, name, settings);
    append_pattern(out, id, settings);
}

/* The ports of one address change hands between instances: under an alias, ssh knows each by its
 * own key. */
static void append_block(Buffer *out, const Record *record, const SshCommand *command)
{
    buffer_printf(out, "\n    HostName %s\n", command->host);
    if (command->port != 0)
        buffer_printf(out, "    Port %u\n", command->port);
    if (*command->user != '\0')
        buffer_printf(out, "    User %s\n", command->user);
    buffer_printf(out, "    HostKeyAlias ppio-%s\n", record_id(record));
}

/* The id is also the name under which ssh remembers the host key: of ASCII alone, as ids are. */
static gboolean is_plain_id(const char *id)
{
    return g_str_is_ascii(id) && is_plain(id);
}

static void append_instance(Buffer *out, const Record *record, const Taken *taken,
                            const ViewSettings *settings)
{
    const char *id = record_id(record);
    g_autofree char *text = record_value(record, COMMAND_PATH);
    SshCommand command;

    if (!record_is_full(record))
        append_left_out(out, id, "its details are not known at the moment");
    else if (text == NULL || *text == '\0')
        append_left_out(out, id, "it has no ssh command");
    else if (!ssh_command_parse(text, &command))
        append_left_out(out, id, "its ssh command is not of the form ssh [-p PORT] [USER@]HOST");
    else if (!is_plain_id(id))
        append_left_out(out, id, "its id is not of the characters A-Z a-z 0-9 . _ -");
    else {
        append_host_line(out, record, taken, settings);
        append_block(out, record, &command);
    }
}

void ssh_config_write(Buffer *out, const Listing *listing, const ViewSettings *settings)
{
    g_autoptr(GPtrArray) by_id = view_sorted_by_id(listing);
    g_auto(Taken) taken;

    taken_init(&taken, listing);
    buffer_add_text(out, head);
    for (guint i = 0; i < by_id->len; i++) {
        const Instance *instance = g_ptr_array_index(by_id, i);

        if (view_is_running(instance))
            append_instance(out, instance->record, &taken, settings);
    }
}
