/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/greeting.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <unistd.h>

#define MAX_REPLY_BYTES 4096 /* as the study has it; the reply of today has 80 */

/* What libfuse is asked for and does not pass on. Without FUSE_PARALLEL_DIROPS (libfuse
 * before 3.17) one parked LOOKUP makes every other one in its directory wait, and `ls` of it, too.
 * With FUSE_ABORT_ERROR an abort can be told from an unmount. */
#define ADDED_FLAGS (FUSE_PARALLEL_DIROPS | FUSE_ABORT_ERROR)

typedef struct {
    struct fuse_in_header header;
    struct fuse_init_in init;
} InitRequest;

typedef struct {
    struct fuse_out_header header;
    struct fuse_init_out init;
} InitReply;

/* Only what the kernel offers. A reply that says another version, or an error, has no flags. */
static void add_flags(const struct fuse_buf *request, void *reply, gsize size)
{
    const InitRequest *asked = request->mem;
    InitReply *answer = reply;

    if (size >= offsetof(InitReply, init.max_background) && answer->header.error == 0 &&
        answer->init.major == FUSE_KERNEL_VERSION &&
        request->size >= offsetof(InitRequest, init.flags) + sizeof asked->init.flags)
        answer->init.flags |= asked->init.flags & ADDED_FLAGS;
}

/* libfuse writes its reply into a pipe that takes the place of the connection's descriptor
 * meanwhile. fuse_session_custom_io() would do, and is not in every libfuse. */
static gssize catch_reply(struct fuse_session *session, const struct fuse_buf *request, int real,
                          void *reply, gsize size)
{
    int fd = fuse_session_fd(session), ends[2];
    gssize got = -1;

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    if (dup3(ends[1], fd, O_CLOEXEC) >= 0) {
        fuse_session_process_buf(session, request);
        got = read(ends[0], reply, size);
        if (dup3(real, fd, O_CLOEXEC) < 0)
            got = -1;
    }
    close(ends[0]);
    close(ends[1]);
    return got;
}

/* What is to be the reply: libfuse's, completed. NULL if there is none. */
static GBytes *make_reply(struct fuse_session *session, const struct fuse_buf *request, int real)
{
    _Alignas(InitReply) char reply[MAX_REPLY_BYTES];
    gssize size = catch_reply(session, request, real, reply, sizeof reply);

    if (size <= 0)
        return NULL;
    add_flags(request, reply, (gsize)size);
    return g_bytes_new(reply, (gsize)size);
}

static Greeting *greeting_new(struct fuse_session *session, const struct fuse_buf *request,
                              GBytes *expected)
{
    int real = fcntl(fuse_session_fd(session), F_DUPFD_CLOEXEC, 3);
    g_autoptr(GBytes) reply = real < 0 ? NULL : make_reply(session, request, real);
    Greeting *greeting = NULL;
    gsize size;

    if (reply != NULL) {
        gconstpointer bytes = g_bytes_get_data(reply, &size);

        if (expected != NULL ? g_bytes_equal(reply, expected)
                             : write(real, bytes, size) == (gssize)size) {
            greeting = g_new0(Greeting, 1);
            greeting->request = g_bytes_new(request->mem, request->size);
            greeting->reply = g_steal_pointer(&reply);
        }
    }
    if (real >= 0)
        close(real);
    return greeting;
}

Greeting *greeting_exchange(struct fuse_session *session, const struct fuse_buf *request)
{
    return greeting_new(session, request, NULL);
}

Greeting *greeting_repeat(struct fuse_session *session, GBytes *request, GBytes *reply)
{
    gsize size;
    gconstpointer bytes = g_bytes_get_data(request, &size);
    g_autofree void *copy = g_memdup2(bytes, size); /* libfuse may write into it */

    return size < sizeof(InitRequest)
               ? NULL
               : greeting_new(session, &(struct fuse_buf){ .mem = copy, .size = size }, reply);
}

void greeting_free(Greeting *greeting)
{
    if (greeting == NULL)
        return;
    g_bytes_unref(greeting->request);
    g_bytes_unref(greeting->reply);
    g_free(greeting);
}
