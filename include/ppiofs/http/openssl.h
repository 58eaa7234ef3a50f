/* SPDX-License-Identifier: MIT */
/* openssl: the two settings of OpenSSL that libcurl does not offer. ppiofs does not link OpenSSL:
 * it finds the functions in the library that libcurl has loaded. */
#pragma once

#include <curl/curl.h>
#include <glib.h>

/* Sets them for each TLS connection of @easy. With another TLS library nothing is set. FALSE: out
 * of memory. */
gboolean openssl_set_up(CURL *easy);
