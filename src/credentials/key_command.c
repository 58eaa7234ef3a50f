/* SPDX-License-Identifier: MIT */
#include "ppiofs/credentials/private.h"

#include "ppiofs/base/error.h"
#include "ppiofs/base/text.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_OUTPUT (KEY_MAX_LENGTH + 3) /* a key, CR LF, and a byte that shows it was too long */
#define MAX_DYING_MS 200                /* a killed process ends within a few */
#define MAX_COMPLAINT 300               /* bytes of standard error in the message */

/* One of the child's two outputs. What does not fit is read and dropped: a full pipe would stop
 * the child. Fixed memory, since growing would leave copies of the key behind. */
typedef struct {
    int fd;
    GSource *source;
    gsize length;
    char bytes[MAX_OUTPUT];
} Output;

/* Ends when the child ends, not when its pipes close: a daemon that it leaves behind may keep
 * them. GLib's own child watch would not do: it may start a thread, which the fork() into the
 * background would lose. */
struct KeyCommand {
    char *program; /* printable */
    GPid pid;
    int pid_fd;
    GSource *exit;
    GSource *deadline;
    Output output, complaint;
    KeyCommandDone done;
    gpointer data;
};

static void drop_source(GSource **source)
{
    if (!*source)
        return;
    g_source_destroy(*source);
    g_source_unref(*source);
    *source = NULL;
}

static void output_close(Output *output)
{
    drop_source(&output->source);
    if (output->fd >= 0)
        close(output->fd);
    output->fd = -1;
    explicit_bzero(output->bytes, sizeof output->bytes);
}

static void key_command_free(KeyCommand *run)
{
    drop_source(&run->exit);
    drop_source(&run->deadline);
    output_close(&run->output);
    output_close(&run->complaint);
    if (run->pid_fd >= 0)
        close(run->pid_fd);
    g_free(run->program);
    g_free(run);
}

/* TRUE while there may be more. Reads no more than a pipe holds at a time: yes(1) must not keep
 * the loop busy. */
static gboolean output_read(Output *output)
{
    char chunk[4096];

    for (int i = 0; i < 16; i++) {
        gssize n = read(output->fd, chunk, sizeof chunk);
        gsize room = sizeof output->bytes - output->length;

        if (n <= 0)
            return n < 0 && (errno == EAGAIN || errno == EINTR);
        memcpy(output->bytes + output->length, chunk, MIN(room, (gsize)n));
        output->length += MIN(room, (gsize)n);
        explicit_bzero(chunk, n);
    }
    return TRUE;
}

static gboolean on_output(int fd, GIOCondition condition, gpointer data)
{
    (void)fd, (void)condition;
    return output_read(data) ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void finish(KeyCommand *run, const char *key, const GError *error)
{
    run->done(key, error, run->data);
    key_command_free(run);
}

static void fail(KeyCommand *run, const char *what)
{
    g_autofree char *said = text_printable(g_strchomp(run->complaint.bytes), -1, MAX_COMPLAINT);
    g_autoptr(GError) error =
        g_error_new(PPIOFS_ERROR, PPIOFS_ERROR_KEY, "api_key_command (%s) %s%s%s", run->program,
                    what, *said ? ": " : "", said);

    finish(run, NULL, error);
}

/* Only the first line counts. */
static void succeed(KeyCommand *run)
{
    const char *newline = memchr(run->output.bytes, '\n', run->output.length);
    gsize length = newline ? (gsize)(newline - run->output.bytes) + 1 : run->output.length;
    g_autofree char *where = g_strdup_printf("the output of api_key_command (%s)", run->program);
    g_autoptr(GError) error = NULL;
    char *key = key_parse(run->output.bytes, length, where, &error);

    finish(run, key, error);
    key_free(key);
}

static gboolean on_exit_of_child(int fd, GIOCondition condition, gpointer data)
{
    KeyCommand *run = data;
    int status = 0;

    (void)fd, (void)condition;
    while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR) /* does not wait: it has ended */
        continue;
    output_read(&run->output); /* its last words may have come after the poll looked there */
    output_read(&run->complaint);
    run->complaint.bytes[sizeof run->complaint.bytes - 1] = '\0';
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        succeed(run);
        return G_SOURCE_REMOVE;
    }
    g_autofree char *what = WIFEXITED(status)
                                ? g_strdup_printf("failed with status %d", WEXITSTATUS(status))
                                : g_strdup_printf("was ended by signal %d", WTERMSIG(status));
    fail(run, what);
    return G_SOURCE_REMOVE;
}

