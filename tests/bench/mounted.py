# SPDX-License-Identifier: MIT
"""Mounts of ppiofs, and what they count."""
import os
import pathlib
import re
import subprocess
import time
from typing import NamedTuple

from server import cpu_seconds

KEY = "sk-bench-key"
UNMOUNT_SECONDS = 30
LONG = 3600  # a ttl that never passes


class Counters(NamedTuple):
    """What was counted since the mount, or while something ran."""
    fuse: dict  # kind -> requests
    http: int  # as the server counts them
    cpu: float  # seconds, of the daemon
    server_cpu: float

    def fuse_total(self):
        """Without FORGET: it comes when the kernel wants memory, and nobody waits for it."""
        return sum(n for kind, n in self.fuse.items() if kind != "forget")


def is_mounted(path):
    """Without a request to the mount itself."""
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        return any(line.split()[4] == str(path) for line in mounts)


class Mounted:
    def __init__(self, program, place, server, ttl=LONG):
        self.server = server
        self.ttl = ttl
        self.path = place / "mnt"
        self.path.mkdir(exist_ok=True)
        key = place / "key"
        key.touch(mode=0o600)
        key.write_text(KEY + "\n")
        options = (f"api_url={server.url},api_key_file={key},ttl={ttl},detail_ttl={LONG},"
                   "timeout=600,log=error")
        start = time.perf_counter()
        self.process = subprocess.Popen([program, "-f", self.path, "-o", options],
                                        start_new_session=True)
        while not is_mounted(self.path):
            if self.process.poll() is not None:
                raise RuntimeError("ppiofs does not mount")
            time.sleep(0.0005)
        self.mount_ms = (time.perf_counter() - start) * 1000

    def watch(self, function, *args):
        """Returns what @function returned, and what it did; the looking itself is taken off."""
        before = self.counters()
        result = function(*args)
        after = self.counters()
        again = self.counters()
        fuse = {kind: max(0, n - before.fuse[kind] - (again.fuse[kind] - n))
                for kind, n in after.fuse.items()}
        return result, Counters(fuse, *(a - b for a, b in zip(after[1:], before[1:])))

    def counters(self):
        text = (self.path / ".ppiofs/metrics").read_text()
        fuse = re.findall(r'^ppiofs_fuse_requests_total\{kind="(\w+)"\} (\d+)$', text, re.M)
        return Counters({kind: int(n) for kind, n in fuse}, self.server.requests(),
                        cpu_seconds(self.process.pid), self.server.cpu_seconds())

    def _status(self, name):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+)", text, re.M)[1])

    def wait_until_expired(self):
        """A list that took long to fetch stays good for longer than the ttl."""
        time.sleep(self.ttl + 0.5)
        while "list: fresh" in (self.path / ".ppiofs/status").read_text():
            time.sleep(0.5)

    def rss_mib(self):
        return self._status("VmRSS") / 1024

    def wake_ups(self):
        """Context switches: what a process that sleeps has none of."""
        return self._status("voluntary_ctxt_switches") + self._status("nonvoluntary_ctxt_switches")

    def stop(self):
        for more in ([], ["-z"]):
            if not is_mounted(self.path):
                break
            subprocess.run(["fusermount3", "-u", *more, self.path], check=False)
        try:
            self.process.wait(timeout=UNMOUNT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def make_maker(program, place, durations):
    """Returns mount(server, ttl), which notes in @durations how long each mount took, in ms."""
    def mount(server, ttl=LONG):
        mounted = Mounted(program, place, server, ttl)
        durations.append(mounted.mount_ms)
        return mounted
    return mount
