/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/error.h"
#include "ppiofs/base/log.h"
#include "ppiofs/cache/private.h"

/* A list is applied in turns of the loop, so that nobody waits for the whole of it. */
#define TURN_US 5000

static void report_error(Cache *cache, const GError *error)
{
    if (cache->report != NULL)
        cache->report(error, cache->report_data);
}

/* One line for each time that the list goes bad or good again, none in between. */
static void log_list_failed(const Cache *cache, const Trouble *trouble)
{
    gint64 asked = cache->list_known.asked;
    const char *why = trouble->error->message;

    if (asked == 0 || asked < cache->dropped)
        g_log(LOG_DOMAIN_STATE, G_LOG_LEVEL_WARNING, "the list of %s cannot be fetched: %s",
              cache->kind->directory, why);
    else
        g_log(LOG_DOMAIN_STATE, G_LOG_LEVEL_WARNING,
              "the list of %s cannot be refreshed, data is %" G_GINT64_FORMAT " s old: %s",
              cache->kind->directory, (cache_now(cache) - asked) / G_USEC_PER_SEC, why);
}

static void list_failed(Cache *cache, const GError *error)
{
    Trouble *trouble = &cache->list->trouble;
    gboolean news = trouble->error == NULL;

    trouble_note(trouble, error, cache_now(cache), cache->options.negative_ttl);
    trouble->asked = cache->list->started;
    if (news)
        log_list_failed(cache, trouble);
    report_error(cache, error);
}

static void list_recovered(Cache *cache)
{
    if (cache->list->trouble.error != NULL)
        g_log(LOG_DOMAIN_STATE, G_LOG_LEVEL_MESSAGE, "the list of %s can be fetched again",
              cache->kind->directory);
    trouble_clear(&cache->list->trouble);
}

static void details_recovered(Cache *cache)
{
    if (cache->details_failing)
        g_message("%s details can be fetched again", cache->kind->one);
    cache->details_failing = FALSE;
}

/* @overruled: collection_overruled(), before the answer was applied. */
static void tell_changes(Cache *cache, guint64 overruled)
{
    if (collection_overruled(cache->collection) != overruled &&
        cache_now(cache) < cache->kept_until && cache->names_changed != NULL)
        cache->names_changed(cache->names_changed_data);
}

static gboolean collect_shown(gpointer name, gpointer value, gpointer data)
{
    const Resource *resource = value;
    GPtrArray *shown = data;

    if (g_error_matches(resource->trouble.error, PPIOFS_ERROR, PPIOFS_ERROR_NOT_FOUND) &&
        collection_find(resource->cache->collection, name) != NULL)
        g_ptr_array_add(shown, value);
    return FALSE;
}

/* A list that shows an object ends what was remembered of its absence. */
static void forget_absences(Cache *cache)
{
    g_autoptr(GPtrArray) shown = g_ptr_array_new();

    g_tree_foreach(cache->resources, collect_shown, shown);
    for (guint i = 0; i < shown->len; i++)
        trouble_clear(&((Resource *)g_ptr_array_index(shown, i))->trouble);
}

static void list_applied(Cache *cache)
{
    guint64 overruled = cache->overruled_before;

    cache->list_known = cache->list_coming;
    cache->list_duration = cache->list_known.received - cache->list_known.asked;
    cache->singles = 0;
    list_recovered(cache);
    forget_absences(cache);
    tell_changes(cache, overruled);
    if (cache->list_taken != NULL)
        cache->list_taken(cache->list_taken_data);
    if (cache->list->background)
        details_renew(cache);
    resource_finish(cache->list);
}

static gboolean apply_turn(Cache *cache)
{
    gint64 ends = g_get_monotonic_time() + TURN_US;
    gboolean over;

    do { /* one at a time: that may be 20,000 values, each with a line of changes.log */
        over = collection_step_list(cache->collection, 1);
    } while (!over && g_get_monotonic_time() < ends);
    return over;
}

static gboolean on_turn(gpointer data)
{
    Cache *cache = data;

    if (!apply_turn(cache))
        return G_SOURCE_CONTINUE;
    g_clear_pointer(&cache->applying, g_source_unref);
    list_applied(cache);
    return G_SOURCE_REMOVE;
}

