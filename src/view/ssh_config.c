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

/* What the bare names could be mistaken for: all names and ids of the account. */
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

/* Whether ssh takes it for one pattern that matches itself alone, and a shell for no option. */
static gboolean is_plain(const char *word)
{
    gsize length = strspn(word, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-");

    return length > 0 && length <= WORD_MAX_BYTES && word[length] == '\0' && *word != '-';
}

/* A name that could mean another instance too is none: better to ask for the id. */
static gboolean name_is_its_own(const char *name, const Taken *taken)
{
    return name != NULL && is_plain(name) && !g_hash_table_contains(taken->ids, name) &&
           GPOINTER_TO_UINT(g_hash_table_lookup(taken->names, name)) == 1;
}

static void append_left_out(Buffer *out, const char *id, const char *why)
{
    g_autofree char *safe = text_printable(id, -1, ID_MAX_BYTES);

    buffer_printf(out, "\n# %s: %s\n", safe, why);
}

/* The ports of one address change hands between instances: under an alias, ssh knows each by its
 * own key. */
static void append_block(Buffer *out, const Record *record, const SshCommand *command,
                         const Taken *taken)
{
    const char *id = record_id(record), *name = record_name(record);
    gboolean named = name_is_its_own(name, taken);

    buffer_printf(out, "\nHost %s%s%s\n    HostName %s\n", named ? name : "", named ? " " : "", id,
                  command->host);
    if (command->port != 0)
        buffer_printf(out, "    Port %u\n", command->port);
    if (*command->user != '\0')
        buffer_printf(out, "    User %s\n", command->user);
    buffer_printf(out, "    HostKeyAlias ppio-%s\n", id);
}

static void append_instance(Buffer *out, const Record *record, const Taken *taken)
{
    const char *id = record_id(record);
    g_autofree char *text = record_value(record, COMMAND_PATH);
    SshCommand command;

    if (!record_is_full(record))
        append_left_out(out, id, "its details could not be fetched");
    else if (text == NULL || *text == '\0')
        append_left_out(out, id, "it has no ssh command");
    else if (!ssh_command_parse(text, &command))
        append_left_out(out, id, "its ssh command is not of the form ssh [-p PORT] [USER@]HOST");
    else if (!is_plain(id))
        append_left_out(out, id, "its id is not of the characters A-Z a-z 0-9 . _ -");
    else
        append_block(out, record, &command, taken);
}

void ssh_config_write(Buffer *out, const Listing *listing)
{
    g_autoptr(GPtrArray) by_id = view_sorted_by_id(listing);
    g_auto(Taken) taken;

    taken_init(&taken, listing);
    buffer_add_text(out, head);
    for (guint i = 0; i < by_id->len; i++) {
        const Instance *instance = g_ptr_array_index(by_id, i);

        if (view_is_running(instance))
            append_instance(out, instance->record, &taken);
    }
}
