/* SPDX-License-Identifier: MIT */
#include "ppiofs/api/gate.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/log.h"

/* Two machines in one gate. The circuit: is the API there?
 *
 *   state      lets in          on answer   on failure of a pass            on an abandoned probe
 *   CLOSED     everybody        -           the 5th in a row: OPEN, 1 s     -
 *   OPEN       until the cool-  CLOSED      - (it left before we opened)    -
 *              down ends nobody,
 *              then one probe:
 *              HALF_OPEN
 *   HALF_OPEN  nobody           CLOSED      of the probe: OPEN, cool-down   OPEN, the same
 * cool-down doubled, 30 s at most           from when it left
 *
 * Push-back: does the API want us to slow down? Nobody is let in before quiet_until.
 *
 *   event                        quiet_until at least           level (of the back-off)
 *   429, 503 with Retry-After    now + Retry-After              -
 *   429 without                  now + 0.5 s ... ceiling;       + 1
 *                                ceiling 1 s << level, <= 30 s
 *   any other answer             -                              0
 *
 * Of sixteen requests that were under way together, sixteen 429 come back: that is one push-back.
 * So an answer moves the level only if its request left after the last push-back. */
typedef enum { CIRCUIT_CLOSED, CIRCUIT_OPEN, CIRCUIT_HALF_OPEN } Circuit;

/* Fewer are the odd lost connection; more is hammering on a closed door. */
#define FAILURES_TO_OPEN 5
#define COOL_DOWN_MIN_US G_USEC_PER_SEC
#define COOL_DOWN_MAX_US (30 * G_USEC_PER_SEC)

#define PUSH_BACK_FLOOR_US (G_USEC_PER_SEC / 2)
#define PUSH_BACK_MAX_US (30 * G_USEC_PER_SEC)
#define PUSH_BACK_MAX_LEVEL 5 /* 1 s << 5 is over the maximum */

/* 0...0.5 s before the second try, 0...1 s before the third. */
#define REST_BASE_US (G_USEC_PER_SEC / 2)

struct Gate {
    GateRandom random;
    gpointer random_data;

    Circuit circuit;
    guint failures; /* in a row */
    gint64 cool_down_us;
    gint64 open_until;
    gboolean told_offline; /* outlives gate_reset(): the log hears "back" once per "offline" */
    char *reason;          /* why the circuit opened, or stays open */

    guint level;
    gint64 pushed_at; /* the last push-back; 0: none */
    gint64 quiet_until;
};

static gint64 glib_random(gint64 below, gpointer data)
{
    (void)data;
    return (gint64)(g_random_double() * (double)below);
}

Gate *gate_new(GateRandom random, gpointer data)
{
    Gate *gate = g_new0(Gate, 1);

    gate->random = random ? random : glib_random;
    gate->random_data = data;
    gate->cool_down_us = COOL_DOWN_MIN_US;
    return gate;
}

GateView gate_look(const Gate *gate, gint64 now)
{
    if (gate->circuit == CIRCUIT_HALF_OPEN)
        return GATE_OFFLINE;
    if (gate->circuit == CIRCUIT_OPEN && now < gate->open_until)
        return GATE_OFFLINE;
    return now < gate->quiet_until ? GATE_WAITING : GATE_OPEN;
}

GateView gate_enter(Gate *gate, gint64 now, GatePass *ret_pass)
{
    GateView view = gate_look(gate, now);

    if (view != GATE_OPEN)
        return view;
    *ret_pass = (GatePass){ now, gate->circuit == CIRCUIT_OPEN };
    if (ret_pass->is_probe)
        gate->circuit = CIRCUIT_HALF_OPEN;
    return GATE_OPEN;
}

static void go_online(Gate *gate)
{
    gate->circuit = CIRCUIT_CLOSED;
    gate->failures = 0;
    gate->cool_down_us = COOL_DOWN_MIN_US;
    if (gate->told_offline)
        g_log(LOG_DOMAIN_STATE, G_LOG_LEVEL_MESSAGE, "the API is reachable again");
    gate->told_offline = FALSE;
}

static void go_offline(Gate *gate, gint64 until, const char *reason)
{
    gate->circuit = CIRCUIT_OPEN;
    gate->open_until = until;
    g_free(gate->reason);
    gate->reason = g_strdup(reason);
    if (!gate->told_offline)
        g_log(LOG_DOMAIN_STATE, G_LOG_LEVEL_WARNING, "the API is not reachable: %s", reason);
    gate->told_offline = TRUE;
}

