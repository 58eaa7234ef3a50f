/* SPDX-License-Identifier: MIT */
#include "ppiofs/options.h"

#include "ppiofs/base/error.h"
#include "ppiofs/options/private.h"

#include <glib/gstdio.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A home of its own, with a configuration file that is empty: the machine's own does not count. */
typedef struct {
    char *home;
    char *config;
} Fixture;

static void write_config(Fixture *f, const char *text, gssize length)
{
    g_assert_true(g_file_set_contents(f->config, text, length, NULL));
    g_assert_cmpint(g_chmod(f->config, 0600), ==, 0);
}

static void clear_environment(void)
{
    g_auto(GStrv) names = g_listenv();

    for (gsize i = 0; names[i]; i++)
        if (g_str_has_prefix(names[i], "PPIOFS_"))
            g_unsetenv(names[i]);
}

static void set_up(Fixture *f, gconstpointer data)
{
    (void)data;
    clear_environment();
    f->home = g_dir_make_tmp("ppiofs-XXXXXX", NULL);
    g_autofree char *directory = g_build_filename(f->home, "ppiofs", NULL);
    f->config = g_build_filename(directory, "config", NULL);
    g_assert_cmpint(g_mkdir(directory, 0700), ==, 0);
    g_setenv("XDG_CONFIG_HOME", f->home, TRUE);
    write_config(f, "", -1);
}

static void tear_down(Fixture *f, gconstpointer data)
{
    g_autofree char *directory = g_path_get_dirname(f->config);

    (void)data;
    g_remove(f->config);
    g_rmdir(directory);
    g_assert_cmpint(g_rmdir(f->home), ==, 0);
    g_free(f->home);
    g_free(f->config);
    clear_environment();
}

static Options *parse(const char *call, GError **error)
{
    g_auto(GStrv) argv = NULL;

    g_test_message("%s", call);
    g_assert_true(g_shell_parse_argv(call, NULL, &argv, NULL));
    return options_parse(argv, error);
}

static Options *parse_well(const char *call)
{
    g_autoptr(GError) error = NULL;
    Options *options = parse(call, &error);

    g_assert_no_error(error);
    return options;
}

static void assert_refused(const char *call, const char *expected)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(parse(call, &error));
    g_test_message("%s", error->message);
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE);
    g_assert_nonnull(strstr(error->message, expected));
    g_assert_null(strstr(error->message, "secret"));
}

/* What @call gives: "name=value;name=value;|profile|mountpoint", and what is to be done. */
static char *summary(const char *call)
{
    g_autoptr(Options) options = parse_well(call);
    GString *out = g_string_new(NULL);
    gsize count;
    const OptionRow *rows = option_table(&count);

    for (gsize i = 0; i < count && rows[i].type != OPTION_IGNORED; i++) {
        g_autofree char *value = option_text(options, &rows[i]);

        if (g_str_equal(options_origin(options, rows[i].name), "command line"))
            g_string_append_printf(out, "%s=%s;", rows[i].name, value);
    }
    g_string_append_printf(out, "|%s", options->profile ? options->profile : "");
    if (options->mountpoint)
        g_string_append_printf(out, "|%s", options->mountpoint);
    if (options->mode != OPTIONS_MOUNT)
        g_string_append_printf(out, " mode %d", options->mode);
    if (options->foreground)
        g_string_append(out, " foreground");
    return g_string_free(out, FALSE);
}

