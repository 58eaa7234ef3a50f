# SPDX-License-Identifier: MIT
"""How a mount ends, what takes its place, and that waiting for the API holds nobody."""
import contextlib
import os
import re
import signal
import subprocess
import threading
import time

import pytest
from helpers import ALL, ONE, SOON, errno_of, readers, run, wait_for
from watchdog import mounted_device

PARKED = [f"instances/waits-{i}/status" for i in range(16)]
MANY = [f"instances/waits-{i}/status" for i in range(64)]
AWAY = "warning: "


def _end(mount, how):
    if isinstance(how, signal.Signals):
        mount.signal(how)
    else:
        assert run([*how, mount.path]).returncode == 0


ENDS = {"SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT, "fusermount3": ["fusermount3", "-u"],
        "umount": ["umount"]}


@pytest.mark.parametrize("how", ENDS)
def test_it_ends_at_once_and_leaves_nothing(mount, how):
    if how == "umount" and os.geteuid() != 0:
        pytest.skip("umount is for root")
    mount.ls("instances")
    started = time.monotonic()
    _end(mount, ENDS[how])
    assert mount.wait_exit(SOON) == 0
    assert time.monotonic() - started < 1
    assert mounted_device(mount.path) is None
    assert os.listdir(mount.path) == []


@pytest.mark.parametrize("how", ("SIGTERM", "SIGINT"))
def test_it_ends_at_once_while_readers_wait(api, mount, how):
    mount.ls("instances")
    api.fault("get", silence=True)
    with readers(mount, *PARKED) as waiting:
        started = time.monotonic()
        _end(mount, ENDS[how])
        assert mount.wait_exit(SOON) == 0
        assert time.monotonic() - started < 1
        assert mounted_device(mount.path) is None
        for reader in waiting:
            assert reader.wait(SOON) == 1, "each gets an error, none is killed"
            assert re.search(b"not connected|aborted|No such", reader.communicate()[1])


def test_a_lazy_unmount_lets_waiting_readers_go(api, mount):
    api.fault("get", silence=True)
    with readers(mount, *PARKED):
        assert run(["fusermount3", "-u", "-z", mount.path]).returncode == 0
    assert mount.wait_exit(SOON) == 0


def test_a_mount_in_use_stays(mount):
    with open(mount.path / ".ppiofs/pid", encoding="ascii"):
        assert run(["fusermount3", "-u", mount.path]).returncode != 0
    assert mount.read(f"instances/{ONE}/id") == ONE + "\n"


def test_it_can_be_mounted_again_and_again(mount_factory, tmp_path):
    place = tmp_path / "again"
    for _ in range(5):
        mount = mount_factory(tmp_path=place)
        assert set(mount.ls("instances")) == set(ALL)
        mount.unmount()


# A dead mount


def _kill(mount):
    mount.expect_exit(-signal.SIGKILL)
    mount.signal(signal.SIGKILL)
    mount.wait_exit()


def test_a_dead_mount_is_taken_over(mount_factory, tmp_path):
    dead = mount_factory(tmp_path=tmp_path / "place")
    dead.ls("instances")
    _kill(dead)
    assert errno_of(os.listdir, dead.path) == "ENOTCONN"
    again = mount_factory(tmp_path=tmp_path / "place")
    assert set(again.ls("instances")) == set(ALL)
    again.unmount()
    assert mounted_device(again.path) is None, "the dead mount is below no more"


def test_a_dead_mount_that_somebody_uses_is_taken_over(mount_factory, tmp_path):
    dead = mount_factory(tmp_path=tmp_path / "place")
    descriptor = os.open(dead.path / "instances" / ONE / "image", os.O_RDONLY)
    _kill(dead)
    again = mount_factory(tmp_path=tmp_path / "place")
    assert again.read(f"instances/{ONE}/id") == ONE + "\n"
    with contextlib.suppress(OSError):  # close() tells of the dead one, and closes
        os.close(descriptor)


def test_killed_readers_and_all_it_is_taken_over(api, mount_factory, tmp_path):
    dead = mount_factory(tmp_path=tmp_path / "place")
    api.fault("get", silence=True)
    with readers(dead, *PARKED) as waiting:
        _kill(dead)
        for reader in waiting:
            assert reader.wait(SOON) == 1
    api.clear_faults()
    assert mount_factory(tmp_path=tmp_path / "place").read(f"instances/{ONE}/id") == ONE + "\n"


# Waiting and giving up


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM, signal.SIGKILL))
def test_who_waits_in_a_black_hole_can_be_stopped(api, mount, number):
    api.fault("*", silence=True)
    with readers(mount, *PARKED) as waiting:
        for reader in waiting:
            started = time.monotonic()
            reader.send_signal(number)
            assert reader.wait(SOON) == -number
            assert time.monotonic() - started < 0.5
        wait_for(lambda: mount.stats()["ppiofs_operations_waiting"] == 0)
        wait_for(lambda: api.in_flight == 0)
    assert mount.stats()["ppiofs_operations_interrupted_total"] == len(PARKED)


