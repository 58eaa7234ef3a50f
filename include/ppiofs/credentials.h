/* SPDX-License-Identifier: MIT */
/* credentials: the API key and where it came from. The first of these that is there counts:
 * api_key_file, the systemd credential ppio-api-key, api_key_command, $PPIO_API_KEY (for Novita's
 * host $NOVITA_API_KEY before it), $XDG_CONFIG_HOME/ppiofs/api_key.
 *
 * Errors are PPIOFS_ERROR_KEY with what to do about it. No error text ever holds a key. */
#pragma once

#include <glib.h>

#include "ppiofs/options.h"

typedef struct Credentials Credentials;

/* May wait for api_key_command (10 s): to be called before the main loop runs. The key's variables
 * are taken out of the environment of this process and remembered for a reload; so a second call
 * does not see them. @options is read during the call only. (transfer full) */
Credentials *credentials_load(const Options *options, GError **error);

/* Borrowed until the next reload. */
const char *credentials_key(const Credentials *credentials);

/* "the file /...", "the environment variable PPIO_API_KEY", ... Borrowed until the next reload. */
const char *credentials_source(const Credentials *credentials);

/* Where the key was found, if that is a file; else NULL. Borrowed until the next reload. */
const char *credentials_file(const Credentials *credentials);

/* TRUE if reading the key runs a command. */
gboolean credentials_runs_command(const Credentials *credentials);

/* With @error set the old key stays; else @changed says whether it is another one now. */
typedef void (*CredentialsReloaded)(gboolean changed, const GError *error, gpointer data);

/* Looks at the same places again; where none has a key any more, at the one where it was found
 * last. Does not block @context: an api_key_command runs beside it. @done is called once, before
 * this returns or from @context. While a reload is under way, a further call does nothing and its
 * @done is never called. */
void credentials_reload(Credentials *credentials, GMainContext *context, CredentialsReloaded done,
                        gpointer data);

/* Wipes the key. Ends a reload under way without calling back. */
void credentials_free(Credentials *credentials);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Credentials, credentials_free)