static void test_calls_are_taken_apart(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *call, *expected;
    } cases[] = {
        { "ppiofs /mnt", "|ppio|/mnt" },
        { "ppiofs '' /mnt", "|ppio|/mnt" },
        { "ppiofs novita /mnt -f", "|novita|/mnt foreground" },
        { "ppiofs /mnt -d", "log=debug;|ppio|/mnt foreground" },
        { "ppiofs /mnt -d -o log=info", "log=info;|ppio|/mnt foreground" },
        { "ppiofs -o ttl=5,timeout=3 /mnt -o page_size=7",
          "ttl=5;timeout=3;page_size=7;|ppio|/mnt" },
        { "ppiofs -ottl=5 /mnt -o ttl=6", "ttl=6;|ppio|/mnt" },
        { "ppiofs -o 'fsname=a\\,b,ttl=1' /mnt", "ttl=1;fsname=a,b;|ppio|/mnt" },
        { "ppiofs -o 'fsname=a\\040bc\\x' /mnt", "fsname=a bcx;|ppio|/mnt" },
        { "ppiofs -o 'fsname=a\\000b' /mnt", "fsname=a000b;|ppio|/mnt" },
        { "ppiofs -o ,ttl=1,, /mnt", "ttl=1;|ppio|/mnt" },
        { "ppiofs -o allow_other,auto_unmount=no /mnt",
          "allow_other=yes;auto_unmount=no;|ppio|/mnt" },
        { "ppiofs -o api_key_file=/k,fsname=api_key=1 /mnt",
          "api_key_file=/k;fsname=api_key=1;|ppio|/mnt" },
        { "ppiofs -- /-f", "|ppio|/-f" },
        { "ppiofs ppio /dev/fd/5", "|ppio|/dev/fd/5" },
        { "ppiofs ppio /mnt -o rw,suid,nosuid,dev,nodev,exec,noexec,_netdev,nofail,noauto,user",
          "|ppio|/mnt" },
        { "ppiofs ppio /mnt -o auto,defaults,users,user=joe,x-systemd.automount,X-mount.mkdir",
          "|ppio|/mnt" },
        { "ppiofs ppio /mnt -o ro,default_permissions,subtype=ppiofs,comment=hello,noatime",
          "|ppio|/mnt" },
        { "mount.ppiofs ppio /mnt -s -n -v -o rw", "|ppio|/mnt" },
        { "/sbin/mount.fuse.ppiofs ppio /mnt -t fuse.ppiofs -o ttl=1", "ttl=1;|ppio|/mnt" },
        { "mount.ppiofs novita /mnt -f", "|novita|/mnt mode 6" },
        { "ppiofs --check", "|ppio mode 1" },
        { "ppiofs --check novita", "|novita mode 1" },
        { "ppiofs --check /mnt", "|ppio|/mnt mode 1" },
        { "ppiofs --refresh /mnt", "|ppio|/mnt mode 2" },
        { "ppiofs -h --nonsense", "| mode 3" },
        { "ppiofs --check --help", "| mode 3" },
        { "ppiofs -V", "| mode 4" },
        { "ppiofs --version", "| mode 4" },
        { "ppiofs --print-config", "|ppio mode 5" },
        { "ppiofs --print-config novita /mnt", "|novita|/mnt mode 5" },
    };

    (void)f, (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *got = summary(cases[i].call);

        g_assert_cmpstr(got, ==, cases[i].expected);
    }
    g_assert_false(options_is_mount_helper("/mount.d/ppiofs"));
}

static void test_wrong_calls_are_explained(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *call, *expected;
    } cases[] = {
        { "ppiofs", "the mount point is missing" },
        { "ppiofs a b c", "too many arguments" },
        { "ppiofs --refresh", "the mount point is missing" },
        { "ppiofs --refresh a b", "too many arguments" },
        { "ppiofs nowhere /mnt", "unknown profile 'nowhere' (known: ppio, novita, lab)" },
        { "ppiofs /srv/nowhere /mnt", "unknown profile '/srv/nowhere'" },
        { "ppiofs defaults /mnt", "unknown profile 'defaults'" },
        { "ppiofs lab /mnt", "profile 'lab' has no api_url" },
        { "ppiofs /mnt -o ttl=nan", "command line: ttl=nan: must be a number" },
        { "ppiofs /mnt -o ttl=x,ttl=1", "command line: ttl=x: must be a number" },
        { "ppiofs /mnt -o timeout=0", "must be a number of seconds from 0.1 to 3600" },
        { "ppiofs /mnt -o config=/no/such/file", "/no/such/file: No such file" },
        { "ppiofs /mnt -o api_url=http://secret.example", "command line: api_url: " },
        { "ppiofs -o tll=5 /mnt", "unknown option 'tll'; did you mean 'ttl'?" },
        { "ppiofs -o page_sice=5 /mnt", "unknown option 'page_sice'; did you mean" },
        { "ppiofs -o page-size=5 /mnt", "did you mean 'page_size'?" },
        { "ppiofs -o colour=red /mnt", "unknown option 'colour'; see ppiofs --help" },
        { "ppiofs -o '\x1b[2J=5' /mnt", "unknown option '\\x1b[2J'" },
        { "ppiofs -o ttl /mnt", "needs a value: ttl=SECONDS" },
        { "ppiofs /mnt -o", "-o needs options after it" },
        { "ppiofs -o allow_root /mnt", "'allow_root' is not supported; use allow_" },
        { "ppiofs -o insecure /mnt", "certificates are always verified" },
        { "ppiofs -o remount /mnt", "unmount, then mount again" },
        { "ppiofs -o api_key_command=x /mnt", "only the configuration file may set" },
        { "ppiofs --chek", "unknown option --chek; did you mean --check?" },
        { "ppiofs --ttl=5 /mnt", "unknown option --ttl; did you mean -o ttl?" },
        { "ppiofs --page-size 5 /mnt", "did you mean -o page_size?" },
        { "ppiofs -s /mnt", "unknown option -s; see" },
        { "ppiofs -fd /mnt", "unknown option -fd; see" },
        { "mount.ppiofs ppio /mnt -x", "unknown option -x; see" },
        { "ppiofs --check --refresh /mnt", "only one of" },
        { "env PPIOFS_TTL=-1", "environment PPIOFS_TTL: ttl=-1: must" },
        { "env PPIOFS_API_KEY=sk_secret", "PPIO_API_KEY" },
        { "env PPIOFS_API_KEY_COMMAND=x", "only the configuration file" },
        { "env PPIOFS_CONFIG=/no/such/file", "/no/such/file: No such file" },
    };

    (void)data;
    write_config(f, "[lab]\nttl=1\n", -1);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gboolean is_variable = g_str_has_prefix(cases[i].call, "env ");
        g_auto(GStrv) pair = g_strsplit(cases[i].call + strlen("env "), "=", 2);

        if (is_variable)
            g_setenv(pair[0], pair[1], TRUE);
        assert_refused(is_variable ? "ppiofs /mnt -o ttl=5" : cases[i].call, cases[i].expected);
        if (is_variable)
            g_unsetenv(pair[0]);
    }
}

