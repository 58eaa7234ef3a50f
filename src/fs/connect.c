/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/connect.h"

#include <glib-unix.h>
#include <linux/fuse.h>
#include <string.h>
#include <unistd.h>

#include "ppiofs/base/error.h"

#define NOTIFY_RESEND 7 /* Linux 6.9; older headers do not know it */

/* libfuse's own words, which else go to standard error, where nobody reads in the background. */
static void on_fuse_log(enum fuse_log_level level, const char *format, va_list arguments)
{
    g_autofree char *text = g_strdup_vprintf(format, arguments);

    g_log(G_LOG_DOMAIN, level <= FUSE_LOG_WARNING ? G_LOG_LEVEL_WARNING : G_LOG_LEVEL_DEBUG, "%s",
          g_strchomp(text));
}

static void add_option(struct fuse_args *args, const char *option)
{
    fuse_opt_add_arg(args, "-o");
    fuse_opt_add_arg(args, option);
}

/* A comma in the name would end the option. */
static char *fsname_option(const char *fsname)
{
    g_auto(GStrv) parts = g_strsplit(fsname, "\\", -1);
    g_autofree char *backslashes = g_strjoinv("\\\\", parts);
    g_auto(GStrv) commas = g_strsplit(backslashes, ",", -1);
    g_autofree char *escaped = g_strjoinv("\\,", commas);
    return g_strconcat("fsname=", escaped, NULL);
}

static struct fuse_session *new_fuse_session(Fs *fs, const SessionOptions *options)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    g_autofree char *fsname = fsname_option(options->fsname);

    fuse_opt_add_arg(&args, "ppiofs");
    add_option(&args, "subtype=ppiofs,ro,nosuid,nodev,noexec,default_permissions");
    add_option(&args, fsname);
    if (options->allow_other)
        add_option(&args, "allow_other");
    if (options->auto_unmount)
        add_option(&args, "auto_unmount");

    fuse_set_log_func(on_fuse_log);
    struct fuse_session *fuse =
        fuse_session_new(&args, fs_operations(), sizeof(struct fuse_lowlevel_ops), fs);
    fuse_opt_free_args(&args);
    return fuse;
}

/* As root at the very directory that was looked at, whatever its path has become. fusermount3,
 * which takes no descriptor of another process, makes sure of that by itself. */
static char *target_of(const SessionOptions *options)
{
    gboolean asks_fusermount = geteuid() != 0 || options->auto_unmount;

    if (options->place->passed_in || asks_fusermount)
        return g_strdup(options->place->passed_in ? options->place->shown : options->place->path);
    return g_strdup_printf("/proc/self/fd/%d", options->place->fd);
}

struct fuse_session *connect_mount(Fs *fs, const SessionOptions *options, OwnMount *ret_mount,
                                   GError **error)
{
    const Place *place = options->place;
    g_autofree char *target = target_of(options);
    struct fuse_session *fuse = new_fuse_session(fs, options);

    if (fuse == NULL || fuse_session_mount(fuse, target) != 0) {
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_FAILED,
                    "%s: cannot mount; see the message above, and run: ppiofs --check %s",
                    place->shown, place->shown);
    } else if ((place->passed_in || own_mount_find(ret_mount, place, error)) &&
               g_unix_set_fd_nonblocking(fuse_session_fd(fuse), TRUE, error)) {
        return fuse;
    }
    if (fuse != NULL)
        fuse_session_destroy(fuse);
    return NULL;
}

static gboolean greet_again(struct fuse_session *fuse, const KeepFile *keep,
                            Greeting **ret_greeting)
{
    g_autoptr(GBytes) request = keep_find(keep, KEEP_REQUEST);
    g_autoptr(GBytes) reply = keep_find(keep, KEEP_REPLY);

    *ret_greeting = request == NULL || reply == NULL ? NULL : greeting_repeat(fuse, request, reply);
    return *ret_greeting != NULL;
}

struct fuse_session *connect_adopt(Fs *fs, const SessionOptions *options, OwnMount *ret_mount,
                                   Greeting **ret_greeting, GError **error)
{
    g_autofree char *passed = g_strdup_printf("/dev/fd/%d", options->fuse_fd);
    struct fuse_session *fuse = new_fuse_session(fs, options);

    if (!own_mount_of_keep(ret_mount, options->keep) || fuse == NULL ||
        fuse_session_mount(fuse, passed) != 0)
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_FAILED,
                    "cannot continue the mount of the previous process; it is unmounted");
    else if (!greet_again(fuse, options->keep, ret_greeting))
        g_set_error(error, PPIOFS_ERROR, PPIOFS_ERROR_FAILED,
                    "cannot continue the mount of the previous process: this FUSE library (%s) "
                    "makes other promises to the kernel; it is unmounted",
                    fuse_pkgversion());
    else
        return fuse;
    if (fuse != NULL)
        fuse_session_destroy(fuse);
    return NULL;
}

gboolean connect_resend(struct fuse_session *fuse)
{
    struct fuse_out_header notice = { .len = sizeof notice, .error = NOTIFY_RESEND };

    return write(fuse_session_fd(fuse), &notice, sizeof notice) == sizeof notice;
}
