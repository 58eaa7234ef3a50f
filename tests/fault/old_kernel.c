/* SPDX-License-Identifier: MIT */
/* old_kernel: loaded into ppiofs, makes it meet a kernel before 6.9, which refuses to age all names
 * at once (FUSE_NOTIFY_INC_EPOCH): then it gives a notice for each name; and to send again what was
 * not answered (FUSE_NOTIFY_RESEND): then nobody goes on with the mount. */
#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOTIFY_RESEND 7
#define NOTIFY_INC_EPOCH 8

ssize_t write(int fd, const void *bytes, size_t length)
{
    struct fuse_out_header header = { 0 };

    memcpy(&header, bytes, length < sizeof header ? length : sizeof header);
    if (length == sizeof header && header.len == length && header.unique == 0 &&
        (header.error == NOTIFY_INC_EPOCH || header.error == NOTIFY_RESEND)) {
        errno = EINVAL;
        return -1;
    }
    return syscall(SYS_write, fd, bytes, length);
}
