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

/* What is kept: CAP_SYS_ADMIN, with which root mounts and unmounts, and CAP_DAC_READ_SEARCH (or,
 * without that, CAP_DAC_OVERRIDE) if the mount point or a file cannot be reached without it. No
 * program that is started later gets more (no_new_privs), unless it has to: fusermount3 of an
 * ordinary user, and the user's own. Belongs before the first thread: each has its own
 * capabilities. What cannot be given up is logged. */
void privilege_drop(const PrivilegeNeeds *needs);
