/* SPDX-License-Identifier: MIT */
#include "ppiofs/http/coding.h"

#include <string.h>

/* Header lines, split by a bar. */
static const struct {
    const char *lines;
    gboolean good;
} rows[] = {
    { "HTTP/1.1 200 OK|Date: today|", TRUE },
    { "Content-Encoding: gzip", TRUE },
    { "content-encoding:GZIP", TRUE },
    { "Content-Encoding: identity", TRUE },
    { "Content-Encoding:", TRUE },
    { "Content-Encoding: , identity , gzip ,", TRUE },
    { "Transfer-Encoding: chunked", TRUE },
    { "Transfer-Encoding: gzip, chunked", TRUE },
    { "Content-Encoding: gzip|Transfer-Encoding: chunked", TRUE },
    { "Vary: x| y|Content-Encoding: gzip", TRUE }, /* folded, elsewhere */
    { "Content-Encoding: gzip, gzip", FALSE },
    { "Content-Encoding: gzip|Content-Encoding: gzip", FALSE },
    { "Content-Encoding: gzip|Transfer-Encoding: gzip, chunked", FALSE },
    { "Content-Encoding : gzip|Content-Encoding\t: gzip", FALSE },
    { "Transfer-Encoding: chunked, chunked", FALSE },
    { "Transfer-Encoding: chunked|Transfer-Encoding: chunked", FALSE },
    { "Content-Encoding: chunked", FALSE },
    { "Content-Encoding: br", FALSE },
    { "Content-Encoding: deflate", FALSE },
    { "Content-Encoding: x-gzip", FALSE },
    { "Content-Encoding: gzip gzip", FALSE },
    { "Content-Encoding: identity| , gzip", FALSE }, /* folded: libraries differ */
    { "Transfer-Encoding: chunked|\tgzip", FALSE },
};

static void test_a_body_is_decoded_at_most_once(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(GStrv) lines = g_strsplit(rows[i].lines, "|", -1);
        Coding coding = { 0 };
        gboolean good = TRUE;

        for (gsize j = 0; lines[j]; j++) {
            g_autofree char *line = g_strconcat(lines[j], "\r\n", NULL);

            good = good && coding_note_line(&coding, line, strlen(line));
        }
        g_test_message("%s", rows[i].lines);
        g_assert_cmpint(good, ==, rows[i].good);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/coding/rows", test_a_body_is_decoded_at_most_once);
    return g_test_run();
}
