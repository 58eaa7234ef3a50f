/* SPDX-License-Identifier: MIT */
#include "ppiofs/credentials.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"
#include "ppiofs/credentials/private.h"

#include <string.h>

#define SYSTEMD_NAME "ppio-api-key"

typedef enum { VARIABLE_PPIO, VARIABLE_NOVITA, N_VARIABLES } Variable;

static const char *const variables[N_VARIABLES] = { "PPIO_API_KEY", "NOVITA_API_KEY" };

/* Where a key was found to be. */
typedef struct {
    enum { PLACE_NONE, PLACE_FILE, PLACE_SYSTEMD, PLACE_COMMAND, PLACE_VARIABLE } kind;
    char *argument;    /* path or command */
    Variable variable; /* of PLACE_VARIABLE */
} Place;

struct Credentials {
    char *key;
    char *source;
    Place found;       /* where the key was found last; borrows from the strings below */
    char *option_file; /* each NULL if it is not set */
    char *systemd_file;
    char *command;
    char *user_file;
    char *remembered[N_VARIABLES]; /* keys: the environment no longer has them */
    gboolean is_novita;
    KeyCommand *reload;
    CredentialsReloaded done;
    gpointer data;
};

/* The bytes are overwritten, too: they stay where execve() put them, and /proc/PID/environ and a
 * core would show them. Child processes (fusermount3) do not get them. */
static char *take_variable(const char *name)
{
    const char *value = g_getenv(name);
    char *copy = value && *value ? g_strdup(value) : NULL;

    if (value)
        explicit_bzero((char *)value, strlen(value));
    g_unsetenv(name);
    return copy;
}

static gboolean is_host_of_novita(const char *url)
{
    g_autoptr(GUri) uri = url ? g_uri_parse(url, G_URI_FLAGS_NONE, NULL) : NULL;
    const char *host = uri ? g_uri_get_host(uri) : NULL;
    g_autofree char *lower = host ? g_ascii_strdown(host, -1) : NULL;

    return lower && (strcmp(lower, "novita.ai") == 0 || g_str_has_suffix(lower, ".novita.ai"));
}

static Credentials *credentials_new(const Options *options)
{
    Credentials *credentials = g_new0(Credentials, 1);
    const char *directory = g_getenv("CREDENTIALS_DIRECTORY");

    credentials->option_file = g_strdup(options->api_key_file);
    if (directory && g_path_is_absolute(directory))
        credentials->systemd_file = g_build_filename(directory, SYSTEMD_NAME, NULL);
    credentials->command = g_strdup(options->api_key_command);
    credentials->user_file = options_user_path("api_key");
    credentials->is_novita = is_host_of_novita(options->api_url);
    for (int i = 0; i < N_VARIABLES; i++)
        credentials->remembered[i] = take_variable(variables[i]);
    return credentials;
}

/* A dangling link is there, too: reading it says what is wrong with it. */
static gboolean is_there(const char *path)
{
    return path &&
           (g_file_test(path, G_FILE_TEST_EXISTS) || g_file_test(path, G_FILE_TEST_IS_SYMLINK));
}

static Place find_place(const Credentials *c)
{
    if (c->option_file)
        return (Place){ PLACE_FILE, c->option_file, 0 };
    if (is_there(c->systemd_file))
        return (Place){ PLACE_SYSTEMD, c->systemd_file, 0 };
    if (c->command)
        return (Place){ PLACE_COMMAND, c->command, 0 };
    if (c->is_novita && c->remembered[VARIABLE_NOVITA])
        return (Place){ PLACE_VARIABLE, NULL, VARIABLE_NOVITA };
    if (c->remembered[VARIABLE_PPIO])
        return (Place){ PLACE_VARIABLE, NULL, VARIABLE_PPIO };
    if (is_there(c->user_file))
        return (Place){ PLACE_FILE, c->user_file, 0 };
    return (Place){ PLACE_NONE, NULL, 0 };
}

static char *describe(const Place *place)
{
    g_autofree char *shown = NULL;

    switch (place->kind) {
    case PLACE_FILE:
        shown = text_printable(place->argument, -1, 4096);
        return g_strconcat("the file ", shown, NULL);
    case PLACE_SYSTEMD:
        return g_strdup("the systemd credential " SYSTEMD_NAME);
    case PLACE_COMMAND:
        return g_strdup("api_key_command");
    case PLACE_VARIABLE:
        return g_strconcat("the environment variable ", variables[place->variable], NULL);
    default:
        return NULL;
    }
}

