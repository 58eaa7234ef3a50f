# SPDX-License-Identifier: MIT
"""A mount namespace of the run's own, and what it is for: system files replaced for a test."""
import contextlib
import ctypes
import os

CLONE_NEWNS = 0x20000
MS_BIND, MS_REC, MS_PRIVATE = 1 << 12, 1 << 14, 1 << 18
MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)
_entered = []


def _check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _let_go_of_others():
    """A new namespace copies the mounts of tests that run beside it, which then could not end."""
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        points = [line.split()[4] for line in mounts if " - fuse.ppiofs " in line]
    for point in points:
        _libc.umount2(os.fsencode(point.replace("\\040", " ")), MNT_DETACH)


def enter_private_namespace():
    """For this process and all it starts: no mount made from here on is seen elsewhere."""
    with contextlib.suppress(OSError):  # a container may forbid it; who needs it asks is_private()
        _check(_libc.unshare(CLONE_NEWNS))
        _check(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
        _let_go_of_others()
        _entered.append(True)


def is_private():
    return bool(_entered)


@contextlib.contextmanager
def replaced(path, by):
    """Within the block @path is the file @by; in this namespace only."""
    target = os.fsencode(os.path.realpath(path))
    _check(_libc.mount(os.fsencode(by), target, None, MS_BIND, None))
    try:
        yield
    finally:
        _check(_libc.umount2(target, MNT_DETACH))
