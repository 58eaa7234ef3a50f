/* SPDX-License-Identifier: MIT */
#include "ppiofs/options/private.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"

#include <stddef.h>
#include <string.h>

#define S ((gint64)G_USEC_PER_SEC)
#define DAY (24 * 3600 * S)
#define YEAR (365 * DAY) /* longer means "for ever"; the bound keeps sums of times small */

#define AT(field) offsetof(Options, field)
/* clang-format off */
#define IGNORED(name) { name, OPTION_IGNORED }

static const OptionRow rows[] = {
    /* name, type, field, built in, otherwise, placeholder,
       help, min, max, traits */
    { "api_url", OPTION_URL, AT(api_url), NULL, "by profile", "URL",
      "base URL of the API" },
    { "api_key_file", OPTION_PATH, AT(api_key_file), NULL, "see below", "PATH",
      "file that holds the API key" },
    { "api_key_command", OPTION_COMMAND, AT(api_key_command), NULL, "none", "COMMAND",
      "prints the key; configuration file only", 0, 0, OPTION_ONLY_IN_FILE },
    { "ttl", OPTION_SECONDS, AT(ttl_us), "10", NULL, "SECONDS",
      "how long the list is fresh; 0: fetch always", 0, YEAR },
    { "detail_ttl", OPTION_SECONDS, AT(detail_ttl_us), "300", NULL, "SECONDS",
      "how long details (tools, prices) are fresh", 0, YEAR },
    { "negative_ttl", OPTION_SECONDS, AT(negative_ttl_us), "5", NULL, "SECONDS",
      "how long an unknown id counts as missing", 0, YEAR },
    { "max_stale", OPTION_SECONDS, AT(max_stale_us), "3600", NULL, "SECONDS",
      "maximum age of data shown while the API fails", 0, YEAR },
    { "timeout", OPTION_SECONDS, AT(timeout_us), "10", NULL, "SECONDS",
      "deadline of an operation, retries included", S / 10, 3600 * S },
    { "patience", OPTION_SECONDS, AT(patience_us), "1", NULL, "SECONDS",
      "longest wait if older data can be shown", 0, 3600 * S },
    { "parallel_requests", OPTION_COUNT, AT(parallel_requests), "16", NULL, "N",
      "requests at the same time", 1, 256 },
    { "page_size", OPTION_COUNT, AT(page_size), "100", NULL, "N",
      "instances in one list request", 1, 1000 },
    { "secrets", OPTION_CHOICE, AT(secrets), "show", NULL, "show|hide",
      "passwords and variables; hide with allow_other" },
    { "ssh_names", OPTION_CHOICE, AT(ssh_names), "long", NULL, "long|short",
      "in ssh/config: NAME.ppio, or NAME too" },
    { "watch", OPTION_SECONDS, AT(watch_us), "off", NULL, "SECONDS",
      "fetch the list every SECONDS, log changes", S, DAY, OPTION_MAY_BE_OFF },
    { "kinds", OPTION_KINDS, AT(kinds), "all", NULL, "KIND[:KIND]",
      "the directories to show: instances, ..." },
    { "watch_kinds", OPTION_KINDS, AT(watch_kinds), "instances", NULL, "KIND[:KIND]",
      "the directories that watch polls" },
    { "cacert", OPTION_PATH, AT(cacert), NULL, "libcurl's", "PATH",
      "certificate authorities to trust (PEM)" },
    { "proxy", OPTION_PROXY, AT(proxy), NULL, "libcurl's", "URL",
      "proxy for all requests; empty: none" },
    { "config", OPTION_PATH, AT(config), NULL, "see below", "PATH",
      "configuration file", 0, 0, OPTION_NEVER_IN_FILE },
    { "log", OPTION_CHOICE, AT(log_level), "info", NULL, "error|warning|info|debug",
      "the least important lines to log" },
    { "uid", OPTION_UID, AT(uid), NULL, "yours", "USER",
      "owner of the files: number or name" },
    { "gid", OPTION_GID, AT(gid), NULL, "yours", "GROUP",
      "group of the files: number or name" },
    { "umask", OPTION_OCTAL, AT(umask), "000", NULL, "OCTAL",
      "permission bits to remove", 0, 0777 },
    { "allow_other", OPTION_FLAG, AT(allow_other), "no", NULL, NULL,
      "let other users access the mount" },
    { "auto_unmount", OPTION_FLAG, AT(auto_unmount), "no", NULL, NULL,
      "unmount even if ppiofs is killed" },
    { "fsname", OPTION_STRING, AT(fsname), NULL, "the profile", "NAME",
      "name that df and mount show" },
    /* What fstab, mount(8) and mount.fuse3 pass on. Always on or without meaning here. */
    IGNORED("ro"), IGNORED("rw"), IGNORED("suid"), IGNORED("nosuid"), IGNORED("dev"),
    IGNORED("nodev"), IGNORED("exec"), IGNORED("noexec"), IGNORED("default_permissions"),
    IGNORED("sync"), IGNORED("async"), IGNORED("dirsync"), IGNORED("atime"), IGNORED("noatime"),
    IGNORED("diratime"), IGNORED("nodiratime"), IGNORED("relatime"), IGNORED("norelatime"),
    IGNORED("strictatime"), IGNORED("nostrictatime"), IGNORED("lazytime"), IGNORED("nolazytime"),
    IGNORED("auto"), IGNORED("noauto"), IGNORED("user"), IGNORED("nouser"), IGNORED("users"),
    IGNORED("owner"), IGNORED("group"), IGNORED("defaults"), IGNORED("_netdev"),
    IGNORED("nofail"), IGNORED("subtype"), IGNORED("comment"), IGNORED("x-*"), IGNORED("X-*"),
};
/* clang-format on */

