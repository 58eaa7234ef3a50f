# SPDX-License-Identifier: MIT
"""Those who wait: system calls made by many threads at once, and real commands, each timed."""
import contextlib
import itertools
import os
import subprocess
import threading
import time
from typing import NamedTuple, Optional

from helpers import errno_of

LOOKERS = 8
JOIN_SECONDS = 40  # the watchdog frees whoever hangs; this is for those it cannot


class Call(NamedTuple):
    name: str
    seconds: float
    errno: Optional[str]


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


class Crowd:
    """Threads that each make one call at the same time. calls: (name, function, argument)."""

    def __init__(self, calls):
        self._calls = list(calls)
        self._begin = threading.Barrier(len(self._calls) + 1)
        self.done = []
        self._threads = [threading.Thread(target=self._make, args=call, daemon=True)
                         for call in self._calls]

    def _make(self, name, function, argument):
        self._begin.wait()
        started = time.monotonic()
        failure = errno_of(function, argument)
        self.done.append(Call(name, time.monotonic() - started, failure))

    def start(self):
        for thread in self._threads:
            thread.start()
        self._begin.wait()
        return self

    def join(self):
        limit = time.monotonic() + JOIN_SECONDS
        for thread in self._threads:
            thread.join(max(limit - time.monotonic(), 0))
        assert len(self.done) == len(self._calls), "some calls never ended"
        return self.done

    def slowest(self):
        return max(self.done, key=lambda call: call.seconds)


def crowd_of(count, function, *paths):
    """@count callers, spread evenly over @paths."""
    return Crowd((function.__name__, function, paths[i % len(paths)]) for i in range(count))


def _look_for_nothing(mount, me):
    """Always another name of the root: each time the kernel asks, and holds the root's lock."""
    for i in itertools.count():
        failure = errno_of(os.lstat, mount.path / f"nothing-{me}-{i}")
        if failure != "ENOENT" or not mount.is_mounted():
            return


@contextlib.contextmanager
def looking_for_nothing(mount):
    """Threads that do so until the mount is gone, which must happen in the block."""
    threads = [threading.Thread(target=_look_for_nothing, args=(mount, me), daemon=True)
               for me in range(LOOKERS)]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(JOIN_SECONDS)
    assert not any(thread.is_alive() for thread in threads)


def spawn(argv, **how):
    """A process with the default signal dispositions that a shell would give it."""
    return subprocess.Popen([os.fspath(a) for a in argv], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "LC_ALL": "C"}, **how)


@contextlib.contextmanager
def spawned(*argvs):
    """Processes for the block; those that still run at its end are killed."""
    children = [spawn(argv) for argv in argvs]
    try:
        yield children
    finally:
        for child in children:
            child.kill()
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.communicate(timeout=JOIN_SECONDS)


def seconds_of(function, *args):
    started = time.monotonic()
    function(*args)
    return time.monotonic() - started


def parked(mount):
    return mount.stats()["ppiofs_operations_waiting"]
