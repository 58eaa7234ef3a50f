/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/hash.h"

#include <string.h>

/* Those that came with SipHash: key 00 01 .. 0f, message 00 01 .. of that length. */
static void test_the_published_vectors(void)
{
    static const HashKey key = { G_GUINT64_CONSTANT(0x0706050403020100),
                                 G_GUINT64_CONSTANT(0x0f0e0d0c0b0a0908) };
    static const struct {
        gsize length;
        guint64 hash; /* printed with its lowest byte first */
    } vectors[] = {
        { 0, G_GUINT64_CONSTANT(0x310e0edd47db6f72) },
        { 1, G_GUINT64_CONSTANT(0xfd67dc93c539f874) },
        { 7, G_GUINT64_CONSTANT(0x37d1018bf50002ab) },
        { 8, G_GUINT64_CONSTANT(0x6224939a79f5f593) },
        { 15, G_GUINT64_CONSTANT(0xe545be4961ca29a1) },
        { 16, G_GUINT64_CONSTANT(0xdb9bc2577fcc2a3f) },
        { 63, G_GUINT64_CONSTANT(0x724506eb4c328a95) },
    };
    guchar message[64];

    for (gsize i = 0; i < sizeof message; i++)
        message[i] = (guchar)i;
    for (gsize i = 0; i < G_N_ELEMENTS(vectors); i++)
        g_assert_cmphex(GUINT64_SWAP_LE_BE(hash_bytes(&key, message, vectors[i].length)), ==,
                        vectors[i].hash);
}

static void test_strings_that_collide_in_the_usual_hash_do_not_here(void)
{
    g_assert_cmpuint(g_str_hash("Ez"), ==, g_str_hash("FY"));
    g_assert_cmpuint(hash_text("Ez"), !=, hash_text("FY"));
    g_assert_cmpuint(hash_text("Ez"), ==, hash_text("Ez"));
}

static void test_the_key_is_random_unless_it_is_given(void)
{
    static const HashKey given = { 1, 2 };
    guint before = hash_text("x");
    HashKey first;

    hash_start(NULL);
    first = *hash_key();
    g_assert_cmpuint(hash_text("x"), !=, before);
    hash_start(NULL);
    g_assert_cmpuint(hash_key()->k0, !=, first.k0);
    g_assert_cmpuint(hash_key()->k1, !=, first.k1);
    hash_start(&given);
    g_assert_cmpmem(hash_key(), sizeof given, &given, sizeof given);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hash/vectors", test_the_published_vectors);
    g_test_add_func("/hash/collisions", test_strings_that_collide_in_the_usual_hash_do_not_here);
    g_test_add_func("/hash/key", test_the_key_is_random_unless_it_is_given);
    return g_test_run();
}
