/* SPDX-License-Identifier: MIT */
#include "ppiofs/options/option_value.h"

#include "ppiofs/base/error.h"

#include <locale.h>
#include <unistd.h>

static Options *empty_options(void)
{
    gsize count;

    option_table(&count);
    Options *options = g_new0(Options, 1);
    options->origins = g_new0(char *, count);
    return options;
}

/* What @text of the option @name reads as and is written as; NULL: it was refused. */
static char *round_trip(const char *name, const char *text)
{
    g_autoptr(Options) options = empty_options();
    g_autoptr(GError) error = NULL;

    if (option_value_set(options, option_find(name), text, "/base", &error))
        return option_value_text(options, option_find(name));
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE);
    g_assert_true(g_str_has_prefix(error->message, "must ") || g_str_equal(name, "api_url"));
    return NULL;
}

static const struct {
    const char *name, *text, *expected;
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

static void test_every_type_reads_what_it_should_and_nothing_else(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
        g_autofree char *written = round_trip(values[i].name, values[i].text);
        g_autofree char *text = g_strescape(values[i].text, NULL);

        g_test_message("%s=%s", values[i].name, text);
        g_assert_cmpstr(written, ==, values[i].expected);
    }
}

static void test_a_comma_locale_changes_nothing(void)
{
    if (!setlocale(LC_ALL, "de_DE.UTF-8"))
        g_test_message("no such locale here; the default one serves");
    g_autofree char *point = round_trip("ttl", "0.5");
    g_autofree char *comma = round_trip("ttl", "0,5");
    setlocale(LC_ALL, "C");
    g_assert_cmpstr(point, ==, "0.5");
    g_assert_null(comma);
}

static void test_microseconds_are_exact(void)
{
    g_autoptr(Options) options = empty_options();

    g_assert_true(option_value_set(options, option_find("ttl"), "0.3", "/", NULL));
    g_assert_cmpint(options->ttl_us, ==, 300000);
    g_assert_true(option_value_set(options, option_find("ttl"), "1.0000019", "/", NULL));
    g_assert_cmpint(options->ttl_us, ==, 1000001);
}

static void test_the_range_is_named(void)
{
    g_autoptr(Options) options = empty_options();
    g_autoptr(GError) error = NULL;

    g_assert_false(option_value_set(options, option_find("timeout"), "0", "/", &error));
    g_assert_cmpstr(error->message, ==, "must be a number of seconds from 0.1 to 3600");
}

int main(int argc, char **argv)
{
    g_setenv("HOME", "/home/of/tester", TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/option_value/types", test_every_type_reads_what_it_should_and_nothing_else);
    g_test_add_func("/option_value/locale", test_a_comma_locale_changes_nothing);
    g_test_add_func("/option_value/exact", test_microseconds_are_exact);
    g_test_add_func("/option_value/range", test_the_range_is_named);
    return g_test_run();
}
