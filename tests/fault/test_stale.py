# SPDX-License-Identifier: MIT
"""Promise 5: stale beats nothing: the last good answer is served while the API fails, up to
max_stale; its age is visible; going offline and coming back are logged once each. 401, 403 and
"gone" are never hidden behind stale data."""
import re
import time

import pytest

from helpers import ONE, errno_of, wait_for

FAULTS = {
    "timeout": {"silence": True},
    "500": {"status": 500},
    "429": {"status": 429},
    "cut": {"cut": 30},
    "not JSON": {"body": b"<html>hello"},
    "refused": {"refuse": True},
}
QUICK = {"ttl": 0.2, "detail_ttl": 0.2, "timeout": 1}
STATUS = f"instances/{ONE}/status"


def _state(mount, what):
    line, = [line for line in mount.read(".ppiofs/status").splitlines()
             if line.startswith(what + ":")]
    return line


def _age(mount):
    return float(re.search(r"([\d.]+) s old", _state(mount, "list"))[1])


def _lines(mount, *patterns):
    """How often each is in the log."""
    text = mount.stderr()
    return [len(re.findall(pattern, text)) for pattern in patterns]


def _warnings(mount):
    return [line for line in mount.stderr().splitlines() if "warning: " in line]


def _wait_until(mount, state, what="list"):
    def reached():
        errno_of(mount.ls, "instances")
        errno_of(mount.read, f"instances/{ONE}/ssh_command")
        return f"{what}: {state}" in _state(mount, what)
    wait_for(reached, 20)


@pytest.mark.parametrize("fault", FAULTS)
# semantics: stale-with-its-age
def test_the_last_good_answer_is_served_while_the_api_fails(fault, api, troubled):
    mount = troubled(options=QUICK)
    names, status = mount.ls("instances"), mount.read(STATUS)
    api.fault("*", **FAULTS[fault])
    time.sleep(0.3)
    ages = []
    for _ in range(12):
        assert mount.ls("instances") == names and mount.read(STATUS) == status
        ages.append(_age(mount))
        time.sleep(0.1)
    assert _state(mount, "state") == "state: stale" and "stale" in _state(mount, "list")
    assert ages == sorted(ages) and ages[-1] - ages[0] > 0.8
    assert mount.read(".ppiofs/last_error").strip()
    assert _lines(mount, "list of instances cannot be refreshed, data is") == [1]
    assert len(set(_warnings(mount))) == len(_warnings(mount)), mount.stderr()

    api.clear_faults()
    api.update(ONE, status={"status": "exited"})
    _wait_until(mount, "fresh")
    wait_for(lambda: mount.read(STATUS) == "exited\n")
    assert _lines(mount, "list of instances can be fetched again") == [1]
    assert _lines(mount, "the API is not reachable:") == _lines(mount, "API is reachable again")


def test_each_outage_is_logged_once_and_so_is_its_end(api, troubled):
    mount = troubled(options=QUICK)
    mount.ls("instances")
    for outage in (1, 2):
        fault = api.fault("*", status=500)
        _wait_until(mount, "stale")
        for _ in range(5):
            mount.ls("instances")
            time.sleep(0.1)
        api.clear_fault(fault)
        _wait_until(mount, "fresh")
        assert _lines(mount, "list of instances cannot be refreshed",
                      "list of instances can be fetched again") == [outage, outage]


def test_details_go_stale_by_themselves(api, troubled):
    mount = troubled(options=QUICK)
    mount.ls("instances")
    before = mount.read(f"instances/{ONE}/ssh_command")
    api.fault("get", status=500)
    time.sleep(0.3)
    for _ in range(5):
        assert mount.read(f"instances/{ONE}/ssh_command") == before
        time.sleep(0.1)
    assert "stale" in _state(mount, "details") and "stale" not in _state(mount, "list")
    assert _lines(mount, "instance details cannot be fetched") == [1]
    api.clear_faults()
    _wait_until(mount, "fresh", "details")
    assert _lines(mount, "instance details can be fetched again") == [1]


@pytest.mark.parametrize("status", (401, 403))
# semantics: verdicts-are-never-stale
def test_a_refused_key_is_not_hidden(status, api, troubled):
    mount = troubled(options=QUICK)
    mount.ls("instances")
    mount.read(STATUS)
    api.fault("*", status=status)
    wait_for(lambda: errno_of(mount.ls, "instances") == "EACCES")
    wait_for(lambda: errno_of(mount.read, STATUS) == "EACCES")
    assert "failed" in _state(mount, "state")
    api.clear_faults()
    wait_for(lambda: errno_of(mount.ls, "instances") is None)


def test_a_refused_key_in_the_middle_of_an_outage_is_not_hidden(api, troubled):
    mount = troubled(options=QUICK)
    names = mount.ls("instances")
    fault = api.fault("*", status=500)
    time.sleep(0.3)
    assert mount.ls("instances") == names
    api.clear_fault(fault)
    api.fault("*", status=401)
    wait_for(lambda: errno_of(mount.ls, "instances") == "EACCES")


GONE = {"404": {"status": 404}, "removed": {"body": {"id": ONE, "status": {"status": "removed"}}},
        "400": {"status": 400, "body": {"reason": "RESOURCE_NOT_FOUND"}}}


@pytest.mark.parametrize("gone", GONE)
# semantics: verdicts-are-never-stale
def test_what_is_gone_is_gone(gone, api, troubled):
    mount = troubled(options=QUICK)
    mount.ls("instances")
    mount.read(STATUS)
    api.fault(ONE, **GONE[gone])
    api.remove(ONE)
    wait_for(lambda: errno_of(mount.read, STATUS) == "ENOENT")
    assert ONE not in mount.ls("instances")


def test_what_is_gone_is_gone_while_the_list_fails(api, troubled):
    mount = troubled(options=QUICK)
    mount.read(f"instances/{ONE}/ssh_command")  # no list was ever fetched
    api.fault("list", status=500)
    api.remove(ONE)
    wait_for(lambda: errno_of(mount.read, STATUS) == "ENOENT")


def test_a_stale_answer_has_its_end(api, troubled):
    mount = troubled(options={**QUICK, "max_stale": 2})
    names = mount.ls("instances")
    mount.read(STATUS)
    api.fault("*", status=500)
    time.sleep(0.3)
    assert mount.ls("instances") == names and mount.read(STATUS) == "running\n"
    time.sleep(2)
    assert errno_of(mount.ls, "instances") == "EIO"
    assert errno_of(mount.read, STATUS) == "EIO"
    assert "failed" in _state(mount, "list")
    api.clear_faults()
    wait_for(lambda: errno_of(mount.ls, "instances") is None, 20)


def test_a_reader_never_waits_for_the_probe_of_a_stale_answer(api, troubled):
    mount = troubled(options={**QUICK, "timeout": 5})
    mount.ls("instances")
    fault = api.fault("*", status=500)
    time.sleep(0.3)
    mount.ls("instances")
    api.clear_fault(fault)
    api.fault("*", silence=True)
    slowest = 0
    for _ in range(20):
        started = time.monotonic()
        mount.ls("instances")
        slowest = max(slowest, time.monotonic() - started)
        time.sleep(0.1)
    assert slowest < 2.5  # half of what a probe may take
