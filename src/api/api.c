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

static void known_list_free(gpointer data)
{
    KnownList *list = data;

    g_ptr_array_unref(list->pages);
    g_ptr_array_unref(list->records);
    g_free(list);
}

Api *api_new(Http *http, const ApiOptions *options, const Clock *clock)
{
    Api *api = g_new0(Api, 1);

    api->http = http;
    api->clock = clock;
    api->lists = g_hash_table_new_full(NULL, NULL, NULL, known_list_free);
    api->base_url = trim_slashes(options->base_url);
    api->page_size = options->page_size;
    api->timeout_us = options->timeout_us;
    api->flags = options->hide_secrets ? RECORD_HIDE_SECRETS : 0;
    api->bearer = bearer_new(NULL);
    api->gate = gate_new(options->random, options->random_data);
    api->queue = queue_new(api->gate, clock, options->parallel_requests);
    return api;
}

/* What waits for a key is sent again if this is another one, and else ends. */
gboolean api_set_key(Api *api, const char *key)
{
    gboolean is_another = g_strcmp0(bearer_text(api->bearer), key) != 0;

    if (is_another) {
        bearer_unref(api->old_bearer);
        api->old_bearer = api->bearer;
        api->bearer = bearer_new(key);
        queue_release(api->queue);
    } else {
        queue_give_up(api->queue);
    }
    return is_another;
}

void api_on_refused(Api *api, ApiRefused refused, gpointer data)
{
    api->refused = refused;
    api->refused_data = data;
}

void api_cancel(Request *request)
{
    request_cancel(request);
    request_free(request);
}

void api_reset(Api *api)
{
    g_hash_table_remove_all(api->lists);
    gate_reset(api->gate);
    http_drop_idle(api->http);
    queue_wake(api->queue);
}

const ApiStats *api_stats(const Api *api)
{
    return &api->stats;
}

gint64 api_closed_until(const Api *api)
{
    return gate_closed_until(api->gate, clock_now(api->clock));
}

void api_free(Api *api)
{
    if (!api)
        return;
    while (!g_queue_is_empty(&api->requests))
        api_cancel(g_queue_peek_head(&api->requests));
    g_hash_table_unref(api->lists);
    queue_free(api->queue);
    gate_free(api->gate);
    bearer_unref(api->bearer);
    bearer_unref(api->old_bearer);
    g_free(api->base_url);
    g_free(api);
}