#define NO_KEY_HERE                                                                                \
    ", because other users could see the key; save the key in a file and use api_key_file=PATH "   \
    "(your shell history may contain this key)"

static const struct {
    const char *name;
    const char *advice;
} refusals[] = {
    { "api_key", NO_KEY_HERE },
    { "apikey", NO_KEY_HERE },
    { "key", NO_KEY_HERE },
    { "token", NO_KEY_HERE },
    { "allow_root", "; use allow_other" },
    { "insecure", ", because certificates are always verified; trust your own with cacert=PATH" },
    { "remount", "; unmount, then mount again" },
};

const OptionRow *option_table(gsize *ret_count)
{
    *ret_count = G_N_ELEMENTS(rows);
    return rows;
}

const OptionRow *option_find(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (g_pattern_match_simple(rows[i].name, name))
            return &rows[i];
    return NULL;
}

/* However it is spelled: "API-Key" is "api_key". */
const char *option_refusal(const char *name)
{
    g_autofree char *plain = g_strdelimit(g_ascii_strdown(name, -1), "-", '_');

    for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++)
        if (strcmp(plain, refusals[i].name) == 0)
            return refusals[i].advice;
    return NULL;
}

#define MAX_WORD 32 /* no option is longer, so nothing longer is near one */

guint option_distance(const char *a, const char *b)
{
    guint cost[MAX_WORD + 1][MAX_WORD + 1];
    gsize length_a = strlen(a), length_b = strlen(b);

    if (length_a > MAX_WORD || length_b > MAX_WORD)
        return G_MAXUINT;
    for (gsize i = 0; i <= length_a; i++) {
        for (gsize j = 0; j <= length_b; j++) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            cost[i][j] = MIN(cost[i - 1][j], cost[i][j - 1]) + 1;
            cost[i][j] = MIN(cost[i][j], cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = MIN(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[length_a][length_b];
}

const char *option_nearest(const char *name)
{
    const char *nearest = NULL;
    guint best = MIN(strlen(name) / 2, 2) + 1; /* two slips, but never half of a short word */

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        guint distance = option_distance(name, rows[i].name);

        if (distance < best && rows[i].type != OPTION_IGNORED) {
            best = distance;
            nearest = rows[i].name;
        }
    }
    return nearest;
}

gboolean option_set_unknown(const char *name, GError **error)
{
    g_autofree char *shown = text_printable(name, -1, 64);
    const char *advice = option_refusal(name);
    const char *nearest = option_nearest(name);

    if (advice)
        return error_set(error, PPIOFS_ERROR_USAGE, "option '%s' is not supported%s", shown,
                         advice);
    if (nearest)
        return error_set(error, PPIOFS_ERROR_USAGE, "unknown option '%s'; did you mean '%s'?",
                         shown, nearest);
    return error_set(error, PPIOFS_ERROR_USAGE, "unknown option '%s'; see ppiofs --help", shown);
}
