/* SPDX-License-Identifier: MIT */
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "ppiofs/about.h"
#include "ppiofs/base/error.h"
#include "ppiofs/base/hash.h"
#include "ppiofs/base/log.h"
#include "ppiofs/base/sleep.h"
#include "ppiofs/check.h"
#include "ppiofs/credentials.h"
#include "ppiofs/daemon.h"
#include "ppiofs/fs/detach.h"
#include "ppiofs/fs/place.h"
#include "ppiofs/fs/session.h"
#include "ppiofs/options.h"
#include "ppiofs/privilege.h"
#include "ppiofs/refresh.h"
#include "ppiofs/service.h"
#include "ppiofs/source.h"
#include "ppiofs/view/view.h"
#include "ppiofs/watch.h"

#define EXIT_MOUNT_HELPER 32 /* mount(8): mount failure */

/* The parts, in the order in which they are made. */
typedef struct {
    const Options *options;
    Log *log;
    GMainLoop *loop;
    Daemon *daemon;
    KeepFile *keep;  /* NULL: nobody goes on with this mount after a crash */
    gboolean adopts; /* goes on with the mount of another process */
    int fuse_fd;     /* of that one, until the session has it; else -1 */
    Service *service;
    Http *http;
    Api *api;
    Source *source;
    Cache **caches; /* one for each kind that is shown; ends with NULL */
    Watch *watch;   /* NULL without -o watch */
    About *about;
    Fs *fs;
    Session *session;
    SleepWatch *sleep;
    gboolean aborted; /* somebody cut the connection to the kernel */
} App;

static gboolean on_terminate(gpointer data)
{
    App *app = data;

    g_main_loop_quit(app->loop);
    return G_SOURCE_CONTINUE;
}

static gboolean on_hangup(gpointer data)
{
    App *app = data;

    if (daemon_lost_terminal(app->daemon))
        return on_terminate(app);
    g_message("dropped all cached data; reading the key again");
    for (guint i = 0; app->caches[i] != NULL; i++)
        cache_drop(app->caches[i]);
    api_reset(app->api);
    source_reload_key(app->source);
    session_forget_names(app->session);
    return G_SOURCE_CONTINUE;
}

static gboolean on_statistics(gpointer data)
{
    App *app = data;
    g_autofree char *text = about_metrics(app->about);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (gsize i = 0; lines[i] != NULL; i++)
        if (*lines[i] != '\0' && *lines[i] != '#')
            g_message("%s", lines[i]);
    return G_SOURCE_CONTINUE;
}

static gboolean on_log_level(gpointer data)
{
    App *app = data;

    g_message("log level is now %s", log_level_name(log_step_level(app->log)));
    return G_SOURCE_CONTINUE;
}

static void catch_signals(App *app)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* "ulimit -f" counts what is kept in memory, too */
    g_unix_signal_add(SIGTERM, on_terminate, app);
    g_unix_signal_add(SIGINT, on_terminate, app);
    g_unix_signal_add(SIGHUP, on_hangup, app);
    g_unix_signal_add(SIGUSR1, on_statistics, app);
    g_unix_signal_add(SIGUSR2, on_log_level, app);
}

static void on_ended(gboolean aborted, gpointer data)
{
    App *app = data;

    app->aborted = aborted;
    g_main_loop_quit(app->loop);
}

static void on_live(gpointer data)
{
    App *app = data;
    Handover handover;

    if (!app->options->foreground && !app->adopts)
        log_to_syslog(app->log, _PATH_LOG);
    g_message(app->adopts ? "continues the mount at %s" : "mounted at %s",
              app->options->mountpoint);
    if (!app->adopts && session_handover(app->session, &handover)) {
        service_store(app->service, &handover);
        if (daemon_worker(app->daemon) != NULL)
            worker_give(daemon_worker(app->daemon), &handover);
    }
    daemon_ready(app->daemon);
    service_ready(app->service);
}

static void on_watch_change(gpointer data)
{
    App *app = data;

    session_forget_names(app->session);
}

static void on_names_changed(gpointer data)
{
    App *app = data;

    session_expire_names(app->session);
}

/* What the kernel keeps is older than it thinks, and connections have died meanwhile. */
static void on_slept(gpointer data)
{
    App *app = data;

    g_message("the machine slept; renewing names and connections");
    http_drop_idle(app->http);
    session_forget_names(app->session);
}

