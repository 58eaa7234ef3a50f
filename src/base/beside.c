/* SPDX-License-Identifier: MIT */
#include "ppiofs/base/beside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ANSWER_BYTES 256 /* far below PIPE_BUF: it is written at once */

typedef struct {
    gssize result;
    char bytes[MAX_ANSWER_BYTES];
} Answer;

G_NORETURN static void make_call(BesideCall call, gpointer data, gsize size, int pipe)
{
    Answer answer = { 0 };

    answer.result = call(answer.bytes, MIN(size, sizeof answer.bytes), data);
    _exit(write(pipe, &answer, sizeof answer) == sizeof answer ? 0 : 1);
}

/* One that is in the kernel for good cannot be waited for: init takes it when this process ends. */
static void give_up(pid_t child, gboolean answered)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, answered ? 0 : WNOHANG);
}

gssize beside_call(BesideCall call, gpointer data, char *answer, gsize size, int patience_ms)
{
    Answer got = { .result = -EIO };
    int ends[2], why = 0;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return -errno;
    pid_t child = fork();
    if (child == 0)
        make_call(call, data, size, ends[1]);
    why = child < 0 ? errno : 0;
    close(ends[1]);
    if (child > 0) {
        struct pollfd ready = { .fd = ends[0], .events = POLLIN };
        gboolean answered = poll(&ready, 1, patience_ms) == 1;

        if (!answered)
            got.result = -ETIMEDOUT;
        else if (read(ends[0], &got, sizeof got) != sizeof got)
            got.result = -EIO;
        give_up(child, answered);
    }
    close(ends[0]);
    for (gssize i = 0; i < got.result; i++)
        answer[i] = got.bytes[i];
    return why ? -why : got.result;
}
