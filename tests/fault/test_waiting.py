# SPDX-License-Identifier: MIT
"""Promise 20: nobody waits twice, and nobody long who can be shown an older answer; and what order and
haste must not cost: requests."""
import concurrent.futures
import os
import signal
import time

import mock_fleet
import pytest

from crowd import seconds_of
from helpers import ONE, errno_of, hang_up, readers, wait_for
from mounting import run

T = 2
LIMIT = T + 0.5
PATIENCE = 0.5
PATIENT = PATIENCE + 0.4  # for starting a process on a busy machine
SIX = f"by-status/running/{ONE}/tools/ssh/command"


def _grow(api, n):
    for i in range(n):
        api.add(mock_fleet.make(f"more{i:03}", f"more{i:03}"))


def test_a_path_of_six_names_has_one_deadline(api, troubled):
    """While list pages take T/2 each, and never end."""
    _grow(api, 200)
    api.fault("list", delay=T / 2)
    mount = troubled(options={"timeout": T, "page_size": 2})
    assert seconds_of(errno_of, os.stat, mount.path / SIX) <= LIMIT


@pytest.mark.parametrize("name", (SIX, "instances", "tables/instances.tsv",
                                  f"instances/{ONE}/ssh_command"))
# semantics: patience
def test_who_can_be_shown_an_older_answer_waits_no_longer_than_patience(api, troubled, name):
    mount = troubled(options={"timeout": 20, "patience": PATIENCE, "ttl": 0.2, "detail_ttl": 0.2})
    look = os.listdir if name == "instances" else os.stat
    for place in (SIX, "tables/instances.tsv", f"instances/{ONE}/ssh_command"):
        os.stat(mount.path / place)
    api.fault("*", silence=True)
    time.sleep(0.5)
    assert seconds_of(look, mount.path / name) <= PATIENT


@pytest.mark.parametrize("known", (False, True), ids=("nothing known", "list known"))
def test_ssh_to_another_host_does_not_wait_for_the_api(api, troubled, tmp_path, known):
    mount = troubled(options={"timeout": 10, "patience": PATIENCE, "ttl": 0.2})
    if known:
        mount.ls("instances")
        time.sleep(0.3)
    api.fault("*", silence=True)
    config = tmp_path / "config"
    config.write_text(f"Include {mount.path}/ssh/config\nHost *\n  User me\n")
    done = run(["ssh", "-F", config, "-G", "elsewhere.example"])
    assert done.seconds <= PATIENT and "user me\n" in done.stdout, done.stderr


def test_a_hangup_with_a_get_under_way_costs_no_gets(api, mount):
    """The next walk over what the list has costs the list."""
    _grow(api, 100)
    mount.ls("instances")
    api.fault(ONE, delay=0.5)
    with readers(mount, f"instances/{ONE}/ssh_command"):
        hang_up(mount)
        api.reset_counters()
        for id in list(api.fleet):
            mount.read(f"instances/{id}/status")
    assert api.count("get") <= 3


def test_polling_fixed_paths_costs_lists_not_gets(api, mount_factory):
    _grow(api, 40)
    mount = mount_factory(options={"ttl": 0.5})
    ids = [f"more{i:03}" for i in range(40)]
    for _ in range(3):
        for id in ids:
            mount.read(f"instances/{id}/status")
        time.sleep(0.6)
    assert api.count("get") <= 4 and 0 < api.count("list") <= 8


def test_watch_renews_the_details_that_are_read(api, mount_factory):
    """Nobody waits for what somebody uses; what nobody reads is not renewed."""
    mount = mount_factory(options={"watch": 1, "ttl": 600, "detail_ttl": 1.5})
    mount.read(f"instances/{ONE}/ssh_command")
    api.update(ONE, tools={"ssh": {"command": "ssh elsewhere"}})
    wait_for(lambda: api.count(ONE) >= 2)
    api.fault("*", silence=True)
    assert mount.read(f"instances/{ONE}/ssh_command") == "ssh elsewhere\n"
    assert api.count("get") == api.count(ONE)


# semantics: newest-answer-wins
def test_an_older_list_does_not_bring_back_what_is_gone(api, troubled):
    mount = troubled(options={"timeout": 10, "ttl": 60})
    api.fault("list", delay=1, times=1)  # it is as it was when it was asked for
    with concurrent.futures.ThreadPoolExecutor() as pool:
        listing = pool.submit(mount.ls, "instances")
        wait_for(lambda: api.count("list") == 1)
        api.remove(ONE)
        assert errno_of(mount.read, f"instances/{ONE}/id") == "ENOENT"
        assert ONE not in listing.result()
    assert errno_of(mount.read, f"instances/{ONE}/id") == "ENOENT"
    assert api.count() == 2


def test_a_daemon_that_was_stopped_while_its_answer_came_has_it(api, troubled):
    """Longer than the deadline: what is there counts, not the clock."""
    mount = troubled(options={"timeout": 1})
    api.fault("list", delay=0.3, times=1)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        listing = pool.submit(mount.ls, "instances")
        wait_for(lambda: api.count("list") == 1)
        mount.signal(signal.SIGSTOP)
        time.sleep(2)
        mount.signal(signal.SIGCONT)
        assert ONE in listing.result()