static void on_operation(gpointer data)
{
    App *app = data;

    sleep_watch_look(app->sleep);
}

static gboolean make_client(App *app, Credentials *credentials, GError **error)
{
    const Options *options = app->options;
    guint parallel = http_affordable_connections(options->parallel_requests);
    const HttpOptions http = { .cacert = options->cacert,
                               .proxy = options->proxy,
                               .max_connections = parallel };
    const ApiOptions api = { .base_url = options->api_url,
                             .page_size = options->page_size,
                             .parallel_requests = parallel,
                             .timeout_us = options->timeout_us,
                             .hide_secrets = options->secrets == SECRETS_HIDE };

    app->http = http_new(&http, clock_system(), NULL, error);
    if (app->http == NULL)
        return FALSE;
    app->api = api_new(app->http, &api, clock_system());
    app->source = source_new(app->api, credentials, clock_system(), NULL);
    return TRUE;
}

/* Of those that are shown and in @set; ends with NULL. (transfer container) */
static Cache **caches_in(const App *app, guint set)
{
    GPtrArray *some = g_ptr_array_new();

    for (guint i = 0; app->caches[i] != NULL; i++)
        if (set & 1u << (cache_kind(app->caches[i]) - kinds))
            g_ptr_array_add(some, app->caches[i]);
    g_ptr_array_add(some, NULL);
    return (Cache **)g_ptr_array_free(some, FALSE);
}

static void make_watch(App *app)
{
    g_autofree Cache **watched = caches_in(app, app->options->watch_kinds);

    if (app->options->watch_us == 0)
        return;
    app->watch = watch_new(watched, app->options->watch_us, clock_system(), NULL);
    watch_on_change(app->watch, on_watch_change, app);
}

static void make_caches(App *app)
{
    const Options *options = app->options;
    const CacheOptions cache = { .ttl = options->ttl_us,
                                 .detail_ttl = options->detail_ttl_us,
                                 .negative_ttl = options->negative_ttl_us,
                                 .max_stale = options->max_stale_us,
                                 .patience = options->patience_us,
                                 .timeout = options->timeout_us,
                                 .max_requests = options->parallel_requests };
    const CacheSource source = source_functions(app->source);
    guint n = 0;

    app->caches = g_new0(Cache *, n_kinds + 1);
    for (guint i = 0; i < n_kinds; i++) {
        if (!(options->kinds & 1u << i))
            continue;
        app->caches[n] = cache_new(&cache, &kinds[i], &source, clock_system());
        cache_on_names_changed(app->caches[n++], on_names_changed, app);
    }
    make_watch(app);
}

static void make_fs(App *app, Credentials *credentials)
{
    const Options *options = app->options;
    const AboutSubjects subjects = { options, credentials, app->caches, app->api, clock_system() };

    app->about = about_new(&subjects);
    for (guint i = 0; app->caches[i] != NULL; i++)
        cache_on_error(app->caches[i], about_note_error, app->about);

    const FsOptions fs = { .timeout_us = options->timeout_us,
                           .patience_us = options->patience_us,
                           .uid = options->uid,
                           .gid = options->gid,
                           .umask = options->umask,
                           .hide_secrets = options->secrets == SECRETS_HIDE,
                           .view = { options->profile, options->ssh_names == SSH_NAMES_SHORT },
                           .growing = app->watch == NULL ? NULL : watch_log(app->watch),
                           .about = about_files(app->about) };
    app->fs = fs_new(app->caches, &fs, clock_system(), NULL);
    about_set_fs(app->about, app->fs);
}

/* The mount of the process before, which this one cannot go on with. */
static void give_up(App *app)
{
    OwnMount mount = { 0 };

    close(app->fuse_fd);
    if (own_mount_of_keep(&mount, app->keep))
        own_mount_detach(&mount);
    own_mount_clear(&mount);
}

