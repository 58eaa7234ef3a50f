/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/http.h"

#include <curl/curl.h>
#include <string.h>

/* A server that asks for no wait at all still gets a breath; one that asks for hours does not
 * switch the mount off. */
#define WAIT_MIN_S 1
#define WAIT_MAX_S 300

static gint64 clamped_us(gint64 seconds)
{
    return CLAMP(seconds, WAIT_MIN_S, WAIT_MAX_S) * G_USEC_PER_SEC;
}

static gboolean is_number(const char *text)
{
    text += *text == '-';
    return *text && strspn(text, "0123456789") == strlen(text);
}

static gint64 seconds_until(gint64 then_s, gint64 now_s)
{
    if (then_s <= now_s)
        return 0;
    /* Unsigned, since the difference of two far times overflows a signed one. */
    return (gint64)MIN((guint64)then_s - (guint64)now_s, WAIT_MAX_S);
}

gint64 http_parse_retry_after(const char *value, gint64 now_s)
{
    g_autofree char *text = g_strstrip(g_strdup(value ? value : ""));
    time_t date;

    if (is_number(text)) /* what is too long for 64 bits becomes the largest there is */
        return clamped_us(g_ascii_strtoll(text, NULL, 10));
    date = curl_getdate(text, NULL); /* knows all three forms of an HTTP date, and then some */
    return date == -1 ? -1 : clamped_us(seconds_until(date, now_s));
}
