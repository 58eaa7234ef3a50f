/* SPDX-License-Identifier: MIT */
#include "ppiofs/credentials/private.h"

#include "ppiofs/base/error.h"

#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* What is wrong, never with the bytes themselves. NULL: nothing. */
static const char *find_fault(const char *bytes, gsize length)
{
    if (length >= 3 && memcmp(bytes, BYTE_ORDER_MARK, 3) == 0)
        return "starts with a byte order mark; save it as plain ASCII";
    if (length == 0)
        return "is empty; it must hold the key and nothing else";
    for (gsize i = 0; i < length; i++) {
        if (bytes[i] == '\n')
            return "has more than one line; it must hold the key and nothing else";
        if (bytes[i] < 0x21 || bytes[i] > 0x7e)
            return "contains a space or a character that is not allowed in a key; it must hold the "
                   "key and nothing else";
    }
    if (length > KEY_MAX_LENGTH)
        return "is longer than any key; it must hold the key and nothing else";
    return NULL;
}

char *key_parse(const char *bytes, gsize length, const char *where, GError **error)
{
    if (length > 0 && bytes[length - 1] == '\n')
        length -= length > 1 && bytes[length - 2] == '\r' ? 2 : 1;
    const char *fault = find_fault(bytes, length);
    if (fault) {
        error_set(error, PPIOFS_ERROR_KEY, "%s %s", where, fault);
        return NULL;
    }
    return g_strndup(bytes, length);
}

void key_free(char *key)
{
    if (!key)
        return;
    explicit_bzero(key, strlen(key));
    g_free(key);
}
