/* SPDX-License-Identifier: MIT */
/* Deadlines are kept here, not by libcurl: it looks at its own before it looks at what has come, so
 * a process that was stopped would throw away an answer that is there; an alarm does not (alarm.h).
 *
 * A GET on a connection that was there before has a nearer deadline, too: after quiet_us without a
 * byte that connection counts as dead. After any deadline the idle connections count as dead.
 *
 * A GET that could not begin has a deadline in the past: its error comes from the main loop. */
#include "ppiofs/http/http.h"

#include "ppiofs/base/alarm.h"
#include "ppiofs/base/error.h"
#include "ppiofs/http/private.h"

#include <errno.h>
#include <sys/resource.h>

/* libcurl's own bound on how long a connection may be idle does not count the time of a suspend. */
#define IDLE_MAX_US (118 * (gint64)G_USEC_PER_SEC)

/* A request takes a socket, and while a name is looked up three more descriptors. */
#define DESCRIPTORS_PER_CONNECTION 4
#define DESCRIPTORS_RESERVED 64

struct Http {
    CurlLoop *loop;
    CurlHandles *handles;
    Alarm *alarm; /* at the earliest deadline, or before */
    const Clock *clock;
    GQueue gets;    /* HttpGet */
    guint64 number; /* of the last GET that was started */
    Bearer *no_key;
    gint64 used; /* when the last GET ended */
    char *proxy;
};

static gint64 due_at(const HttpGet *get)
{
    gboolean bounded = get->reused && get->quiet_us > 0;

    return bounded ? MIN(get->deadline, get->heard + get->quiet_us) : get->deadline;
}

static void watch(HttpGet *get)
{
    Alarm *alarm = get->http->alarm;

    if (due_at(get) < alarm_at(alarm))
        alarm_set(alarm, due_at(get));
}

/* libcurl has a connection, and sends the request now. */
static int on_send(void *data, char *ip, char *local_ip, int port, int local_port)
{
    HttpGet *get = data;

    (void)ip;
    (void)local_ip;
    (void)port;
    (void)local_port;
    get->reused = !get->opened;
    get->heard = clock_now(get->http->clock);
    watch(get);
    return CURL_PREREQFUNC_OK;
}

static curl_socket_t on_open(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    HttpGet *get = data;

    (void)purpose;
    get->opened = TRUE;
    return curl_loop_open_socket(get->http->loop, address, (guint)(get->timeout_us / 1000));
}

/* gzip makes a thousand bytes of one, and libcurl decodes whatever has come in one call. */
gboolean http_may_go_on(HttpGet *get, gsize length)
{
    CurlLoop *loop = get->http->loop;

    get->heard = clock_now(get->http->clock);
    if (get->turn != curl_loop_turn(loop))
        get->turn_bytes = 0;
    get->turn = curl_loop_turn(loop);
    get->turn_bytes += length;
    if (get->turn_bytes <= CURL_LOOP_TURN_BYTES)
        return TRUE;
    curl_loop_yield(loop, get->easy);
    return FALSE;
}

/* FALSE if it could not begin; the reason is in get->error. */
static gboolean get_begin(HttpGet *get)
{
    Http *http = get->http;
    CURL *easy;

    get->parsed = http_url_new(get->url, &get->error);
    if (!get->parsed)
        return FALSE;
    easy = curl_handles_take(http->handles);
    if (easy && get_set_up(get, easy, http->proxy) &&
        !curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send) &&
        !curl_easy_setopt(easy, CURLOPT_PREREQDATA, get) &&
        !curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open) &&
        !curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, get) && curl_loop_add(http->loop, easy))
        return TRUE;
    return error_set(&get->error, PPIOFS_ERROR_NO_MEMORY, "not enough memory for a request to %s",
                     get->parsed->host);
}

static void get_leave(HttpGet *get)
{
    Http *http = get->http;

    g_queue_unlink(&http->gets, &get->link);
    if (get->easy) {
        curl_loop_remove(http->loop, get->easy);
        curl_handles_give_back(http->handles, g_steal_pointer(&get->easy));
    }
    get_tear_down(get);
    http->used = clock_now(http->clock);
    if (g_queue_is_empty(&http->gets)) /* nothing under way: nothing wakes the loop */
        alarm_set(http->alarm, ALARM_NEVER);
}

