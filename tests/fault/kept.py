# SPDX-License-Identifier: MIT
"""A ppiofs in the background, with its keeper."""
import os
import signal

from helpers import wait_for
from mounting import KEY, binary, daemon_environment, run
from watchdog import mounted_device, take_down


class Kept:
    """It is mounted when this returns. crash() is the sudden end of the process that serves it;
    restart() has nothing to do."""

    def __init__(self, api, tmp_path, watchdog, options=None):
        self.path = tmp_path / "mnt"
        self.path.mkdir()
        self._watchdog = watchdog
        words = ",".join(f"{name}={value}" for name, value in {"api_url": api.url,
                                                               **(options or {})}.items())
        done = run([binary(), self.path, "-o", words],
                   env=daemon_environment(tmp_path, {"PPIO_API_KEY": KEY}))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        self.first = self.pid
        with open(f"/proc/{self.first}/stat") as status:
            self.keeper = int(status.read().rpartition(")")[2].split()[1])
        watchdog.watch(self.path, self.keeper)

    @property
    def pid(self):
        return int((self.path / ".ppiofs" / "pid").read_text())

    def crash(self, number=signal.SIGKILL):
        os.kill(self.pid, number)

    def restart(self):
        pass

    def is_mounted(self):
        return mounted_device(self.path) is not None

    def end(self, number=signal.SIGTERM):
        os.kill(self.keeper, number)
        wait_for(lambda: not self.is_mounted())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            if self.is_mounted():
                self.end()
        finally:
            take_down(self.path, mounted_device(self.path))
            self._watchdog.unwatch(self.path, self.keeper)