static void test_a_key_is_refused_with_advice_and_wiped_from_argv(Fixture *f, gconstpointer data)
{
    static const char *const calls[] = {
        "ppiofs -o api_key=sk_secret /mnt",
        "ppiofs -oapi_key=sk_secret /mnt",
        "ppiofs /mnt -o ttl=1,api_key=sk_secret",
        "ppiofs -o 'fsname=a\\,b,api_key=sk_secret'",
        "ppiofs -o 'api_key=sk_secret\\,sk_secret'",
        "ppiofs -o 'ttl=1,api\\_key\\=sk_secret'",
        "ppiofs --api-key=sk_secret /mnt",
        "ppiofs --api-key sk_secret /mnt",
        "ppiofs --api_key=sk_secret,sk_secret",
        "ppiofs -o API_KEY=sk_secret /mnt",
        "ppiofs -o apikey=sk_secret /mnt",
        "ppiofs -o token=sk_secret /mnt",
        "ppiofs --token sk_secret",
        "ppiofs -o colour=red,api_key=sk_secret -o api_key=sk_secret",
        "ppiofs -h -o api_key=sk_secret",
    };

    (void)f, (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(calls); i++) {
        g_auto(GStrv) argv = NULL;
        g_autoptr(GError) error = NULL;
        gsize lengths[8];

        g_test_message("%s", calls[i]);
        g_shell_parse_argv(calls[i], NULL, &argv, NULL);
        for (int j = 0; argv[j]; j++)
            lengths[j] = strlen(argv[j]);
        g_autoptr(Options) options = options_parse(argv, &error);
        for (int j = 0; argv[j]; j++)
            g_assert_null(memmem(argv[j], lengths[j], "secret", 6));
        if (options) {
            g_assert_cmpint(options->mode, ==, OPTIONS_HELP);
        } else if (!strstr(error->message, "colour")) {
            g_assert_nonnull(strstr(error->message, "api_key_file=PATH"));
            g_assert_nonnull(strstr(error->message, "shell history"));
        }
    }
}

