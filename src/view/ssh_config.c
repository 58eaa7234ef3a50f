/* SPDX-License-Identifier: MIT */
#include "ppiofs/view/ssh_config.h"

#include <string.h>

#include "ppiofs/base/text.h"
#include "ppiofs/view/ssh_command.h"

#define COMMAND_PATH "tools/ssh/command"
#define COMMAND_MAX_BYTES (sizeof "ssh -p 65535 @" + SSH_USER_MAX_BYTES + SSH_HOST_MAX_BYTES)
#define WORD_MAX_BYTES 255 /* as a file name's; nobody types a longer one */
#define ID_MAX_BYTES 1024  /* 255 characters: an id is never cut */

static const char head[] = "# Made by ppiofs: the running instances as hosts.\n"
                           "# Include this file in ~/.ssh/config, above its first Host line.\n";

/* What a name could be mistaken for, all names and ids of the account: how many instances have the
 * name, and whether one has it for its id. */
#define IS_AN_ID (1u << 31)

static guint count_of(const ViewParts *parts, const char *word)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(parts->counts, word));
}

static void note(ViewParts *parts, const char *word, guint count)
{
    g_hash_table_insert(parts->counts, (gpointer)word, GUINT_TO_POINTER(count));
}

static void count_words(ViewParts *parts, const Record *record)
{
    const char *name = record_name(record), *id = record_id(record);

    if (name != NULL)
        note(parts, name, count_of(parts, name) + 1);
    note(parts, id, count_of(parts, id) | IS_AN_ID);
}

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
static const char *why_nameless(const ViewParts *parts, const char *name)
{
    if (name == NULL || *name == '\0')
        return NULL;
    if (!is_plain(name))
        return "has characters other than letters, digits, '.', '_' and '-', or is too long";
    if (count_of(parts, name) & IS_AN_ID)
        return "is the id of an instance";
    if (count_of(parts, name) != 1)
        return "is also the name of another instance";
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

static void append_host_line(ViewParts *parts, const Record *record)
{
    const char *id = record_id(record), *name = record_name(record);
    const char *why = why_nameless(parts, name);
    Buffer *out = &parts->text;

    if (why)
        buffer_printf(out, "\n# %s: use its id, because its name %s", id, why);
    buffer_add_text(out, "\nHost");
    if (name && *name && !why)
        append_pattern(out, name, parts->settings);
    append_pattern(out, id, parts->settings);
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

static gboolean parse_command(const char *text, gsize length, SshCommand *ret_command)
{
    char terminated[COMMAND_MAX_BYTES + 1];

    if (length > COMMAND_MAX_BYTES)
        return FALSE;
    memcpy(terminated, text, length);
    terminated[length] = '\0';
    return ssh_command_parse(terminated, ret_command);
}

static void append_instance(ViewParts *parts, const Record *record)
{
    const char *id = record_id(record);
    Buffer *out = &parts->text;
    SshCommand command;

    if (!view_is_running(record))
        return;
    gsize length;
    const char *text = record_peek(record, COMMAND_PATH, &length);
    if (!record_is_full(record))
        append_left_out(out, id, "its details are not known yet");
    else if (text == NULL || length == 0)
        append_left_out(out, id, "it has no ssh command");
    else if (!parse_command(text, length, &command))
        append_left_out(out, id,
                        "its ssh command does not have the form ssh [-p PORT] [USER@]HOST");
    else if (!is_plain_id(id))
        append_left_out(out, id, "its id has characters other than A-Z a-z 0-9 . _ -");
    else {
        append_host_line(parts, record);
        append_block(out, record, &command);
    }
}

static void append_head(ViewParts *parts)
{
    buffer_add_text(&parts->text, head);
}

const ViewRecipe ssh_config = {
    .by_id = TRUE,
    .begin = append_head,
    .passes = { count_words, append_instance },
};
