/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/private.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* libcurl's words are at most this long: CURL_ERROR_SIZE; escaping may lengthen them. */
#define DETAIL_BYTES_MAX (4 * CURL_ERROR_SIZE)

/* CURLE_TOO_LARGE, newer than the headers of Debian 12. */
#define CURL_ERROR_TOO_LARGE ((CURLcode)100)

/* As many descriptors as looking up a name and connecting take. */
#define DESCRIPTORS_NEEDED 4

typedef struct {
    CURLcode code;
    PpiofsError error;
    const char *before; /* the sentence around the host's name */
    const char *after;
} CurlErrorRule;

#define TLS_FAILED "cannot set up a secure connection to ", ""
#define TLS_UNTRUSTED "cannot trust the certificate of ", ""
#define CONNECTION_LOST "the connection to ", " was lost"
#define TOO_LARGE "", " sent a response that is too large"
#define NOT_HTTP "", " does not speak HTTP as it should"

/* Not those that come only of an option that is never set here. */
static const CurlErrorRule rules[] = {
    { CURLE_COULDNT_RESOLVE_HOST, PPIOFS_ERROR_UNREACHABLE, "cannot find the address of ", "" },
    { CURLE_COULDNT_RESOLVE_PROXY, PPIOFS_ERROR_UNREACHABLE,
      "cannot find the address of the proxy on the way to ", "" },
    { CURLE_COULDNT_CONNECT, PPIOFS_ERROR_UNREACHABLE, "cannot reach ", "" },
    { CURLE_PROXY, PPIOFS_ERROR_UNREACHABLE, "the proxy cannot reach ", "" },

    { CURLE_SSL_CONNECT_ERROR, PPIOFS_ERROR_PROTOCOL, TLS_FAILED },
    { CURLE_SSL_CIPHER, PPIOFS_ERROR_PROTOCOL, TLS_FAILED },
    { CURLE_SSL_CLIENTCERT, PPIOFS_ERROR_PROTOCOL, TLS_FAILED },
    { CURLE_SSL_CACERT_BADFILE, PPIOFS_ERROR_PROTOCOL, "cannot read the trusted certificates for ",
      "" },
    { CURLE_PEER_FAILED_VERIFICATION, PPIOFS_ERROR_PROTOCOL, TLS_UNTRUSTED },

    { CURLE_UNSUPPORTED_PROTOCOL, PPIOFS_ERROR_PROTOCOL, NOT_HTTP },
    { CURLE_WEIRD_SERVER_REPLY, PPIOFS_ERROR_PROTOCOL, NOT_HTTP },
    { CURLE_BAD_CONTENT_ENCODING, PPIOFS_ERROR_BAD_ANSWER, "",
      " sent a badly compressed response" },
    { CURLE_FILESIZE_EXCEEDED, PPIOFS_ERROR_TOO_LARGE, TOO_LARGE },
    { CURL_ERROR_TOO_LARGE, PPIOFS_ERROR_TOO_LARGE, TOO_LARGE },

    { CURLE_PARTIAL_FILE, PPIOFS_ERROR_SERVER, CONNECTION_LOST },
    { CURLE_GOT_NOTHING, PPIOFS_ERROR_SERVER, CONNECTION_LOST },
    { CURLE_RECV_ERROR, PPIOFS_ERROR_SERVER, CONNECTION_LOST },
    { CURLE_SEND_ERROR, PPIOFS_ERROR_SERVER, CONNECTION_LOST },
    { CURLE_NO_CONNECTION_AVAILABLE, PPIOFS_ERROR_SERVER, CONNECTION_LOST },

    { CURLE_OUT_OF_MEMORY, PPIOFS_ERROR_NO_MEMORY, "not enough memory for a request to ", "" },
};

static const CurlErrorRule rule_refused = { CURLE_COULDNT_CONNECT, PPIOFS_ERROR_REFUSED, "",
                                            " refused the connection" };
static const CurlErrorRule rule_short = { CURLE_COULDNT_CONNECT, PPIOFS_ERROR_FAILED,
                                          "no file descriptor is left for a request to ",
                                          "; lower parallel_requests or raise the limit" };
static const CurlErrorRule rule_other = { CURLE_OK, PPIOFS_ERROR_FAILED,
                                          "cannot send a request to ", "" };

/* Without one the resolver fails, too, and says nothing of why. */
static gboolean is_short_of_descriptors(void)
{
    int fds[DESCRIPTORS_NEEDED];
    gsize n = 0;

    while (n < DESCRIPTORS_NEEDED && (fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        n++;
    for (gsize i = 0; i < n; i++)
        close(fds[i]);
    return n < DESCRIPTORS_NEEDED;
}

static const CurlErrorRule *find_rule(CURLcode code, int os_errno)
{
    gboolean found_nobody = code == CURLE_COULDNT_RESOLVE_HOST ||
                            code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_COULDNT_CONNECT ||
                            code == CURLE_SSL_CACERT_BADFILE;

    if (code == CURLE_COULDNT_CONNECT && os_errno == ECONNREFUSED)
        return &rule_refused;
    if (found_nobody && is_short_of_descriptors())
        return &rule_short;
    for (gsize i = 0; i < G_N_ELEMENTS(rules); i++)
        if (rules[i].code == code)
            return &rules[i];
    return &rule_other;
}

/* libcurl describes a failed connect() with the time it took: that would make each line differ. */
static char *detail_new(CURLcode code, const CurlFailure *failure)
{
    const char *detail = failure->detail;

    if (code == CURLE_COULDNT_CONNECT && failure->os_errno == ECONNREFUSED)
        detail = "no server listens on this port; check api_url";
    else if (code == CURLE_COULDNT_CONNECT && failure->os_errno)
        detail = g_strerror(failure->os_errno);
    else if (!detail || !*detail)
        detail = curl_easy_strerror(code);
    return text_printable(detail, -1, DETAIL_BYTES_MAX);
}

GError *curl_error_new(CURLcode code, const CurlFailure *failure)
{
    if (code == CURLE_OPERATION_TIMEDOUT)
        return g_error_new(PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT, "%s did not respond within %g s",
                           failure->host, (double)failure->timeout_us / G_USEC_PER_SEC);

    const CurlErrorRule *rule = find_rule(code, failure->os_errno);
    g_autofree char *detail = detail_new(code, failure);

    return g_error_new(PPIOFS_ERROR, rule->error, "%s%s%s: %s", rule->before, failure->host,
                       rule->after, detail);
}
