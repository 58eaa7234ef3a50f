# SPDX-License-Identifier: MIT
"""How a mount ends, and what signals do."""
import os
import signal
import time

import pytest
from helpers import ALL, ONE, SOON, readers, run, wait_for
from mounting import KEY, binary, daemon_environment
from watchdog import mounted_device, take_down

PARKED = [f"instances/waits-{i}/status" for i in range(16)]


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


def test_in_the_background_it_hears_a_signal(api, tmp_path, watchdog):
    place = tmp_path / "mnt"
    place.mkdir()
    done = run([binary(), place, "-o", f"api_url={api.url}"],
               env=daemon_environment(tmp_path, {"PPIO_API_KEY": KEY}))
    assert done.returncode == 0, done.stderr
    pid = int((place / ".ppiofs" / "pid").read_text())
    watchdog.watch(place, pid)
    try:
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: mounted_device(place) is None)
    finally:
        take_down(place, mounted_device(place))
        watchdog.unwatch(place, pid)
