/* SPDX-License-Identifier: MIT */
#include "ppiofs/options.h"

#include "ppiofs/base/error.h"
#include "ppiofs/options/option_table.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* A home of its own, with a configuration file that is empty: the machine's own does not count. */
typedef struct {
    char *home;
    char *config;
} Fixture;

static void write_config(Fixture *f, const char *text)
{
    g_assert_true(g_file_set_contents(f->config, text, -1, NULL));
    g_assert_cmpint(g_chmod(f->config, 0600), ==, 0);
}

static void clear_environment(void)
{
    gsize count;
    const OptionRow *rows = option_table(&count);

    for (gsize i = 0; i < count; i++) {
        g_autofree char *variable = option_variable(rows[i].name);
        g_unsetenv(variable);
    }
    g_unsetenv("PPIOFS_API_KEY");
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
    write_config(f, "");
}

static void tear_down(Fixture *f, gconstpointer data)
{
    g_autofree char *directory = g_path_get_dirname(f->config);

    (void)data;
    g_unlink(f->config);
    g_rmdir(directory);
    g_assert_cmpint(g_rmdir(f->home), ==, 0);
    g_free(f->home);
    g_free(f->config);
    clear_environment();
}

static Options *parse(const char *call, GError **error)
{
    g_auto(GStrv) argv = NULL;
    int argc;

    g_assert_true(g_shell_parse_argv(call, &argc, &argv, NULL));
    return options_parse(argc, argv, error);
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
    g_test_message("%s: %s", call, error->message);
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE);
    g_assert_nonnull(strstr(error->message, expected));
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
    write_config(f, "[defaults]\nttl=1\ntimeout=1\npage_size=1\nparallel_requests=1\n"
                    "[novita]\nttl=2\ntimeout=2\npage_size=2\n[ppio]\nttl=99\n");
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
    write_config(f, "# all of it\n[lab]\napi_url=http://127.0.0.1:8080/\napi_key_file=key\n"
                    "api_key_command=pass show ppio\nttl=1.5\ndetail_ttl=2\nnegative_ttl=3\n"
                    "max_stale=4\ntimeout=5\npatience=6\nparallel_requests=6\npage_size=7\n"
                    "secrets=hide\nssh_names=short\nwatch=8\n"
                    "cacert=/etc/ca.pem\nproxy=http://u:s3cret@p.example:1\nlog=warning\nuid=9\n"
                    "gid=10\numask=011\nallow_other=true\nauto_unmount=yes\nfsname=lab\n");
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
        { "[ppio]\ntll=5\n", "[ppio]: unknown option 'tll': did you mean 'ttl'?" },
        { "[ppio]\nttl=5 # note\n", "[ppio]: ttl=5 # note: must" },
        { "[ppio]\napi_key=sk_secret\n", "[ppio]: option 'api_key' is refused" },
        { "[ppio]\nconfig=/x\n", "cannot name another one" },
        { "[ppio]\nro=true\n", "unknown option 'ro'" },
        { "[ppio]\nfsname=\\q\n", "[ppio] fsname: the value" },
        { "[ppio]\nproxy=sk_secret x\n", "[ppio]: proxy: must be" },
        { "[ppio]\napi_url=http://api.example\n", "[ppio]: api_url: " },
        { "[ppio]\nttl\n", "line 2: is neither" },
    };

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        write_config(f, cases[i].text);
        g_assert_null(parse("ppiofs /mnt", &error));
        g_test_message("%s", error->message);
        g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE);
        g_assert_nonnull(strstr(error->message, f->config));
        g_assert_nonnull(strstr(error->message, cases[i].expected));
        g_assert_null(strstr(error->message, "secret"));
    }
}

static void test_wrong_calls_are_explained(Fixture *f, gconstpointer data)
{
    (void)data;
    write_config(f, "[lab]\nttl=1\n");
    assert_refused("ppiofs", "the mount point is missing");
    assert_refused("ppiofs a b c", "too many words");
    assert_refused("ppiofs --refresh", "the mount point is missing");
    assert_refused("ppiofs --refresh a b", "too many words");
    assert_refused("ppiofs nowhere /mnt", "unknown profile 'nowhere' (known: ppio, novita, lab)");
    assert_refused("ppiofs defaults /mnt", "unknown profile 'defaults'");
    assert_refused("ppiofs lab /mnt", "profile 'lab' has no api_url");
    assert_refused("ppiofs /mnt -o ttl=nan", "command line: ttl=nan: must be a number");
    assert_refused("ppiofs /mnt -o ttl=x,ttl=1", "command line: ttl=x: must be a number");
    assert_refused("ppiofs /mnt -o config=/no/such/file", "/no/such/file: No such file");
    assert_refused("ppiofs /mnt -o api_url=http://api.example", "command line: api_url: ");
    assert_refused("ppiofs /mnt -o api_key=sk_x", "api_key_file=PATH");
    g_setenv("PPIOFS_TTL", "-1", TRUE);
    assert_refused("ppiofs /mnt", "environment PPIOFS_TTL: ttl=-1: must");
    g_unsetenv("PPIOFS_TTL");
    g_setenv("PPIOFS_API_KEY", "sk_x", TRUE);
    assert_refused("ppiofs /mnt", "PPIO_API_KEY");
    g_unsetenv("PPIOFS_API_KEY");
    g_setenv("PPIOFS_API_KEY_COMMAND", "x", TRUE);
    assert_refused("ppiofs /mnt", "configuration file only");
    g_unsetenv("PPIOFS_API_KEY_COMMAND");
    g_setenv("PPIOFS_CONFIG", "/no/such/file", TRUE);
    assert_refused("ppiofs /mnt", "/no/such/file: No such file");
}

