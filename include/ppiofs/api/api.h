/* SPDX-License-Identifier: MIT */
/* api: the lists of the kinds, and the single GET. Bytes to records, error bodies to errors; a
 * polite client (see gate.h): retries, Retry-After, the circuit, at most parallel_requests at once.
 *
 *   GET {base}/gpus/v2/instances?limit=N&cursor=C   -> {"data": [...], "next_cursor", "has_more"}
 *   GET {base}/gpus/v2/instances/{id}               -> the bare object */
#pragma once

#include <glib.h>

#include "ppiofs/api/gate.h"
#include "ppiofs/base/clock.h"
#include "ppiofs/http/http.h"
#include "ppiofs/model/record.h"

#define API_MAX_DETAIL_BYTES (4u << 20)
#define API_MAX_PAGE_BYTES (32u << 20)
#define API_MAX_PAGES 1000
#define API_MAX_ITEMS 100000
#define API_MAX_LIST_BYTES (256 << 20) /* of all its records in memory */

typedef struct Api Api;
typedef struct Request Request;

typedef struct {
    const char *base_url; /* "https://api.ppio.com", checked by http_check_url() */
    guint page_size;
    guint parallel_requests;
    gint64 timeout_us; /* of one single GET, or one page of a list, retries included */
    gboolean hide_secrets;
    GateRandom random; /* NULL: GLib's */
    gpointer random_data;
} ApiOptions;

typedef struct {
    guint64 requests;        /* sent, retries included */
    guint64 answers[6];      /* by hundreds of the status; [0]: none came */
    guint64 bytes;           /* of decoded bodies */
    guint64 pages_unchanged; /* recognised by their bytes and not parsed */
    guint in_flight;
    gint64 last_elapsed_us;
} ApiStats;

/* The end of a list. All borrowed; with an error only @asked is set. */
typedef struct {
    /* When what was answered was asked for: clock_now() when the request for the first page was
     * sent. 0: nothing was sent at all. */
    gint64 asked;
    /* Record*, in the API's order, without those that are gone and without duplicates (where pages
     * overlap, the later page's item is the newer and counts). A record of a page that came again
     * with the same bytes is the same object as in the list before. */
    GPtrArray *records;
    gboolean unchanged;    /* every page came again with the same bytes */
    guint n_pages;         /* at least one */
    const GError *warning; /* the list was taken, but something is wrong with it; NULL: nothing */
} ApiList;
typedef void (*ApiListDone)(const ApiList *list, const GError *error, gpointer data);

/* Exactly one of @record (full) and @error is set; both borrowed. @asked as ApiList.asked. An
 * instance whose status says it is gone, and an answer about another id, are errors. */
typedef void (*ApiRecordDone)(Record *record, gint64 asked, const GError *error, gpointer data);

/* @http and @clock are borrowed and outlive the Api. */
Api *api_new(Http *http, const ApiOptions *options, const Clock *clock);

/* Sent with every request from now on; NULL: none. To be called also when the key was read again
 * and is the same: what was refused waits for that. Returns whether it is another one. */
gboolean api_set_key(Api *api, const char *key);

/* Called when the API refuses the key in use. TRUE: it is being read again, and api_set_key() will
 * say what it is; who was refused waits. FALSE: who was refused is told so. */
typedef gboolean (*ApiRefused)(gpointer data);
void api_on_refused(Api *api, ApiRefused refused, gpointer data);

/* Done-callbacks run from the main loop, never from inside the call that started them. After a done
 * callback the Request is dead, and the Api may be freed. */
Request *api_list(Api *api, const Kind *kind, ApiListDone done, gpointer data);

/* @id is raw and not empty. @known: whether such an instance is known; requests for those that are
 * not have few places. @share: the uid of who asks; all uids take turns. */
Request *api_get(Api *api, const Kind *kind, const char *id, gboolean known, guint share,
                 ApiRecordDone done, gpointer data);

/* Ends the call at once, without calling back. */
void api_cancel(Request *call);

/* After SIGHUP: forgets page hashes and the circuit, but not that the API asked to wait. No idle
 * connection is used again. */
void api_reset(Api *api);

const ApiStats *api_stats(const Api *api);

/* Until when (clock_now()) no request will be sent, because of Retry-After or the circuit; 0 if one
 * may go now. */
gint64 api_closed_until(const Api *api);

/* Cancels every call under way. */
void api_free(Api *api);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Api, api_free)
