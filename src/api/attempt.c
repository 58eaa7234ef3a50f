/* SPDX-License-Identifier: MIT */
#include "ppiofs/api/attempt.h"

#include "ppiofs/base/error.h"

typedef struct {
    PpiofsError code;
    guint max_tries;
    AttemptVerdict verdict;
} FailureRule;

/* Only GET is ever sent, so a repetition changes nothing over there. What TLS refuses or what is
 * too large will be so again. */
static const FailureRule failure_rules[] = {
    { PPIOFS_ERROR_TIMEOUT, ATTEMPT_MAX_TRIES, ATTEMPT_FAILED },
    { PPIOFS_ERROR_UNREACHABLE, ATTEMPT_MAX_TRIES, ATTEMPT_FAILED },
    { PPIOFS_ERROR_REFUSED, ATTEMPT_MAX_TRIES, ATTEMPT_FAILED },
    { PPIOFS_ERROR_SERVER, ATTEMPT_MAX_TRIES, ATTEMPT_FAILED }, /* connection lost */
    { PPIOFS_ERROR_BAD_ANSWER, 2, ATTEMPT_FAILED },             /* body cut short */
    { PPIOFS_ERROR_PROTOCOL, 1, ATTEMPT_FAILED },
    { PPIOFS_ERROR_TOO_LARGE, 1, ATTEMPT_ANSWERED },
};

static const guint passing_statuses[] = { 429, 500, 502, 503, 504 };

static const FailureRule *find_rule(const GError *error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(failure_rules); i++)
        if (g_error_matches(error, PPIOFS_ERROR, (gint)failure_rules[i].code))
            return &failure_rules[i];
    return NULL;
}

AttemptVerdict attempt_verdict(const HttpAnswer *answer, const GError *error)
{
    const FailureRule *rule = answer ? NULL : find_rule(error);

    if (answer)
        return ATTEMPT_ANSWERED;
    return rule ? rule->verdict : ATTEMPT_MUTE;
}

guint attempt_max_tries(const HttpAnswer *answer, const GError *error)
{
    const FailureRule *rule = answer ? NULL : find_rule(error);

    if (!answer)
        return rule ? rule->max_tries : 1;
    for (gsize i = 0; i < G_N_ELEMENTS(passing_statuses); i++)
        if (passing_statuses[i] == answer->status)
            return ATTEMPT_MAX_TRIES;
    return 1;
}