/* A program of another user (sudo) cannot be killed from here: it is not waited for then. */
static void kill_group(KeyCommand *run)
{
    struct pollfd ended = { run->pid_fd, POLLIN, 0 };

    kill(-run->pid, SIGKILL);
    poll(&ended, 1, MAX_DYING_MS);
    waitpid(run->pid, NULL, WNOHANG);
}

static gboolean on_deadline(gpointer data)
{
    KeyCommand *run = data;

    kill_group(run);
    run->complaint.bytes[sizeof run->complaint.bytes - 1] = '\0';
    fail(run, "did not print a key in time");
    return G_SOURCE_REMOVE;
}

void key_command_cancel(KeyCommand *run)
{
    kill_group(run);
    key_command_free(run);
}

/* Runs in the child: a group of its own, so that the deadline reaches its children too. */
static void enter_own_group(gpointer data)
{
    (void)data;
    setpgid(0, 0);
}

static gboolean spawn(KeyCommand *run, char **argv, GError **error)
{
    g_autoptr(GError) cause = NULL;

    if (g_spawn_async_with_pipes(
            NULL, argv, NULL,
            G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH | G_SPAWN_CLOEXEC_PIPES,
            enter_own_group, NULL, &run->pid, NULL, &run->output.fd, &run->complaint.fd, &cause)) {
        run->pid_fd = syscall(SYS_pidfd_open, run->pid, 0);
        if (run->pid_fd >= 0)
            return TRUE;
        error_set(&cause, PPIOFS_ERROR_KEY, "%s", g_strerror(errno));
        kill_group(run);
    }
    return error_set(error, PPIOFS_ERROR_KEY, "api_key_command cannot be started: %s",
                     cause->message);
}

static GSource *attach(GSource *source, GSourceFunc call, gpointer data, GMainContext *context)
{
    g_source_set_callback(source, call, data, NULL);
    g_source_attach(source, context);
    return source;
}

static void output_watch(Output *output, GMainContext *context)
{
    GSource *source = g_unix_fd_source_new(output->fd, G_IO_IN | G_IO_HUP | G_IO_ERR);

    g_unix_set_fd_nonblocking(output->fd, TRUE, NULL);
    output->source = attach(source, G_SOURCE_FUNC(on_output), output, context);
}

KeyCommand *key_command_start(const char *command, gint64 timeout_us, GMainContext *context,
                              KeyCommandDone done, gpointer data, GError **error)
{
    g_auto(GStrv) argv = NULL;

    if (!g_shell_parse_argv(command, NULL, &argv, NULL)) {
        error_set(error, PPIOFS_ERROR_KEY, "api_key_command is not quoted correctly");
        return NULL;
    }
    KeyCommand *run = g_new0(KeyCommand, 1);
    run->program = text_printable(argv[0], -1, 256);
    run->pid_fd = run->output.fd = run->complaint.fd = -1;
    run->done = done;
    run->data = data;
    if (!spawn(run, argv, error)) {
        key_command_free(run);
        return NULL;
    }
    output_watch(&run->output, context);
    output_watch(&run->complaint, context);
    run->exit = attach(g_unix_fd_source_new(run->pid_fd, G_IO_IN), G_SOURCE_FUNC(on_exit_of_child),
                       run, context);
    run->deadline = attach(g_timeout_source_new(timeout_us / 1000), on_deadline, run, context);
    return run;
}
