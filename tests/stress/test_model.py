# SPDX-License-Identifier: MIT
"""The mount equals a model that was written from the published mapping alone (model.py): for random
accounts, through random changes, by random operations. PPIOFS_SEED repeats a run,
PPIOFS_MODEL_SECONDS makes it long."""
import os
import random
import sys
import time

import pytest
from checker import Checker
from helpers import ONE, hang_up, wait_for
from random_fleet import RandomFleet

SECONDS = float(os.environ.get("PPIOFS_MODEL_SECONDS", 6))
INSTANCES = 8


@pytest.fixture
def dice():
    seed = int(os.environ.get("PPIOFS_SEED", time.time_ns() % 10**9))
    print(f"PPIOFS_SEED={seed}", file=sys.stderr)
    return random.Random(seed)


def _let_all_expire(mount, ttl):
    """A list that took long lives ten times as long: on a busy machine that is longer than ttl. What
    was asked for alone lives as long again from there."""
    started = time.monotonic()
    wait_for(lambda: "list: fresh" not in mount.read(".ppiofs/status"))
    time.sleep(ttl + time.monotonic() - started)


def _at_rest(mount):
    """No answer from before a change may come after it: such a one counts as fresh."""
    wait_for(lambda: mount.stats()["ppiofs_api_in_flight"] == 0)


@pytest.mark.slow(SECONDS + 60)
def test_without_ttl_every_look_shows_the_newest(api, mount_factory, dice):
    mount = mount_factory(options={"ttl": 0, "detail_ttl": 0, "negative_ttl": 0, "log": "warning"})
    fleet, rounds, end = RandomFleet(dice, INSTANCES), 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        _at_rest(mount)
        api.replace_fleet(fleet.records)
        checker = Checker(mount, fleet.records)
        for _ in range(dice.randrange(1, 40)):
            checker.check_something(dice)
        if rounds % 20 == 0:
            checker.check_all()
        fleet.change()
        rounds += 1
    print(f"{rounds} changes", file=sys.stderr)


@pytest.mark.slow(SECONDS + 60)
def test_within_ttl_every_look_shows_the_version_before(api, mount_factory, dice):
    """All of it, however much has changed, and after ttl (here: SIGHUP) nothing of it."""
    mount = mount_factory(options={"ttl": 600, "detail_ttl": 600, "negative_ttl": 600,
                                   "log": "warning"})
    fleet, rounds, end = RandomFleet(dice, INSTANCES), 0, time.monotonic() + SECONDS
    api.replace_fleet(fleet.records)
    while time.monotonic() < end:
        checker = Checker(mount, fleet.records)
        checker.check_all()
        requests = api.count()
        for _ in range(dice.randrange(1, 10)):
            fleet.change()
        api.replace_fleet(fleet.records)
        checker.check_all()
        assert api.count() == requests
        _at_rest(mount)
        hang_up(mount)
        rounds += 1
    print(f"{rounds} rounds", file=sys.stderr)


@pytest.mark.slow(SECONDS + 60)
def test_after_ttl_the_newest_shows_by_itself(api, mount_factory, dice):
    ttl = 0.2
    mount = mount_factory(options={"ttl": ttl, "detail_ttl": ttl, "negative_ttl": ttl,
                                   "log": "warning"})
    fleet, end = RandomFleet(dice, 3), time.monotonic() + SECONDS / 2
    while time.monotonic() < end:
        _at_rest(mount)
        api.replace_fleet(fleet.records)
        _let_all_expire(mount, ttl)
        Checker(mount, fleet.records).check_all()
        for _ in range(dice.randrange(1, 4)):
            fleet.change()


def test_a_listing_of_what_only_details_have_is_new_after_they_have_changed(api, mount_factory):
    """The kernel keeps it as long as the directory's mtime stays: so that must move."""
    ttl = 0.2
    mount = mount_factory(options={"ttl": ttl, "log": "warning"})
    place, record = mount.path / "instances" / ONE / "tools", api.fleet[ONE]
    assert "ssh" in os.listdir(place)
    for name in ("one", "two", "three"):
        mount.ls("instances")
        api.add({**record, "name": name, "tools": {name: {}}})
        _let_all_expire(mount, ttl)
        assert os.listdir(place) == [name]


def test_a_listing_of_an_instance_is_new_when_its_details_are_too_old(api, mount_factory):
    """Also where the list, which does not show them, has not changed at all."""
    ttl = 0.2
    mount = mount_factory(options={"ttl": ttl, "detail_ttl": ttl, "log": "warning"})
    place = mount.path / "instances" / ONE
    for tools in ({}, {"ssh": {"command": "ssh b"}}):
        api.add({**api.fleet[ONE], "tools": tools})
        for _ in range(3):  # what came last is then what the kernel keeps
            mount.ls("instances")
            _let_all_expire(mount, ttl)
            os.lstat(place)
            assert ("ssh_command" in os.listdir(place)) == bool(tools)
