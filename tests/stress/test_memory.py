# SPDX-License-Identifier: MIT
"""Promise 12: memory stays flat over thousands of refreshes, and what the kernel has forgotten is
given back."""
import os
import pathlib
import random
import signal
import time

import mock_fleet
import pytest
from flipping import record
from helpers import hang_up, wait_for, walk

REFRESHES = int(os.environ.get("PPIOFS_REFRESHES", 10000))
FLAT = 1.10
KIB_PER_INSTANCE = 8
GRAIN_KIB = 512  # the allocator's steps: below this nothing is told from nothing


def resident_kib(mount):
    status = pathlib.Path(f"/proc/{mount.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def descriptors(mount):
    return len(os.listdir(f"/proc/{mount.pid}/fd"))


def drop_kernel_caches():
    """Names and inodes; needs root."""
    try:
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("2")
    except PermissionError:
        pytest.skip("only root may drop the kernel's caches")


def assert_flat(samples):
    quarter = len(samples) // 4
    first, last = max(samples[quarter:2 * quarter]), max(samples[-quarter:])
    assert last <= first * FLAT + GRAIN_KIB, samples


@pytest.mark.slow(300)
def test_ten_thousand_refreshes_leave_memory_flat(api, mount_factory):
    """Each finds another record, in a list of another length."""
    mount = mount_factory(options={"ttl": 0, "log": "error"})
    dice, samples = random.Random(12), []
    place = os.fspath(mount.path / "instances")
    while api.count() < REFRESHES:
        os.listdir(place)
        api.update("ca338f12f3", name="x" * dice.randrange(3000))
        api.add(mock_fleet.make(f"extra{dice.randrange(5)}", "y" * dice.randrange(1000)))
        for _ in range(REFRESHES // 200):
            os.lstat(f"{place}/ca338f12f3")
        with open(f"{place}/ca338f12f3/name", "rb") as file:
            file.read()
        samples.append(resident_kib(mount))
    assert_flat(samples)
    assert descriptors(mount) < 40


def test_a_thousand_hangups_leave_memory_flat(api, mount_factory):
    mount = mount_factory(options={"ttl": 60, "log": "error"})
    samples, lists = [], 0
    for _ in range(1000):
        mount.signal(signal.SIGHUP)
        limit = time.monotonic() + 5
        while api.count("list") == lists and time.monotonic() < limit:
            os.listdir(mount.path / "instances")
            os.listdir(mount.path / "by-status/running")
        assert api.count("list") > lists
        lists = api.count("list")
        samples.append(resident_kib(mount))
    assert_flat(samples)
    assert descriptors(mount) < 40


def test_what_the_kernel_forgets_is_given_back(api, mount_factory):
    mount = mount_factory(options={"log": "error"})
    api.replace_fleet(mock_fleet.fleet(200))
    walk(mount.path)
    stats = mount.stats()
    assert stats["ppiofs_kernel_directories"] >= 200 and stats["ppiofs_kernel_versions"] >= 200

    def has_forgotten():
        drop_kernel_caches()
        stats = mount.stats()
        return stats["ppiofs_kernel_directories"] <= 2 and stats["ppiofs_kernel_versions"] <= 4
    wait_for(has_forgotten, 20)


def test_an_instance_that_was_read_takes_no_more_than_8_kib(api, mount_factory):
    """With all that is kept of it: the list's part, the full record, its body, and what stands for
    them in the kernel's favour."""
    mount = mount_factory(options={"ttl": 600, "log": "error", "page_size": 100})
    few, many, samples = 300, 1800, []
    for number in (few, many):
        api.replace_fleet(mock_fleet.fleet(number))
        hang_up(mount)
        assert len(walk(mount.path / "instances")) > 40 * number
        samples.append(resident_kib(mount))
    assert (samples[1] - samples[0]) / (many - few) <= KIB_PER_INSTANCE, samples


def test_old_versions_are_given_back_while_they_are_replaced(api, mount_factory):
    """Without anybody dropping caches: a version that no name leads to and nobody holds is gone."""
    mount = mount_factory(options={"ttl": 0, "detail_ttl": 0, "log": "error"})
    path, samples = mount.path / "instances/flip0/tools/big", []
    for version in range(1, 200):
        api.replace_fleet({"flip0": record("flip0", version)})
        path.read_bytes()
        samples.append(resident_kib(mount))
    assert mount.stats()["ppiofs_kernel_versions"] < 10
    assert_flat(samples)


def test_what_is_held_open_is_given_back_to_the_system_when_it_is_closed(api, mount_factory):
    mount = mount_factory(options={"ttl": 0, "detail_ttl": 0, "log": "error"})
    held, resident = [], []
    for version in range(1, 90):
        api.replace_fleet({"flip0": record("flip0", version)})
        held.append(open(mount.path / "instances/flip0/tools/big", "rb"))
        resident.append(resident_kib(mount))
    stats = mount.stats()
    assert stats["ppiofs_kernel_versions"] >= 89
    held_kib = stats["ppiofs_kernel_bytes"] // 1024
    assert resident[-1] - resident[9] >= held_kib * 0.8 >= 10000
    for file in held:
        file.close()
    hang_up(mount)
    wait_for(lambda: (drop_kernel_caches(), mount.stats())[1]["ppiofs_kernel_versions"] <= 4, 20)
    assert resident_kib(mount) <= resident[9] + 2048