static const struct {
    const char *name, *text, *expected; /* @expected NULL: it is refused */
} values[] = {
    { "ttl", "0", "0" },
    { "ttl", "10", "10" },
    { "ttl", "0.5", "0.5" },
    { "ttl", ".25", "0.25" },
    { "ttl", "5.", "5" },
    { "ttl", "1.000001", "1.000001" },
    { "ttl", "31536000", "31536000" },
    { "ttl", "31536000.1", NULL },
    { "ttl", "", NULL },
    { "ttl", ".", NULL },
    { "ttl", "-1", NULL },
    { "ttl", "+1", NULL },
    { "ttl", " 1", NULL },
    { "ttl", "1 ", NULL },
    { "ttl", "1s", NULL },
    { "ttl", "1,5", NULL },
    { "ttl", "1.2.3", NULL },
    { "ttl", "1e3", NULL },
    { "ttl", "0x10", NULL },
    { "ttl", "nan", NULL },
    { "ttl", "inf", NULL },
    { "ttl", "off", NULL },
    { "ttl", "99999999999999999999999999999999", NULL },
    { "timeout", "0.1", "0.1" },
    { "timeout", "0.0999", NULL },
    { "timeout", "3600", "3600" },
    { "timeout", "3600.1", NULL },
    { "watch", "off", "off" },
    { "watch", "0", "off" },
    { "watch", "0.5", NULL },
    { "watch", "30", "30" },
    { "parallel_requests", "0", NULL },
    { "parallel_requests", "1", "1" },
    { "parallel_requests", "256", "256" },
    { "parallel_requests", "257", NULL },
    { "parallel_requests", "1.5", NULL },
    { "parallel_requests", "-1", NULL },
    { "parallel_requests", "18446744073709551617", NULL },
    { "page_size", "1000", "1000" },
    { "page_size", "1001", NULL },
    { "secrets", "hide", "hide" },
    { "secrets", "Hide", NULL },
    { "ssh_names", "long", "long" },
    { "ssh_names", "short", "short" },
    { "ssh_names", "long|short", NULL },
    { "patience", "0", "0" },
    { "log", "debug", "debug" },
    { "log", "loud", NULL },
    { "umask", "027", "027" },
    { "umask", "8", NULL },
    { "umask", "1000", NULL },
    { "uid", "1000", "1000" },
    { "uid", "root", "0" },
    { "uid", "no such user", NULL },
    { "uid", "4294967295", NULL },
    { "gid", "root", "0" },
    { "allow_other", "yes", "yes" },
    { "allow_other", "false", "no" },
    { "allow_other", "maybe", NULL },
    { "fsname", "my,fs", "my,fs" },
    { "fsname", "", NULL },
    { "fsname", "a\nb", NULL },
    { "fsname", "a\xff", NULL },
    { "cacert", "ca.pem", "/base/ca.pem" },
    { "cacert", "./a//ca.pem", "/base/a/ca.pem" },
    { "cacert", "../ca.pem", "/base/../ca.pem" },
    { "cacert", "/etc/ca.pem", "/etc/ca.pem" },
    { "cacert", "~/ca.pem", "/home/of/tester/ca.pem" },
    { "cacert", "", NULL },
    { "api_url", "https://api.example/", "https://api.example" },
    { "api_url", "http://127.0.0.1:8080", "http://127.0.0.1:8080" },
    { "api_url", "http://[::1]:8080", "http://[::1]:8080" },
    { "api_url", "http://api.example", NULL },
    { "api_url", "http://localhost", NULL },
    { "api_url", "https://user:pw@api.example", NULL },
    { "api_url", "ftp://api.example", NULL },
    { "api_url", "", NULL },
    { "proxy", "http://proxy.example:3128", "http://proxy.example:3128" },
    { "proxy", "http://user:s3cret@proxy.example:3128", "http://***@proxy.example:3128" },
    { "proxy", "user:s3@cret@proxy.example", "***@proxy.example" },
    { "proxy", "", "" },
    { "proxy", "a b", NULL },
    { "api_key_command", "pass show 'my key'", "pass ..." },
    { "api_key_command", "get-key", "get-key" },
    { "api_key_command", "pass 'show", NULL },
    { "api_key_command", "", NULL },
};

static void test_every_type_reads_what_it_should_and_nothing_else(Fixture *f, gconstpointer data)
{
    (void)f, (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
        const OptionRow *row = option_find(values[i].name);
        g_autoptr(Options) options = parse_well("ppiofs /mnt");
        g_autoptr(GError) error = NULL;
        gboolean good = option_set(options, row, values[i].text, "/base", &error);
        g_autofree char *written = good ? option_text(options, row) : NULL;
        g_autofree char *escaped = g_strescape(values[i].text, NULL);

        g_test_message("%s=%s", values[i].name, escaped);
        g_assert_cmpstr(written, ==, values[i].expected);
        g_assert_true(good || row->type == OPTION_URL || g_str_has_prefix(error->message, "must "));
    }
}

static void test_the_levels_are_those_of_the_log(Fixture *f, gconstpointer data)
{
    g_autoptr(Options) options = parse_well("ppiofs /mnt");

    (void)f, (void)data;
    for (LogLevel level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
        g_assert_true(option_set(options, option_find("log"), log_level_name(level), NULL, NULL));
        g_assert_cmpint(options->log_level, ==, level);
    }
}

