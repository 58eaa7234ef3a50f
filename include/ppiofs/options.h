/* SPDX-License-Identifier: MIT */
/* options: what the user asked for. Command line, environment, profile section, [defaults] and
 * built-in values become one plain struct, in this order of precedence; each value remembers where
 * it came from. The table of options is in options/table.c. */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "ppiofs/base/log.h"

typedef enum {
    OPTIONS_MOUNT,
    OPTIONS_CHECK,        /* --check: one request, then exit */
    OPTIONS_REFRESH,      /* --refresh: only @mountpoint is set */
    OPTIONS_HELP,         /* nothing else is set */
    OPTIONS_VERSION,      /* nothing else is set */
    OPTIONS_PRINT_CONFIG, /* @mountpoint may be NULL */
    OPTIONS_FAKE,         /* mount -f: all was checked, mount nothing, exit 0 */
} OptionsMode;

typedef enum { SECRETS_SHOW, SECRETS_HIDE } SecretsMode;

/* The Host names of ssh/config: NAME.profile alone, or NAME too. */
typedef enum { SSH_NAMES_LONG, SSH_NAMES_SHORT } SshNames;

typedef struct {
    OptionsMode mode;
    gboolean foreground;
    char *profile;         /* "ppio" */
    char *mountpoint;      /* absolute; NULL where the mode needs none */
    char *config;          /* the configuration file that was read, absolute; NULL: none */
    char *api_url;         /* passed http_check_url(); no '/' at its end */
    char *api_key_file;    /* absolute; NULL: not given */
    char *api_key_command; /* NULL: not given */
    char *cacert;          /* absolute; NULL: libcurl's */
    char *proxy;           /* NULL: libcurl's; "": none. May hold a password: never print it */
    char *fsname;
    gint64 ttl_us;
    gint64 detail_ttl_us;
    gint64 negative_ttl_us;
    gint64 max_stale_us;
    gint64 timeout_us;
    gint64 patience_us;       /* at most @timeout_us */
    gint64 watch_us;          /* 0: off */
    guint kinds, watch_kinds; /* sets: see kind.h */
    guint parallel_requests;
    guint page_size;
    guint umask; /* permission bits to take away */
    uid_t uid;
    gid_t gid;
    SecretsMode secrets;
    SshNames ssh_names;
    LogLevel log_level;
    gboolean allow_other;
    gboolean auto_unmount;
    GHashTable *origins; /* option table row -> char *. See options_origin() */
} Options;

/* Reads @argv (which ends in NULL), the PPIOFS_* environment and the configuration file. A call
 * that is refused is wiped from @argv: it may hold a key. Relative paths become absolute. Errors:
 * PPIOFS_ERROR_USAGE. (transfer full) */
Options *options_parse(char **argv, GError **error);

/* TRUE if mount(8) called (argv[0] is "mount.…"): it has other exit codes and switches. */
gboolean options_is_mount_helper(const char *program);

/* Where the value of option @name came from: "command line", "environment PPIOFS_TTL",
 * "FILE [section]", "built in". Borrowed. */
const char *options_origin(const Options *options, const char *name);

/* The API's base URL of the built-in profile @name; NULL: that is none. */
const char *options_profile_url(const char *name);

/* The user's own file called @name: $XDG_CONFIG_HOME/ppiofs/NAME, by default below ~/.config; NULL
 * if neither is known (at boot). Not g_get_user_config_dir(), which falls back on the password
 * database: a system mount must not depend on root's home. (transfer full) */
char *options_user_path(const char *name);

/* The text of --help. (transfer full) */
char *options_help(void);

/* The text of --print-config: each value and where it came from, passwords left out. @key_source
 * says where the key is from, as credentials_source() does; NULL: there is none. (transfer full) */
char *options_print_config(const Options *options, const char *key_source);

void options_free(Options *options);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Options, options_free)
