/* SPDX-License-Identifier: MIT */
/* privilege: gives up what a mount does not need, before the first byte of the network is read. */
#pragma once

#include <glib.h>

typedef struct {
    const char *mountpoint; /* absolute, or /dev/fd/N as a mount helper passes it */
    const char *key_file;   /* both may be read again later; NULL: there is none */
    const char *cacert;
    gboolean runs_programs; /* of the user's choice, with the rights that they expect */
} PrivilegeNeeds;

/* Keeps CAP_SYS_ADMIN, with which root mounts and unmounts, and CAP_DAC_READ_SEARCH (or, without
 * that, CAP_DAC_OVERRIDE) if the mount point or a file cannot be reached without it. Programs that
 * are started later get no further rights (no_new_privs), except fusermount3 of a normal user, and
 * the user's own programs. Call it before the first thread starts: each thread has its own
 * capabilities. A capability that cannot be dropped is logged. */
void privilege_drop(const PrivilegeNeeds *needs);
