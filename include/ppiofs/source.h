/* SPDX-License-Identifier: MIT */
/* source: joins the caches to the API, and the API to the key: when the API refuses the key in use,
 * it is read again. */
#pragma once

#include "ppiofs/api/api.h"
#include "ppiofs/cache/cache.h"
#include "ppiofs/credentials.h"

typedef struct Source Source;

/* All borrowed, and outlive the Source. */
Source *source_new(Api *api, Credentials *credentials, const Clock *clock, GMainContext *context);

/* For cache_new(). */
CacheSource source_functions(Source *source);

/* Reads the key again (SIGHUP); a new one is used from then on. */
void source_reload_key(Source *source);

/* Every fetch must have ended or been cancelled before. */
void source_free(Source *source);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Source, source_free)
