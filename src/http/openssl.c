/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/private.h"

#include <dlfcn.h>

/* From OpenSSL's headers; they are part of its binary interface. */
#define CTRL_CLEAR_MODE 78
#define MODE_AUTO_RETRY 4L
#define VERIFY_PEER 1
#define SUBJECT_ALTERNATIVE_NAME 85
#define ERROR_HOST_NAME_MISMATCH 62

static void *find(const char *name)
{
    return dlsym(RTLD_DEFAULT, name);
}

/* Called for each certificate of the chain; depth 0 is the server's. libcurl takes its common name
 * for a host name when it has no alternative name. RFC 6125 and every browser refuse that. */
static int on_certificate(int good, void *store)
{
    int (*depth)(void *) = NULL, (*find_extension)(void *, int, int) = NULL;
    void *(*current)(void *) = NULL;
    void (*set_error)(void *, int) = NULL;

    *(void **)&depth = find("X509_STORE_CTX_get_error_depth");
    *(void **)&current = find("X509_STORE_CTX_get_current_cert");
    *(void **)&find_extension = find("X509_get_ext_by_NID");
    *(void **)&set_error = find("X509_STORE_CTX_set_error");
    if (!good || depth == NULL || current == NULL || find_extension == NULL || set_error == NULL ||
        depth(store) != 0 || find_extension(current(store), SUBJECT_ALTERNATIVE_NAME, -1) >= 0)
        return good;
    set_error(store, ERROR_HOST_NAME_MISMATCH);
    return 0;
}

static CURLcode on_context(CURL *easy, void *context, void *data)
{
    long (*control)(void *, int, long, void *) = NULL;
    void (*set_verify)(void *, int, int (*)(int, void *)) = NULL;

    (void)easy;
    (void)data;
    *(void **)&control = find("SSL_CTX_ctrl");
    *(void **)&set_verify = find("SSL_CTX_set_verify");
    /* A server may send session tickets without end, and SSL_read() would not return until there
     * is something else. */
    if (control != NULL)
        control(context, CTRL_CLEAR_MODE, MODE_AUTO_RETRY, NULL);
    if (set_verify != NULL)
        set_verify(context, VERIFY_PEER, on_certificate);
    return CURLE_OK;
}

gboolean openssl_set_up(CURL *easy)
{
    const char *tls = curl_version_info(CURLVERSION_NOW)->ssl_version;

    return tls == NULL || !g_str_has_prefix(tls, "OpenSSL/") ||
           curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_context) == CURLE_OK;
}
