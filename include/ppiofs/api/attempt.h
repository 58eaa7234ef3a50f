/* SPDX-License-Identifier: MIT */
/* attempt: what the end of one try means: may it be repeated, and is the API there? Pure. */
#pragma once

#include <glib.h>

#include "ppiofs/http/http.h"

/* Tries of one request, the first included. */
#define ATTEMPT_MAX_TRIES 3

typedef enum {
    ATTEMPT_ANSWERED, /* somebody spoke HTTP with us */
    ATTEMPT_FAILED,   /* nobody did: counts for the circuit */
    ATTEMPT_MUTE,     /* says nothing about the API: our own trouble */
} AttemptVerdict;

/* As HttpDone: exactly one of @answer and @error is set. */
AttemptVerdict attempt_verdict(const HttpAnswer *answer, const GError *error);

/* How often a request may be tried whose last try ended like this: 1 is "not again". */
guint attempt_max_tries(const HttpAnswer *answer, const GError *error);
