# SPDX-License-Identifier: MIT
"""Frees a test that hangs on a mount: a process of its own beside the test run.

It is a process because a thread of the run can be stopped by what it has to cure: a page fault on
a hung mmap holds Python's lock. It knows only the mounts it is told of and touches no other. When
the run dies, its end of the pipe closes, and what is still mounted is taken down.

    class Watchdog    for the test run: starts the process, tells it what happens
    main()            the process: lines of JSON come in at stdin
"""
import contextlib
import ctypes
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import time

GRACE_SECONDS = 15  # between taking the mounts away and ending a run that hangs all the same
CONNECTIONS = pathlib.Path("/sys/fs/fuse/connections")
MNT_FORCE, MNT_DETACH, UMOUNT_NOFOLLOW = 1, 2, 8
HELPER_SECONDS = 5


def mounted_device(path):
    """The device "major:minor" of the topmost FUSE mount at @path, or None.

    Reads mountinfo only: stat() of a mount point waits for a daemon that may be the one that hangs.
    """
    found = None
    for line in pathlib.Path("/proc/self/mountinfo").read_bytes().splitlines():
        fields, _, rest = line.partition(b" - ")
        device, _, point = fields.split(b" ")[2:5]
        if rest.startswith(b"fuse") and _unescaped(point) == os.fsencode(path):
            found = device.decode()
    return found


def _unescaped(field):
    """mountinfo writes blanks and backslashes as three octal digits."""
    head, *rest = field.split(b"\\")
    return head + b"".join(bytes([int(part[:3], 8)]) + part[3:] for part in rest)


def take_down(path, device):
    """Ends the FUSE connection @device and detaches it from @path, if it is what is mounted there.

    Whoever waits for it gets an error; none of the calls waits itself.
    """
    if device is None or mounted_device(path) != device:
        return
    with contextlib.suppress(OSError):  # absent without fusectl; MNT_FORCE does the same for root
        (CONNECTIONS / device.partition(":")[2] / "abort").write_text("1")
    umount2 = ctypes.CDLL(None, use_errno=True).umount2
    for flag in (MNT_FORCE, MNT_DETACH):
        if mounted_device(path) == device:
            umount2(os.fsencode(path), flag | UMOUNT_NOFOLLOW)
    if mounted_device(path) == device:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(["fusermount3", "-u", "-z", path], timeout=HELPER_SECONDS,
                           stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Watchdog:
    """The test run's end."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), str(os.getpid())], text=True, bufsize=1,
            stdin=subprocess.PIPE, start_new_session=True)

    def _tell(self, **event):
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(event) + "\n")

    def arm(self, seconds, test):
        self._tell(event="arm", seconds=seconds, test=test)

    def disarm(self):
        self._tell(event="disarm")

    def watch(self, path, pid):
        """From the daemon's start until unwatch()."""
        self._tell(event="watch", path=str(path), pid=pid)

    def unwatch(self, path, pid):
        self._tell(event="unwatch", path=str(path), pid=pid)

    def stop(self):
        self._process.stdin.close()
        self._process.wait(GRACE_SECONDS)


class Guard:
    """The process's end."""

    def __init__(self, run_pid):
        self._run = os.pidfd_open(run_pid)
        self._mounts = {}  # (path, pid) -> pidfd: unlike a pid, never somebody else's
        self._deadline = None
        self._test = ""
        self._took_down = False

    def on_event(self, event, path=None, pid=None, seconds=None, test=None):
        if event == "arm":
            self._deadline, self._test = time.monotonic() + seconds, test
            self._took_down = False
        elif event == "disarm":
            self._deadline = None
        elif event == "watch":
            with contextlib.suppress(ProcessLookupError):
                self._mounts[path, pid] = os.pidfd_open(pid)
        elif event == "unwatch" and (path, pid) in self._mounts:
            os.close(self._mounts.pop((path, pid)))

    def seconds_left(self):
        return None if self._deadline is None else max(self._deadline - time.monotonic(), 0)

    def on_deadline(self):
        """First the mounts go, so that the test can fail by itself; then the run, with a trace of
        where it stands (pytest's faulthandler writes it on SIGABRT)."""
        if not self._took_down:
            print(f"\nwatchdog: {self._test} hangs, its mounts are taken down", file=sys.stderr)
            self.take_all_down()
            self._took_down, self._deadline = True, time.monotonic() + GRACE_SECONDS
        else:
            print(f"\nwatchdog: {self._test} still hangs, the run ends", file=sys.stderr)
            self._deadline = None
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._run, signal.SIGABRT)

    def take_all_down(self):
        for (path, _), daemon in self._mounts.items():
            take_down(path, mounted_device(path))
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(daemon, signal.SIGKILL)


def main():
    guard, waiting = Guard(int(sys.argv[1])), b""
    while True:
        readable, _, _ = select.select([0], [], [], guard.seconds_left())
        if not readable:
            guard.on_deadline()
            continue
        came = os.read(0, 65536)
        if not came:
            break
        *lines, waiting = (waiting + came).split(b"\n")
        for line in lines:
            guard.on_event(**json.loads(line))
    guard.take_all_down()


if __name__ == "__main__":
    main()
