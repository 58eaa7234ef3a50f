/* SPDX-License-Identifier: MIT */
#include "ppiofs/about.h"

#include <unistd.h>

#define N_FILES 7

struct About {
    AboutSubjects subjects;
    const Fs *fs;
    AboutFile files[N_FILES + 1];
    char *last_error;
    gint64 started;
};

static void write_age(GString *out, const ClassStatus *status)
{
    if (status->age_us >= 0)
        g_string_append_printf(out, ", %.1f s old", (double)status->age_us / G_USEC_PER_SEC);
}

/* ppiofs schedules no retry of its own: an access, or the next poll of watch, makes it. */
static void write_trouble(GString *out, const char *name, const ClassStatus *status)
{
    if (!status->absent)
        g_string_append_printf(out, "%s_retry: at the next access", name);
    if (!status->absent && status->next_try_us > 0)
        g_string_append_printf(out, ", not before %.1f s from now",
                               (double)status->next_try_us / G_USEC_PER_SEC);
    g_string_append_printf(out, "%s%s_error: %s\n", status->absent ? "" : "\n", name, status->why);
}

static void write_class(GString *out, const char *name, const ClassStatus *status)
{
    static const char *const states[] = {
        [CLASS_EMPTY] = "not fetched yet",
        [CLASS_FRESH] = "fresh",
        [CLASS_EXPIRED] = "expired (refreshed at the next access)",
        [CLASS_SLOW] = "slow (older data is shown until the API responds)",
        [CLASS_STALE] = "stale (the API fails, older data is shown)",
        [CLASS_FAILED] = "failed (an access returns an error)",
    };

    g_string_append_printf(out, "%s: %s", name,
                           status->absent ? "not offered by this API" : states[status->state]);
    write_age(out, status);
    if (status->in_flight > 0)
        g_string_append_printf(out, ", %u under way", status->in_flight);
    g_string_append_c(out, '\n');
    if (status->why != NULL)
        write_trouble(out, name, status);
}

static const char *overall(ClassState list, ClassState details)
{
    if (list == CLASS_FAILED || (list == CLASS_EMPTY && details == CLASS_FAILED))
        return "failed";
    if (list == CLASS_STALE || details == CLASS_STALE || details == CLASS_FAILED)
        return "stale";
    if (list == CLASS_SLOW || details == CLASS_SLOW)
        return "slow";
    return list == CLASS_EMPTY && details == CLASS_EMPTY ? "idle" : "ok";
}

/* Of the other kinds those that were asked for. */
static void write_kind(GString *out, const Cache *cache)
{
    const Kind *kind = cache_kind(cache);
    ClassStatus list = cache_list_status(cache), details = cache_details_status(cache);

    if (kind == KIND_INSTANCES) {
        g_string_append_printf(out, "instances_cached: %u\n", list.known);
        write_class(out, "list", &list);
        write_class(out, "details", &details);
    } else if (list.state != CLASS_EMPTY || list.in_flight > 0) {
        write_class(out, kind->directory, &list);
    }
}

static void write_status(GString *out, gpointer data)
{
    const About *about = data;
    Cache *const *caches = about->subjects.caches;
    ClassStatus list = cache_list_status(caches[0]);
    ClassStatus details = cache_details_status(caches[0]);
    gint64 closed = api_closed_until(about->subjects.api);
    gint64 now = clock_now(about->subjects.clock);

    g_string_append_printf(out, "state: %s\napi: %s\nprofile: %s\n",
                           overall(list.state, details.state), about->subjects.options->api_url,
                           about->subjects.options->profile);
    for (guint i = 0; caches[i] != NULL; i++)
        write_kind(out, caches[i]);
    if (closed > now)
        g_string_append_printf(out, "paused: no request for %.1f s\n",
                               (double)(closed - now) / G_USEC_PER_SEC);
}

static void write_last_error(GString *out, gpointer data)
{
    const About *about = data;

    g_string_append(out, about->last_error == NULL ? "" : about->last_error);
}

static void write_version(GString *out, gpointer data)
{
    (void)data;
    g_string_append(out, PPIOFS_VERSION "\n");
}

static void write_config(GString *out, gpointer data)
{
    const About *about = data;
    g_autofree char *text = options_print_config(about->subjects.options,
                                                 credentials_source(about->subjects.credentials));

    g_string_append(out, text);
}

static void write_pid(GString *out, gpointer data)
{
    (void)data;
    g_string_append_printf(out, "%d\n", (int)getpid());
}

static void write_entry(GString *out, const char *name, const char *what)
{
    g_string_append_printf(out, "%-25s %s\n", name, what);
}

