# SPDX-License-Identifier: MIT
"""A crash costs nobody anything: sixteen processes that check every byte while ppiofs is killed again
and again. PPIOFS_KILLS says how often, PPIOFS_SEED repeats a run."""
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import threading
import time

import pytest
from flipping import Flipper
from kernel import can_resend
from kept import Kept
from manager import Managed

KILLS = int(os.environ.get("PPIOFS_KILLS", 12))
# A keeper gives up after five in ten seconds.
PAUSE_SECONDS = {Managed: (0.07, 2.0 if "PPIOFS_KILLS" in os.environ else 0.5), Kept: (2.6, 3.0)}
PROCESSES = 16
STEADY = 4  # instances
CHANGE_SECONDS = 0.5
HERE = pathlib.Path(__file__).resolve().parent


class Readers:
    """Processes of soak_reader.py, and what they tell."""

    def __init__(self, place, seed):
        self.wrong, self._looks = [], {}
        self._processes = [subprocess.Popen(
            [sys.executable, HERE / "soak_reader.py", place, "1", str(seed + i)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}) for i in range(PROCESSES)]
        self._threads = [threading.Thread(target=self._listen, args=(process,), daemon=True)
                         for process in self._processes]
        for thread in self._threads:
            thread.start()

    def _listen(self, process):
        for line in process.stdout:
            told = json.loads(line)
            if "looks" in told:
                self._looks[process.pid] = told["looks"]
            else:
                self.wrong.append(told)

    @property
    def looks(self):
        return sum(self._looks.values())

    @property
    def all_look(self):
        assert all(process.poll() is None for process in self._processes)
        return len(self._looks) == PROCESSES and min(self._looks.values()) > 0

    def stop(self):
        for process in self._processes:
            process.stdin.close()
        for process in self._processes:
            process.wait(20)
        for thread in self._threads:
            thread.join(5)


class Probe(threading.Thread):
    """Asks all the time for something that is answered from memory: how long did it wait?"""

    def __init__(self, path):
        super().__init__(daemon=True)
        self._path, self._ending, self._asked = path / ".ppiofs" / "pid", threading.Event(), []

    def run(self):
        while not self._ending.wait(0.001):
            started = time.monotonic()
            os.lstat(self._path)
            self._asked.append((started, time.monotonic()))

    def wait_at(self, when):
        """Of the one that waited then, or came next."""
        return next(ended - started for started, ended in self._asked if ended > when)

    def stop(self):
        self._ending.set()
        self.join()


@pytest.fixture
def dice():
    seed = int(os.environ.get("PPIOFS_SEED", time.time_ns() % 10**9))
    print(f"PPIOFS_SEED={seed}", file=sys.stderr)
    return random.Random(seed)


def _tell(waits, readers, seconds):
    milliseconds = sorted(1000 * wait for wait in waits)
    print(f"{len(waits)} kills in {seconds:.0f} s, {readers.looks} looks, {len(readers.wrong)} wrong; "
          f"waits: median {statistics.median(milliseconds):.1f} ms, longest {milliseconds[-1]:.1f} ms",
          file=sys.stderr)


@pytest.mark.skipif(not can_resend(), reason="before Linux 6.9 a crash is noticed")
@pytest.mark.slow(60 + KILLS * 4)
@pytest.mark.parametrize("how", (Managed, Kept))
# semantics: crash
def test_sixteen_readers_notice_no_crash(api, tmp_path, watchdog, dice, how):
    options = {"ttl": 0.5, "detail_ttl": 2, "log": "warning"}
    with (Flipper(api, STEADY, CHANGE_SECONDS),
          how(api, tmp_path, watchdog=watchdog, options=options) as mount):
        readers, probe, kills = Readers(mount.path, dice.randrange(10**6)), Probe(mount.path), []
        try:
            probe.start()
            started = time.monotonic()
            while not readers.all_look:
                time.sleep(0.1)
            for _ in range(KILLS if how is Managed else (KILLS + 1) // 2):
                time.sleep(dice.uniform(*PAUSE_SECONDS[how]))
                kills.append(time.monotonic())
                mount.crash()
                mount.restart()
        finally:
            readers.stop()
            probe.stop()
        _tell([probe.wait_at(kill) for kill in kills], readers, time.monotonic() - started)
        assert readers.wrong == []
