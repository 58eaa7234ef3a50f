# SPDX-License-Identifier: MIT
"""Promise 10: after kill -9, ppiofs cleans its own dead mount and mounts; a live ppiofs is refused
with exit 3; what is another's is never touched."""
import contextlib
import ctypes
import os
import re
import signal

import pytest

from crowd import looking_for_nothing
from helpers import ONE, errno_of, wait_for
from mounting import KEY, Mount, binary, daemon_environment, run
from namespace import is_private
from users import NOBODY, NobodysMount, as_nobody, can_be_nobody, fuse_for_all, home_of_nobody
from watchdog import mounted_device, take_down

KILLS = 20


def _kill(mount):
    mount.expect_exit(-signal.SIGKILL)
    mount.signal(signal.SIGKILL)
    mount.wait_exit()


def _fuse_mounts_at(path):
    with open("/proc/self/mountinfo") as table:
        return sum(line.split()[4] == str(path) for line in table)


def _forget(mount):
    """Its mount is the next one's business."""
    mount._closed = True
    mount._watchdog.unwatch(mount.path, mount.pid)


def _call(api, path, *under):
    """Another ppiofs for the same place."""
    return run([*under, binary(), path, "-o", f"api_url={api.url}"],
               env=daemon_environment(path.parent, {"PPIO_API_KEY": KEY}))


def test_a_killed_mount_is_taken_over_20_times(api, tmp_path, watchdog):
    for _ in range(KILLS):
        mount = Mount(api, tmp_path, watchdog=watchdog)
        assert mount.read(f"instances/{ONE}/status") == "running\n"
        assert _fuse_mounts_at(mount.path) == 1, "not stacked on the dead one"
        _kill(mount)
        assert errno_of(os.statvfs, mount.path) == "ENOTCONN"
        _forget(mount)
    with Mount(api, tmp_path, watchdog=watchdog) as mount:
        assert ONE in mount.ls("instances")
    assert len(re.findall("removed a dead ppiofs mount", mount.stderr())) == KILLS


def test_a_killed_mount_with_readers_in_it_is_taken_over(api, tmp_path, watchdog):
    """Its directory is somebody's working directory, and one of its files is open."""
    mount = Mount(api, tmp_path, watchdog=watchdog)
    directory = os.open(mount.path / "instances", os.O_RDONLY)
    file = os.open(mount.path / "instances" / ONE / "status", os.O_RDONLY)
    try:
        _kill(mount)
        _forget(mount)
        with Mount(api, tmp_path, watchdog=watchdog) as mount:
            assert mount.read(f"instances/{ONE}/status") == "running\n"
            assert errno_of(os.stat, "anything", dir_fd=directory) == "ENOTCONN"
    finally:
        for fd in (file, directory):
            errno_of(os.close, fd)  # says ENOTCONN, and closes


def _kernel():
    return tuple(map(int, re.findall(r"\d+", os.uname().release)[:2]))


@pytest.mark.skipif(_kernel() < (6, 16), reason="the kernel is told name by name, under a lock")
def test_one_killed_while_the_kernel_is_told_to_forget_is_taken_over(api, tmp_path, watchdog):
    for _ in range(KILLS):
        mount = Mount(api, tmp_path, watchdog=watchdog)
        mount.ls("instances")
        with looking_for_nothing(mount):
            mount.signal(signal.SIGHUP)
            _kill(mount)
        _forget(mount)
    with Mount(api, tmp_path, watchdog=watchdog) as mount:
        assert ONE in mount.ls("instances")


@pytest.mark.skipif(not can_be_nobody(), reason="needs root, setpriv and a mount namespace")
@pytest.mark.thorough
def test_an_ordinary_user_takes_over_his_own_20_times(api, watchdog):
    with fuse_for_all(), home_of_nobody() as home:
        for _ in range(KILLS):
            mount = NobodysMount(api, home, watchdog)
            mount.wait_until_mounted()
            assert _fuse_mounts_at(mount.path) == 1
            _kill(mount)
            wait_for(lambda: "not connected" in as_nobody("stat", "-f", mount.path).stderr)
            _forget(mount)
        mount = NobodysMount(api, home, watchdog)
        mount.wait_until_mounted()
        shown = as_nobody("cat", mount.path / "instances" / ONE / "status")
        assert (shown.stdout, shown.stderr) == ("running\n", "")
        mount.unmount()


def test_a_living_mount_is_refused(api, mount):
    for _ in range(3):
        second = _call(api, mount.path)
        assert second.returncode == 3 and "already mounted" in second.stderr
    assert mount.read(f"instances/{ONE}/status") == "running\n"
    assert _fuse_mounts_at(mount.path) == 1


def test_a_living_mount_is_refused_while_its_api_hangs(api, mount):
    api.fault("*", silence=True)
    second = _call(api, mount.path)
    assert second.returncode == 3 and second.seconds < 2


@pytest.mark.skipif(not can_be_nobody(), reason="needs root, setpriv and a mount namespace")
def test_a_living_mount_of_somebody_else_is_refused(api, watchdog):
    with fuse_for_all(), home_of_nobody() as home:
        mount = NobodysMount(api, home, watchdog)
        mount.wait_until_mounted()
        assert _call(api, mount.path).returncode == 3
        assert as_nobody("test", "-e", mount.path / "instances").returncode == 0
        mount.unmount()


@contextlib.contextmanager
def dead_mount(path, kind, user=0):
    """A FUSE mount whose program is gone."""
    libc = ctypes.CDLL(None, use_errno=True)
    device = os.open("/dev/fuse", os.O_RDWR)
    path.mkdir()
    options = f"fd={device},rootmode=40000,user_id={user},group_id=0,allow_other".encode()
    made = libc.mount(kind.encode(), os.fsencode(path), b"fuse." + kind.encode(), 0, options)
    assert made == 0, os.strerror(ctypes.get_errno())
    os.close(device)
    try:
        yield mounted_device(path)
    finally:
        take_down(path, mounted_device(path))


@pytest.mark.skipif(not is_private(), reason="needs root and a mount namespace")
def test_a_dead_mount_of_another_program_is_left_alone(api, tmp_path):
    with dead_mount(tmp_path / "mnt", "sshfs") as device:
        refused = _call(api, tmp_path / "mnt")
        assert refused.returncode == 3 and "choose another directory" in refused.stderr
        assert mounted_device(tmp_path / "mnt") == device


@pytest.mark.skipif(not is_private(), reason="needs root and a mount namespace")
def test_root_leaves_a_dead_ppiofs_of_a_user_alone(api, tmp_path):
    with dead_mount(tmp_path / "mnt", "ppiofs", user=NOBODY) as device:
        refused = _call(api, tmp_path / "mnt")
        assert refused.returncode == 3 and "of another program or user" in refused.stderr
        assert mounted_device(tmp_path / "mnt") == device


@pytest.mark.skipif(not can_be_nobody(), reason="needs root, setpriv and a mount namespace")
def test_a_dead_ppiofs_of_another_user_is_left_alone(api):
    with fuse_for_all(), home_of_nobody() as home:
        with dead_mount(home / "mnt", "ppiofs", user=NOBODY - 1) as device:
            refused = run(["setpriv", f"--reuid={NOBODY}", "--clear-groups", "--", home / "ppiofs",
                           home / "mnt", "-o", f"api_url={api.url}"],
                          env=daemon_environment(home, {"PPIO_API_KEY": KEY}))
            assert refused.returncode == 3, refused.stderr
            assert mounted_device(home / "mnt") == device