static char *set_missing(const Credentials *c, GError **error)
{
    g_autofree char *shown = c->user_file ? text_printable(c->user_file, -1, 4096) : NULL;

    error_set(error, PPIOFS_ERROR_KEY,
              "no API key found; save it in %s (chmod 600), or set %s%s. Other ways: man ppiofs, "
              "\"The API key\"",
              shown ? shown : "~/.config/ppiofs/api_key", c->is_novita ? "NOVITA_API_KEY or " : "",
              variables[VARIABLE_PPIO]);
    return NULL;
}

/* All places but a command. */
static char *read_place(const Credentials *c, const Place *place, GError **error)
{
    g_autofree char *where = describe(place);

    switch (place->kind) {
    case PLACE_FILE:
        return key_file_read(place->argument, KEY_FILE_PRIVATE, error);
    case PLACE_SYSTEMD:
        return key_file_read(place->argument, KEY_FILE_SYSTEMD, error);
    case PLACE_VARIABLE: {
        const char *value = c->remembered[place->variable];
        return key_parse(value, strlen(value), where, error);
    }
    default:
        return set_missing(c, error);
    }
}

/* Takes @key. Returns whether it is another one than before. */
static gboolean set_key(Credentials *credentials, char *key, const Place *place)
{
    gboolean changed = g_strcmp0(key, credentials->key) != 0;

    key_free(credentials->key);
    credentials->key = key;
    g_free(credentials->source);
    credentials->source = describe(place);
    credentials->found = *place;
    return changed;
}

const char *credentials_key(const Credentials *credentials)
{
    return credentials->key;
}

const char *credentials_source(const Credentials *credentials)
{
    return credentials->source;
}

const char *credentials_file(const Credentials *credentials)
{
    gboolean is_file =
        credentials->found.kind == PLACE_FILE || credentials->found.kind == PLACE_SYSTEMD;

    return is_file ? credentials->found.argument : NULL;
}

gboolean credentials_runs_command(const Credentials *credentials)
{
    return credentials->found.kind == PLACE_COMMAND;
}

static void on_command_done(const char *key, const GError *error, gpointer data)
{
    Credentials *credentials = data;
    Place place = { PLACE_COMMAND, credentials->command, 0 };
    gboolean changed = FALSE;

    credentials->reload = NULL;
    if (key)
        changed = set_key(credentials, g_strdup(key), &place);
    credentials->done(changed, error, credentials->data);
}

void credentials_reload(Credentials *credentials, GMainContext *context, CredentialsReloaded done,
                        gpointer data)
{
    g_autoptr(GError) error = NULL;
    gboolean changed = FALSE;
    Place place = find_place(credentials);

    if (credentials->reload)
        return;
    /* A file that cannot be seen any more is an error that names it, not the want of a key. */
    if (place.kind == PLACE_NONE)
        place = credentials->found;
    if (place.kind == PLACE_COMMAND) {
        credentials->done = done;
        credentials->data = data;
        credentials->reload = key_command_start(place.argument, KEY_COMMAND_TIMEOUT_US, context,
                                                on_command_done, credentials, &error);
        if (credentials->reload)
            return;
    } else {
        char *key = read_place(credentials, &place, &error);

        if (key)
            changed = set_key(credentials, key, &place);
    }
    done(changed, error, data);
}

/* The first time is a reload that is waited for. */
typedef struct {
    gboolean over;
    GError *error;
} Loading;

static void on_loaded(gboolean changed, const GError *error, gpointer data)
{
    Loading *loading = data;

    (void)changed;
    loading->over = TRUE;
    loading->error = error ? g_error_copy(error) : NULL;
}

Credentials *credentials_load(const Options *options, GError **error)
{
    g_autoptr(Credentials) credentials = credentials_new(options);
    g_autoptr(GMainContext) context = g_main_context_new();
    Loading loading = { 0 };

    credentials_reload(credentials, context, on_loaded, &loading);
    while (!loading.over)
        g_main_context_iteration(context, TRUE);
    if (!loading.error)
        return g_steal_pointer(&credentials);
    g_propagate_error(error, loading.error);
    return NULL;
}

void credentials_free(Credentials *credentials)
{
    if (!credentials)
        return;
    if (credentials->reload)
        key_command_cancel(credentials->reload);
    key_free(credentials->key);
    for (int i = 0; i < N_VARIABLES; i++)
        key_free(credentials->remembered[i]);
    g_free(credentials->source);
    g_free(credentials->option_file);
    g_free(credentials->systemd_file);
    g_free(credentials->command);
    g_free(credentials->user_file);
    g_free(credentials);
}
