# SPDX-License-Identifier: MIT
"""Every system call that would change something fails with EROFS, and asks the API nothing."""
import ctypes
import fcntl
import os
import socket
import stat
import struct

import pytest
from helpers import ALL, ONE, errno_of, module_mount, run

LIBC = ctypes.CDLL(None, use_errno=True)
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
FS_IOC_SETFLAGS = 0x40086602
FILE = f"instances/{ONE}/image"
SECRET = f"instances/{ONE}/tools/ssh/password"
DIRECTORY = f"instances/{ONE}/tools"
LINK = "by-name/vllm-qwen3-32b"
SPECIAL = ("json/" + ONE + ".json", "tables/instances.tsv", ".ppiofs/status")


def _open(flags):
    return lambda path: os.close(os.open(path, flags, 0o644))


def _renameat2(flags):
    def call(path):
        other = os.fsencode(os.path.dirname(path) + "/other")
        if LIBC.renameat2(-100, os.fsencode(path), -100, other, flags) != 0:
            raise OSError(ctypes.get_errno(), "renameat2")
    return call


def _with_descriptor(action):
    """On a descriptor that may only read: what looks at the mount, not at how it was opened."""
    def call(path):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            action(descriptor)
        finally:
            os.close(descriptor)
    return call


def _bind(path):
    with socket.socket(socket.AF_UNIX) as made:
        descriptor = os.open(os.path.dirname(path), os.O_PATH)
        try:
            made.bind(f"/proc/self/fd/{descriptor}/{os.path.basename(path)}")
        finally:
            os.close(descriptor)


NEW = {  # on a name that is not there
    "open O_CREAT": _open(os.O_CREAT | os.O_WRONLY),
    "open O_CREAT O_EXCL": _open(os.O_CREAT | os.O_EXCL | os.O_RDWR),
    "mkdir": os.mkdir,
    "mkfifo": os.mkfifo,
    "mknod regular": lambda path: os.mknod(path, stat.S_IFREG | 0o644),
    "mknod device": lambda path: os.mknod(path, stat.S_IFCHR | 0o644, os.makedev(1, 3)),
    "symlink": lambda path: os.symlink("target", path),
    "bind": _bind,
}
FILES = {  # on any file
    "open O_WRONLY": _open(os.O_WRONLY),
    "open O_RDWR": _open(os.O_RDWR),
    "open O_APPEND": _open(os.O_WRONLY | os.O_APPEND),
    "open O_TRUNC": _open(os.O_WRONLY | os.O_TRUNC),
    "open O_RDONLY O_TRUNC": _open(os.O_RDONLY | os.O_TRUNC),
    "truncate": lambda path: os.truncate(path, 0),
    "truncate, larger": lambda path: os.truncate(path, 1 << 20),
    "unlink": os.unlink,
    "link": lambda path: os.link(path, os.path.dirname(path) + "/other"),
    "access W_OK": lambda path: _access(path),
}
ANY = {  # on files and directories
    "chmod": lambda path: os.chmod(path, 0o777),
    "chown": lambda path: os.chown(path, 0, 0),
    "lchown": lambda path: os.chown(path, 0, 0, follow_symlinks=False),
    "utime": os.utime,
    "utime, given": lambda path: os.utime(path, (1, 2)),
    "rename": lambda path: os.rename(path, os.path.dirname(path) + "/other"),
    "rename noreplace": _renameat2(RENAME_NOREPLACE),
    "setxattr": lambda path: os.setxattr(path, "user.a", b"b"),
    "setxattr trusted": lambda path: os.setxattr(path, "trusted.a", b"b"),
    "setxattr acl": lambda path: os.setxattr(
        path, "system.posix_acl_access", struct.pack("<I", 2)),
    "removexattr": lambda path: os.removexattr(path, "user.a"),
    "fchmod": _with_descriptor(lambda descriptor: os.fchmod(descriptor, 0o777)),
    "fchown": _with_descriptor(lambda descriptor: os.fchown(descriptor, 0, 0)),
    "futimens": _with_descriptor(lambda descriptor: os.utime(descriptor, (1, 2))),
    "fsetxattr": _with_descriptor(lambda descriptor: os.setxattr(descriptor, "user.a", b"b")),
    "fremovexattr": _with_descriptor(lambda descriptor: os.removexattr(descriptor, "user.a")),
    "ioctl SETFLAGS": _with_descriptor(
        lambda descriptor: fcntl.ioctl(descriptor, FS_IOC_SETFLAGS, struct.pack("l", 0))),
}
DIRECTORIES = {
    "rmdir": os.rmdir,
    "open O_TMPFILE": _open(os.O_TMPFILE | os.O_RDWR),
}
sample = module_mount()


