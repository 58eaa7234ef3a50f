/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/private.h"

#include "ppiofs/base/error.h"

#include <string.h>

/* Of one GET, all 1xx answers and trailers included; real ones have 1-2 KiB in 20-40 lines. */
#define HEADER_BYTES_MAX ((gsize)64 * 1024)
#define HEADER_LINES_MAX 512

/* An ETag is sent back, so a peer must not make our requests large. */
#define ETAG_BYTES_MAX 512

/* A cache that says it has had an answer for longer is not believed. */
#define AGE_MAX_S 86400

/* Bytes may come that decode to nothing: a gzip header's comment without end. */
#define UNDECODED_EXTRA_BYTES (64 * 1024)

static GError *too_large_error(const HttpGet *get, const char *what)
{
    return g_error_new(PPIOFS_ERROR, PPIOFS_ERROR_TOO_LARGE, "%s sent a response %s",
                       get->parsed->host, what);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    HttpGet *get = data;

    if (!http_may_go_on(get, size * count))
        return CURL_WRITEFUNC_PAUSE;
    buffer_add(&get->body, bytes, size * count);
    if (!get->body.failed)
        return size * count;
    if (size * count > get->body.most - get->body.length)
        error_set(&get->error, PPIOFS_ERROR_TOO_LARGE,
                  "%s: the response is larger than %" G_GSIZE_FORMAT " bytes", get->parsed->host,
                  get->body.most);
    else
        error_set(&get->error, PPIOFS_ERROR_NO_MEMORY, "%s: not enough memory for the response",
                  get->parsed->host);
    return 0; /* a short count ends the transfer */
}

/* libcurl calls an answer that ends within its headers a good one. */
static void note_header_line(HttpGet *get, const char *bytes, gsize length)
{
    get->header_bytes += length;
    get->header_lines++;
    if (length > 5 && memcmp(bytes, "HTTP/", 5) == 0)
        get->headers_over = FALSE; /* the first line, also after a 1xx */
    else if (length > 0 && (bytes[0] == '\r' || bytes[0] == '\n'))
        get->headers_over = TRUE;
}

/* libcurl adds up the codings of all answers to one GET, those of 1xx too; so does this. */
static size_t on_header(char *bytes, size_t size, size_t count, void *data)
{
    HttpGet *get = data;

    note_header_line(get, bytes, size * count);
    if (get->header_bytes > HEADER_BYTES_MAX || get->header_lines > HEADER_LINES_MAX)
        get->error = too_large_error(get, "with too many headers");
    else if (!coding_note_line(&get->coding, bytes, size * count))
        get->error = g_error_new(
            PPIOFS_ERROR, PPIOFS_ERROR_BAD_ANSWER,
            "%s sent a response with a coding other than gzip, or with several", get->parsed->host);
    return get->error ? 0 : size * count;
}

static int on_progress(void *data, curl_off_t expected, curl_off_t received, curl_off_t to_send,
                       curl_off_t sent)
{
    HttpGet *get = data;

    (void)expected;
    (void)to_send;
    (void)sent;
    if (!get->error && received > 0 &&
        (guint64)received > (guint64)get->max_body + UNDECODED_EXTRA_BYTES)
        get->error = too_large_error(get, "that is too large");
    return get->error != NULL;
}

gboolean get_set_up(HttpGet *get, CURL *easy, const char *proxy)
{
    gboolean plain = get->parsed->plain;
    struct curl_slist *headers =
        get->condition.data ? &get->condition : bearer_headers(get->bearer);
    long timeout_ms = (long)(get->timeout_us / 1000);
    /* Only spares the download of what says beforehand that it is too large. 0 is "no bound". */
    curl_off_t announced_max = (curl_off_t)CLAMP(get->max_body, 1, G_MAXINT64);

    get->easy = easy;
    /* Plain http never leaves the machine: a proxy of the environment would be sent the key. A name
     * that was looked up before a connection died is looked up anew. */
    return !curl_easy_setopt(easy, CURLOPT_URL, get->url) &&
           !curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https") &&
           !curl_easy_setopt(easy, CURLOPT_PROXY, plain ? "" : proxy) &&
           !curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, (long)get->fresh) &&
           !curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, get->fresh ? 0L : 60L) &&
           /* No CURLOPT_TIMEOUT_MS: libcurl would not look at what came while we were stopped. */
           !curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, MAX(timeout_ms, 1L)) &&
           !curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, announced_max) &&
           !curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) &&
           !curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) &&
           !curl_easy_setopt(easy, CURLOPT_WRITEDATA, get) &&
           !curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) &&
           !curl_easy_setopt(easy, CURLOPT_HEADERDATA, get) &&
           !curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress) &&
           !curl_easy_setopt(easy, CURLOPT_XFERINFODATA, get) &&
           !curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, get->detail) &&
           !curl_easy_setopt(easy, CURLOPT_PRIVATE, get);
}