static void test_numbers_are_exact_in_every_locale(Fixture *f, gconstpointer data)
{
    (void)f, (void)data;
    if (!setlocale(LC_ALL, "de_DE.UTF-8"))
        g_test_message("no such locale here; the default one serves");
    g_autoptr(Options) options = parse_well("ppiofs /mnt -o ttl=0.3,detail_ttl=1.0000019");
    assert_refused("ppiofs /mnt -o 'ttl=0\\,5'", "must be a number");
    setlocale(LC_ALL, "C");
    g_assert_cmpint(options->ttl_us, ==, 300000);
    g_assert_cmpint(options->detail_ttl_us, ==, 1000001);
}

static void test_built_in_values_are_those_of_the_manual(Fixture *f, gconstpointer data)
{
    g_autoptr(Options) o = parse_well("ppiofs /mnt");

    (void)data;
    g_assert_cmpint(o->mode, ==, OPTIONS_MOUNT);
    g_assert_cmpstr(o->profile, ==, "ppio");
    g_assert_cmpstr(o->mountpoint, ==, "/mnt");
    g_assert_cmpstr(o->config, ==, f->config);
    g_assert_cmpstr(o->api_url, ==, "https://api.ppio.com");
    g_assert_cmpint(o->ttl_us, ==, 10 * G_USEC_PER_SEC);
    g_assert_cmpint(o->detail_ttl_us, ==, 300 * G_USEC_PER_SEC);
    g_assert_cmpint(o->negative_ttl_us, ==, 5 * G_USEC_PER_SEC);
    g_assert_cmpint(o->max_stale_us, ==, 3600 * (gint64)G_USEC_PER_SEC);
    g_assert_cmpint(o->timeout_us, ==, 10 * G_USEC_PER_SEC);
    g_assert_cmpint(o->patience_us, ==, G_USEC_PER_SEC);
    g_assert_cmpint(o->watch_us, ==, 0);
    g_assert_cmpuint(o->parallel_requests, ==, 16);
    g_assert_cmpuint(o->page_size, ==, 100);
    g_assert_cmpint(o->secrets, ==, SECRETS_SHOW);
    g_assert_cmpint(o->ssh_names, ==, SSH_NAMES_LONG);
    g_assert_cmpint(o->log_level, ==, LOG_LEVEL_INFO);
    g_assert_cmpuint(o->uid, ==, geteuid());
    g_assert_cmpuint(o->gid, ==, getegid());
    g_assert_cmpstr(o->fsname, ==, "ppio");
    g_assert_null(o->api_key_file);
    g_assert_false(o->foreground || o->allow_other || o->auto_unmount);
    g_assert_cmpstr(options_origin(o, "ttl"), ==, "built in");
}

static void test_the_nearer_source_wins_and_is_remembered(Fixture *f, gconstpointer data)
{
    g_autofree char *defaults = g_strdup_printf("%s [defaults]", f->config);
    g_autofree char *section = g_strdup_printf("%s [novita]", f->config);

    (void)data;
    write_config(f,
                 "[defaults]\nttl=1\ntimeout=1\npage_size=1\nparallel_requests=1\n"
                 "[novita]\nttl=2\ntimeout=2\npage_size=2\n[ppio]\nttl=99\n",
                 -1);
    g_setenv("PPIOFS_TTL", "3", TRUE);
    g_setenv("PPIOFS_TIMEOUT", "3", TRUE);
    g_setenv("PPIOFS_MAX_STALE", "", TRUE);
    g_autoptr(Options) o = parse_well("ppiofs novita /mnt -o ttl=0,ttl=4");

    g_assert_cmpint(o->ttl_us, ==, 4 * G_USEC_PER_SEC);
    g_assert_cmpstr(options_origin(o, "ttl"), ==, "command line");
    g_assert_cmpint(o->timeout_us, ==, 3 * G_USEC_PER_SEC);
    g_assert_cmpstr(options_origin(o, "timeout"), ==, "environment PPIOFS_TIMEOUT");
    g_assert_cmpuint(o->page_size, ==, 2);
    g_assert_cmpstr(options_origin(o, "page_size"), ==, section);
    g_assert_cmpuint(o->parallel_requests, ==, 1);
    g_assert_cmpstr(options_origin(o, "parallel_requests"), ==, defaults);
    g_assert_cmpstr(options_origin(o, "max_stale"), ==, "built in");
    g_assert_cmpstr(o->api_url, ==, "https://api.novita.ai");
}

