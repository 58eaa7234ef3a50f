/* SPDX-License-Identifier: MIT */
#include "ppiofs/options/command_line.h"

#include "ppiofs/base/error.h"
#include "ppiofs/options/command_switch.h"
#include "ppiofs/options/option_table.h"
#include "ppiofs/options/scrub.h"

#include <string.h>

/* "name=value;name;|word|word" of a shell-quoted call, or "error: ..." */
static char *summary(const char *call)
{
    g_auto(GStrv) argv = NULL;
    g_autoptr(GError) error = NULL;
    int argc;

    g_assert_true(g_shell_parse_argv(call, &argc, &argv, NULL));
    scrub_argv(argc, argv);
    g_autoptr(CommandLine) line = command_line_parse(argc, argv, &error);
    if (!line) {
        g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE);
        return g_strconcat("error: ", error->message, NULL);
    }
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < line->settings->len; i++) {
        const Setting *setting = g_ptr_array_index(line->settings, i);

        g_string_append(out, setting->name);
        g_string_append_printf(out, setting->value ? "=%s;" : ";", setting->value);
    }
    for (guint i = 0; i < line->words->len; i++)
        g_string_append_printf(out, "|%s", (char *)g_ptr_array_index(line->words, i));
    if (line->mode != OPTIONS_MOUNT)
        g_string_append_printf(out, " mode %d", line->mode);
    if (line->foreground)
        g_string_append(out, " foreground");
    return g_string_free(out, FALSE);
}

