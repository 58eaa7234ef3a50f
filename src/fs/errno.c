/* SPDX-License-Identifier: MIT */
#include "ppiofs/fs/errno.h"

#include <errno.h>

#include "ppiofs/base/error.h"

int errno_from_error(const GError *error)
{
    static const int numbers[] = {
        [PPIOFS_ERROR_NOT_FOUND] = ENOENT,     [PPIOFS_ERROR_DENIED] = EACCES,
        [PPIOFS_ERROR_TIMEOUT] = ETIMEDOUT,    [PPIOFS_ERROR_UNREACHABLE] = EHOSTUNREACH,
        [PPIOFS_ERROR_REFUSED] = ECONNREFUSED, [PPIOFS_ERROR_BUSY] = EBUSY,
        [PPIOFS_ERROR_PROTOCOL] = EPROTO,      [PPIOFS_ERROR_BAD_ANSWER] = EBADMSG,
        [PPIOFS_ERROR_TOO_LARGE] = EFBIG,      [PPIOFS_ERROR_SERVER] = EIO,
        [PPIOFS_ERROR_NO_MEMORY] = ENOMEM,     [PPIOFS_ERROR_KEY] = EACCES,
    };

    if (error->domain != PPIOFS_ERROR || (gsize)error->code >= G_N_ELEMENTS(numbers) ||
        numbers[error->code] == 0)
        return EIO;
    return numbers[error->code];
}