static void get_end(HttpGet *get, CURLcode result)
{
    get_conclude(get, result);
    get->answer.elapsed_us = clock_now(get->http->clock) - get->started;
    get_leave(get);
    get->done(get);
}

static void on_transfer_done(CURL *easy, CURLcode result, gpointer data)
{
    char *owner = NULL;

    (void)data;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner);
    get_end((HttpGet *)owner, result);
}

/* The first, of those that were started before number @last, whose time is up. */
static HttpGet *find_due(Http *http, gint64 now, guint64 last)
{
    for (GList *link = http->gets.head; link; link = link->next) {
        HttpGet *get = link->data;

        if (get->number <= last && due_at(get) <= now)
            return get;
    }
    return NULL;
}

/* done() may start and cancel others: what it starts waits for the next turn of the loop. */
static void on_alarm(gpointer data)
{
    Http *http = data;
    gint64 now = clock_now(http->clock);
    guint64 last = http->number;
    HttpGet *get;

    while ((get = find_due(http, now, last))) {
        get->went_quiet = get->deadline > now;
        if (get->easy)
            http_drop_idle(http);
        get_end(get, CURLE_OPERATION_TIMEDOUT);
    }
    for (GList *link = http->gets.head; link; link = link->next)
        watch(link->data);
}

Http *http_new(const HttpOptions *options, const Clock *clock, GMainContext *context,
               GError **error)
{
    guint max_connections = MAX(options->max_connections, 1);
    g_autoptr(Http) http = NULL;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        error_set(error, PPIOFS_ERROR_FAILED, "cannot start libcurl");
        return NULL;
    }
    http = g_new0(Http, 1);
    http->clock = clock;
    http->no_key = bearer_new(NULL);
    http->proxy = g_strdup(options->proxy);
    http->handles = curl_handles_new(options->cacert, max_connections);
    http->loop = curl_loop_new(context, max_connections, on_transfer_done, http);
    http->alarm = alarm_new(context, clock, on_alarm, http);
    if (!http->handles || !http->loop) {
        error_set(error, PPIOFS_ERROR_FAILED, "libcurl %s cannot do what ppiofs needs",
                  curl_version_info(CURLVERSION_NOW)->version);
        return NULL;
    }
    return g_steal_pointer(&http);
}

static void reset(HttpGet *get)
{
    *get = (HttpGet){
        .url = get->url,
        .if_none_match = get->if_none_match,
        .bearer = get->bearer,
        .max_body = get->max_body,
        .timeout_us = MAX(get->timeout_us, 1000),
        .quiet_us = get->quiet_us,
        .fresh = get->fresh,
        .done = get->done,
        .data = get->data,
        .body.most = get->max_body,
    };
}

void http_start(Http *http, HttpGet *get)
{
    gint64 now = clock_now(http->clock);

    reset(get);
    get->http = http;
    get->link.data = get;
    get->number = ++http->number;
    get->started = get->heard = now;
    if (!get->bearer)
        get->bearer = http->no_key;
    get->condition.next = bearer_headers(get->bearer);
    if (get->if_none_match)
        get->condition.data = g_strconcat("If-None-Match: ", get->if_none_match, NULL);
    if (now - http->used > IDLE_MAX_US)
        http_drop_idle(http);
    g_queue_push_tail_link(&http->gets, &get->link);
    if (get_begin(get))
        get->deadline = now + get->timeout_us;
    watch(get);
}

void http_cancel(HttpGet *get)
{
    get_leave(get);
    http_clear(get);
}

void http_drop_idle(Http *http)
{
    curl_loop_drop_idle(http->loop);
}

guint http_affordable_connections(guint wanted)
{
    struct rlimit limit;
    rlim_t room;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    room = limit.rlim_cur > DESCRIPTORS_RESERVED ? limit.rlim_cur - DESCRIPTORS_RESERVED : 0;
    room /= DESCRIPTORS_PER_CONNECTION;
    if (room < wanted)
        g_warning("parallel_requests is %u; the limit on open files (ulimit -n) allows no more",
                  (guint)MAX(room, 1));
    return (guint)CLAMP(room, 1, wanted);
}

void http_free(Http *http)
{
    if (!http)
        return;
    while (!g_queue_is_empty(&http->gets))
        http_cancel(http->gets.head->data);
    alarm_free(http->alarm);
    curl_handles_free(http->handles);
    curl_loop_free(http->loop);
    bearer_unref(http->no_key);
    g_free(http->proxy);
    g_free(http);
    curl_global_cleanup();
}
