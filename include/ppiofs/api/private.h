/* SPDX-License-Identifier: MIT */
/* private: what the files of api/ share; for nobody else.
 *
 *   api.c      the Api and its calls
 *   detail.c   a call for one instance
 *   list.c     a call for all pages of the list */
#pragma once

#include "ppiofs/api/api.h"
#include "ppiofs/api/request.h"

struct Api {
    Requests *requests;
    const Clock *clock;
    char *base_url;  /* without a slash at its end */
    guint page_size; /* 0: the server's default */
    RecordFlags flags;
    ApiStats stats;
    GPtrArray *pages;   /* Page*, of the last list that went well; NULL: none did */
    GPtrArray *records; /* of these pages, merged */
    GQueue calls;       /* ApiCall, under way */
};

/* First in the struct of a call. A call is one object from its start to its end: its request, and
 * the GET in that, are parts of it. */
struct ApiCall {
    Request request; /* first: a request is its call */
    Api *api;
    gpointer data;
    void (*free)(ApiCall *call); /* what is beside the request, and the call itself */
    GList link;
};

/* @call is zeroed. */
void call_begin(ApiCall *call, Api *api, void (*free_call)(ApiCall *call), gpointer data);

/* Out of the list of calls, and freed. */
void call_end(ApiCall *call);
