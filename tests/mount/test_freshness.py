# SPDX-License-Identifier: MIT
"""How old what one reads may be, and that what is open never changes."""
import mmap
import os
import time

import mock_fleet
import pytest
from helpers import ALL, ONE, SOON, by_id, errno_of, run, seen_gets, wait_for
from mounting import binary

TTL = 1.0  # ten times what a list takes on a busy machine must be less
STATUS = f"instances/{ONE}/status"
COMMAND = f"instances/{ONE}/ssh_command"


def _elapse(ttl=TTL):
    time.sleep(ttl + 0.05)


def test_what_is_younger_than_ttl_is_not_asked_for_again(api, mount):
    assert mount.read(STATUS) == "running\n"
    api.update(ONE, status={"status": "exited"})
    assert mount.read(STATUS) == "running\n"
    assert api.count() == 1


# semantics: not-older-than-ttl
def test_what_is_older_than_ttl_waits_for_a_refresh(api, mount_factory):
    mount = mount_factory(options={"ttl": TTL})
    mount.ls("instances")
    assert mount.read(STATUS) == "running\n"
    api.update(ONE, status={"status": "exited"})
    wait_for(lambda: "list: fresh" not in mount.read(".ppiofs/status"))
    _elapse()  # the kernel counts from when it was answered, which may be later on a busy machine
    assert mount.read(STATUS) == "exited\n"
    assert api.count() == 2


# semantics: ttl-zero-asks
def test_ttl_zero_asks_every_time(api, mount_factory):
    mount = mount_factory(options={"ttl": 0})
    for i in range(10):
        api.update(ONE, image=f"image-{i}")
        before = api.count()
        assert mount.read(f"instances/{ONE}/image") == f"image-{i}\n"
        assert api.count() > before


# semantics: slow-list-lives-longer
def test_a_list_that_takes_long_lives_longer(api, mount_factory):
    api.latency = 0.15
    mount = mount_factory(options={"ttl": 0.1})
    mount.ls("instances")
    limit = time.monotonic() + 1
    while time.monotonic() < limit:
        mount.ls("instances")
        time.sleep(0.05)
    assert api.count() == 1


def test_a_field_comes_and_goes(api, mount_factory):
    mount = mount_factory(options={"ttl": TTL})
    place = mount.path / "instances" / ONE
    assert not (place / "tomorrow").exists()
    api.update(ONE, tomorrow="new", image="much longer than it was before, by far" * 9)
    _elapse()
    assert mount.read(f"instances/{ONE}/tomorrow") == "new\n"
    assert len(mount.read(f"instances/{ONE}/image")) == os.stat(place / "image").st_size > 300
    assert "tomorrow" in os.listdir(place)
    api.add(mock_fleet.without(api.fleet[ONE], "tomorrow", "network"))
    _elapse()
    assert not (place / "tomorrow").exists() and not (place / "network").exists()


# Details


def test_details_stay_good_while_the_list_agrees(api, mount_factory):
    mount = mount_factory(options={"ttl": TTL})
    mount.ls("instances")
    first = mount.read(COMMAND)
    api.update(ONE, tools={"ssh": {"command": "ssh elsewhere"}})
    for _ in range(3):
        _elapse()
        assert mount.read(COMMAND) == first
    assert api.count("get") == 1


@pytest.mark.parametrize("change", (
    {"image": "x"}, {"network": {"ip": "10.9.9.9"}}, {"ports": []}, {"envs": []},
    {"status": {"message": "m"}}, {"billing": {"mode": "spot"}}, {"tomorrow": 1},
    {"resource_specs": {"gpu_ids": [7]}}), ids=lambda change: next(iter(change)))
# semantics: detail-while-list-agrees
def test_any_field_of_the_list_that_differs_drops_the_details(api, mount_factory, change):
    mount = mount_factory(options={"ttl": TTL})
    mount.ls("instances")
    mount.read(COMMAND)
    api.update(ONE, tools={"ssh": {"command": "ssh elsewhere"}}, **change)
    _elapse()
    assert mount.read(COMMAND) == "ssh elsewhere\n"


# semantics: detail-while-list-agrees
def test_details_are_asked_for_again_after_their_own_ttl(api, mount_factory):
    mount = mount_factory(options={"ttl": 60, "detail_ttl": TTL})
    mount.ls("instances")
    mount.read(COMMAND)
    api.update(ONE, tools={"ssh": {"command": "ssh elsewhere"}})
    _elapse()
    assert mount.read(COMMAND) == "ssh elsewhere\n"
    assert (api.count("list"), api.count("get")) == (1, 2)


# Missing