/* mount(8) makes it an absolute path where a file of that name is in the current directory. */
static void test_of_a_path_the_last_component_may_be_the_profile(Fixture *f, gconstpointer data)
{
    (void)data;
    write_config(f, "[lab]\napi_url=https://lab.example\n");
    g_autoptr(Options) built_in = parse_well("ppiofs /home/of/tester/novita /mnt");
    g_autoptr(Options) own = parse_well("ppiofs /srv/lab /mnt");
    g_assert_cmpstr(built_in->profile, ==, "novita");
    g_assert_cmpstr(built_in->fsname, ==, "novita");
    g_assert_cmpstr(own->api_url, ==, "https://lab.example");
    assert_refused("ppiofs /srv/nowhere /mnt", "unknown profile '/srv/nowhere'");
}

/* GLib would take the root for it, and mount over that. */
static void test_a_directory_that_is_gone_is_no_place_to_start_from(Fixture *f, gconstpointer data)
{
    g_autofree char *here = g_get_current_dir();
    g_autofree char *gone = g_build_filename(f->home, "gone", NULL);

    (void)data;
    write_config(f, "");
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
    write_config(f, "[defaults]\nsecrets=show\nallow_other=yes\n");
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

static void test_words_mean_what_the_mode_says(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *call, *profile, *mountpoint;
        OptionsMode mode;
    } cases[] = {
        { "ppiofs novita", "ppio", NULL, OPTIONS_MOUNT }, /* a relative mount point */
        { "ppiofs '' /mnt", "ppio", "/mnt", OPTIONS_MOUNT },
        { "ppiofs ppio /dev/fd/7", "ppio", "/dev/fd/7", OPTIONS_MOUNT },
        { "mount.ppiofs novita /mnt -f -o rw", "novita", "/mnt", OPTIONS_FAKE },
        { "ppiofs --check", "ppio", NULL, OPTIONS_CHECK },
        { "ppiofs --check novita", "novita", NULL, OPTIONS_CHECK },
        { "ppiofs --check /mnt", "ppio", "/mnt", OPTIONS_CHECK },
        { "ppiofs --print-config novita /mnt", "novita", "/mnt", OPTIONS_PRINT_CONFIG },
    };

    (void)f, (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Options) o = parse_well(cases[i].call);

        g_test_message("%s", cases[i].call);
        g_assert_cmpint(o->mode, ==, cases[i].mode);
        g_assert_cmpstr(o->profile, ==, cases[i].profile);
        if (i == 0)
            g_assert_true(g_str_has_suffix(o->mountpoint, "/novita"));
        else
            g_assert_cmpstr(o->mountpoint, ==, cases[i].mountpoint);
    }
}

static void test_debug_stays_in_the_foreground_and_logs_all(Fixture *f, gconstpointer data)
{
    g_autoptr(Options) o = parse_well("ppiofs /mnt -d");
    g_autoptr(Options) quieter = parse_well("ppiofs /mnt -d -o log=info");

    (void)f, (void)data;
    g_assert_true(o->foreground && o->log_level == LOG_LEVEL_DEBUG);
    g_assert_true(quieter->foreground && quieter->log_level == LOG_LEVEL_INFO);
}

static void test_help_and_version_need_nothing_else(Fixture *f, gconstpointer data)
{
    (void)data;
    write_config(f, "broken");
    g_autoptr(Options) help = parse_well("ppiofs --help");
    g_autoptr(Options) version = parse_well("ppiofs -V");
    g_autoptr(Options) refresh = parse_well("ppiofs --refresh /mnt");
    g_assert_cmpint(help->mode, ==, OPTIONS_HELP);
    g_assert_cmpint(version->mode, ==, OPTIONS_VERSION);
    g_assert_cmpint(refresh->mode, ==, OPTIONS_REFRESH);
}

static void test_mount_helpers_are_known_by_their_name(void)
{
    g_assert_true(options_is_mount_helper("/sbin/mount.ppiofs"));
    g_assert_true(options_is_mount_helper("mount.fuse.ppiofs"));
    g_assert_false(options_is_mount_helper("/usr/bin/ppiofs"));
    g_assert_false(options_is_mount_helper("/mount.d/ppiofs"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, function) g_test_add("/options/" path, Fixture, NULL, set_up, function, tear_down)
    ADD("built-in", test_built_in_values_are_those_of_the_manual);
    ADD("order", test_the_nearer_source_wins_and_is_remembered);
    ADD("everything", test_a_configuration_file_may_hold_everything);
    ADD("broken-file", test_broken_configuration_names_the_place);
    ADD("wrong", test_wrong_calls_are_explained);
    ADD("profile-path", test_of_a_path_the_last_component_may_be_the_profile);
    ADD("gone", test_a_directory_that_is_gone_is_no_place_to_start_from);
    ADD("secrets", test_secrets_hide_from_others_unless_said_otherwise);
    ADD("paths", test_relative_paths_become_absolute);
    ADD("words", test_words_mean_what_the_mode_says);
    ADD("debug", test_debug_stays_in_the_foreground_and_logs_all);
    ADD("early", test_help_and_version_need_nothing_else);
    g_test_add_func("/options/helper", test_mount_helpers_are_known_by_their_name);
    return g_test_run();
}