static void test_a_configuration_file_may_hold_everything(Fixture *f, gconstpointer data)
{
    (void)data;
    write_config(f,
                 "# all of it\n[lab]\napi_url=http://127.0.0.1:8080/\napi_key_file=key\n"
                 "api_key_command=pass show ppio\nttl=1.5\ndetail_ttl=2\nnegative_ttl=3\n"
                 "max_stale=4\ntimeout=5\npatience=6\nparallel_requests=6\npage_size=7\n"
                 "secrets=hide\nssh_names=short\nwatch=8\n"
                 "cacert=/etc/ca.pem\nproxy=http://u:s3cret@p.example:1\nlog=warning\nuid=9\n"
                 "gid=10\numask=011\nallow_other=true\nauto_unmount=yes\nfsname=lab\n",
                 -1);
    g_autofree char *key_file = g_build_filename(f->home, "ppiofs", "key", NULL);
    g_autoptr(Options) o = parse_well("ppiofs lab /mnt");

    g_assert_cmpstr(o->api_url, ==, "http://127.0.0.1:8080");
    g_assert_cmpstr(o->api_key_file, ==, key_file);
    g_assert_cmpstr(o->api_key_command, ==, "pass show ppio");
    g_assert_cmpint(o->ttl_us, ==, 1500000);
    g_assert_cmpint(o->watch_us, ==, 8 * G_USEC_PER_SEC);
    g_assert_cmpint(o->patience_us, ==, 5 * G_USEC_PER_SEC); /* no longer than the timeout */
    g_assert_cmpint(o->ssh_names, ==, SSH_NAMES_SHORT);
    g_assert_cmpuint(o->parallel_requests, ==, 6);
    g_assert_cmpint(o->secrets, ==, SECRETS_HIDE);
    g_assert_cmpstr(o->proxy, ==, "http://u:s3cret@p.example:1");
    g_assert_cmpint(o->log_level, ==, LOG_LEVEL_WARNING);
    g_assert_cmpuint(o->uid, ==, 9);
    g_assert_cmpuint(o->gid, ==, 10);
    g_assert_cmpuint(o->umask, ==, 011);
    g_assert_true(o->allow_other && o->auto_unmount);
    g_assert_cmpstr(o->fsname, ==, "lab");
}

static void test_broken_configuration_names_the_place(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { "[defaults]\nttl=abc\n", "[defaults]: ttl=abc: must be a number of seconds" },
        { "[defaults]\nttl=abc\n[ppio]\nttl=1\n", "[defaults]: ttl=abc: must be a number" },
        { "[ppio]\ntll=5\n", "[ppio]: unknown option 'tll'; did you mean 'ttl'?" },
        { "[ppio]\nttl=5 # note\n", "[ppio]: ttl=5 # note: must" },
        { "[ppio]\napi_key=sk_secret\n", "[ppio]: option 'api_key' is not supported" },
        { "[ppio]\nconfig=/x\n", "cannot name another one" },
        { "[ppio]\nro=true\n", "unknown option 'ro'" },
        { "[ppio]\nfsname=\\q\n", "[ppio]: fsname: the value" },
        { "[ppio]\nproxy=sk_secret x\n", "[ppio]: proxy: must be" },
        { "[ppio]\napi_url=http://api.example\n", "[ppio]: api_url: " },
        { "[ppio]\nttl\n", "line 2: not a [section]" },
        { "[a]\nttl=1\nsk_secret\n", "line 3: not a [section]" },
        { "sk_secret\n", "line 1: not a [section]" },
        { "\n# x\nttl=sk_secret\n[a]\n", "line 3: an option must be in a section" },
        { "[a]\n\n[b]\nx=1\ny=2\nz=3\nsk_secret", "line 7: not a [section]" },
        { "[sk_secret\n", "line 1: not a [section]" },
        { "[a]\n\xff\xfesk_secret\n[b]\n", "line 2: not a [section]" },
    };

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        write_config(f, cases[i].text, -1);
        assert_refused("ppiofs /mnt", cases[i].expected);
        assert_refused("ppiofs /mnt", f->config);
    }
}

static void test_what_is_no_text_is_refused_at_once(Fixture *f, gconstpointer data)
{
    g_autofree char *large = g_strnfill((64 << 10) + 1, '\n');

    (void)data;
    write_config(f, large, (64 << 10));
    options_free(parse_well("ppiofs /mnt"));
    write_config(f, large, -1);
    assert_refused("ppiofs /mnt", "at most 64 KiB");
    write_config(f, "[a]\n\0b", 6);
    assert_refused("ppiofs /mnt", "is too large, or not text");
    assert_refused("ppiofs /mnt -o config=/", "is not a regular file");
    options_free(parse_well("ppiofs /mnt -o config=/dev/null"));
    g_assert_cmpint(g_unlink(f->config), ==, 0);
    g_assert_cmpint(mkfifo(f->config, 0600), ==, 0);
    assert_refused("ppiofs /mnt", "is not a regular file");
}

