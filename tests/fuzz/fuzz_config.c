/* SPDX-License-Identifier: MIT */
/* Whatever stands in a configuration file: there are options, all within their bounds and fit to
 * be printed, or there is one printable sentence that begins with the name of the file.
 *
 * Input: the file. Its profile "lab" is asked for. */
#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"
#include "ppiofs/http/http.h"
#include "ppiofs/options.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What is shown of a value, a section and a list of sections, escaped fourfold, and the rest. */
#define MAX_MESSAGE_BYTES 4096
#define DAY_S (24 * 3600)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_whole(int fd, const uint8_t *data, size_t size)
{
    g_assert_cmpint(ftruncate(fd, 0), ==, 0);
    g_assert_cmpint(pwrite(fd, data, size, 0), ==, (gssize)size);
    g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
}

static void check_printable(const char *text, const char *also)
{
    g_assert_true(g_utf8_validate(text, -1, NULL));
    for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at))
        g_assert_true(strchr(also, *at) != NULL || !text_is_control(g_utf8_get_char(at)));
}

static void check_error(const GError *error)
{
    g_assert_error(error, PPIOFS_ERROR, PPIOFS_ERROR_USAGE);
    g_assert_cmpuint(strlen(error->message), <, MAX_MESSAGE_BYTES);
    check_printable(error->message, "");
}

static void check_options(const Options *options)
{
    g_autofree char *printed = options_print_config(options, NULL);

    check_printable(printed, "\n");
    g_assert_true(http_check_url(options->api_url, NULL));
    g_assert_cmpint(options->ttl_us, >=, 0);
    g_assert_cmpint(options->ttl_us / G_USEC_PER_SEC, <=, 365 * DAY_S);
    g_assert_cmpint(options->timeout_us, >, 0);
    g_assert_cmpuint(options->parallel_requests, >, 0);
    g_assert_cmpuint(options->page_size, >, 0);
    g_assert_cmpuint(options->umask, <=, 0777);
    g_assert_true(options->secrets == SECRETS_SHOW || options->secrets == SECRETS_HIDE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    g_autofree char *config = NULL;
    g_autoptr(GError) error = NULL;

    if (fd < 0) {
        fd = memfd_create("config", MFD_CLOEXEC);
        g_assert_cmpint(fd, >=, 0);
    }
    write_whole(fd, data, size);
    config = g_strdup_printf("config=/proc/self/fd/%d", fd);
    char *argv[] = { (char *)"ppiofs", (char *)"--print-config",
                     (char *)"-o",     config,
                     (char *)"lab",    NULL };
    g_autoptr(Options) options = options_parse(argv, &error);
    g_assert_true((options == NULL) == (error != NULL));
    if (error != NULL)
        check_error(error);
    else
        check_options(options);
    return 0;
}
