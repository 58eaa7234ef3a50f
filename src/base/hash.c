/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/hash.h"

#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>

/* The four words of SipHash's state. */
typedef struct {
    guint64 a, b, c, d;
} State;

static guint64 rotate(guint64 word, guint bits)
{
    return word << bits | word >> (64 - bits);
}

static void mix(State *s, guint rounds)
{
    while (rounds-- > 0) {
        s->a += s->b;
        s->c += s->d;
        s->b = rotate(s->b, 13) ^ s->a;
        s->d = rotate(s->d, 16) ^ s->c;
        s->a = rotate(s->a, 32) + s->d;
        s->c += s->b;
        s->d = rotate(s->d, 21) ^ s->a;
        s->b = rotate(s->b, 17) ^ s->c;
        s->c = rotate(s->c, 32);
    }
}

static void take_word(State *s, guint64 word)
{
    s->d ^= word;
    mix(s, 2);
    s->a ^= word;
}

/* Up to eight bytes, the first the lowest. */
static guint64 word_at(const guchar *bytes, gsize length)
{
    guint64 word = 0;

    memcpy(&word, bytes, length);
    return GUINT64_FROM_LE(word);
}

guint64 hash_bytes(const HashKey *key, gconstpointer bytes, gsize length)
{
    State s = {
        key->k0 ^ G_GUINT64_CONSTANT(0x736f6d6570736575),
        key->k1 ^ G_GUINT64_CONSTANT(0x646f72616e646f6d),
        key->k0 ^ G_GUINT64_CONSTANT(0x6c7967656e657261),
        key->k1 ^ G_GUINT64_CONSTANT(0x7465646279746573),
    };
    const guchar *at = bytes;
    gsize left = length;

    for (; left >= sizeof(guint64); at += sizeof(guint64), left -= sizeof(guint64))
        take_word(&s, word_at(at, sizeof(guint64)));
    take_word(&s, (guint64)length << 56 | (left > 0 ? word_at(at, left) : 0));
    s.c ^= 0xff;
    mix(&s, 4);
    return s.a ^ s.b ^ s.c ^ s.d;
}

/* A GHashFunc has no argument for a key: so the process has one, written once. */
static HashKey process_key;

void hash_start(const HashKey *key)
{
    if (key != NULL)
        process_key = *key;
    else if (getrandom(&process_key, sizeof process_key, 0) != sizeof process_key)
        /* What the kernel gives to each process at its start has as many random bytes. */
        memcpy(&process_key, (gconstpointer)getauxval(AT_RANDOM), sizeof process_key);
}

const HashKey *hash_key(void)
{
    return &process_key;
}

guint hash_text(gconstpointer text)
{
    return (guint)hash_bytes(&process_key, text, strlen(text));
}
