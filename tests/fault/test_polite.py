# SPDX-License-Identifier: MIT
"""Promise 7: Retry-After is obeyed by all requests of the mount, clamped to 1-300 s; without it
there is an exponential back-off with jitter; at most 3 tries inside T; only GET is sent."""
import email.utils
import itertools
import os
import re
import time

import pytest

from crowd import Crowd, seconds_of
from helpers import ONE, errno_of, wait_for

SLACK = 0.05  # clocks are read at both ends of a request


def _arrivals(api):
    return [request.time for request in api.requests]


def _gaps(api):
    return [later - earlier for earlier, later in itertools.pairwise(_arrivals(api))]


def _everything(mount):
    """Looks at all that costs a request, by many at once; whatever comes of it."""
    place = mount.path
    others = [("stat", os.stat, place / "instances" / f"other{i}") for i in range(8)]
    return Crowd([("ls", os.listdir, place / "instances"),
                  ("stat", os.stat, place / "instances" / ONE),
                  ("view", os.listdir, place / "by-name"), *others]).start()


@pytest.mark.parametrize("status", (429, 503))
# semantics: retry-after-is-obeyed
def test_retry_after_is_obeyed_by_all_requests(status, api, troubled):
    mount = troubled()
    api.fault("*", status=status, retry_after=2, times=1)
    first = Crowd([("ls", os.listdir, mount.path / "instances")]).start()
    wait_for(lambda: api.count() == 1)
    rest = _everything(mount)
    assert {call.errno for call in first.join()} == {None}
    assert {call.errno for call in rest.join()} <= {None, "ENOENT"}
    assert min(_arrivals(api)[1:]) - _arrivals(api)[0] >= 2 - SLACK
    assert "paused" not in mount.read(".ppiofs/status")


def test_retry_after_may_be_a_date(api, troubled):
    mount = troubled()
    date = int(time.time()) + 3
    api.fault("*", retry_after=email.utils.formatdate(date, usegmt=True), times=1)
    started, wall = time.monotonic(), time.time()
    mount.ls("instances")
    assert _arrivals(api)[1] - started >= max(1, int(date - wall)) - SLACK
    assert _arrivals(api)[1] - started < 4


@pytest.mark.parametrize("what, least", (("0", 1), ("Thu, 01 Jan 1970 00:00:00 GMT", 1),
                                         ("-5", 0.5), ("soon", 0.5), ("", 0.5)))
def test_an_odd_retry_after_still_means_to_wait(what, least, api, troubled):
    mount = troubled()
    api.fault("*", retry_after=what, times=1)
    mount.ls("instances")
    assert api.count() == 2 and least - SLACK <= _gaps(api)[0] < 1.5


@pytest.mark.parametrize("what", ("301", "1000000", "99999999999999999999",
                                  "Fri, 31 Dec 9999 23:59:59 GMT"))
def test_no_retry_after_stops_the_mount_for_longer_than_five_minutes(what, api, troubled):
    mount = troubled()
    api.fault("*", retry_after=what)
    assert seconds_of(errno_of, mount.ls, "instances") < 1
    assert errno_of(mount.ls, "instances") == "EBUSY"
    paused = re.search(r"paused: no request for ([\d.]+) s", mount.read(".ppiofs/status"))
    assert 290 < float(paused[1]) <= 300
    assert "asked to wait" in mount.read(".ppiofs/last_error")
    _everything(mount).join()
    assert api.count() == 1


@pytest.mark.parametrize("status, tries", ((500, 3), (502, 3), (503, 3), (504, 3), (400, 1),
                                           (401, 1), (403, 1), (404, 1), (302, 1), (501, 1)))
def test_an_operation_makes_at_most_three_tries(status, tries, api, troubled):
    mount = troubled()
    api.fault("list", status=status)
    assert errno_of(mount.ls, "instances") is not None
    assert api.count("list") <= tries
    assert {request.method for request in api.requests} == {"GET"}


def test_failures_in_a_row_are_asked_after_less_and_less_often(api, troubled, report):
    """A busy loop meets 4 s of 503."""
    mount = troubled(options={"ttl": 0.1})
    mount.ls("instances")
    time.sleep(0.2)
    api.reset_counters()
    api.fault("*", status=503)
    ends = time.monotonic() + 4
    looks = 0
    while time.monotonic() < ends:
        mount.ls("instances")
        looks += 1
    report("requests in an outage", f"503 for 4 s, {looks} looks at a listing: {api.count()}")
    assert api.count() <= 30
    first, last = _arrivals(api)[0], _arrivals(api)[-1]
    assert sum(time < first + 2 for time in _arrivals(api)) >= sum(
        time > last - 1 for time in _arrivals(api))
