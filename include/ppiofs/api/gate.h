/* SPDX-License-Identifier: MIT */
/* gate: decides for the whole mount if a request may be sent now (back-off, Retry-After, circuit
 * breaker). A pure state machine: the caller passes the time (clock_now()) in.
 *
 * A caller that gets GATE_OPEN holds a pass, and ends it with exactly one of gate_answered(),
 * gate_failed() and gate_abandon(). */
#pragma once

#include <glib.h>

typedef struct Gate Gate;

/* A number from 0 to below @below. */
typedef gint64 (*GateRandom)(gint64 below, gpointer data);

typedef enum {
    GATE_OPEN,    /* a request may go */
    GATE_WAITING, /* the API asked to wait: not before gate_closed_until() */
    GATE_OFFLINE, /* the API is not reachable: do not wait, answer at once */
} GateView;

typedef struct {
    gint64 sent_at;
    gboolean is_probe;
} GatePass;

/* @random NULL: GLib's. */
Gate *gate_new(GateRandom random, gpointer data);

/* How the gate is, without passing it. */
GateView gate_look(const Gate *gate, gint64 now);

/* As gate_look(); GATE_OPEN sets @ret_pass, which belongs to the request that leaves now. */
GateView gate_enter(Gate *gate, gint64 now, GatePass *ret_pass);

/* Any HTTP answer came. @retry_after_us as in HttpAnswer. */
void gate_answered(Gate *gate, const GatePass *pass, gint64 now, guint status,
                   gint64 retry_after_us);

/* No answer came: refused, unreachable, timeout, connection lost, TLS. @reason is a sentence. */
void gate_failed(Gate *gate, const GatePass *pass, gint64 now, const char *reason);

/* The request ended and says nothing about the API (cancelled, no memory). */
void gate_abandon(Gate *gate, const GatePass *pass);

/* Until when no request will be let in; 0 if one may go now. While a probe is under way nobody can
 * tell: a little later than @now. */
gint64 gate_closed_until(const Gate *gate, gint64 now);

/* Why the gate is closed, as PPIOFS_ERROR_BUSY. @label begins the message: "GET /path". */
GError *gate_error(const Gate *gate, gint64 now, const char *label);

/* How long to rest before try number @next_try (2, 3 ...) of one request: full jitter below 0.5 s,
 * then below 1 s. */
gint64 gate_rest_us(const Gate *gate, guint next_try);

/* Forgets the circuit, but not that the API asked to wait. The log is still told once when the API
 * is back. */
void gate_reset(Gate *gate);

void gate_free(Gate *gate);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Gate, gate_free)
