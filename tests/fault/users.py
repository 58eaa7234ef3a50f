# SPDX-License-Identifier: MIT
"""Another user than the one who runs the tests: root alone can be one."""
import contextlib
import os
import pathlib
import shutil
import stat
import tempfile
import time

from helpers import SOON
from mounting import KEY, Mount, binary, run
from namespace import is_private, replaced
from watchdog import mounted_device

NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--")
FUSE = (10, 229)


def can_be_nobody():
    return os.geteuid() == 0 and is_private() and shutil.which("setpriv")


def as_nobody(*argv, **how):
    return run([*AS_NOBODY, *argv], **how)


@contextlib.contextmanager
def fuse_for_all():
    """/dev/fuse as it is on most systems: open to everybody."""
    with tempfile.TemporaryDirectory() as directory:
        node = pathlib.Path(directory, "fuse")
        os.mknod(node, stat.S_IFCHR | 0o666, os.makedev(*FUSE))
        node.chmod(0o666)
        with replaced("/dev/fuse", node):
            yield


@contextlib.contextmanager
def home_of_nobody():
    """A directory of that user's, and a ppiofs he may run."""
    with tempfile.TemporaryDirectory(prefix="nobody") as directory:
        home = pathlib.Path(directory)
        shutil.copy(binary(), home / "ppiofs")
        os.chown(home, NOBODY, NOBODY)
        home.chmod(0o755)
        yield home


class NobodysMount(Mount):
    """Root may not look into it, not even stat() it: what is asked of it is asked as nobody."""

    def __init__(self, api, home, watchdog):
        super().__init__(api, home, key=None, env={"PPIO_API_KEY": KEY}, wait=False,
                         watchdog=watchdog)

    def _start(self, env):
        if mounted_device(self.path) is None:
            os.chown(self.path, NOBODY, NOBODY)
        self.command = [*AS_NOBODY, str(self.tmp_path / "ppiofs"), *self.command[1:]]
        super()._start(env)

    def _living_mount(self):
        device = mounted_device(self.path)
        alive = device and as_nobody("stat", "-f", self.path).returncode == 0
        return device if alive else None

    def wait_until_mounted(self, timeout=SOON):
        limit = time.monotonic() + timeout
        while as_nobody("stat", "-f", self.path / ".ppiofs").returncode != 0:
            assert self.process.poll() is None and time.monotonic() < limit, self.stderr()
        self._device = mounted_device(self.path)

    def _ask_to_unmount(self):
        done = as_nobody("fusermount3", "-u", self.path)
        assert done.returncode == 0, done.stderr