/* The last made goes first; each knows only those made before it. */
static void app_clear(App *app)
{
    if (app->session != NULL)
        service_forget();
    if (app->fs != NULL)
        fs_answer_all(app->fs);
    session_free(app->session);
    if (app->fuse_fd >= 0)
        give_up(app);
    fs_free(app->fs);
    sleep_watch_free(app->sleep);
    watch_free(app->watch);
    for (guint i = 0; app->caches != NULL && app->caches[i] != NULL; i++)
        cache_free(app->caches[i]);
    g_free(app->caches);
    about_free(app->about);
    source_free(app->source);
    api_free(app->api);
    http_free(app->http);
    service_free(app->service);
    keep_free(app->keep);
    daemon_free(app->daemon);
    g_clear_pointer(&app->loop, g_main_loop_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(App, app_clear)

/* One that comes while fusermount3 mounts would end it, or this process, and leave a dead mount. It
 * waits until the loop runs. */
static gboolean mount_uninterrupted(App *app, const Place *place, GError **error)
{
    static const SessionEvents events = { .live = on_live, .ended = on_ended };
    const SessionOptions options = { .place = place,
                                     .keep = app->keep,
                                     .fuse_fd = app->fuse_fd,
                                     .fsname = app->options->fsname,
                                     .allow_other = app->options->allow_other,
                                     .auto_unmount = app->options->auto_unmount };
    sigset_t ends, before;

    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &ends, &before);
    app->session = session_new(app->fs, &options, NULL, &events, app, error);
    app->fuse_fd = -1;
    if (app->session != NULL)
        daemon_mounted(app->daemon);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return app->session != NULL;
}

static gboolean serve(App *app, GError **error)
{
    app->sleep = sleep_watch_new(NULL, on_slept, app);
    fs_on_operation(app->fs, on_operation, app);
    g_main_loop_run(app->loop);
    if (app->aborted)
        error_set(error, PPIOFS_ERROR_FAILED,
                  "%s: the connection to the kernel was aborted (by /sys/fs/fuse/connections, for "
                  "example); mount again",
                  app->options->mountpoint);
    return !app->aborted;
}

static gboolean start_daemon(App *app, const Place *place, GError **error)
{
    const Options *options = app->options;
    int passed_in = -1;

    if (place != NULL && place->passed_in)
        sscanf(options->mountpoint, "/dev/fd/%d", &passed_in);
    const int kept[] = { place == NULL ? -1 : place->fd, place == NULL ? -1 : place->lock,
                         passed_in, app->fuse_fd, app->adopts ? keep_fd(app->keep) : -1 };
    const DaemonKind kind = options->foreground     ? DAEMON_FOREGROUND
                            : options->auto_unmount ? DAEMON_ALONE
                                                    : DAEMON_KEPT;
    app->daemon = daemon_start(kind, kept, G_N_ELEMENTS(kept), error);
    return app->daemon != NULL;
}

/* Whether what a process before this one has left can be used, and the mount is still there. */
static gboolean is_usable(const App *app, const Handover *handover)
{
    OwnMount mount = { 0 };
    gboolean usable = own_mount_of_keep(&mount, app->keep) && own_mount_is_there(&mount) &&
                      handover_is_alive(handover) && keep_start_hash(app->keep);

    own_mount_clear(&mount);
    return usable;
}

/* What the worker before this one has left. FALSE: nothing to go on with; without @error the mount
 * has ended meanwhile. */
static gboolean take_over(App *app, const Worker *worker, GError **error)
{
    if (worker == NULL || worker->inherited.fuse < 0)
        return TRUE;
    log_to_syslog(app->log, _PATH_LOG);
    g_warning("the process that served %s was ended by signal %d (%s)", app->options->mountpoint,
              worker->signal, g_strsignal(worker->signal));
    app->keep = keep_open(worker->inherited.state, error);
    if (app->keep == NULL || !is_usable(app, &worker->inherited))
        return FALSE;
    app->adopts = TRUE;
    app->fuse_fd = worker->inherited.fuse;
    if (worker->is_last)
        return error_set(error, PPIOFS_ERROR_FAILED, "%s: gave up after signal %d; ppiofs unmounts",
                         app->options->mountpoint, worker->signal);
    return TRUE;
}

/* FALSE: another process has it. What cannot be used is let go, so that a dead mount shows that it
 * is one. */
static gboolean take_inheritance(App *app, GError **error)
{
    Handover handover = handover_take();
    g_autoptr(GError) why = NULL;

    if (handover.fuse < 0)
        return TRUE;
    app->keep = keep_open(handover.state, &why);
    if (app->keep != NULL && is_usable(app, &handover)) {
        app->adopts = TRUE;
        app->fuse_fd = handover.fuse;
        return TRUE;
    }
    close(handover.fuse);
    g_clear_pointer(&app->keep, keep_free);
    if (g_error_matches(why, PPIOFS_ERROR, PPIOFS_ERROR_MOUNTED)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    g_message("%s", why != NULL ? why->message
                                : "the mount of the previous process is gone; ppiofs mounts again");
    service_forget();
    return TRUE;
}

static gboolean keep_what_outlives(App *app, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (app->options->auto_unmount) /* fusermount3 unmounts when this process has died */
        return TRUE;
    if (app->keep == NULL)
        app->keep = keep_new(&why);
    if (app->keep == NULL) {
        g_warning("%s; a crash would end this mount", why->message);
        return TRUE;
    }
    if (!fs_keep(app->fs, app->keep, error))
        return FALSE;
    if (app->watch != NULL)
        watch_keep(app->watch, app->keep);
    return TRUE;
}

static gboolean build(App *app, Credentials *credentials, GError **error)
{
    app->loop = g_main_loop_new(NULL, FALSE); /* in the process that stays: it opens something */
    app->service = service_new(NULL, clock_system());
    if (!make_client(app, credentials, error))
        return FALSE;
    make_caches(app);
    make_fs(app, credentials);
    return keep_what_outlives(app, error);
}

static gboolean mount_and_serve(const Options *options, Log *log, GError **error)
{
    g_auto(App) app = { .options = options, .log = log, .fuse_fd = -1 };
    g_autoptr(Credentials) credentials = NULL;
    g_autoptr(Place) place = NULL;

    /* The first, before a program is started that would inherit it as well. */
    if (!take_inheritance(&app, error) || (credentials = credentials_load(options, error)) == NULL)
        return FALSE;
    if (!app.adopts && (place = place_take(options->mountpoint, error)) == NULL)
        return FALSE;
    const PrivilegeNeeds needs = { .mountpoint = place == NULL || place->passed_in
                                                     ? options->mountpoint
                                                     : place->path,
                                   .key_file = credentials_file(credentials),
                                   .cacert = options->cacert,
                                   .runs_programs = options->api_key_command != NULL };
    privilege_drop(&needs); /* before the network is asked, and before there are threads */
    if (!start_daemon(&app, place, error))
        return FALSE;
    const Worker *worker = daemon_worker(app.daemon);
    if (place != NULL && worker != NULL && worker->inherited.fuse >= 0)
        place->fd = place->lock = -1; /* the first worker's; here they are others' by now */
    if (!take_over(&app, worker, error))
        return *error == NULL;
    if (!build(&app, credentials, error))
        return FALSE;
    catch_signals(&app);
    if (!mount_uninterrupted(&app, place, error))
        return FALSE;
    if (place != NULL)
        place_release(place);
    return serve(&app, error);
}

/* Not g_print() and g_printerr(): they turn what the C locale lacks into question marks. */
static gboolean print(char *text)
{
    fputs(text, stdout);
    g_free(text);
    return TRUE;
}

static gboolean run(const Options *options, Log *log, GError **error)
{
    switch (options->mode) {
    case OPTIONS_HELP:
        return print(options_help());
    case OPTIONS_VERSION:
        return print(g_strdup("ppiofs " PPIOFS_VERSION "\n"));
    case OPTIONS_PRINT_CONFIG: {
        g_autoptr(Credentials) credentials = credentials_load(options, NULL);
        return print(options_print_config(
            options, credentials == NULL ? NULL : credentials_source(credentials)));
    }
    case OPTIONS_CHECK:
        return check_run(options, error);
    case OPTIONS_REFRESH:
        return refresh_run(options->mountpoint, error);
    case OPTIONS_FAKE:
        return TRUE;
    default:
        return mount_and_serve(options, log, error);
    }
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    gboolean helper = options_is_mount_helper(argv[0]);

    (void)argc;
    daemon_prepare();
    hash_start(NULL);
    g_autoptr(Options) options = options_parse(argv, &error);
    g_autoptr(Log) log = log_open(options == NULL ? LOG_LEVEL_INFO : options->log_level);

    if (options != NULL && run(options, log, &error))
        return EXIT_SUCCESS;
    g_log(LOG_DOMAIN_STATE, G_LOG_LEVEL_CRITICAL, "%s", error->message);
    return helper ? EXIT_MOUNT_HELPER : error_exit_status(error);
}