/* Whoever could write it could send the key elsewhere. */
static void test_what_others_could_have_written_is_refused(Fixture *f, gconstpointer data)
{
    (void)data;
    for (int mode = 0600; mode <= 0666; mode += 02) {
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(g_chmod(f->config, mode), ==, 0);
        g_autoptr(Options) options = parse("ppiofs /mnt", &error);
        g_assert_true((options != NULL) == ((mode & 022) == 0));
        g_assert_true(options || strstr(error->message, "other users can write to it"));
    }
    g_assert_cmpint(g_chmod(f->config, 0600), ==, 0);
    if (geteuid() == 0) {
        g_assert_cmpint(chown(f->config, 65534, 0), ==, 0);
        assert_refused("ppiofs /mnt", "other users can write to it (owner 65534, mode 0600)");
    }
}

/* mount(8) makes it an absolute path where a file of that name is in the current directory. */
static void test_of_a_path_the_last_component_may_be_the_profile(Fixture *f, gconstpointer data)
{
    (void)data;
    write_config(f, "[lab]\napi_url=https://lab.example\n", -1);
    g_autoptr(Options) built_in = parse_well("ppiofs /home/of/tester/novita /mnt");
    g_autoptr(Options) own = parse_well("ppiofs /srv/lab /mnt");
    g_assert_cmpstr(built_in->profile, ==, "novita");
    g_assert_cmpstr(built_in->fsname, ==, "novita");
    g_assert_cmpstr(own->api_url, ==, "https://lab.example");
}

/* GLib would take the root for it, and mount over that. */
static void test_a_directory_that_is_gone_is_no_place_to_start_from(Fixture *f, gconstpointer data)
{
    g_autofree char *here = g_get_current_dir();
    g_autofree char *gone = g_build_filename(f->home, "gone", NULL);

    (void)data;
    write_config(f, "", -1);
    g_assert_cmpint(g_mkdir(gone, 0700), ==, 0);
    g_assert_cmpint(chdir(gone), ==, 0);
    g_assert_cmpint(g_rmdir(gone), ==, 0);
    assert_refused("ppiofs .", "current directory is gone");
    assert_refused("ppiofs --refresh mnt", "current directory is gone");
    assert_refused("ppiofs /mnt -o api_key_file=key", "current directory is gone");
    assert_refused("ppiofs /mnt -o cacert=ca.pem", "current directory is gone");
    assert_refused("ppiofs /mnt -o config=x", "current directory is gone");
    g_autoptr(Options) o = parse_well("ppiofs /mnt -o cacert=/ca.pem");
    g_assert_cmpint(chdir(here), ==, 0);
    g_assert_cmpstr(o->cacert, ==, "/ca.pem");
}

static void test_secrets_hide_from_others_unless_said_otherwise(Fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(Options) hidden = parse_well("ppiofs /mnt -o allow_other");
    g_autoptr(Options) shown = parse_well("ppiofs /mnt -o allow_other,secrets=show");
    g_assert_cmpint(hidden->secrets, ==, SECRETS_HIDE);
    g_assert_cmpstr(options_origin(hidden, "secrets"), ==, "built in, because of allow_other");
    g_assert_cmpint(shown->secrets, ==, SECRETS_SHOW);
    write_config(f, "[defaults]\nsecrets=show\nallow_other=yes\n", -1);
    g_autoptr(Options) from_file = parse_well("ppiofs /mnt");
    g_assert_cmpint(from_file->secrets, ==, SECRETS_SHOW);
}

static void test_relative_paths_become_absolute(Fixture *f, gconstpointer data)
{
    g_autofree char *old = g_get_current_dir();
    g_autofree char *given = g_build_filename(f->home, "ppiofs", "config", NULL);
    g_autofree char *mountpoint = g_build_filename(f->home, "mnt", NULL);
    g_autofree char *key = g_build_filename(f->home, "k", NULL);

    (void)data;
    g_assert_cmpint(g_chdir(f->home), ==, 0);
    g_autoptr(Options) o = parse_well("ppiofs mnt -o config=ppiofs/config,api_key_file=./k");
    g_autoptr(Options) refresh = parse_well("ppiofs --refresh ./mnt/");
    g_assert_cmpint(g_chdir(old), ==, 0);
    g_assert_cmpstr(o->mountpoint, ==, mountpoint);
    g_assert_cmpstr(o->config, ==, given);
    g_assert_cmpstr(options_origin(o, "config"), ==, "command line");
    g_assert_cmpstr(o->api_key_file, ==, key);
    g_assert_cmpstr(refresh->mountpoint, ==, mountpoint);
}

