/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/transfer.h"

#include "ppiofs/base/error.h"
#include "ppiofs/http/curl_error.h"

#include <string.h>

/* Of one call, all 1xx answers and trailers included; real ones have 1-2 KiB in 20-40 lines. */
#define HEADER_BYTES_MAX ((gsize)64 * 1024)
#define HEADER_LINES_MAX 512

/* An ETag is sent back, so a peer must not make our requests large. */
#define ETAG_BYTES_MAX 512

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    Transfer *transfer = data;

    if (body_append(&transfer->body, bytes, size * count, &transfer->error))
        return size * count;
    g_prefix_error(&transfer->error, "%s: ", transfer->url->host);
    return 0; /* a short count ends the transfer */
}

static GError *endless_headers_error(const Transfer *transfer)
{
    return g_error_new(PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE,
                       "%s sent an answer with endless headers", transfer->url->host);
}

/* libcurl calls an answer that ends within its headers a good one. */
static void note_header_line(Transfer *transfer, const char *bytes, gsize length)
{
    transfer->header_bytes += length;
    transfer->header_lines++;
    if (length > 5 && memcmp(bytes, "HTTP/", 5) == 0)
        transfer->headers_over = FALSE; /* the first line, also after a 1xx */
    else if (length > 0 && (bytes[0] == '\r' || bytes[0] == '\n'))
        transfer->headers_over = TRUE;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *data)
{
    Transfer *transfer = data;

    note_header_line(transfer, bytes, size * count);
    if (transfer->header_bytes <= HEADER_BYTES_MAX && transfer->header_lines <= HEADER_LINES_MAX)
        return size * count;
    transfer->error = endless_headers_error(transfer);
    return 0;
}

gboolean transfer_init(Transfer *transfer, const char *url, const char *if_none_match,
                       Headers *headers, guint timeout_ms, gsize max_body)
{
    *transfer = (Transfer){ .body.max = max_body };
    transfer->timeout_ms = CLAMP(timeout_ms, 1, G_MAXINT); /* 0 is "for ever" to libcurl */
    transfer->headers = headers_ref(headers);
    transfer->if_none_match.next = headers_list(headers);
    if (if_none_match)
        transfer->if_none_match.data = g_strconcat("If-None-Match: ", if_none_match, NULL);
    transfer->url = http_url_new(url, &transfer->error);
    return transfer->url != NULL;
}

/* Plain http never leaves the machine: a proxy of the environment would be sent the key. */
static gboolean set_route(Transfer *transfer, const char *url, const char *proxy)
{
    CURL *easy = transfer->easy;
    gboolean plain = transfer->url->plain;

    return !curl_easy_setopt(easy, CURLOPT_URL, url) &&
           !curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https") &&
           !curl_easy_setopt(easy, CURLOPT_PROXY, plain ? "" : proxy);
}

static gboolean set_bounds(Transfer *transfer)
{
    CURL *easy = transfer->easy;
    long timeout_ms = (long)transfer->timeout_ms;
    /* Only spares the download of what says beforehand that it is too large. 0 is "no bound". */
    curl_off_t announced_max = (curl_off_t)CLAMP(transfer->body.max, 1, G_MAXINT64);

    return !curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms) &&
           !curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms) &&
           !curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, announced_max);
}

static gboolean set_targets(Transfer *transfer, gpointer owner)
{
    CURL *easy = transfer->easy;
    struct curl_slist *list =
        transfer->if_none_match.data ? &transfer->if_none_match : transfer->if_none_match.next;

    return !curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list) &&
           !curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) &&
           !curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) &&
           !curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) &&
           !curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer) &&
           !curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->detail) &&
           !curl_easy_setopt(easy, CURLOPT_PRIVATE, owner);
}

gboolean transfer_set_up(Transfer *transfer, CURL *easy, const char *url, const char *proxy,
                         gpointer owner)
{
    transfer->easy = easy;
    return set_route(transfer, url, proxy) && set_bounds(transfer) && set_targets(transfer, owner);
}

static GError *failure_new(Transfer *transfer, CURLcode code)
{
    long os_errno = 0;
    CurlFailure failure = {
        .host = transfer->url->host,
        .detail = transfer->detail,
        .timeout_ms = transfer->timeout_ms,
    };

    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &os_errno);
    failure.os_errno = (int)os_errno;
    return curl_error_new(code, &failure);
}

/* libcurl keeps an unfinished header line, 100 KB of it at most; what is longer it reports as the
 * end of memory. A true end of memory at this very point is taken for such a line. */
static gboolean has_endless_line(Transfer *transfer, CURLcode result)
{
    long request_bytes = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    return result == CURLE_OUT_OF_MEMORY && request_bytes > 0 && !transfer->headers_over;
}

void transfer_conclude(Transfer *transfer, CURLcode result)
{
    long status = 0;

    if (transfer->error) /* a bound of ours; libcurl only saw a short write */
        return;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result == CURLE_OK && !transfer->headers_over)
        result = CURLE_PARTIAL_FILE;
    if (has_endless_line(transfer, result))
        transfer->error = endless_headers_error(transfer);
    else if (result != CURLE_OK)
        transfer->error = failure_new(transfer, result);
    else if (status < 100 || status > 599) /* libcurl asks for three digits only */
        transfer->error =
            g_error_new(PPIOFS_ERROR, PPIOFS_ERROR_PROTOCOL, "%s answered with the status %ld",
                        transfer->url->host, status);
}

static const char *find_header(Transfer *transfer, const char *name)
{
    struct curl_header *header;

    if (curl_easy_header(transfer->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}

/* One that could not be sent back as it came counts as none. */
static const char *find_etag(Transfer *transfer)
{
    const char *etag = find_header(transfer, "ETag");

    if (!etag || !*etag || strlen(etag) > ETAG_BYTES_MAX)
        return NULL;
    for (const char *at = etag; *at; at++)
        if (g_ascii_iscntrl(*at))
            return NULL;
    return etag;
}

void transfer_get_answer(Transfer *transfer, HttpAnswer *ret_answer)
{
    gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
    long status = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    *ret_answer = (HttpAnswer){
        .status = (guint)status,
        .body = transfer->body.bytes ? transfer->body.bytes : "",
        .length = transfer->body.length,
        .etag = find_etag(transfer),
        .retry_after_us = http_parse_retry_after(find_header(transfer, "Retry-After"), now_s),
    };
}

void transfer_clear(Transfer *transfer)
{
    g_clear_pointer(&transfer->headers, headers_unref);
    g_clear_pointer(&transfer->if_none_match.data, g_free);
    g_clear_pointer(&transfer->url, http_url_free);
    body_clear(&transfer->body);
    g_clear_error(&transfer->error);
}
