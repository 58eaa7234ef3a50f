# SPDX-License-Identifier: MIT
"""Promise 9: mount first, connect later: a mount succeeds offline and heals without a remount. That
a changed key is picked up is shown in tests/mount/test_key.py."""
import os
import shutil
import signal
import time

import pytest

import peers
from helpers import ONE, errno_of, hang_up, wait_for
from mounting import Mount, run

HEALS = 20  # seconds: the longest pause that the failures of these tests lead to, and some more


class OfflineMount(Mount):
    """In a network namespace of its own, where not even loopback is up."""

    def _start(self, env):
        self.command = ["unshare", "-n", "--", *self.command]
        super()._start(env)

    def bring_up_loopback(self):
        done = run(["nsenter", "-t", str(self.pid), "-n", "ip", "link", "set", "lo", "up"])
        assert done.returncode == 0, done.stderr


def _may_unshare():
    return shutil.which("ip") and run(["unshare", "-n", "true"]).returncode == 0


def _heals(mount, name="instances"):
    wait_for(lambda: errno_of(os.listdir, mount.path / name) is None, HEALS)


def test_a_mount_made_while_the_api_is_down_works_when_it_is_up(api, troubled):
    api.fault("*", refuse=True)
    mount = troubled()
    assert errno_of(mount.ls, "instances") == "ECONNREFUSED"
    assert errno_of(mount.read, f"instances/{ONE}/status") in ("ECONNREFUSED", "EBUSY")
    assert "refused the connection" in mount.read(".ppiofs/last_error")
    api.clear_faults()
    _heals(mount)
    wait_for(lambda: errno_of(mount.read, f"instances/{ONE}/status") is None)
    assert mount.process.poll() is None


@pytest.mark.skipif(not _may_unshare(), reason="needs ip and a network namespace")
def test_a_mount_made_without_a_network_is_a_mount(api, tmp_path, watchdog):
    """A laptop that wakes up: no interface, then one."""
    with OfflineMount(api, tmp_path, watchdog=watchdog, options={"timeout": 3}) as mount:
        mount.expect_stderr("warning: ")
        assert errno_of(mount.ls, "instances") == "EHOSTUNREACH"
        assert "state: failed" in mount.read(".ppiofs/status")
        mount.bring_up_loopback()
        wait_for(lambda: errno_of(mount.ls, "instances") in ("ECONNREFUSED", "EBUSY"), HEALS)


def test_a_mount_made_without_a_name_server_works_when_there_is_one(troubled, tmp_path):
    try:
        with peers.no_dns(tmp_path) as url:
            mount = troubled(api=url)
            assert errno_of(mount.ls, "instances") == "EHOSTUNREACH"
    except PermissionError as why:
        pytest.skip(str(why))
    assert mount.process.poll() is None


def test_sighup_does_not_lift_what_the_api_asked_for(api, troubled):
    api.fault("*", retry_after=300)
    mount = troubled()
    assert errno_of(mount.ls, "instances") == "EBUSY"
    api.clear_faults()
    mount.signal(signal.SIGHUP)
    wait_for(lambda: "list: not fetched yet\n" in mount.read(".ppiofs/status"))
    assert errno_of(mount.ls, "instances") == "EBUSY"
    assert api.count() == 1


@pytest.mark.parametrize("times", (1, 2))
def test_a_401_that_comes_and_goes_is_forgotten(times, api, troubled):
    mount = troubled(options={"ttl": 0.1})
    mount.ls("instances")
    time.sleep(0.3)
    api.fault("*", status=401, times=times)
    assert errno_of(mount.ls, "instances") == "EACCES"
    wait_for(lambda: errno_of(mount.ls, "instances") is None)


def test_a_signal_storm_is_survived(api, troubled):
    mount = troubled()
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGHUP) * 20:
        mount.signal(number)
    assert ONE in mount.ls("instances")
