/* SPDX-License-Identifier: MIT */
/* hash: SipHash-2-4, the one hash of ppiofs. The API chooses ids, names and keys: without knowing
 * the key it cannot choose them so that they collide, which would make a table slow.
 *
 * The process has one key. hash_start() draws it, once, before the first table is made; a program
 * that never calls it (a unit test) has a key of zeros. The key is a value that may be saved:
 * whoever takes a mount over from another process goes on with that one's key, because directory
 * keys (subtree.h) and the inode numbers of secrets depend on it. */
#pragma once

#include <glib.h>

typedef struct {
    guint64 k0, k1;
} HashKey;

guint64 hash_bytes(const HashKey *key, gconstpointer bytes, gsize length);

/* From now on the process has this @key; NULL: a random one. */
void hash_start(const HashKey *key);

/* The key of the process. */
const HashKey *hash_key(void);

/* A GHashFunc for strings, in place of g_str_hash(). */
guint hash_text(gconstpointer text);
