/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/url.h"

#include "ppiofs/base/error.h"
#include "ppiofs/http/http.h"

static const struct {
    const char *url;
    gboolean accepted;
} urls[] = {
    { "https://api.example.com", TRUE },
    { "https://api.example.com/", TRUE },
    { "https://api.example.com/prefix/v1", TRUE },
    { "https://api.example.com:8443/prefix", TRUE },
    { "HTTPS://API.example.com", TRUE },
    { "https://192.0.2.1", TRUE },
    { "https://[2001:db8::1]:444", TRUE },
    { "https://localhost", TRUE },
    { "http://127.0.0.1", TRUE },
    { "http://127.0.0.1:8080/prefix", TRUE },
    { "http://127.255.0.3", TRUE },
    { "http://[::1]", TRUE },
    { "http://[::1]:8080/prefix", TRUE },
    { "http://[0:0:0:0:0:0:0:1]", TRUE },

    { "http://api.example.com", FALSE },
    { "http://localhost", FALSE }, /* a name: whoever answers for it gets the key */
    { "http://localhost:8080", FALSE },
    { "http://127.0.0.1.example.com", FALSE },
    { "http://127.0.0.1%2eexample.com", FALSE },
    { "http://127.example.com", FALSE },
    { "http://128.0.0.1", FALSE },
    { "http://0.0.0.0", FALSE },
    { "http://10.0.0.1", FALSE },
    { "http://[::2]", FALSE },
    { "http://[::ffff:127.0.0.1]", FALSE },
    { "http://[::1", FALSE },
    { "https://user@api.example.com", FALSE },
    { "https://user:secret@api.example.com", FALSE },
    { "https://@api.example.com", FALSE },
    { "http://127.0.0.1@example.com", FALSE },
    { "http://127.0.0.1\\@example.com", FALSE },
    { "https://api.example.com?a=b", FALSE },
    { "https://api.example.com/x?", FALSE },
    { "https://api.example.com/#x", FALSE },
    { "https://api.example.com#", FALSE },
    { "https://api.example.com:99999", FALSE },
    { "https://api.example.com\r\nX: y", FALSE },
    { "https://api example.com", FALSE },
    { "https://", FALSE },
    { "https:///path", FALSE },
    { "api.example.com", FALSE },
    { "//api.example.com", FALSE },
    { "ftp://127.0.0.1", FALSE },
    { "file:///etc/passwd", FALSE },
    { "", FALSE },
};

static void test_only_urls_that_may_carry_the_key_are_accepted(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(urls); i++) {
        g_autoptr(GError) error = NULL;
        gboolean accepted = http_check_url(urls[i].url, &error);

        g_test_message("%s", urls[i].url);
        g_assert_cmpint(accepted, ==, urls[i].accepted);
        if (accepted)
            g_assert_no_error(error);
        else
            g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE);
    }
}

static void test_a_refusal_does_not_repeat_a_password(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(http_check_url("https://user:secret@api.example.com", &error));
    g_assert_null(g_strstr_len(error->message, -1, "secret"));
    g_assert_nonnull(g_strstr_len(error->message, -1, "user name"));
}

static void test_a_url_is_named_without_its_query(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HttpUrl) url = http_url_new("https://api.example.com:444/a/b?cursor=c", &error);
    g_autoptr(HttpUrl) plain = http_url_new("http://127.0.0.1/?cursor=c", NULL);

    g_assert_no_error(error);
    g_assert_cmpstr(url->host, ==, "api.example.com:444");
    g_assert_cmpstr(url->path, ==, "/a/b");
    g_assert_false(url->plain);
    g_assert_cmpstr(plain->host, ==, "127.0.0.1");
    g_assert_true(plain->plain);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/url/accepted", test_only_urls_that_may_carry_the_key_are_accepted);
    g_test_add_func("/url/no-password", test_a_refusal_does_not_repeat_a_password);
    g_test_add_func("/url/named", test_a_url_is_named_without_its_query);
    return g_test_run();
}