def _access(path):
    if LIBC.access(os.fsencode(path), os.W_OK) != 0:
        raise OSError(ctypes.get_errno(), "access")


def _cases():
    places = {"root": "", "instances": "instances", "instance": f"instances/{ONE}",
              "inner": DIRECTORY, "by-name": "by-name", "tables": "tables", ".ppiofs": ".ppiofs"}
    for call in NEW:
        for place in places:
            yield call, NEW[call], os.path.join(places[place], "newly-made"), place
    for name in (FILE, SECRET, *SPECIAL):
        for call in {**FILES, **ANY}:
            yield call, {**FILES, **ANY}[call], name, name.rpartition("/")[2]
    for place in ("instances", "instance", "inner", "by-name", "tables", ".ppiofs"):
        for call in {**DIRECTORIES, **ANY}:
            yield call, {**DIRECTORIES, **ANY}[call], places[place], place


CASES = list(_cases())


@pytest.mark.parametrize("call, path", [(call, path) for _, call, path, _ in CASES],
                         ids=[f"{name} {place}" for name, _, _, place in CASES])
# semantics: read-only
def test_a_change_is_refused_as_on_every_read_only_file_system(sample, call, path):
    if os.geteuid() != 0 and path == SECRET:
        pytest.skip("of a secret another user learns nothing")
    assert errno_of(call, os.path.join(sample.mount.path, path)) == "EROFS"


@pytest.mark.parametrize("call", (
    os.unlink,
    lambda path: os.chown(path, 0, 0, follow_symlinks=False),
    lambda path: os.utime(path, (1, 2), follow_symlinks=False),
    lambda path: os.rename(path, path.parent / "other"),
    lambda path: os.link(path, path.parent / "other", follow_symlinks=False)),
    ids=("unlink", "lchown", "utime", "rename", "link"))
def test_a_link_is_not_changed_either(sample, call):
    assert errno_of(call, sample.mount.path / LINK) == "EROFS"
    assert os.readlink(sample.mount.path / LINK) == f"../instances/{ONE}"


def test_two_names_are_not_exchanged(sample):
    place = os.fsencode(sample.mount.path / "instances" / ONE)
    result = LIBC.renameat2(-100, place + b"/image", -100, place + b"/name", RENAME_EXCHANGE)
    assert (result, ctypes.get_errno()) == (-1, 30)


def test_what_stands_is_told_before_what_may_not_be_made(sample):
    assert errno_of(os.mkdir, sample.mount.path / "instances") == "EEXIST"
    assert errno_of(os.rmdir, sample.mount.path / FILE) in ("EROFS", "ENOTDIR")


@pytest.mark.parametrize("command", (
    "touch {}", "rm -f {}", "rm -rf {}", "mv {} {}.old", "cp /dev/null {}", "ln -sf x {}",
    "sed -i s/a/b/ {}", "chmod a+w {}", "truncate -s 0 {}", "dd if=/dev/zero of={} count=1"))
def test_commands_say_so(sample, command):
    path = sample.mount.path / FILE
    done = run(command.format(path, path))
    assert done.returncode != 0 and "Read-only file system" in done.stderr


def test_after_all_that_everything_is_as_before(sample):
    assert sample.mount.read(FILE) == ALL[ONE]["image"] + "\n"
    assert len(sample.mount.ls("instances")) == len(ALL)
    assert sample.api.count("other") == 0
    assert all(request.method == "GET" for request in sample.api.requests)
