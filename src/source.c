/* SPDX-License-Identifier: MIT */
#include "ppiofs/source.h"

/* A command that prints the key is run again for a refused one at most that often, and the wait
 * doubles with each time that brought the same key. */
#define RELOAD_EVERY_US G_USEC_PER_SEC
#define RELOAD_MOST_US (60 * (gint64)G_USEC_PER_SEC)

struct Source {
    Api *api;
    Credentials *credentials;
    const Clock *clock;
    GMainContext *context;
    gboolean reloading;
    gint64 reload_at; /* not before */
    gint64 wait_us;   /* after the next that brings the same key */
};

static void on_reloaded(gboolean changed, const GError *error, gpointer data)
{
    Source *source = data;

    source->reloading = FALSE;
    source->reload_at = clock_now(source->clock) + source->wait_us;
    if (changed || !credentials_runs_command(source->credentials))
        source->wait_us = RELOAD_EVERY_US;
    else
        source->wait_us = MIN(2 * source->wait_us, RELOAD_MOST_US);
    if (error != NULL)
        g_warning("cannot read the API key again; ppiofs keeps the old key: %s", error->message);
    if (changed)
        g_message("using a new API key from %s", credentials_source(source->credentials));
    api_set_key(source->api, credentials_key(source->credentials));
}

static void reload(Source *source)
{
    if (source->reloading)
        return;
    source->reloading = TRUE;
    credentials_reload(source->credentials, source->context, on_reloaded, source);
}

static gboolean on_refused(gpointer data)
{
    Source *source = data;

    /* To read a file again costs nothing; it may have changed twice within a second. */
    if (!credentials_runs_command(source->credentials) ||
        clock_now(source->clock) >= source->reload_at)
        reload(source);
    return source->reloading;
}

void source_reload_key(Source *source)
{
    source->wait_us = RELOAD_EVERY_US;
    reload(source);
}

static void on_list(const ApiList *list, const GError *error, gpointer data)
{
    const CacheList taken = { list->asked, list->records, list->unchanged, list->n_pages,
                              list->warning };

    cache_take_list(data, &taken, error);
}

static void on_record(Record *record, gint64 asked, const GError *error, gpointer data)
{
    cache_take_record(data, record, asked, error);
}

static gpointer source_list(gpointer data, const Kind *kind, Resource *resource)
{
    Source *source = data;

    return api_list(source->api, kind, on_list, resource);
}

static gpointer source_get(gpointer data, const Kind *kind, const CacheWanted *wanted,
                           Resource *resource)
{
    Source *source = data;

    return api_get(source->api, kind, wanted->id, !wanted->unknown, wanted->share, on_record,
                   resource);
}

static void source_cancel(gpointer handle)
{
    api_cancel(handle);
}

Source *source_new(Api *api, Credentials *credentials, const Clock *clock, GMainContext *context)
{
    Source *source = g_new0(Source, 1);

    source->api = api;
    source->credentials = credentials;
    source->clock = clock;
    source->context = context;
    source->wait_us = RELOAD_EVERY_US;
    api_set_key(api, credentials_key(credentials));
    api_on_refused(api, on_refused, source);
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
