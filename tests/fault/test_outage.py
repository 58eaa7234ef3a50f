# SPDX-License-Identifier: MIT
"""Promise 8: a dead API costs little: after 5 transport failures in a row answers come at once, and
one request goes out per cool-down (1, 2, 4 ... 30 s). A busy loop lasts PPIOFS_OUTAGE_SECONDS (20);
the promise is about 60: at most 10 requests."""
import os
import statistics
import threading
import time

import pytest

from crowd import read_file
from helpers import ONE, errno_of, wait_for

SECONDS = float(os.environ.get("PPIOFS_OUTAGE_SECONDS", 20))
MOST_REQUESTS = 10
LOOPS = 4
WARM, COLD = {"ttl": 0.2, "detail_ttl": 0.2}, {"ttl": 0}


class BusyLoop:
    """Looks at everything, all the time, without a pause."""

    def __init__(self, mount):
        self._place = mount.path
        self._stop = threading.Event()
        self.times = []
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(LOOPS)]

    def _run(self):
        place, turn = self._place, 0
        while not self._stop.is_set():
            turn += 1
            for call, path in ((os.listdir, "instances"), (read_file, f"instances/{ONE}/status"),
                               (read_file, f"instances/{ONE}/ssh_command"),
                               (os.stat, f"instances/new{turn % 100}"),
                               (read_file, "tables/instances.tsv")):
                started = time.monotonic()
                errno_of(call, place / path)
                self.times.append((started, time.monotonic() - started))
            time.sleep(0.002)  # the other end of this test needs the processor as well

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()


def _sent(mount):
    return mount.stats()["ppiofs_api_requests_total"]


@pytest.mark.slow(SECONDS + 90)
def test_a_busy_loop_makes_few_requests_in_an_outage(api, troubled, report):
    """Warm, then the API goes away; and when it is back so is the mount, by itself."""
    mount = troubled(options=WARM)
    mount.ls("instances")
    mount.read(f"instances/{ONE}/ssh_command")
    outage = api.fault("*", raw=b"")
    before, began = _sent(mount), time.monotonic()
    with BusyLoop(mount) as loop:
        time.sleep(SECONDS)
    requests = _sent(mount) - before
    later = [seconds for started, seconds in loop.times if started > began + 5]
    report("requests in an outage",
           f"connections closed for {SECONDS:.0f} s, {len(loop.times)} calls: {requests}; a call "
           f"takes {statistics.median(later) * 1e3:.2f} ms, {max(later) * 1e3:.0f} ms at most")
    assert requests <= MOST_REQUESTS
    assert max(later) < 0.5, "the circuit is open: nobody waits"
    assert errno_of(mount.ls, "instances") is None, "stale beats nothing"
    assert errno_of(os.stat, mount.path / "instances" / "new") == "EBUSY"
    assert "next try in" in mount.read(".ppiofs/last_error")

    api.clear_fault(outage)
    api.update(ONE, status={"status": "exited"})
    started = time.monotonic()
    wait_for(lambda: mount.read(f"instances/{ONE}/status") == "exited\n", 60)
    report("requests in an outage", f"healed {time.monotonic() - started:.1f} s after its end")
    assert mount.stderr().count("the API is not reachable:") == 1
    assert mount.stderr().count("the API is reachable again") == 1


def test_nothing_known_and_nobody_there_costs_no_more(api, troubled):
    mount = troubled(options=COLD)
    api.fault("*", raw=b"")
    with BusyLoop(mount) as loop:
        time.sleep(3)
    assert _sent(mount) <= MOST_REQUESTS
    assert len(loop.times) > 100


def test_one_failure_does_not_close_the_door(api, troubled):
    """Four in a row may be bad luck, and each answer begins a new row."""
    mount = troubled(options={"ttl": 0})
    for _ in range(5):
        api.fault("*", raw=b"", times=2)
        assert ONE in mount.ls("instances")
    assert "not reachable" not in mount.stderr()


def test_a_connection_that_was_closed_at_rest_is_no_failure(api, mount_factory):
    mount = mount_factory(options={"ttl": 0})
    for _ in range(10):
        assert ONE in mount.ls("instances")
        api.drop_connections()
    assert "no answer" not in mount.stderr()


def test_an_http_error_is_no_dead_api(api, troubled):
    mount = troubled(options={"ttl": 0})
    api.fault("*", status=500)
    for i in range(4):
        assert errno_of(os.stat, mount.path / "instances" / f"other{i}") == "EIO"
    assert "not reachable" not in mount.stderr()
