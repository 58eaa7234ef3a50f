# SPDX-License-Identifier: MIT
"""A service manager for a test: it keeps the descriptors that ppiofs gives it, and starts the next
one with them, as systemd does."""
import contextlib
import os
import signal
import socket
import subprocess
import time

from mounting import MOUNT_SECONDS, POLL_SECONDS, Mount

MESSAGE_BYTES = 4096
# What sd_listen_fds(3) reads; the descriptors are moved to where it expects them.
INHERIT = 'export LISTEN_PID=$$; exec "$@" 3<&"$FIRST" 4<&"$SECOND" {FIRST}<&- {SECOND}<&-'


class Managed(Mount):
    """A ppiofs with a NOTIFY_SOCKET. As Mount; crash() is the sudden end, restart() the rest."""

    def __init__(self, api, tmp_path, env=None, under=(), **how):
        self.store = {}  # name -> descriptor
        self.told = []
        self._under = under  # a command that starts it: ["prlimit", ...]
        self.inherited = {}  # what the process that runs was given
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = os.path.join(tmp_path, "notify")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(address)
        self._socket.bind(address)
        self._socket.setblocking(False)
        self._environment = {}
        super().__init__(api, tmp_path, env={**(env or {}), "NOTIFY_SOCKET": address}, **how)

    def _start(self, env):
        self._environment = env
        self.process = self._popen(env)
        if self._watchdog is not None:
            self._watchdog.watch(self.path, self.process.pid)

    def _popen(self, env):
        command, fds = [*self._under, *self.command], ()
        if self.inherited:
            names, fds = zip(*self.inherited.items())
            first, second = (*fds, *fds)[:2]
            env = {**env, "LISTEN_FDS": str(len(fds)), "LISTEN_FDNAMES": ":".join(names),
                   "FIRST": str(first), "SECOND": str(second)}
            command = ["bash", "-c", INHERIT, "bash", *command]
        with (open(self.tmp_path / "stderr", "ab") as err,
              open(self.tmp_path / "stdout", "ab") as out):
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                    env=env, pass_fds=fds, start_new_session=True)

    def listen(self):
        """Takes what it was told since."""
        while True:
            try:
                text, fds, _, _ = socket.recv_fds(self._socket, MESSAGE_BYTES, 1)
            except BlockingIOError:
                return
            words = dict(line.split("=", 1) for line in text.decode().splitlines())
            self.told.append(words)
            name = words.get("FDNAME")
            if "FDSTOREREMOVE" in words and name in self.store:
                os.close(self.store.pop(name))
            if "FDSTORE" in words:
                self.store[name], = fds

    def wait_until_ready(self):
        """Until the one that runs says that it is."""
        self.told.clear()
        limit = time.monotonic() + MOUNT_SECONDS
        while {"READY": "1"} not in self.told:
            assert self.process.poll() is None and time.monotonic() < limit, self.stderr()
            time.sleep(POLL_SECONDS)
            self.listen()

    def crash(self, number=signal.SIGKILL):
        self.signal(number)
        self.process.wait(10)
        self.listen()
        if self._watchdog is not None:
            self._watchdog.unwatch(self.path, self.pid)

    def restart(self, **env):
        """Starts the next one with all that is in the store, and waits until it is there."""
        self.inherited = dict(self.store)
        self._start({**self._environment, **env})
        self.wait_until_ready()

    def second(self):
        """Another process with the same descriptors."""
        return self._popen(self._environment)

    def _clean_up(self):
        super()._clean_up()
        for fd in self.store.values():
            os.close(fd)
        self.store = {}
        self._socket.close()
