/* SPDX-License-Identifier: MIT */
#include "ppiofs/options/private.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"

#include <string.h>

typedef struct {
    const char *spelling; /* "-f", "--check" */
    const char *other;    /* "--help" of "-h"; NULL: there is none */
    const char *argument; /* for --help only; NULL: none */
    const char *help;
    enum {
        SWITCH_MODE,
        SWITCH_FOREGROUND,
        SWITCH_DEBUG,
        SWITCH_NOTHING,  /* accepted, means nothing here */
        SWITCH_SKIP_ONE, /* nor does its argument */
    } action;
    OptionsMode mode; /* of SWITCH_MODE */
} Switch;

/* clang-format off */
static const Switch switches[] = {
    { "--check", NULL, "[PROFILE]", "test all that a mount needs, say what to do",
      SWITCH_MODE, OPTIONS_CHECK },
    { "--refresh", NULL, "MOUNTPOINT", "drop the cache; the next access fetches",
      SWITCH_MODE, OPTIONS_REFRESH },
    { "--print-config", NULL, "[PROFILE]", "print each value and its origin",
      SWITCH_MODE, OPTIONS_PRINT_CONFIG },
    { "-f", NULL, NULL, "stay in the foreground, log to standard error", SWITCH_FOREGROUND },
    { "-d", NULL, NULL, "like -f, with -o log=debug", SWITCH_DEBUG },
    { "-h", "--help", NULL, "show this text", SWITCH_MODE, OPTIONS_HELP },
    { "-V", "--version", NULL, "show the version", SWITCH_MODE, OPTIONS_VERSION },
};

/* What mount(8) passes to a helper: "mount.TYPE SOURCE DIRECTORY [-sfnv] [-t TYPE] [-o ...]". Here
 * -f means "do everything but mount". */
static const Switch helper_switches[] = {
    { "-f", .action = SWITCH_MODE, .mode = OPTIONS_FAKE },
    { "-s", .action = SWITCH_NOTHING },
    { "-n", .action = SWITCH_NOTHING },
    { "-v", .action = SWITCH_NOTHING },
    { "-t", .action = SWITCH_SKIP_ONE },
};
/* clang-format on */

static gboolean take_setting(Layers *layers, const char *item, GError **error)
{
    gsize length = strcspn(item, "=");
    g_autofree char *name = g_strndup(item, length);
    const OptionRow *row = option_find(name);
    const char *value = item[length] ? item + length + 1 : "yes"; /* a flag's */

    if (!row)
        return option_set_unknown(name, error);
    if (row->type == OPTION_IGNORED)
        return TRUE;
    if (row->traits & OPTION_ONLY_IN_FILE)
        return error_set(error, PPIOFS_ERROR_USAGE,
                         "only the configuration file may set option '%s'", row->name);
    if (!item[length] && row->type != OPTION_FLAG)
        return error_set(error, PPIOFS_ERROR_USAGE, "an option needs a value: %s=%s", row->name,
                         row->placeholder);
    return layer_set(layers, row, value, layers->here, "command line", error);
}

static gboolean is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* The next character as libfuse reads it: "\," is a comma, "\040" a space. Returns how many bytes
 * of @text that took. "\000" is not an escape: nothing can go on after it. */
