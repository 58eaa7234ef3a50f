/* SPDX-License-Identifier: MIT */
/* api: the two endpoints of the instance API. Bytes to records, error bodies to errors; a polite
 * client (see gate.h): retries, Retry-After, the circuit, at most max_requests at once.
 *
 *   GET {base}/gpus/v2/instances?limit=N&cursor=C   -> {"data": [...], "next_cursor", "has_more"}
 *   GET {base}/gpus/v2/instances/{id}               -> the bare object */
#pragma once

#include <glib.h>

#include "ppiofs/base/clock.h"
#include "ppiofs/http/http.h"
#include "ppiofs/model/record.h"

#define API_MAX_DETAIL_BYTES (4u << 20)
#define API_MAX_PAGE_BYTES (32u << 20)
#define API_MAX_PAGES 1000
#define API_MAX_INSTANCES 100000

typedef struct Api Api;
typedef struct ApiCall ApiCall;

typedef struct {
    const char *base_url; /* "https://api.ppio.com", checked by http_check_url() */
    guint page_size;
    guint max_requests;
    gint64 timeout_us; /* of one single GET, or one page of a list, retries included */
    gboolean hide_secrets;
} ApiOptions;

typedef struct {
    guint64 requests;        /* sent, retries included */
    guint64 answers[6];      /* by hundreds of the status; [0]: none came */
    guint64 bytes;           /* of decoded bodies */
    guint64 pages_unchanged; /* recognised by their bytes and not parsed */
    guint in_flight;
    gint64 last_elapsed_us;
} ApiStats;

/* @records: Record*, in the API's order, without those that are gone and without duplicates (where
 * pages overlap, the later page's item is the newer and counts). A record of a page that came
 * again with the same bytes is the same object as in the list before.
 * @unchanged is TRUE when every page came again like that. @n_pages >= 1.
 * Exactly one of @list and @error of ApiListDone is set. All borrowed. */
typedef struct {
    GPtrArray *records;
    gboolean unchanged;
    guint n_pages;
} ApiList;
typedef void (*ApiListDone)(const ApiList *list, const GError *error, gpointer data);

/* Exactly one of @record (full) and @error is set; both borrowed. An instance whose status says it
 * is gone, and an answer about another id, are errors. */
typedef void (*ApiRecordDone)(Record *record, const GError *error, gpointer data);

/* @http and @clock are borrowed and outlive the Api. */
Api *api_new(Http *http, const ApiOptions *options, const Clock *clock);

/* Sent with every request from now on (http_set_bearer()), and never quoted in an error even if the
 * API echoes it. NULL: none. */
void api_set_key(Api *api, const char *key);

/* Done-callbacks run from the main loop, never from inside the call that started them. After a done
 * callback the ApiCall is dead, and the Api may be freed. */
ApiCall *api_list(Api *api, ApiListDone done, gpointer data);
/* @id is raw and not empty. */
ApiCall *api_get(Api *api, const char *id, ApiRecordDone done, gpointer data);

/* Ends the call at once, without calling back. */
void api_cancel(ApiCall *call);

/* Forgets page hashes, back-off, Retry-After and the circuit: after SIGHUP or a new key. */
void api_reset(Api *api);

const ApiStats *api_stats(const Api *api);

/* Until when (monotonic, microseconds) no request will be sent, because of Retry-After or the
 * circuit; 0 if one may go now. */
gint64 api_closed_until(const Api *api);

/* Cancels every call under way. */
void api_free(Api *api);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Api, api_free)
