/* SPDX-License-Identifier: MIT */
/* error: the one error domain of ppiofs. Below `fs` everything that fails says so with a GError
 * of this domain, whose message is a sentence for a person; `fs` turns the code into an errno.
 *
 * API text inside a message must have gone through text_printable() first. */
#pragma once

#include <glib.h>

#define PPIOFS_ERROR (ppiofs_error_quark())
GQuark ppiofs_error_quark(void);

typedef enum {
    PPIOFS_ERROR_NOT_FOUND,   /* 404, "gone", a status that means removed */
    PPIOFS_ERROR_DENIED,      /* 401, 403; the key is missing, bad or refused */
    PPIOFS_ERROR_TIMEOUT,     /* the deadline of the operation passed */
    PPIOFS_ERROR_UNREACHABLE, /* DNS, no route */
    PPIOFS_ERROR_REFUSED,     /* connection refused */
    PPIOFS_ERROR_BUSY,        /* 429, or the circuit is open */
    PPIOFS_ERROR_PROTOCOL,    /* TLS, a redirect, not HTTP */
    PPIOFS_ERROR_BAD_ANSWER,  /* not JSON, cut short, or of the wrong shape */
    PPIOFS_ERROR_TOO_LARGE,   /* a body, page or list over its bound */
    PPIOFS_ERROR_SERVER,      /* 5xx, any other status, connection lost */
    PPIOFS_ERROR_NO_MEMORY,
    PPIOFS_ERROR_USAGE,   /* command line or configuration: exit 2 */
    PPIOFS_ERROR_MOUNTED, /* already mounted or busy: exit 3 */
    PPIOFS_ERROR_KEY,     /* key missing, unreadable or too open: exit 4 */
    PPIOFS_ERROR_FAILED,  /* any other failure of the program: exit 1 */
} PpiofsError;

/* Sets @error, and returns FALSE: `return error_set(...)` ends what failed. */
gboolean error_set(GError **error, PpiofsError code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* With which status a program ends because of @error. */
int error_exit_status(const GError *error);
