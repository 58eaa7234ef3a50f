/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/private.h"

#include <unistd.h>

struct CurlHandles {
    GPtrArray *idle; /* CURL */
    char *cacert;
    guint max_idle;
};

/* A bundle that was replaced on disk is seen after this long. */
#define CA_CACHE_SECONDS 3600L

/* As much as libcurl reads at once. gzip makes a thousand times as much of it, all in one call. */
#define READ_BYTES 4096L

/* Of a connection at rest, in seconds: the kernel asks whether the other side is still there. */
#define KEEPALIVE_IDLE 30L
#define KEEPALIVE_INTERVAL 10L

/* Not here: LOW_SPEED_LIMIT. One that spares a slow but honest server is looser than the deadline
 * that every call has anyway, and costs a wake-up per second. */
static const struct {
    CURLoption option;
    long value;
} easy_options[] = {
    { CURLOPT_NOSIGNAL, 1L },
    { CURLOPT_QUICK_EXIT, 1L }, /* else a silent DNS server holds up the end of a call */
    { CURLOPT_PATH_AS_IS, 1L }, /* an id may be "..", sent as %2E%2E */
    { CURLOPT_FOLLOWLOCATION, 0L },
    { CURLOPT_NETRC, CURL_NETRC_IGNORED },
    { CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
    { CURLOPT_HTTP09_ALLOWED, 0L },
    { CURLOPT_BUFFERSIZE, READ_BYTES },
    { CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
    { CURLOPT_SSL_VERIFYPEER, 1L },
    { CURLOPT_SSL_VERIFYHOST, 2L },
    { CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
    { CURLOPT_PROXY_SSL_VERIFYPEER, 1L },
    { CURLOPT_PROXY_SSL_VERIFYHOST, 2L },
    { CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_SECONDS },
    { CURLOPT_HEADEROPT, CURLHEADER_SEPARATE }, /* the key is not for the proxy */
    { CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L },
    { CURLOPT_NOPROGRESS, 0L },
    { CURLOPT_TCP_KEEPALIVE, 1L },
    { CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE },
    { CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL },
    { CURLOPT_TCP_NODELAY, 1L },
};

static gboolean set_constants(CURL *easy)
{
    for (gsize i = 0; i < G_N_ELEMENTS(easy_options); i++)
        if (curl_easy_setopt(easy, easy_options[i].option, easy_options[i].value))
            return FALSE;
    return openssl_set_up(easy) && !curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https") &&
           !curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https") &&
           !curl_easy_setopt(easy, CURLOPT_USERAGENT, "ppiofs/" PPIOFS_VERSION) &&
           !curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
}

/* Beside a bundle libcurl also looks into a directory of certificates, if it was built with one,
 * and then keeps no parsed bundle: parsing 144 certificates anew took 17 ms of the main loop for
 * each connection. So the directory is only for systems that have no readable bundle. */
static gboolean set_trust(CURL *easy, const char *cacert)
{
    char *bundle = NULL;

    curl_easy_getinfo(easy, CURLINFO_CAINFO, &bundle);
    if (cacert && (curl_easy_setopt(easy, CURLOPT_CAINFO, cacert) ||
                   curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, cacert)))
        return FALSE;
    if (cacert || (bundle && access(bundle, R_OK) == 0)) {
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
    }
    return TRUE;
}

static CURL *handle_new(const char *cacert)
{
    CURL *easy = curl_easy_init();

    if (easy && (!set_constants(easy) || !set_trust(easy, cacert)))
        g_clear_pointer(&easy, curl_easy_cleanup);
    return easy;
}

static void handle_free(gpointer easy)
{
    curl_easy_cleanup(easy);
}

CurlHandles *curl_handles_new(const char *cacert, guint max_idle)
{
    g_autoptr(CurlHandles) handles = g_new0(CurlHandles, 1);
    CURL *first = handle_new(cacert); /* shows whether libcurl has all that is asked of it */

    handles->idle = g_ptr_array_new_with_free_func(handle_free);
    handles->cacert = g_strdup(cacert);
    handles->max_idle = max_idle;
    if (!first)
        return NULL;
    curl_handles_give_back(handles, first);
    return g_steal_pointer(&handles);
}

CURL *curl_handles_take(CurlHandles *handles)
{
    if (handles->idle->len)
        return g_ptr_array_steal_index_fast(handles->idle, handles->idle->len - 1);
    return handle_new(handles->cacert);
}

void curl_handles_give_back(CurlHandles *handles, CURL *easy)
{
    if (handles->idle->len >= handles->max_idle) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, NULL);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, NULL);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, NULL);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, NULL);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, NULL);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
    g_ptr_array_add(handles->idle, easy);
}

void curl_handles_free(CurlHandles *handles)
{
    if (!handles)
        return;
    g_ptr_array_unref(handles->idle);
    g_free(handles->cacert);
    g_free(handles);
}