# semantics: missing-is-remembered
def test_a_missing_instance_is_asked_for_again_after_negative_ttl(api, mount_factory):
    mount = mount_factory(options={"negative_ttl": TTL})
    for _ in range(100):
        assert errno_of(os.stat, mount.path / "instances/late/status") == "ENOENT"
    assert api.count() == 1
    api.add(mock_fleet.make("late", ""))
    assert errno_of(os.stat, mount.path / "instances/late/status") == "ENOENT"
    _elapse()
    assert mount.read("instances/late/status") == "creating\n"
    assert api.count() == 2


JUNK = (".git", ".hg", ".svn", ".hidden", ".Trash-0", ".DS_Store", "._file", ".nfs1234", "4913",
        "file~", "~", "a.swp", ".a.swp", "autorun.inf", "desktop.ini", "Thumbs.db")


@pytest.mark.parametrize("place", ("", "instances", "json", "by-name", "by-status", "tables",
                                   ".ppiofs", f"instances/{ONE}", f"instances/{ONE}/envs"))
# semantics: junk-is-free
def test_what_probes_ask_is_answered_without_the_api(api, mount_factory, place):
    mount = mount_factory(options={"ttl": 0})
    descriptor = os.open(mount.path / place, os.O_PATH)
    api.fault("*", status=500)
    api.reset_counters()
    for name in JUNK:
        assert errno_of(os.stat, name, dir_fd=descriptor) == "ENOENT", name
        assert errno_of(os.stat, name, dir_fd=descriptor) == "ENOENT", name
    os.close(descriptor)
    assert api.count() == 0


def test_an_instance_with_the_name_of_junk_is_shown(api, mount):
    api.replace_fleet(by_id(*(mock_fleet.make(name, name) for name in JUNK)))
    assert set(mount.ls("instances")) == set(JUNK) == set(mount.ls("by-name"))
    for name in JUNK:
        assert mount.read(f"instances/{name}/id") == name + "\n"
        assert mount.read(f"by-name/{name}/id") == name + "\n"
        assert name.encode() in mount.read_bytes(f"json/{name}.json")


# What is open


# semantics: open-file-never-changes
def test_an_open_file_never_changes(api, mount_factory):
    mount = mount_factory(options={"ttl": TTL})
    with open(mount.path / STATUS, "rb", buffering=0) as old:
        api.update(ONE, status={"status": "something much longer"})
        _elapse()
        assert mount.read(STATUS) == "something much longer\n"
        assert old.read() == b"running\n"  # only now for the first time
        assert os.fstat(old.fileno()).st_size == 8
        api.remove(ONE)
        _elapse()
        assert errno_of(mount.read, STATUS) == "ENOENT"
        assert os.pread(old.fileno(), 100, 3) == b"ning\n"


def test_a_mapped_file_never_changes(api, mount_factory):
    mount = mount_factory(options={"ttl": TTL})
    with open(mount.path / STATUS, "rb") as file:
        with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as old:
            api.update(ONE, status={"status": "exited"})
            _elapse()
            assert mount.read(STATUS) == "exited\n"
            assert old[:] == b"running\n"


# Told to forget


def _refresh(mount, how):
    if how == "SIGHUP":
        mount.signal(1)
    else:
        done = run([binary(), "--refresh", mount.path])
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("how", ("SIGHUP", "--refresh"))
# semantics: refresh-drops
def test_a_refresh_drops_every_cached_answer(api, mount, how):
    mount.ls("instances")
    assert mount.read(STATUS) == "running\n" and "40122" in mount.read(COMMAND)
    assert errno_of(os.stat, mount.path / "instances/late") == "ENOENT"
    api.update(ONE, status={"status": "exited"}, tools={"ssh": {"command": "ssh elsewhere"}})
    api.add(mock_fleet.make("late", ""))
    _refresh(mount, how)
    wait_for(lambda: "list: not fetched yet" in mount.read(".ppiofs/status"), SOON)
    assert mount.read(STATUS) == "exited\n"
    assert mount.read(COMMAND) == "ssh elsewhere\n"
    assert mount.read("instances/late/status") == "creating\n"
    assert "late" in mount.ls("instances")


def test_a_refresh_reads_the_key_again(api, mount):
    api.key = "sk-another-key-0123456789"
    mount.expect_stderr("warning: .*401")
    assert errno_of(mount.ls, "instances") == "EACCES"
    mount.write_key(api.key)
    _refresh(mount, "SIGHUP")
    wait_for(lambda: errno_of(mount.ls, "instances") is None)
    assert set(mount.ls("instances")) == set(ALL)


def test_only_what_somebody_named_is_ever_asked_for(api, mount):
    for name in ("instances/nosuch", "instances/with blank", "json/other.json", "by-name/nobody"):
        assert errno_of(os.stat, mount.path / name) == "ENOENT"
    assert seen_gets(api) == {"nosuch", "with%20blank", "other"}
    assert api.count("list") == 1
