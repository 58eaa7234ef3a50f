# SPDX-License-Identifier: MIT
"""Promise 11: SIGTERM, SIGINT and fusermount3 -u end it: exit 0 within 1 s, in the middle of a
fetch too; the mount is gone, and whoever was parked gets an error."""
import contextlib
import os
import signal

import pytest

import peers
from crowd import crowd_of, looking_for_nothing, parked, read_file, seconds_of
from helpers import wait_for
from kernel import kernels
from mounting import run

PARKED = 16
SOON_GONE = 1
LOST = {"ENOTCONN", "ECONNABORTED", "EINTR", "ENOENT"}  # ENOENT: looked again, and all was gone


def _park(mount):
    crowd = crowd_of(PARKED, read_file, *(mount.path / "instances" / f"cold{i}" / "status"
                                          for i in range(PARKED))).start()
    wait_for(lambda: parked(mount) == PARKED)
    return crowd


def _check_end(mount, seconds, crowd=None):
    assert mount.process.returncode == 0 and seconds <= SOON_GONE, seconds
    assert not mount.is_mounted()
    if crowd is not None:
        assert {call.errno for call in crowd.join()} <= LOST, crowd.done


def _stop(mount, end):
    def stop():
        end(mount)
        mount.wait_exit()
    return seconds_of(stop)


def _by_signal(number):
    return lambda mount: mount.signal(number)


def _by_fusermount(mount):
    done = run(["fusermount3", "-u", mount.path])
    assert done.returncode == 0, done.stderr


ENDS = {"SIGTERM": _by_signal(signal.SIGTERM), "SIGINT": _by_signal(signal.SIGINT),
        "fusermount3 -u": _by_fusermount}


@pytest.mark.parametrize("end", ("SIGTERM", "SIGINT"))
# semantics: stops
def test_with_readers_in_a_black_hole_it_ends_at_once(end, api, mount, report):
    api.fault("*", silence=True)
    crowd = _park(mount)
    seconds = _stop(mount, ENDS[end])
    _check_end(mount, seconds, crowd)
    wait_for(lambda: api.in_flight == 0)
    report(f"end with {PARKED} readers in a black hole",
           f"{end:20} {seconds * 1000:4.0f} ms, readers get "
           + ", ".join(sorted({call.errno for call in crowd.done})))


def test_fusermount_ends_it_in_the_middle_of_a_fetch_that_nobody_waits_for(api, troubled):
    mount = troubled(options={"ttl": 0.1, "timeout": 30})
    mount.ls("instances")
    fault = api.fault("*", status=500)
    wait_for(lambda: (mount.ls("instances"), "stale" in mount.read(".ppiofs/status"))[1])
    api.clear_fault(fault)
    api.fault("*", silence=True)
    wait_for(lambda: (mount.ls("instances"), api.in_flight == 1)[1])
    _check_end(mount, _stop(mount, ENDS["fusermount3 -u"]))


@pytest.mark.parametrize("end", ENDS)
def test_a_silent_name_server_does_not_hold_it_up(end, troubled, tmp_path):
    with contextlib.ExitStack() as stack:
        try:
            url = stack.enter_context(peers.silent_dns(tmp_path))
        except PermissionError as why:
            pytest.skip(str(why))
        mount = troubled(api=url, options={"timeout": 1 if "fuser" in end else 30})
        crowd = crowd_of(1, os.listdir, mount.path / "instances").start()
        if "fuser" in end:
            crowd.join()  # its lookup of the name goes on in the library for some time more
        else:
            wait_for(lambda: parked(mount) == 1)
        _check_end(mount, _stop(mount, ENDS[end]))
        crowd.join()


def test_two_signals_are_as_good_as_one(api, mount):
    api.fault("*", silence=True)
    crowd = _park(mount)

    def twice(mount):
        mount.signal(signal.SIGTERM)
        mount.signal(signal.SIGINT)
    _check_end(mount, _stop(mount, twice), crowd)


ENDS_IN_A_ROW = 30


@kernels
@pytest.mark.parametrize("_", range(ENDS_IN_A_ROW))
def test_it_ends_while_the_kernel_is_told_to_forget(_, mount_factory, kernel):
    """What is told to a kernel before 6.16 waits for a lock that those hold who look something up,
    and nobody answers."""
    mount = mount_factory(env=kernel)
    mount.ls("instances")

    def forget_and_end(mount):
        mount.signal(signal.SIGHUP)
        mount.signal(signal.SIGTERM)
    with looking_for_nothing(mount):
        _check_end(mount, _stop(mount, forget_and_end))