static void test_help_tells_every_option_in_80_columns(Fixture *f, gconstpointer data)
{
    g_autofree char *help = options_help();
    g_auto(GStrv) lines = g_strsplit(help, "\n", -1);
    gsize count;
    const OptionRow *rows = option_table(&count);

    (void)f, (void)data;
    for (gsize i = 0; i < count; i++) {
        g_autofree char *before = g_strconcat(" ", rows[i].name, NULL);

        g_test_message("%s", rows[i].name);
        g_assert_nonnull(strstr(help, before));
        g_assert_true(rows[i].type == OPTION_IGNORED || strstr(help, rows[i].help));
        g_assert_true(rows[i].type == OPTION_IGNORED || rows[i].fallback || rows[i].otherwise);
    }
    for (char **line = lines; *line; line++)
        g_assert_cmpuint(strlen(*line), <=, 80);
}

static void assert_has_line(const char *text, const char *value, const char *origin)
{
    g_autofree char *line = g_strdup_printf("\n%s +# %s\n", value, origin);

    g_assert_true(g_regex_match_simple(line, text, 0, 0));
}

static void test_print_config_tells_values_and_origins_but_no_secret(Fixture *f, gconstpointer data)
{
    g_autofree char *section = g_strdup_printf("%s \\[novita\\]", f->config);

    (void)data;
    write_config(f,
                 "[novita]\nproxy=http://u:s3cret@p.example:1\n"
                 "api_key_command=fetch --token s3cret\ntimeout=2.5\n",
                 -1);
    g_setenv("PPIOFS_PAGE_SIZE", "7", TRUE);
    g_autoptr(Options) options = parse_well("ppiofs --print-config novita -o ttl=4");
    g_autofree char *text = options_print_config(options, "the file /k");
    g_autofree char *keyless = options_print_config(options, NULL);

    g_test_message("%s", text);
    g_assert_true(g_str_has_prefix(text, "[novita]\n"));
    assert_has_line(text, "ttl=4", "command line");
    assert_has_line(text, "page_size=7", "environment PPIOFS_PAGE_SIZE");
    assert_has_line(text, "timeout=2.5", section);
    assert_has_line(text, "parallel_requests=16", "built in");
    assert_has_line(text, "watch=off", "built in");
    assert_has_line(text, "proxy=http://\\*\\*\\*@p.example:1", section);
    assert_has_line(text, "api_key_command=fetch \\.\\.\\.", section);
    assert_has_line(text, "#cacert", "libcurl's");
    g_assert_nonnull(strstr(text, "api_key is set from the file /k"));
    g_assert_nonnull(strstr(keyless, "api_key is not set"));
    g_assert_null(strstr(text, "s3cret"));
}

int main(int argc, char **argv)
{
    g_setenv("HOME", "/home/of/tester", TRUE);
    g_test_init(&argc, &argv, NULL);
#define ADD(path, function) g_test_add("/options/" path, Fixture, NULL, set_up, function, tear_down)
    ADD("calls", test_calls_are_taken_apart);
    ADD("wrong", test_wrong_calls_are_explained);
    ADD("key", test_a_key_is_refused_with_advice_and_wiped_from_argv);
    ADD("types", test_every_type_reads_what_it_should_and_nothing_else);
    ADD("levels", test_the_levels_are_those_of_the_log);
    ADD("numbers", test_numbers_are_exact_in_every_locale);
    ADD("built-in", test_built_in_values_are_those_of_the_manual);
    ADD("order", test_the_nearer_source_wins_and_is_remembered);
    ADD("everything", test_a_configuration_file_may_hold_everything);
    ADD("broken-file", test_broken_configuration_names_the_place);
    ADD("text", test_what_is_no_text_is_refused_at_once);
    ADD("safe", test_what_others_could_have_written_is_refused);
    ADD("profile-path", test_of_a_path_the_last_component_may_be_the_profile);
    ADD("gone", test_a_directory_that_is_gone_is_no_place_to_start_from);
    ADD("secrets", test_secrets_hide_from_others_unless_said_otherwise);
    ADD("paths", test_relative_paths_become_absolute);
    ADD("help", test_help_tells_every_option_in_80_columns);
    ADD("print-config", test_print_config_tells_values_and_origins_but_no_secret);
    return g_test_run();
}