static gint64 push_back_us(Gate *gate)
{
    gint64 ceiling = MIN(G_USEC_PER_SEC << gate->level, PUSH_BACK_MAX_US);

    return PUSH_BACK_FLOOR_US + gate->random(ceiling - PUSH_BACK_FLOOR_US + 1, gate->random_data);
}

static void push_back(Gate *gate, gint64 now, gint64 wait_us)
{
    gate->quiet_until = MAX(gate->quiet_until, now + wait_us);
    gate->pushed_at = now;
    g_debug("the API asked to slow down: no request for %.1f s",
            (double)(gate->quiet_until - now) / G_USEC_PER_SEC);
}

void gate_answered(Gate *gate, const GatePass *pass, gint64 now, guint status,
                   gint64 retry_after_us)
{
    gboolean is_news = gate->pushed_at == 0 || pass->sent_at > gate->pushed_at;

    go_online(gate);
    if ((status == 429 || status == 503) && retry_after_us >= 0) {
        push_back(gate, now, retry_after_us);
    } else if (status == 429 && is_news) {
        push_back(gate, now, push_back_us(gate));
        gate->level = MIN(gate->level + 1, PUSH_BACK_MAX_LEVEL);
    } else if (status != 429 && is_news) {
        gate->level = 0;
    }
}

void gate_failed(Gate *gate, const GatePass *pass, gint64 now, const char *reason)
{
    if (pass->is_probe && gate->circuit == CIRCUIT_HALF_OPEN) {
        gate->cool_down_us = MIN(2 * gate->cool_down_us, COOL_DOWN_MAX_US);
        go_offline(gate, now + gate->cool_down_us, reason);
    } else if (gate->circuit == CIRCUIT_CLOSED && ++gate->failures >= FAILURES_TO_OPEN) {
        go_offline(gate, now + gate->cool_down_us, reason);
    }
}

void gate_abandon(Gate *gate, const GatePass *pass)
{
    if (!pass->is_probe || gate->circuit != CIRCUIT_HALF_OPEN)
        return;
    /* Not "now": a reader that is killed again and again would be a probe each time. */
    gate->circuit = CIRCUIT_OPEN;
    gate->open_until = pass->sent_at + gate->cool_down_us;
}

gint64 gate_closed_until(const Gate *gate, gint64 now)
{
    gint64 until = gate->quiet_until;

    if (gate->circuit == CIRCUIT_HALF_OPEN)
        until = MAX(until, now + COOL_DOWN_MIN_US);
    else if (gate->circuit == CIRCUIT_OPEN)
        until = MAX(until, gate->open_until);
    return until > now ? until : 0;
}

GError *gate_error(const Gate *gate, gint64 now, const char *label)
{
    gint64 until = gate_closed_until(gate, now);
    gint64 seconds = until ? (until - now + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC : 0;

    if (gate->circuit == CIRCUIT_HALF_OPEN)
        return g_error_new(
            PPIOFS_ERROR, PPIOFS_ERROR_BUSY,
            "%s: no request sent: the API was unreachable several times, and one test "
            "request is running. Last error: %s",
            label, gate->reason);
    if (gate->circuit == CIRCUIT_OPEN)
        return g_error_new(
            PPIOFS_ERROR, PPIOFS_ERROR_BUSY,
            "%s: no request sent: the API was unreachable several times; next try in "
            "%" G_GINT64_FORMAT " s. Last error: %s",
            label, seconds, gate->reason);
    return g_error_new(PPIOFS_ERROR, PPIOFS_ERROR_BUSY,
                       "%s: no request sent: the API asked to wait for %" G_GINT64_FORMAT " s",
                       label, seconds);
}

gint64 gate_rest_us(const Gate *gate, guint next_try)
{
    return gate->random(REST_BASE_US << (next_try - 2), gate->random_data);
}

void gate_reset(Gate *gate)
{
    gate->circuit = CIRCUIT_CLOSED;
    gate->failures = 0;
    gate->cool_down_us = COOL_DOWN_MIN_US;
}

void gate_free(Gate *gate)
{
    if (!gate)
        return;
    g_free(gate->reason);
    g_free(gate);
}