static void test_calls_are_taken_apart(void)
{
    static const struct {
        const char *call, *expected;
    } cases[] = {
        { "ppiofs /mnt", "|/mnt" },
        { "ppiofs novita /mnt -f", "|novita|/mnt foreground" },
        { "ppiofs /mnt -d", "log=debug;|/mnt foreground" },
        { "ppiofs -o ttl=5,timeout=3 /mnt -o page_size=7", "ttl=5;timeout=3;page_size=7;|/mnt" },
        { "ppiofs -ottl=5 /mnt", "ttl=5;|/mnt" },
        { "ppiofs -o 'fsname=a\\,b,ttl=1' /mnt", "fsname=a,b;ttl=1;|/mnt" },
        { "ppiofs -o 'fsname=a\\040b\\\\c\\x' /mnt", "fsname=a b\\cx;|/mnt" },
        { "ppiofs -o 'fsname=a\\000b' /mnt", "fsname=a000b;|/mnt" },
        { "ppiofs -o ,ttl=1,, /mnt", "ttl=1;|/mnt" },
        { "ppiofs -o allow_other,auto_unmount=no /mnt", "allow_other;auto_unmount=no;|/mnt" },
        { "ppiofs -- -f", "|-f" },
        { "ppiofs -", "|-" },
        { "ppiofs /dev/fd/5", "|/dev/fd/5" },
        { "ppiofs ppio /mnt -o rw,suid,nosuid,dev,nodev,exec,noexec,_netdev,nofail,noauto,user",
          "|ppio|/mnt" },
        { "ppiofs ppio /mnt -o auto,defaults,users,user=joe,x-systemd.automount,X-mount.mkdir",
          "|ppio|/mnt" },
        { "ppiofs ppio /mnt -o ro,default_permissions,subtype=ppiofs,comment=hello,noatime",
          "|ppio|/mnt" },
        { "mount.ppiofs ppio /mnt -s -n -v -o rw", "|ppio|/mnt" },
        { "/sbin/mount.fuse.ppiofs ppio /mnt -t fuse.ppiofs -o ttl=1", "ttl=1;|ppio|/mnt" },
        { "mount.ppiofs ppio /mnt -f", "|ppio|/mnt mode 6" },
        { "ppiofs --check novita", "|novita mode 1" },
        { "ppiofs --refresh /mnt", "|/mnt mode 2" },
        { "ppiofs -h --nonsense", " mode 3" },
        { "ppiofs --help", " mode 3" },
        { "ppiofs --check --help", " mode 3" },
        { "ppiofs -V", " mode 4" },
        { "ppiofs --version", " mode 4" },
        { "ppiofs --print-config", " mode 5" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *got = summary(cases[i].call);

        g_test_message("%s", cases[i].call);
        g_assert_cmpstr(got, ==, cases[i].expected);
    }
}

static void test_wrong_calls_are_explained(void)
{
    static const struct {
        const char *call, *expected;
    } cases[] = {
        { "ppiofs -o tll=5 /mnt", "unknown option 'tll': did you mean 'ttl'?" },
        { "ppiofs -o page_sice=5 /mnt", "unknown option 'page_sice': did you mean" },
        { "ppiofs -o page-size=5 /mnt", "did you mean 'page_size'?" },
        { "ppiofs -o colour=red /mnt", "unknown option 'colour': see ppiofs --help" },
        { "ppiofs -o '\x1b[2J=5' /mnt", "unknown option '\\x1b[2J'" },
        { "ppiofs -o ttl /mnt", "needs a value: ttl=SECONDS" },
        { "ppiofs /mnt -o", "-o needs options after it" },
        { "ppiofs -o allow_root /mnt", "'allow_root' is refused: it is not offered: use allow_" },
        { "ppiofs -o insecure /mnt", "certificates are always verified" },
        { "ppiofs -o remount /mnt", "unmount, then mount again" },
        { "ppiofs -o api_key_command=x /mnt", "from the configuration file only" },
        { "ppiofs --chek", "unknown option --chek: did you mean --check?" },
        { "ppiofs --ttl=5 /mnt", "unknown option --ttl: did you mean -o ttl?" },
        { "ppiofs --page-size 5 /mnt", "did you mean -o page_size?" },
        { "ppiofs -r /mnt", "unknown option -r: see" },
        { "ppiofs -s /mnt", "unknown option -s: see" },
        { "ppiofs -n /mnt", "unknown option -n: see" },
        { "ppiofs -v /mnt", "unknown option -v: see" },
        { "ppiofs -fd /mnt", "unknown option -fd: see" },
        { "mount.ppiofs ppio /mnt -x", "unknown option -x: see" },
        { "ppiofs --check --refresh /mnt", "only one of" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *got = summary(cases[i].call);

        g_test_message("%s: %s", cases[i].call, got);
        g_assert_true(g_str_has_prefix(got, "error: "));
        g_assert_nonnull(strstr(got, cases[i].expected));
    }
}

static void test_a_key_is_refused_with_advice_and_wiped_from_argv(void)
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
        "ppiofs -h -o api_key=sk_secret",
        "ppiofs --token sk_secret",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(calls); i++) {
        g_auto(GStrv) argv = NULL;
        g_autoptr(GError) error = NULL;
        g_autofree gsize *lengths = NULL;
        int argc;

        g_test_message("%s", calls[i]);
        g_shell_parse_argv(calls[i], &argc, &argv, NULL);
        lengths = g_new(gsize, argc);
        for (int j = 0; j < argc; j++)
            lengths[j] = strlen(argv[j]);
        scrub_argv(argc, argv);
        for (int j = 0; j < argc; j++)
            g_assert_null(memmem(argv[j], lengths[j], "secret", 6));

        g_autoptr(CommandLine) line = command_line_parse(argc, argv, &error);
        if (line) {
            g_assert_cmpint(line->mode, ==, OPTIONS_HELP);
            continue;
        }
        g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE);
        g_assert_nonnull(strstr(error->message, "api_key_file=PATH"));
        g_assert_nonnull(strstr(error->message, "PPIO_API_KEY"));
    }
}

static void test_other_words_are_not_wiped(void)
{
    char first[] = "-o", second[] = "api_key_file=/k,fsname=api_key=1", third[] = "/mnt";
    char *argv[] = { first, first, second, third, NULL };

    scrub_argv(4, argv);
    g_assert_cmpstr(second, ==, "api_key_file=/k,fsname=api_key=1");
    g_assert_cmpstr(third, ==, "/mnt");
}

static void test_distance_counts_slips(void)
{
    g_assert_cmpuint(option_distance("ttl", "ttl"), ==, 0);
    g_assert_cmpuint(option_distance("ttl", "tlt"), ==, 1);
    g_assert_cmpuint(option_distance("", "ttl"), ==, 3);
    g_assert_cmpuint(option_distance("kitten", "sitting"), ==, 3);
    g_assert_cmpuint(option_distance("a name that is far longer than any option", "ttl"), ==,
                     G_MAXUINT);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/command_line/calls", test_calls_are_taken_apart);
    g_test_add_func("/command_line/errors", test_wrong_calls_are_explained);
    g_test_add_func("/command_line/key", test_a_key_is_refused_with_advice_and_wiped_from_argv);
    g_test_add_func("/command_line/others", test_other_words_are_not_wiped);
    g_test_add_func("/command_line/distance", test_distance_counts_slips);
    return g_test_run();
}
