/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target once over kept inputs, without a fuzzer: the corpus is a test like any other.
 * Usage: runner FILE-OR-DIRECTORY... */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static gboolean run_file(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *bytes = NULL;
    g_autofree uint8_t *exact = NULL; /* without the NUL behind it that GLib adds */
    gsize length = 0;

    if (!g_file_get_contents(path, &bytes, &length, &error)) {
        g_printerr("%s\n", error->message);
        return FALSE;
    }
    g_print("%s\n", path);
    exact = g_memdup2(bytes, length);
    LLVMFuzzerTestOneInput(exact, length);
    return TRUE;
}

/* Returns how many files ran, or -1 if one could not be read. */
static int run_path(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = NULL;
    const char *name;
    int total = 0;

    if (!g_file_test(path, G_FILE_TEST_IS_DIR))
        return run_file(path) ? 1 : -1;
    dir = g_dir_open(path, 0, &error);
    if (!dir) {
        g_printerr("%s\n", error->message);
        return -1;
    }
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        int count = run_path(child);

        if (count < 0)
            return -1;
        total += count;
    }
    return total;
}

int main(int argc, char **argv)
{
    int total = 0;

    for (int i = 1; i < argc; i++) {
        int count = run_path(argv[i]);

        if (count < 0)
            return EXIT_FAILURE;
        total += count;
    }
    g_print("%d inputs\n", total);
    return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE; /* a corpus that is not there is no success */
}
