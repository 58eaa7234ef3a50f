/* SPDX-License-Identifier: MIT */
#include "ppiofs/check/host.h"

#include "ppiofs/base/error.h"
#include "ppiofs/fs/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICE "/dev/fuse"
#define HELPER "fusermount3"
#define FUSE_CONFIG "/etc/fuse.conf"

/* root mounts without it, but for auto_unmount. */
static void check_helper(Report *report, const Options *options)
{
    static const char subject[] = HELPER;
    g_autofree char *path = g_find_program_in_path(HELPER);
    gboolean needed = geteuid() != 0 || options->auto_unmount;
    struct stat status;

    if (!path && needed) {
        g_autoptr(GError) error =
            g_error_new(PPIOFS_ERROR, PPIOFS_ERROR_FAILED, "it is not in $PATH");
        report_failure(report, subject, error, "install the package fuse3");
    } else if (!path) {
        report_line("note", subject,
                    "it is not in $PATH; root can mount without it, and unmount "
                    "with umount");
    } else if (needed && stat(path, &status) == 0 &&
               (status.st_uid != 0 || !(status.st_mode & S_ISUID))) {
        report_line("note", subject, "%s is not setuid root, so it may be unable to mount", path);
    } else {
        report_line("ok", subject, "%s", path);
    }
}

static const char *device_advice(int why)
{
    switch (why) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return "load the kernel module (modprobe fuse); in a container, pass the device in "
               "(--device " DEVICE ")";
    case EACCES:
        return "its mode is usually 0666; ask the administrator of this machine";
    case EPERM:
        return "this container may not use the device; allow it (--device " DEVICE ")";
    default:
        return NULL;
    }
}

/* Opening it without mounting changes nothing. */
static void check_device(Report *report)
{
    int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

    if (fd >= 0) {
        close(fd);
        report_line("ok", DEVICE, "can be opened");
        return;
    }
    int why = errno;
    g_autoptr(GError) error = g_error_new(PPIOFS_ERROR, PPIOFS_ERROR_FAILED, "%s", g_strerror(why));
    report_failure(report, DEVICE, error, device_advice(why));
}

/* As fusermount3 reads it: a line with this word alone. */
static gboolean others_are_allowed(void)
{
    g_autofree char *text = NULL;

    if (!g_file_get_contents(FUSE_CONFIG, &text, NULL, NULL))
        return FALSE;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (gsize i = 0; lines[i]; i++)
        if (strcmp(g_strstrip(lines[i]), "user_allow_other") == 0)
            return TRUE;
    return FALSE;
}

static void check_allow_other(Report *report, const Options *options)
{
    static const char subject[] = "allow_other";
    static const char advice[] = "add the line user_allow_other to " FUSE_CONFIG;

    if (geteuid() == 0) {
        report_line("ok", subject, "root may use it");
    } else if (others_are_allowed()) {
        report_line("ok", subject, "allowed by user_allow_other in " FUSE_CONFIG);
    } else if (options->allow_other) {
        g_autoptr(GError) error =
            g_error_new(PPIOFS_ERROR, PPIOFS_ERROR_FAILED, "only root may use it here");
        report_failure(report, subject, error, advice);
    } else {
        report_line("note", subject, "only root may use it here. To allow it for users, %s",
                    advice);
    }
}

static gboolean is_empty(const char *path)
{
    g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);

    return !directory || !g_dir_read_name(directory);
}

/* fusermount3 wants a user to have a right to what is hidden by the mount. */
static GError *find_directory_fault(const Place *place)
{
    struct stat status;

    if (stat(place->path, &status) != 0)
        return g_error_new(PPIOFS_ERROR, PPIOFS_ERROR_USAGE, "%s: cannot be used: %s", place->shown,
                           g_strerror(errno));
    if (geteuid() != 0 && access(place->path, W_OK) != 0)
        return g_error_new(PPIOFS_ERROR, PPIOFS_ERROR_FAILED,
                           "%s: you cannot write to it; choose a directory of your own",
                           place->shown);
    if (geteuid() != 0 && (status.st_mode & S_ISVTX) && status.st_uid != geteuid())
        return g_error_new(PPIOFS_ERROR, PPIOFS_ERROR_FAILED,
                           "%s: other users share it (sticky); make a directory of your own in it",
                           place->shown);
    return NULL;
}

/* What a mount would find there, without changing it. */
static void check_mountpoint(Report *report, const char *path)
{
    static const char subject[] = "mount point";
    g_autoptr(GError) error = NULL;
    g_autoptr(Place) place = place_look(path, &error);
    gboolean is_dead = place && place_is_takeover(place);

    if (place && !is_dead && place_check(place, &error))
        error = find_directory_fault(place);
    if (error)
        report_failure(report, subject, error, NULL);
    else if (is_dead)
        report_line("note", subject, "%s holds a dead ppiofs mount; the next mount removes it",
                    place->shown);
    else if (!is_empty(place->path))
        report_line("note", subject, "%s is not empty; a mount hides its content", place->shown);
    else
        report_line("ok", subject, "%s", place->shown);
}

void host_check(Report *report, const Options *options)
{
    check_helper(report, options);
    check_device(report);
    check_allow_other(report, options);
    if (options->mountpoint && !g_str_has_prefix(options->mountpoint, "/dev/fd/"))
        check_mountpoint(report, options->mountpoint);
}
