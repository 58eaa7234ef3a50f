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
    g_string_append_printf(out, "%s_retry: at the next access", name);
    if (status->next_try_us > 0)
        g_string_append_printf(out, ", not before %.1f s from now",
                               (double)status->next_try_us / G_USEC_PER_SEC);
    g_string_append_printf(out, "\n%s_error: %s\n", name, status->why);
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

    g_string_append_printf(out, "%s: %s", name, states[status->state]);
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

static void write_status(GString *out, gpointer data)
{
    const About *about = data;
    ClassStatus list = cache_list_status(about->subjects.cache);
    ClassStatus details = cache_details_status(about->subjects.cache);
    gint64 closed = api_closed_until(about->subjects.api);
    gint64 now = clock_now(about->subjects.clock);

    g_string_append_printf(out, "state: %s\napi: %s\nprofile: %s\ninstances_cached: %u\n",
                           overall(list.state, details.state), about->subjects.options->api_url,
                           about->subjects.options->profile, list.known);
    write_class(out, "list", &list);
    write_class(out, "details", &details);
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

static void write_readme(GString *out, gpointer data)
{
    (void)data;
    g_string_append(
        out, "This file system shows the GPU instances of your account as read-only files.\n\n"
             "instances/<id>/      one directory per instance: status, image, ssh_command, ...\n"
             "by-name/<name>       links to these directories; also by-status/, by-region/,\n"
             "                     by-type/\n"
             "tables/              one table of all instances, with tabs between the columns\n"
             "ssh/config           for Include in ~/.ssh/config: then ssh NAME.PROFILE works\n"
             "json/<id>.json       the response of the API for one instance, byte for byte\n"
             "changes.log          the changes since the mount (only with -o watch=SECONDS)\n"
             ".ppiofs/status       how old the data is, and what is wrong if it is not fresh\n"
             ".ppiofs/last_error   the last error in one sentence\n\n"
             "Data older than the option ttl (10 s) is fetched again at the next access.\n"
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

static void write_cache_metrics(GString *out, Cache *cache)
{
    CacheStats stats = cache_stats(cache);
    ClassStatus list = cache_list_status(cache), details = cache_details_status(cache);

    write_metric(out, "instances", "gauge", "Instances in the cache.");
    write_value(out, "instances", list.known);
    write_metric(out, "cache_state", "gauge",
                 "0 never fetched, 1 fresh, 2 expired, 3 slow, 4 stale, 5 failed.");
    write_state(out, "list", &list);
    write_state(out, "details", &details);
    write_metric(out, "cache_age_seconds", "gauge", "Age of the cached data, if there is any.");
    write_age_value(out, "list", &list);
    write_age_value(out, "details", &details);
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
    write_cache_metrics(out, about->subjects.cache);
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
