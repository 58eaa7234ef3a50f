# SPDX-License-Identifier: MIT
"""How many requests things cost: at the API, as it counts them, and between kernel and daemon."""
import concurrent.futures
import os
import time

import mock_fleet
import pytest
from helpers import (ALL, ONE, WALKS, errno_of, fuse_requests, least_requests, seen_gets,
                     shell)
from mock_api import MockApi
from mounting import Mount, run

PAGE_SIZE = 5
PAGES = -(-len(ALL) // PAGE_SIZE)
RUNNING = sum(record["status"]["status"] == "running" for record in ALL.values())
# READ, OPEN and READDIR: what must not be there when nothing has changed.
COSTLY = ("open", "read", "readdir")

NOTHING = (
    "df .", "df -i .", "stat .", "ls", "ls -l --color=always", "ls -la --color=always", "ls -F",
    "stat instances json by-name", "cat .ppiofs/*", "ls -l .ppiofs", "test -d instances",
    "test ! -e .git", "test ! -e instances/.git", "test ! -e instances/.gitignore",
    "test ! -e instances/4913", "test ! -e json/.hidden", "test ! -e by-name/autorun.inf",
    "git rev-parse 2> /dev/null; true")
LISTS = (
    "ls instances", "ls -l instances", "ls -la --color=always instances", "ls by-name",
    "ls -l by-name", "ls json", "ls by-status", "ls by-region/*", "ls -d instances/*",
    "cat tables/instances.tsv", "ls -l tables", "cat instances/*/status", "cat by-name/*/image",
    "cat by-status/running/*/name", "head -n 1 instances/*/ports/*/endpoint",
    "ls instances > /dev/null; echo instances/*/envs/*", "test -e by-name/vllm-qwen3-32b")
EVERYTHING = (
    "grep -r running . --exclude-dir=.ppiofs", "find . -type f -size +1000M", "ls -lR",
    "ls -laR --color=always", "du -s .", "cat instances/*/tools/ssh/command 2> /dev/null; true",
    "cat json/*.json", "ls -l json", "tar -cf /dev/null --exclude=.ppiofs .")


@pytest.fixture
def paged(mount_factory):
    """A fresh mount whose list takes several pages."""
    return mount_factory(options={"page_size": PAGE_SIZE})


@pytest.fixture(scope="module")
def warm(watchdog, tmp_path_factory):
    """Everything was read once, in pages, and stays fresh for the rest of the module."""
    with (MockApi() as api, Mount(api, tmp_path_factory.mktemp("warm"), watchdog=watchdog,
                                  options={"page_size": PAGE_SIZE, "ttl": 600}) as mount):
        shell(mount, "cat $(find . -type f) > /dev/null; ls -lR > /dev/null")
        yield mount, api


def _lists(api):
    return api.count("list"), api.count("get"), api.count("other")


@pytest.mark.parametrize("command", NOTHING)
# semantics: top-level-is-free
def test_what_asks_for_no_data_costs_nothing(api, paged, command):
    shell(paged, command)
    assert _lists(api) == (0, 0, 0)


@pytest.mark.parametrize("command", LISTS)
# semantics: request-budget
def test_what_the_list_has_costs_its_pages(api, paged, command):
    shell(paged, command)
    assert _lists(api) == (PAGES, 0, 0)


@pytest.mark.parametrize("command", EVERYTHING)
# semantics: request-budget
def test_everything_costs_the_pages_and_one_for_each_instance(api, paged, command):
    shell(paged, command)
    assert _lists(api) == (PAGES, len(ALL), 0)
    assert seen_gets(api) == set(ALL)


@pytest.mark.parametrize("command", [*NOTHING, *LISTS, *EVERYTHING])
# semantics: warm-is-free
def test_a_second_time_within_ttl_costs_nothing(warm, command):
    mount, api = warm
    api.reset_counters()
    shell(mount, command)
    assert api.count() == 0


@pytest.mark.parametrize("name", ("status", "ssh_command", "envs/VLLM_PORT", "tools/log", ""))
def test_a_typed_path_costs_one_request(api, paged, name):
    shell(paged, f"stat instances/{ONE}/{name}")
    assert _lists(api) == (0, 1, 0)


@pytest.mark.parametrize("name", (f"json/{ONE}.json",))
def test_a_json_file_costs_one_request(api, paged, name):
    run(["stat", paged.path / name])
    assert _lists(api) == (0, 1, 0)


@pytest.mark.parametrize("command", (f"cat instances/{ONE}/ssh_command",
                                     "cat by-name/vllm-qwen3-32b/tools/ssh/password",
                                     f"cat json/{ONE}.json", f"ls instances/{ONE}",
                                     f"ls -lR instances/{ONE}", f"ls instances/{ONE}/tools"))
def test_a_detail_after_the_list_costs_one_more(api, paged, command):
    shell(paged, "ls instances")
    shell(paged, command)
    assert _lists(api) == (PAGES, 1, 0)
    shell(paged, command)
    assert _lists(api) == (PAGES, 1, 0)


def test_ssh_config_costs_the_pages_and_one_for_each_that_runs(api, paged):
    shell(paged, "cat ssh/config")
    assert _lists(api) == (PAGES, RUNNING, 0)
    shell(paged, "cat ssh/config")
    assert _lists(api) == (PAGES, RUNNING, 0)


def test_a_missing_instance_costs_one_request_in_five_seconds(api, mount):
    started = time.monotonic()
    for _ in range(1000):
        assert errno_of(os.stat, mount.path / "instances/nosuch/status") == "ENOENT"
    assert time.monotonic() - started < 5
    assert _lists(api) == (0, 1, 0)


def test_everything_after_ttl_with_nothing_changed_costs_one_list(api, mount_factory):
    # Longer than the command takes on a busy machine.
    mount = mount_factory(options={"ttl": 8, "kinds": "instances"})
    command = "cat $(find . -type f -not -path './.ppiofs/*') > /dev/null"
    shell(mount, command)
    time.sleep(8.1)
    api.reset_counters()
    shell(mount, command)
    assert _lists(api) == (1, 0, 0)


# Many at once

AT_ONCE = 64
TOGETHER = (
    # what each of them does                                      what all of them cost
    (lambda mount: mount.ls("instances"), (PAGES, 0, 0)),
    (lambda mount: mount.ls("by-name"), (PAGES, 0, 0)),
    (lambda mount: mount.read("tables/instances.tsv"), (PAGES, 0, 0)),
    (lambda mount: mount.read(f"instances/{ONE}/status"), (0, 1, 0)),
    (lambda mount: mount.read(f"instances/{ONE}/ssh_command"), (0, 1, 0)),
    (lambda mount: mount.read(f"json/{ONE}.json"), (0, 1, 0)),
    (lambda mount: mount.read("by-name/vllm-qwen3-32b/ssh_command"), (PAGES, 1, 0)),
    (lambda mount: mount.read("ssh/config"), (PAGES, RUNNING, 0)),
    (lambda mount: errno_of(os.stat, mount.path / "instances/nosuch"), (0, 1, 0)),
    (lambda mount: errno_of(os.stat, mount.path / "instances/.git"), (0, 0, 0)),
    (lambda mount: run(["ls", "-lR", mount.path / "instances"]).stdout, (PAGES, len(ALL), 0)),
)


@pytest.mark.parametrize("each, cost", TOGETHER, ids=(
    "ls", "by-name", "table", "typed", "detail", "json", "by-name detail", "ssh", "missing",
    "junk", "everything"))
def test_many_readers_at_once_cost_as_much_as_one(api, paged, each, cost):
    api.latency = 0.05
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        answers = [future.result() for future in [pool.submit(each, paged)
                                                  for _ in range(AT_ONCE)]]
    assert _lists(api) == cost
    assert answers[0] and all(answer == answers[0] for answer in answers)


def test_a_large_account_costs_its_pages(api, mount_factory):
    api.replace_fleet(mock_fleet.fleet(950))
    mount = mount_factory()
    assert len(mount.ls("instances")) == 950
    assert _lists(api) == (10, 0, 0)
    limits = {request.path.partition("limit=")[2].partition("&")[0] for request in api.requests}
    assert limits == {"100"}


# Between kernel and daemon


@pytest.mark.parametrize("name", ("image", "ssh_command", "envs/VLLM_PORT", "ports/8000/endpoint"))
# semantics: warm-is-free
def test_reading_a_known_file_asks_the_daemon_nothing(warm, name):
    mount, _ = warm
    place = mount.path / "instances" / ONE / name
    place.read_bytes()
    with fuse_requests(mount) as asked:
        for _ in range(100):
            place.read_bytes()
    assert not any(asked.values()), asked


@pytest.mark.parametrize("action", (os.stat, os.lstat, os.listdir, os.scandir, os.path.exists,
                                    lambda place: os.access(place, os.R_OK)),
                         ids=("stat", "lstat", "listdir", "scandir", "exists", "access"))
@pytest.mark.parametrize("name", ("", "instances", "by-name", f"instances/{ONE}",
                                  f"instances/{ONE}/tools", f"instances/{ONE}/tools/ssh"))
def test_looking_at_a_known_directory_asks_the_daemon_nothing(warm, name, action):
    mount, _ = warm
    place = mount.path / name
    action(place)
    with fuse_requests(mount) as asked:
        for _ in range(20):
            action(place)
    assert not any(asked.values()), asked


def test_reading_a_known_file_asks_nothing_though_no_list_was_fetched(mount):
    place = mount.path / "instances" / ONE / "image"
    place.read_bytes()
    with fuse_requests(mount) as asked:
        for _ in range(20):
            place.read_bytes()
    assert not any(asked.values()), asked


def test_a_listing_brings_the_attributes_along(mount):
    mount.ls("instances")
    place = mount.path / "instances" / ONE
    names = os.listdir(place)
    with fuse_requests(mount) as asked:
        for name in names:
            os.lstat(place / name)
    assert (asked["lookup"], asked["getattr"]) == (0, 0), asked


def test_following_a_known_link_asks_the_daemon_nothing(warm):
    mount, _ = warm
    place = mount.path / "by-name/vllm-qwen3-32b/status"
    place.read_bytes()
    with fuse_requests(mount) as asked:
        for _ in range(20):
            place.read_bytes()
    assert not any(asked.values()), asked


def test_a_known_absence_asks_the_daemon_nothing(warm):
    mount, _ = warm
    places = [mount.path / name for name in ("nosuch", f"instances/{ONE}/nosuch", "by-name/nosuch",
                                             f"instances/{ONE}/envs/NOSUCH")]
    assert not any(place.exists() for place in places)
    with fuse_requests(mount) as asked:
        for _ in range(20):
            assert not any(place.exists() for place in places)
    assert not any(asked.values()), asked


@pytest.mark.parametrize("command", ("grep -r running instances", "ls -lR instances",
                                     "find instances -type f -printf '%s %p\\n'",
                                     "tar -cf /dev/null instances", "cat instances/*/*/* || true"))
def test_a_walk_over_what_is_known_reads_nothing(warm, command):
    mount, _ = warm
    run(command, cwd=mount.path)
    asked = least_requests(mount, lambda: run(command, cwd=mount.path))
    assert not [kind for kind in COSTLY if asked[kind]], asked


def test_after_ttl_what_did_not_change_is_not_read_again(api, mount_factory):
    mount = mount_factory(options={"ttl": 1})

    def walk_after_ttl():
        time.sleep(1.1)
        shell(mount, "grep -r running instances")
    shell(mount, "grep -r running instances")
    asked = least_requests(mount, walk_after_ttl)
    assert (asked["read"], asked["open"]) == (0, 0), asked
    assert 0 < asked["readdir"] and _lists(api) == (1 + WALKS, len(ALL), 0)


# semantics: new-value-new-file
def test_only_the_file_that_changed_is_read_again(api, mount_factory):
    mount = mount_factory(options={"ttl": 0.5})
    for name in ("image", "status", "name"):
        mount.read(f"instances/{ONE}/{name}")
    api.update(ONE, image="another")
    time.sleep(0.6)
    with fuse_requests(mount) as asked:
        assert mount.read(f"instances/{ONE}/image") == "another\n"
    assert asked["read"] == 1, asked