/* What there is beside the directories of the kinds. */
static const char *const entries[][2] = {
    { "by-name/<name>", "links to instances/; also by-product/, by-region/, by-status/, by-type/" },
    { "tables/", "tables of all objects, with tabs between the columns" },
    { "ssh/config", "for Include in ~/.ssh/config: then ssh NAME.PROFILE works" },
    { "json/<id>.json", "the response of the API for one instance, byte for byte" },
    { "json/<kind>/", "the same of the other kinds" },
    { "changes.log", "the changes since the mount (only with -o watch=SECONDS)" },
    { ".ppiofs/status", "how old the data is, and what is wrong if it is not fresh" },
    { ".ppiofs/last_error", "the last error in one sentence" },
};

static void write_readme(GString *out, gpointer data)
{
    const About *about = data;
    Cache *const *caches = about->subjects.caches;

    g_string_append(out,
                    "This file system shows your account as read-only files: one directory for\n"
                    "each object, named by its id, and in it one file for each field.\n\n");
    for (guint i = 0; caches[i] != NULL; i++) {
        g_autofree char *name = g_strconcat(cache_kind(caches[i])->directory, "/<id>/", NULL);
        write_entry(out, name, cache_kind(caches[i])->about);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(entries); i++)
        write_entry(out, entries[i][0], entries[i][1]);
    g_string_append(out,
                    "\nData older than the option ttl (10 s) is fetched again at the next access;\n"
                    "products, regions and the like may be older.\n"
                    "More: man ppiofs, man ppiofs-tree\n");
}

/* Prometheus text format, version 0.0.4. */
static void write_metric(GString *out, const char *name, const char *type, const char *help)
{
    g_string_append_printf(out, "# HELP ppiofs_%s %s\n# TYPE ppiofs_%s %s\n", name, help, name,
                           type);
}

static void write_value(GString *out, const char *name, guint64 value)
{
    g_string_append_printf(out, "ppiofs_%s %" G_GUINT64_FORMAT "\n", name, value);
}

static void write_fuse_metrics(GString *out, const Fs *fs)
{
    FsStats stats = fs_stats(fs);

    write_metric(out, "fuse_requests_total", "counter", "Kernel requests by kind.");
    for (FsRequestKind kind = 0; kind < FS_N_KINDS; kind++)
        g_string_append_printf(out,
                               "ppiofs_fuse_requests_total{kind=\"%s\"} %" G_GUINT64_FORMAT "\n",
                               fs_request_name(kind), stats.requests[kind]);
    write_metric(out, "operations_interrupted_total", "counter", "Operations ended by a signal.");
    write_value(out, "operations_interrupted_total", stats.interrupted);
    write_metric(out, "operations_timed_out_total", "counter", "Operations whose deadline passed.");
    write_value(out, "operations_timed_out_total", stats.timed_out);
    write_metric(out, "operations_waiting", "gauge", "Operations that wait for the API.");
    write_value(out, "operations_waiting", stats.parked);
    write_metric(out, "kernel_directories", "gauge", "Instance directories that the kernel holds.");
    write_value(out, "kernel_directories", stats.directories);
    write_metric(out, "kernel_versions", "gauge",
                 "Instance versions of which the kernel holds files.");
    write_value(out, "kernel_versions", stats.versions);
    write_metric(out, "kernel_bytes", "gauge", "Memory that these versions take.");
    write_value(out, "kernel_bytes", stats.version_bytes);
}

static void write_api_metrics(GString *out, const ApiStats *stats)
{
    write_metric(out, "api_requests_total", "counter", "Requests sent to the API.");
    write_value(out, "api_requests_total", stats->requests);
    write_metric(out, "api_responses_total", "counter", "Responses of the API by status class.");
    for (guint i = 0; i < G_N_ELEMENTS(stats->answers); i++)
        g_string_append_printf(
            out, "ppiofs_api_responses_total{status=\"%s\"} %" G_GUINT64_FORMAT "\n",
            (const char *const[]){ "none", "1xx", "2xx", "3xx", "4xx", "5xx" }[i],
            stats->answers[i]);
    write_metric(out, "api_bytes_total", "counter", "Bytes of decoded response bodies.");
    write_value(out, "api_bytes_total", stats->bytes);
    write_metric(out, "api_pages_unchanged_total", "counter",
                 "List pages with the same content as before.");
    write_value(out, "api_pages_unchanged_total", stats->pages_unchanged);
    write_metric(out, "api_in_flight", "gauge", "Requests under way.");
    write_value(out, "api_in_flight", stats->in_flight);
    write_metric(out, "api_last_response_seconds", "gauge", "Duration of the last response.");
    g_string_append_printf(out, "ppiofs_api_last_response_seconds %.6f\n",
                           (double)stats->last_elapsed_us / G_USEC_PER_SEC);
}

static void write_state(GString *out, const char *name, const ClassStatus *status)
{
    g_string_append_printf(out, "ppiofs_cache_state{class=\"%s\"} %d\n", name, status->state);
}

