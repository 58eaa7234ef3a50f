/* SPDX-License-Identifier: MIT */
/* get: one request and its answer on one easy handle, within its bounds. Knows no loop and no list
 * of GETs. For http/ only. */
#pragma once

#include "ppiofs/http/http.h"

/* Makes get->easy ready to be run. FALSE with get->error set if it cannot be run at all. */
gboolean get_set_up(HttpGet *get, CURL *easy, const char *proxy);

/* How libcurl's part ended: sets get->error or get->answer. */
void get_conclude(HttpGet *get, CURLcode result);

/* TRUE if @length more bytes may be received in this turn of the loop. FALSE: they come again in
 * the next turn. (http.c) */
gboolean http_may_go_on(HttpGet *get, gsize length);

/* Drops what was only needed while it ran. */
void get_tear_down(HttpGet *get);
