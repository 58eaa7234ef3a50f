# SPDX-License-Identifier: MIT
"""A machine that sleeps, as far as one ppiofs can tell: boottime.c."""
import mmap
import os
import struct
import time

import pytest

BOOTTIME = os.environ.get("PPIOFS_BOOTTIME")  # a sanitizer wants to be loaded first: not there

needs_suspend = pytest.mark.skipif(not BOOTTIME, reason="boottime is not built")


class Suspend:
    """env: for the daemon; sleep(): so much time passes in suspend, for it and for now()."""

    def __init__(self, place):
        path = os.path.join(place, "boottime")
        with open(path, "w+b") as file:
            file.write(bytes(8))
            file.flush()
            self._map = mmap.mmap(file.fileno(), 8)
        self.env = {"LD_PRELOAD": BOOTTIME, "PPIOFS_BOOTTIME_FILE": path} if BOOTTIME else {}
        self._ahead = 0.0

    def sleep(self, seconds):
        self._ahead += seconds
        self._map[:] = struct.pack("=q", int(self._ahead * 1e9))

    def now(self):
        """CLOCK_BOOTTIME as the daemon sees it, in seconds."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) + self._ahead