static GError *failure_new(HttpGet *get, CURLcode code)
{
    long os_errno = 0;
    CurlFailure failure = {
        .host = get->parsed->host,
        .detail = get->detail,
        .timeout_us = get->went_quiet ? get->quiet_us : get->timeout_us,
    };

    curl_easy_getinfo(get->easy, CURLINFO_OS_ERRNO, &os_errno);
    failure.os_errno = (int)os_errno;
    return curl_error_new(code, &failure);
}

/* libcurl keeps an unfinished header line, 100 KB of it at most; what is longer it reports as the
 * end of memory. A true end of memory at this very point is taken for such a line. */
static gboolean has_endless_line(HttpGet *get, CURLcode result)
{
    long request_bytes = 0;

    curl_easy_getinfo(get->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    return result == CURLE_OUT_OF_MEMORY && request_bytes > 0 && !get->headers_over;
}

static const char *find_header(HttpGet *get, const char *name)
{
    struct curl_header *header;

    if (curl_easy_header(get->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}

/* One that could not be sent back as it came counts as none. */
static const char *find_etag(HttpGet *get)
{
    const char *etag = find_header(get, "ETag");

    if (!etag || !*etag || strlen(etag) > ETAG_BYTES_MAX)
        return NULL;
    for (const char *at = etag; *at; at++)
        if (g_ascii_iscntrl(*at))
            return NULL;
    return etag;
}

/* A date is measured from the answer's own: this machine's clock may be wrong. */
static gint64 find_retry_after(HttpGet *get)
{
    const char *date = find_header(get, "Date");
    time_t now = date ? curl_getdate(date, NULL) : -1;

    return http_parse_retry_after(find_header(get, "Retry-After"),
                                  now == -1 ? g_get_real_time() / G_USEC_PER_SEC : now);
}

static gint64 find_age(HttpGet *get)
{
    const char *age = find_header(get, "Age");
    guint64 seconds = 0;

    if (!age || !g_ascii_string_to_unsigned(age, 10, 0, AGE_MAX_S, &seconds, NULL))
        return 0;
    return (gint64)seconds * G_USEC_PER_SEC;
}

static void take_answer(HttpGet *get)
{
    long status = 0;

    curl_easy_getinfo(get->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 100 || status > 599) { /* libcurl asks for three digits only */
        get->error = g_error_new(PPIOFS_ERROR, PPIOFS_ERROR_PROTOCOL,
                                 "%s responded with the status %ld", get->parsed->host, status);
        return;
    }
    get->answer = (HttpAnswer){
        .status = (guint)status,
        .body = buffer_take(&get->body),
        .etag = g_strdup(find_etag(get)),
        .retry_after_us = find_retry_after(get),
        .age_us = find_age(get),
    };
}

void get_conclude(HttpGet *get, CURLcode result)
{
    if (get->error) /* a bound of ours; libcurl only saw a short write */
        return;
    if (result == CURLE_OK && !get->headers_over)
        result = CURLE_PARTIAL_FILE;
    if (has_endless_line(get, result))
        get->error = too_large_error(get, "with too many headers");
    else if (result != CURLE_OK)
        get->error = failure_new(get, result);
    else
        take_answer(get);
}

void get_tear_down(HttpGet *get)
{
    g_clear_pointer(&get->condition.data, g_free);
    g_clear_pointer(&get->parsed, http_url_free);
    buffer_clear(&get->body);
}

void http_clear(HttpGet *get)
{
    g_clear_error(&get->error);
    g_clear_pointer(&get->answer.body, g_bytes_unref);
    g_clear_pointer(&get->answer.etag, g_free);
    get->answer = (HttpAnswer){ 0 };
}
