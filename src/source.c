/* SPDX-License-Identifier: MIT */
#include "ppiofs/source.h"

#include "ppiofs/base/error.h"

/* A refused key is looked for again at most that often: it may take a command to get it. */
#define RELOAD_EVERY_US G_USEC_PER_SEC

struct Source {
    Api *api;
    Credentials *credentials;
    const Clock *clock;
    GMainContext *context;
    gboolean reloading;
    gint64 reloaded; /* monotonic */
    GQueue refused;  /* Fetch: what waits for the key */
};

/* One fetch of the cache on its way through the API. */
typedef struct {
    Source *source;
    CacheFetch *cache_fetch;
    char *id;       /* NULL: the list */
    ApiCall *call;  /* NULL while it waits for the key */
    GError *denied; /* the answer, if the key turns out to be the same */
    GList link;
} Fetch;

static void start(Fetch *fetch);

static void fetch_free(Fetch *fetch)
{
    g_free(fetch->id);
    g_clear_error(&fetch->denied);
    g_free(fetch);
}

static void fail(Fetch *fetch, const GError *error)
{
    if (fetch->id == NULL)
        cache_take_list(fetch->cache_fetch, NULL, FALSE, 0, error);
    else
        cache_take_record(fetch->cache_fetch, NULL, error);
    fetch_free(fetch);
}

static void reloaded(gboolean changed, const GError *error, gpointer data)
{
    Source *source = data;
    guint n = source->refused.length;

    source->reloading = FALSE;
    source->reloaded = clock_now(source->clock);
    if (error != NULL)
        g_warning("the API key could not be read again, the old one stays: %s", error->message);
    if (changed) {
        g_message("a new API key is in use, from %s", credentials_source(source->credentials));
        api_set_key(source->api, credentials_key(source->credentials));
        api_reset(source->api);
    }
    /* What one of them leads to may cancel another, or refuse a new one. */
    while (n-- > 0 && source->refused.length > 0) {
        Fetch *fetch = g_queue_pop_head_link(&source->refused)->data;
        if (changed)
            start(fetch);
        else
            fail(fetch, fetch->denied);
    }
}

void source_reload_key(Source *source)
{
    if (source->reloading)
        return;
    source->reloading = TRUE;
    credentials_reload(source->credentials, source->context, reloaded, source);
}

/* Whether the fetch now waits for the key to be read again. */
static gboolean try_another_key(Fetch *fetch, const GError *error)
{
    Source *source = fetch->source;
    gboolean recently =
        source->reloaded != 0 && clock_now(source->clock) - source->reloaded < RELOAD_EVERY_US;

    if (!g_error_matches(error, PPIOFS_ERROR, PPIOFS_ERROR_DENIED) || fetch->denied != NULL ||
        (recently && !source->reloading))
        return FALSE;
    fetch->denied = g_error_copy(error);
    fetch->call = NULL;
    fetch->link.data = fetch;
    g_queue_push_tail_link(&source->refused, &fetch->link);
    source_reload_key(source);
    return TRUE;
}

static void list_done(const ApiList *list, const GError *error, gpointer data)
{
    Fetch *fetch = data;

    if (error != NULL && try_another_key(fetch, error))
        return;
    if (error != NULL) {
        fail(fetch, error);
        return;
    }
    cache_take_list(fetch->cache_fetch, list->records, list->unchanged, list->n_pages, NULL);
    fetch_free(fetch);
}

static void record_done(Record *record, const GError *error, gpointer data)
{
    Fetch *fetch = data;

    if (error != NULL && try_another_key(fetch, error))
        return;
    if (error != NULL) {
        fail(fetch, error);
        return;
    }
    cache_take_record(fetch->cache_fetch, record, NULL);
    fetch_free(fetch);
}

static void start(Fetch *fetch)
{
    Api *api = fetch->source->api;

    if (fetch->id == NULL)
        fetch->call = api_list(api, list_done, fetch);
    else
        fetch->call = api_get(api, fetch->id, record_done, fetch);
}

static Fetch *fetch_new(Source *source, const char *id, CacheFetch *cache_fetch)
{
    Fetch *fetch = g_new0(Fetch, 1);

    fetch->source = source;
    fetch->id = g_strdup(id);
    fetch->cache_fetch = cache_fetch;
    return fetch;
}

static gpointer source_list(gpointer data, CacheFetch *cache_fetch)
{
    Fetch *fetch = fetch_new(data, NULL, cache_fetch);

    start(fetch);
    return fetch;
}

static gpointer source_get(gpointer data, const char *id, CacheFetch *cache_fetch)
{
    Fetch *fetch = fetch_new(data, id, cache_fetch);

    start(fetch);
    return fetch;
}

static void source_cancel(gpointer handle)
{
    Fetch *fetch = handle;

    if (fetch->call != NULL)
        api_cancel(fetch->call);
    else
        g_queue_unlink(&fetch->source->refused, &fetch->link);
    fetch_free(fetch);
}

Source *source_new(Api *api, Credentials *credentials, const Clock *clock, GMainContext *context)
{
    Source *source = g_new0(Source, 1);

    source->api = api;
    source->credentials = credentials;
    source->clock = clock;
    source->context = context;
    return source;
}

CacheSource source_functions(Source *source)
{
    return (CacheSource){
        .list = source_list, .get = source_get, .cancel = source_cancel, .data = source
    };
}

void source_free(Source *source)
{
    g_free(source);
}
