/* SPDX-License-Identifier: MIT */
#include "ppiofs/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(capability) ((guint64)1 << (capability))
#define MOUNTS BIT(CAP_SYS_ADMIN)
#define READS_ALL BIT(CAP_DAC_READ_SEARCH)
#define WRITES_ALL BIT(CAP_DAC_OVERRIDE) /* which implies it, for who was not given that one */

/* Both words of version 3 as one number. */
typedef struct {
    guint64 effective, permitted, inheritable;
} Capabilities;

/* glibc has no wrapper, and libcap is not worth a dependency. */
static gboolean capabilities_get(Capabilities *capabilities)
{
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3] = { 0 };

    if (syscall(SYS_capget, &header, words) != 0)
        return FALSE;
    *capabilities = (Capabilities){
        .effective = words[0].effective | (guint64)words[1].effective << 32,
        .permitted = words[0].permitted | (guint64)words[1].permitted << 32,
        .inheritable = words[0].inheritable | (guint64)words[1].inheritable << 32,
    };
    return TRUE;
}

static gboolean capabilities_set(const Capabilities *capabilities)
{
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3];

    for (guint i = 0; i < G_N_ELEMENTS(words); i++)
        words[i] = (struct __user_cap_data_struct){
            .effective = (guint32)(capabilities->effective >> 32 * i),
            .permitted = (guint32)(capabilities->permitted >> 32 * i),
            .inheritable = (guint32)(capabilities->inheritable >> 32 * i),
        };
    return syscall(SYS_capset, &header, words) == 0;
}

static gboolean is_passed_in(const char *mountpoint)
{
    return g_str_has_prefix(mountpoint, "/dev/fd/"); /* who mounted unmounts, too */
}

/* With the effective capabilities of this moment. What is not there is no reason to keep one. */
static gboolean is_denied(const char *path, int mode)
{
    return path != NULL && faccessat(AT_FDCWD, path, mode, AT_EACCESS) != 0 && errno == EACCES;
}

/* root may mount in a home directory that is closed to it without this capability. */
static gboolean is_anything_denied(const PrivilegeNeeds *needs)
{
    g_autofree char *above = g_path_get_dirname(needs->mountpoint);

    return (!is_passed_in(needs->mountpoint) && is_denied(above, X_OK)) ||
           is_denied(needs->key_file, R_OK) || is_denied(needs->cacert, R_OK);
}

/* Beyond these no program started from here can get, not even one of root's. Needs CAP_SETPCAP,
 * hence before the others go; a service that has not got it was bounded by whoever started it. */
static void bound(guint64 kept)
{
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0;
         capability++)
        if (!(kept & BIT(capability)))
            prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

/* Which capabilities to keep: tried out, with only the one for mounting in effect. */
static guint64 find_needed(const PrivilegeNeeds *needs, const Capabilities *had)
{
    Capabilities trial = *had;
    guint64 needed = is_passed_in(needs->mountpoint) ? 0 : MOUNTS;

    trial.effective &= MOUNTS;
    if (!capabilities_set(&trial))
        return had->permitted;
    if (is_anything_denied(needs))
        needed |= had->permitted & READS_ALL ? READS_ALL : WRITES_ALL;
    capabilities_set(had); /* dropping from the bounding set takes one of them */
    return needed & had->permitted;
}

void privilege_drop(const PrivilegeNeeds *needs)
{
    gboolean is_root = geteuid() == 0;
    gboolean asks_fusermount = !is_root && !is_passed_in(needs->mountpoint);
    Capabilities had;

    if (!capabilities_get(&had)) {
        g_warning("cannot read the capabilities: %s", g_strerror(errno));
        return;
    }
    guint64 kept = find_needed(needs, &had);
    if (is_root && !needs->runs_programs)
        bound(kept);
    if (!capabilities_set(&(Capabilities){ .effective = kept, .permitted = kept }))
        g_warning("cannot drop capabilities: %s", g_strerror(errno));
    if (!asks_fusermount && !needs->runs_programs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        g_warning("cannot set no_new_privs: %s", g_strerror(errno));
}
