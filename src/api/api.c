/* SPDX-License-Identifier: MIT */
#include "ppiofs/api/private.h"

#include <string.h>

/* "https://host/" and "https://host" are the same to users. */
static char *trim_slashes(const char *url)
{
    gsize length = strlen(url);

    while (length > 0 && url[length - 1] == '/')
        length--;
    return g_strndup(url, length);
}

Api *api_new(Http *http, const ApiOptions *options, const Clock *clock)
{
    Api *api = g_new0(Api, 1);
    RequestsOptions requests_options = {
        .parallel_requests = options->parallel_requests,
        .timeout_us = options->timeout_us,
    };

    api->base_url = trim_slashes(options->base_url);
    api->requests = requests_new(http, clock, &api->stats, &requests_options);
    api->clock = clock;
    api->page_size = options->page_size;
    api->flags = options->hide_secrets ? RECORD_HIDE_SECRETS : 0;
    return api;
}

static void forget_pages(Api *api)
{
    g_clear_pointer(&api->pages, g_ptr_array_unref);
    g_clear_pointer(&api->records, g_ptr_array_unref);
}

gboolean api_set_key(Api *api, const char *key)
{
    return requests_set_key(api->requests, key);
}

void api_on_refused(Api *api, ApiRefused refused, gpointer data)
{
    requests_on_refused(api->requests, refused, data);
}

void call_begin(ApiCall *call, Api *api, void (*free_call)(ApiCall *call), gpointer data)
{
    call->api = api;
    call->data = data;
    call->free = free_call;
    call->link.data = call;
    g_queue_push_tail_link(&api->calls, &call->link);
}

void call_end(ApiCall *call)
{
    g_queue_unlink(&call->api->calls, &call->link);
    request_clear(&call->request);
    call->free(call);
}

void api_cancel(ApiCall *call)
{
    request_cancel(&call->request);
    call_end(call);
}

void api_reset(Api *api)
{
    forget_pages(api);
    requests_reset(api->requests);
}

const ApiStats *api_stats(const Api *api)
{
    return &api->stats;
}

gint64 api_closed_until(const Api *api)
{
    return requests_closed_until(api->requests);
}

void api_free(Api *api)
{
    if (!api)
        return;
    while (!g_queue_is_empty(&api->calls))
        api_cancel(g_queue_peek_head(&api->calls));
    requests_free(api->requests);
    forget_pages(api);
    g_free(api->base_url);
    g_free(api);
}