def test_a_listing_in_a_black_hole_can_be_stopped(api, mount):
    api.fault("*", silence=True)
    child = subprocess.Popen(["ls", mount.path / "instances"], stdin=subprocess.DEVNULL)
    wait_for(lambda: mount.stats()["ppiofs_operations_waiting"] == 1)
    started = time.monotonic()
    child.send_signal(signal.SIGINT)
    assert child.wait(SOON) == -signal.SIGINT
    assert time.monotonic() - started < 0.5
    wait_for(lambda: api.cancelled == 1)


def test_who_gives_up_does_not_take_the_fetch_from_the_others(api, mount):
    mount.ls("instances")
    api.fault("get", delay=1)
    names = (f"instances/{ONE}/ssh_command", f"instances/{ONE}/pricing/instance_price")
    with readers(mount, *names) as (first, second):
        first.kill()
        first.wait(SOON)
        assert second.communicate(timeout=SOON)[0] == b"1980000\n"
    assert (api.count("get"), api.cancelled) == (1, 0)


def test_what_is_cached_never_waits(api, mount):
    known = [f"instances/{ONE}/status", f"instances/{ONE}/ssh_command", f"json/{ONE}.json",
             "by-name/vllm-qwen3-32b/image", "tables/instances.tsv"]
    mount.ls("instances")
    before = [mount.read(name) for name in known]
    api.fault("*", silence=True)
    with readers(mount, *MANY):
        for action in (lambda: [mount.read(name) for name in known] == before,
                       lambda: os.statvfs(mount.path).f_files == len(ALL) + (1 << 20),
                       lambda: os.stat(mount.path).st_ino == 1,
                       lambda: mount.ls("instances") == sorted(ALL),
                       lambda: mount.ls(".ppiofs"),
                       lambda: mount.read(".ppiofs/status")):
            started = time.monotonic()
            assert action()
            assert time.monotonic() - started < 0.5


def test_a_call_ends_when_its_time_is_over(api, mount_factory):
    mount = mount_factory(options={"timeout": 0.5})
    mount.expect_stderr(AWAY)
    api.fault("*", silence=True)
    for name in (f"instances/{ONE}/status", "instances", "tables/instances.tsv", "by-name/x"):
        started = time.monotonic()
        assert errno_of(os.listdir if name == "instances" else os.stat, mount.path / name) in (
            "ETIMEDOUT", "EBUSY")
        assert time.monotonic() - started < 0.5 + 0.5
    assert mount.stats()["ppiofs_operations_waiting"] == 0


def test_a_second_try_helps_within_the_same_call(api, mount):
    api.fault("get", status=503, times=1)
    assert mount.read(f"instances/{ONE}/status") == "running\n"
    assert api.count() == 2


# Signals


def test_a_hang_up_while_readers_wait_hangs_nobody(api, mount):
    mount.ls("instances")
    api.fault("get", delay=1.5)
    with readers(mount, f"instances/{ONE}/tools/ssh/username", *PARKED[:8]) as waiting:
        for _ in range(5):
            mount.signal(signal.SIGHUP)
            assert mount.read(".ppiofs/pid") == f"{mount.pid}\n"
            assert len(mount.ls("instances")) == len(ALL)
        assert waiting[0].communicate(timeout=SOON)[0] == b"root\n"
        for reader in waiting[1:]:
            assert b"No such file" in reader.communicate(timeout=SOON)[1]


def test_the_log_level_steps_and_the_statistics_are_told(mount_factory):
    mount = mount_factory(options={"log": "info"})
    mount.signal(signal.SIGUSR2)
    wait_for(lambda: "log level is now debug" in mount.stderr())
    mount.ls("instances")
    assert "GET /gpus/v2/instances" in mount.stderr()
    mount.signal(signal.SIGUSR1)
    wait_for(lambda: "ppiofs_instances 12" in mount.stderr())


def test_many_threads_may_read_while_all_is_dropped(api, mount_factory):
    """Whatever comes between, each read brings one of the two states, whole."""
    mount = mount_factory(options={"ttl": 0.05})
    seen, wrong, end = set(), [], time.monotonic() + 1.5

    def read():
        while time.monotonic() < end:
            try:
                text = mount.read(f"instances/{ONE}/image")
            except OSError as error:
                wrong.append(error)
                return
            seen.add(text)
            if not re.fullmatch(r"(a{10}|b{5000})\n", text):
                wrong.append(text)
    api.update(ONE, image="a" * 10)
    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        for image in ("b" * 5000, "a" * 10):
            api.update(ONE, image=image)
            mount.signal(signal.SIGHUP)
            time.sleep(0.02)
    for thread in threads:
        thread.join()
    assert not wrong and len(seen) == 2, wrong[:3]