static gsize append_unescaped(GString *item, const char *text)
{
    if (text[0] != '\\' || !text[1]) {
        g_string_append_c(item, text[0]);
        return 1;
    }
    if (text[1] >= '0' && text[1] <= '3' && is_octal(text[2]) && is_octal(text[3]) &&
        strncmp(text + 1, "000", 3) != 0) {
        g_string_append_c(item, (text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
        return 4;
    }
    g_string_append_c(item, text[1]);
    return 2;
}

static gboolean take_settings(Layers *layers, const char *list, GError **error)
{
    g_autoptr(GString) item = g_string_new(NULL);

    for (;;) {
        if (*list && *list != ',') {
            list += append_unescaped(item, list);
            continue;
        }
        /* fstab lines end in a comma now and then */
        if (item->len > 0 && !take_setting(layers, item->str, error))
            return FALSE;
        if (!*list)
            return TRUE;
        g_string_truncate(item, 0);
        list++;
    }
}

static const Switch *find_in(const Switch *table, gsize count, const char *word)
{
    for (gsize i = 0; i < count; i++)
        if (strcmp(table[i].spelling, word) == 0 || g_strcmp0(table[i].other, word) == 0)
            return &table[i];
    return NULL;
}

/* "--check" for "--chek", "-o ttl" for "--ttl"; NULL if nothing is near. */
static char *nearest(const char *word, const char *bare)
{
    if (!g_str_has_prefix(word, "--"))
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(switches); i++) {
        const char *known = switches[i].other ? switches[i].other : switches[i].spelling;

        if (g_str_has_prefix(known, "--") && option_distance(known, word) <= 2)
            return g_strdup(known);
    }
    const char *option = option_nearest(bare);
    return option ? g_strconcat("-o ", option, NULL) : NULL;
}

static gboolean refuse_switch(const char *word, GError **error)
{
    g_autofree char *name = g_strndup(word, strcspn(word, "="));
    g_autofree char *shown = text_printable(name, -1, 64);
    g_autofree char *bare = g_strdelimit(g_strdup(name + strspn(name, "-")), "-", '_');
    g_autofree char *hint = nearest(name, bare);

    if (option_refusal(bare))
        return option_set_unknown(bare, error);
    if (hint)
        return error_set(error, PPIOFS_ERROR_USAGE, "unknown option %s; did you mean %s?", shown,
                         hint);
    return error_set(error, PPIOFS_ERROR_USAGE, "unknown option %s; see ppiofs --help", shown);
}

static gboolean ends_reading(OptionsMode mode)
{
    return mode == OPTIONS_HELP || mode == OPTIONS_VERSION;
}

static gboolean apply_switch(Layers *layers, const Switch *found, GError **error)
{
    Options *options = layers->options;

    if (found->action == SWITCH_MODE) {
        if (options->mode != OPTIONS_MOUNT && options->mode != found->mode &&
            !ends_reading(found->mode))
            return error_set(error, PPIOFS_ERROR_USAGE,
                             "only one of --check, --refresh and --print-config at a time");
        options->mode = found->mode;
    }
    options->foreground |= found->action == SWITCH_FOREGROUND || found->action == SWITCH_DEBUG;
    return found->action != SWITCH_DEBUG || take_setting(layers, "log=debug", error);
}

/* Takes argv[0] that starts with '-', and what belongs to it. Returns how many that were, 0 on
 * failure. */
static int take_dashed(Layers *layers, char **argv, gboolean is_helper, GError **error)
{
    const Switch *found = NULL;

    if (g_str_has_prefix(argv[0], "-o")) {
        const char *list = argv[0][2] ? argv[0] + 2 : argv[1];

        if (!list)
            return error_set(error, PPIOFS_ERROR_USAGE, "-o needs options after it");
        if (!take_settings(layers, list, error))
            return 0;
        return argv[0][2] ? 1 : 2;
    }
    if (is_helper)
        found = find_in(helper_switches, G_N_ELEMENTS(helper_switches), argv[0]);
    if (!found)
        found = find_in(switches, G_N_ELEMENTS(switches), argv[0]);
    if (!found)
        return refuse_switch(argv[0], error);
    if (!apply_switch(layers, found, error))
        return 0;
    return found->action == SWITCH_SKIP_ONE && argv[1] ? 2 : 1;
}

static void wipe(char **words)
{
    for (; *words; words++)
        explicit_bzero(*words, strlen(*words));
}

gboolean command_line_read(char **argv, Layers *layers, GPtrArray *words, GError **error)
{
    gboolean is_helper = *argv && options_is_mount_helper(*argv);
    gboolean only_words = FALSE;
    char **next = *argv ? argv + 1 : argv;
    int taken = 1;

    for (; *next && taken > 0 && !ends_reading(layers->options->mode); next += taken) {
        taken = 1;
        if (only_words || next[0][0] != '-' || !next[0][1])
            g_ptr_array_add(words, g_strdup(*next));
        else if (strcmp(*next, "--") == 0)
            only_words = TRUE;
        else
            taken = take_dashed(layers, next, is_helper, error);
    }
    wipe(next);
    return taken > 0;
}

void command_line_append_help(GString *out)
{
    for (gsize i = 0; i < G_N_ELEMENTS(switches); i++) {
        const char *other = switches[i].other, *argument = switches[i].argument;
        g_autofree char *left =
            g_strconcat(switches[i].spelling, other ? ", " : "", other ? other : "",
                        argument ? " " : "", argument ? argument : "", NULL);

        help_append_entry(out, left, switches[i].help, NULL);
    }
}