/* With the priority of everything else, so that neither waits for the other. */
static void go_on_in_turns(Cache *cache)
{
    cache->applying = g_idle_source_new();
    g_source_set_priority(cache->applying, G_PRIORITY_DEFAULT);
    g_source_set_callback(cache->applying, on_turn, cache, NULL);
    g_source_attach(cache->applying, NULL);
}

/* An API that does not have the list of a kind has none of it. */
static gboolean note_absence(Cache *cache, const GError *error)
{
    gboolean absent = g_error_matches(error, PPIOFS_ERROR, PPIOFS_ERROR_NOT_FOUND);

    if (absent && cache->absent == NULL)
        g_message("the API has no list of %s: %s", cache->kind->directory, error->message);
    g_clear_error(&cache->absent);
    if (absent)
        cache->absent = g_error_copy(error);
    return absent;
}

void cache_take_list(Resource *resource, const CacheList *list, const GError *error)
{
    Cache *cache = resource->cache;
    const AnswerTime time = { list->asked, cache_now(cache), clock_wall(cache->clock) };
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    const CacheList empty = { .asked = list->asked, .records = none, .n_pages = 1 };

    resource->handle = NULL;
    if (note_absence(cache, error)) {
        list = &empty;
    } else if (error != NULL) {
        list_failed(cache, error);
        resource_finish(resource);
        return;
    }
    if (list->warning != NULL)
        report_error(cache, list->warning);
    cache->list_coming = (Known){ time.asked, time.received, 0 };
    cache->list_pages = list->n_pages;
    cache->overruled_before = collection_overruled(cache->collection);
    if (list->unchanged && collection_is_like_list(cache->collection))
        collection_confirm_list(cache->collection, &time);
    else
        collection_begin_list(cache->collection, list->records, &time);
    if (apply_turn(cache))
        list_applied(cache);
    else
        go_on_in_turns(cache);
}

void taken_list_timed_out(Cache *cache)
{
    Resource *list = cache->list;
    g_autoptr(GError) error =
        g_error_new(PPIOFS_ERROR, PPIOFS_ERROR_TIMEOUT,
                    "the list of %s was given up: it did not end in time, or nobody waits for it",
                    cache->kind->directory);

    if (cache_now(cache) < resource_list_ends(cache)) { /* somebody has asked for it since */
        alarm_set(cache->alarm, resource_list_ends(cache));
        return;
    }
    cache->source.cancel(list->handle);
    cache->stats.cancelled++;
    if (list->waiters.length > 0 || list->background)
        cache_take_list(list, &(CacheList){ 0 }, error);
    else
        resource_drop_fetch(list);
}

static void detail_failed(Resource *resource, gint64 asked, const GError *error)
{
    Cache *cache = resource->cache;
    const AnswerTime time = { asked, cache_now(cache), clock_wall(cache->clock) };
    gboolean gone = g_error_matches(error, PPIOFS_ERROR, PPIOFS_ERROR_NOT_FOUND);

    if (gone && !collection_remove(cache->collection, resource->name, &time))
        return; /* an answer that was asked for later shows it: those who wait ask again */
    trouble_note(&resource->trouble, error, time.received, cache->options.negative_ttl);
    resource->trouble.asked = resource->started;
    report_error(cache, error);
    if (gone) {
        details_recovered(cache);
        return;
    }
    if (!cache->details_failing)
        g_warning("%s details cannot be fetched: %s", cache->kind->one, error->message);
    cache->details_failing = TRUE;
}

static void take_record(Resource *resource, Record *record, gint64 asked)
{
    Cache *cache = resource->cache;
    const AnswerTime time = { asked, cache_now(cache), clock_wall(cache->clock) };
    Object *known = collection_find(cache->collection, resource->name);
    gboolean had_full = known != NULL && known->full != NULL;

    trouble_clear(&resource->trouble);
    if (!collection_apply_record(cache->collection, record, &time))
        return;
    cache->detail_asked = MAX(cache->detail_asked, asked);
    details_recovered(cache);
    details_add(cache, collection_find(cache->collection, resource->name), had_full,
                resource->ahead);
}

void cache_take_record(Resource *resource, Record *record, gint64 asked, const GError *error)
{
    Cache *cache = resource->cache;
    guint64 overruled = collection_overruled(cache->collection);

    resource->handle = NULL;
    if (error != NULL)
        detail_failed(resource, asked, error);
    else
        take_record(resource, record, asked);
    tell_changes(cache, overruled);
    resource_finish(resource);
}