static void write_age_value(GString *out, const char *name, const ClassStatus *status)
{
    if (status->age_us >= 0)
        g_string_append_printf(out, "ppiofs_cache_age_seconds{class=\"%s\"} %.3f\n", name,
                               (double)status->age_us / G_USEC_PER_SEC);
}

/* Calls @write for each class of answers that there is, with its name. */
static void for_each_class(GString *out, Cache *const *caches,
                           void (*write)(GString *out, const char *name, const ClassStatus *status))
{
    for (guint i = 0; caches[i] != NULL; i++) {
        const Kind *kind = cache_kind(caches[i]);
        ClassStatus list = cache_list_status(caches[i]);
        ClassStatus details = cache_details_status(caches[i]);

        if (kind == KIND_INSTANCES) {
            write(out, "list", &list);
            write(out, "details", &details);
        } else if (list.state != CLASS_EMPTY) {
            write(out, kind->directory, &list);
        }
    }
}

/* Details, and what is done for them, are of the first alone. */
static CacheStats sum_stats(Cache *const *caches)
{
    CacheStats sum = cache_stats(caches[0]);

    for (guint i = 1; caches[i] != NULL; i++) {
        sum.fetches += cache_stats(caches[i]).fetches;
        sum.cancelled += cache_stats(caches[i]).cancelled;
    }
    return sum;
}

static void write_cache_metrics(GString *out, Cache *const *caches)
{
    CacheStats stats = sum_stats(caches);

    if (cache_kind(caches[0]) == KIND_INSTANCES) {
        write_metric(out, "instances", "gauge", "Instances in the cache.");
        write_value(out, "instances", cache_list_status(caches[0]).known);
    }
    write_metric(out, "cache_state", "gauge",
                 "0 never fetched, 1 fresh, 2 expired, 3 slow, 4 stale, 5 failed.");
    for_each_class(out, caches, write_state);
    write_metric(out, "cache_age_seconds", "gauge", "Age of the cached data, if there is any.");
    for_each_class(out, caches, write_age_value);
    write_metric(out, "fetches_total", "counter", "Fetches of the list or of one instance.");
    write_value(out, "fetches_total", stats.fetches);
    write_metric(out, "fetches_cancelled_total", "counter",
                 "Fetches that were cancelled because no caller waited.");
    write_value(out, "fetches_cancelled_total", stats.cancelled);
    write_metric(out, "read_ahead_total", "counter",
                 "Details fetched ahead of their first access.");
    write_value(out, "read_ahead_total", stats.read_ahead);
    write_metric(out, "read_ahead_unused", "gauge", "Details fetched ahead and not yet read.");
    write_value(out, "read_ahead_unused", stats.read_ahead_unused);
    write_metric(out, "renewed_total", "counter",
                 "Details renewed in the background because they were read lately.");
    write_value(out, "renewed_total", stats.renewed);
    write_metric(out, "detail_bytes", "gauge", "Memory that the details take.");
    write_value(out, "detail_bytes", stats.detail_bytes);
}

static void write_metrics(GString *out, gpointer data)
{
    const About *about = data;

    if (about->fs != NULL)
        write_fuse_metrics(out, about->fs);
    write_api_metrics(out, api_stats(about->subjects.api));
    write_cache_metrics(out, about->subjects.caches);
    write_metric(out, "up_seconds", "gauge", "Time since the mount was made.");
    g_string_append_printf(out, "ppiofs_up_seconds %.1f\n",
                           (double)(clock_now(about->subjects.clock) - about->started) /
                               G_USEC_PER_SEC);
}

About *about_new(const AboutSubjects *subjects)
{
    About *about = g_new0(About, 1);
    const AboutFile files[N_FILES] = {
        { "README", write_readme, about },
        { "config", write_config, about },
        { "last_error", write_last_error, about },
        { "metrics", write_metrics, about },
        { "pid", write_pid, about },
        { "status", write_status, about },
        { "version", write_version, about },
    };

    about->subjects = *subjects;
    about->started = clock_now(subjects->clock);
    for (gsize i = 0; i < N_FILES; i++)
        about->files[i] = files[i];
    return about;
}

void about_set_fs(About *about, const Fs *fs)
{
    about->fs = fs;
}

const AboutFile *about_files(About *about)
{
    return about->files;
}

void about_note_error(const GError *error, gpointer data)
{
    About *about = data;
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");

    g_free(about->last_error);
    about->last_error = g_strdup_printf("%s %s\n", time, error->message);
}

char *about_metrics(About *about)
{
    GString *out = g_string_new(NULL);

    write_metrics(out, about);
    return g_string_free(out, FALSE);
}

void about_free(About *about)
{
    if (about == NULL)
        return;
    g_free(about->last_error);
    g_free(about);
}
