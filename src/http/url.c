/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/url.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"
#include "ppiofs/http/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>

#define NAME_BYTES_MAX 256 /* of a host or a path in a sentence */

static char *part_of(CURLU *parsed, CURLUPart part)
{
    char *value = NULL;
    char *copy;

    if (curl_url_get(parsed, part, &value, 0) != CURLUE_OK)
        return NULL;
    copy = g_strdup(value);
    curl_free(value);
    return copy;
}

static gboolean is_loopback(const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    gsize length = strlen(host);

    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    if (length < 2 || host[0] != '[')
        return FALSE;

    g_autofree char *bare = g_strndup(host + 1, length - 2);

    return inet_pton(AF_INET6, bare, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static char *printable_host(CURLU *parsed, const char *host)
{
    g_autofree char *port = part_of(parsed, CURLUPART_PORT);
    g_autofree char *both = g_strconcat(host, port ? ":" : NULL, port, NULL);

    return text_printable(both, -1, NAME_BYTES_MAX);
}

static HttpUrl *url_from_parsed(CURLU *parsed, GError **error)
{
    g_autofree char *scheme = part_of(parsed, CURLUPART_SCHEME);
    g_autofree char *host = part_of(parsed, CURLUPART_HOST);
    g_autofree char *path = part_of(parsed, CURLUPART_PATH);
    gboolean plain = g_strcmp0(scheme, "http") == 0;
    HttpUrl *url;

    if (!host || !path || (!plain && g_strcmp0(scheme, "https") != 0) ||
        (plain && !is_loopback(host))) {
        error_set(error, PPIOFS_ERROR_PROTOCOL,
                  "the API address must begin with https:// (or with http:// and "
                  "127.0.0.1 or [::1], written as a number)");
        return NULL;
    }
    url = g_new0(HttpUrl, 1);
    url->plain = plain;
    url->host = printable_host(parsed, host);
    url->path = text_printable(path, -1, NAME_BYTES_MAX);
    return url;
}

HttpUrl *http_url_new(const char *url, GError **error)
{
    CURLU *parsed = curl_url();
    HttpUrl *result = NULL;

    if (!parsed || curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK)
        error_set(error, PPIOFS_ERROR_PROTOCOL,
                  "the API address is not a URL such as https://host/path");
    else
        result = url_from_parsed(parsed, error);
    curl_url_cleanup(parsed);
    return result;
}

void http_url_free(HttpUrl *url)
{
    if (!url)
        return;
    g_free(url->host);
    g_free(url->path);
    g_free(url);
}

/* What a base URL must not hold, since a path and a query are put behind it. The text itself is
 * never repeated in a message: it may hold a password. */
static const char *unwanted_part(const char *url)
{
    const char *authority = strstr(url, "://");
    gsize length = authority ? strcspn(authority + 3, "/?#") : 0;

    if (authority && length == 0) /* libcurl takes https:///path for the host "path" */
        return "an empty host name";
    if (authority && memchr(authority + 3, '@', length))
        return "a user name";
    if (strchr(url, '#'))
        return "a fragment (#)";
    return strchr(url, '?') ? "a query (?)" : NULL;
}

gboolean http_check_url(const char *url, GError **error)
{
    g_autoptr(GError) reason = NULL;
    const char *unwanted = unwanted_part(url);
    g_autoptr(HttpUrl) parsed = NULL;

    if (unwanted)
        return error_set(error, PPIOFS_ERROR_USAGE, "the API address must not contain %s",
                         unwanted);
    parsed = http_url_new(url, &reason);
    if (!parsed)
        error_set(error, PPIOFS_ERROR_USAGE, "%s", reason->message);
    return parsed != NULL;
}
