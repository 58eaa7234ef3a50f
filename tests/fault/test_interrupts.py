# SPDX-License-Identifier: MIT
"""Promise 2: Ctrl-C and kill work at once (<= 0.5 s) during any fetch, with 64 others waiting; a
process that catches SIGINT gets EINTR.

One thing no file system can help: of several who look up one name that the kernel does not hold,
it lets one through and keeps the others, deaf to signals, until that one is answered. They wait no
longer than T; see the last test.
"""
import os
import shutil
import signal
import sys

import pytest

from crowd import crowd_of, parked, read_file, seconds_of, spawned
from helpers import ONE, SOON, wait_for

OTHERS = 64
AT_ONCE = 0.5
T = 20

# A program that catches SIGINT and looks at what the system call said: Python's own functions would
# make the call anew.
CATCHER = """
import ctypes, errno, os, signal, sys
signal.signal(signal.SIGINT, lambda *_: None)
libc = ctypes.CDLL(None, use_errno=True)
result = libc.open(sys.argv[1].encode(), os.O_RDONLY)
print(result, errno.errorcode.get(ctypes.get_errno()))
"""
VICTIMS = {  # what waits in which system call, and for what fetch
    "cat, one instance": ("cat", "instances/victim/status"),
    "ls -l, one instance": ("ls", "-l", "instances/victim"),
    "ls, the list": ("ls", "instances"),
    "find, a view": ("find", "by-name"),
    "cat, a table": ("cat", "tables/instances.tsv"),
    "cat, a body": ("cat", "json/victim.json"),
    "stat, a link": ("stat", "-L", "by-name/victim"),
}


def _park(mount, paths):
    crowd = crowd_of(OTHERS, read_file, *(mount.path / path for path in paths)).start()
    wait_for(lambda: parked(mount) >= min(OTHERS, len(paths)), 10)
    return crowd


@pytest.fixture
def black_hole(api, troubled):
    """A mount where 64 others wait for an answer that will not come."""
    api.fault("*", silence=True)
    mount = troubled(options={"timeout": T})
    crowd = _park(mount, [f"instances/other{i}/status" for i in range(OTHERS)])
    yield mount
    mount.signal(signal.SIGTERM)
    crowd.join()


def _argv(mount, command):
    return [word if word.startswith("-") or i == 0 else mount.path / word
            for i, word in enumerate(command)]


def _end_by(child, number):
    child.send_signal(number)
    return seconds_of(child.wait, SOON)


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM, signal.SIGKILL))
# semantics: interruptible
def test_a_signal_ends_whoever_waits_at_once(number, black_hole, report):
    slowest = 0
    for name, command in VICTIMS.items():
        with spawned(_argv(black_hole, command)) as (victim,):
            wait_for(lambda: parked(black_hole) > OTHERS)
            seconds = _end_by(victim, number)
            assert victim.returncode == -number and seconds <= AT_ONCE, (name, seconds)
        wait_for(lambda: parked(black_hole) == OTHERS)
        slowest = max(slowest, seconds)
    report(f"slowest end by a signal, {OTHERS} others waiting",
           f"{number.name:8} {slowest * 1000:4.0f} ms")


def test_all_of_them_end_at_once(black_hole):
    with spawned(*[["cat", black_hole.path / "instances" / f"cat{i}"] for i in range(16)]) as cats:
        wait_for(lambda: parked(black_hole) == OTHERS + 16)
        for cat in cats:
            cat.send_signal(signal.SIGINT)
        assert seconds_of(lambda: [cat.wait(SOON) for cat in cats]) <= AT_ONCE
        assert {cat.returncode for cat in cats} == {-signal.SIGINT}


# semantics: interruptible
def test_a_process_that_catches_sigint_gets_eintr(black_hole):
    path = black_hole.path / "instances/victim/status"
    with spawned([sys.executable, "-c", CATCHER, path]) as (catcher,):
        wait_for(lambda: parked(black_hole) > OTHERS)
        assert _end_by(catcher, signal.SIGINT) <= AT_ONCE
        assert catcher.stdout.read().split() == ["-1", "EINTR"]


@pytest.mark.skipif(not shutil.which("vim"), reason="needs vim")
def test_an_editor_comes_back_with_each_ctrl_c(black_hole):
    """vim catches SIGINT and looks at its file several times: each look is given up at once."""
    def interrupted():
        return black_hole.stats()["ppiofs_operations_interrupted_total"]
    with spawned(["vim", "-u", "NONE", "-i", "NONE", "-n", "-es", "+qa!",
                  black_hole.path / "instances/victim/status"]) as (vim,):
        while vim.poll() is None:
            before = interrupted()
            wait_for(lambda: parked(black_hole) > OTHERS or vim.poll() is not None)
            if vim.poll() is None:
                vim.send_signal(signal.SIGINT)
                wait_for(lambda: interrupted() > before or vim.poll() is not None, AT_ONCE)


def test_what_was_looked_up_before_may_be_given_up_by_each(api, troubled):
    """64 of one expired name: any of them ends at once, and not only the first."""
    mount = troubled(options={"timeout": T, "ttl": 0, "max_stale": 0})
    os.stat(mount.path / "instances" / ONE)
    api.fault("*", silence=True)
    argv = ["stat", mount.path / "instances" / ONE]
    with spawned(*[argv] * OTHERS) as waiting:
        wait_for(lambda: parked(mount) == OTHERS, 10)
        for victim in waiting[::8]:
            assert _end_by(victim, signal.SIGKILL) <= AT_ONCE
        assert parked(mount) == OTHERS - len(waiting[::8])
        mount.signal(signal.SIGTERM)


def test_of_many_who_look_up_one_new_name_all_end_in_time(api, troubled, report):
    """What the kernel does not let go by a signal ends with T, and not with a multiple of it."""
    mount = troubled(options={"timeout": 2})
    api.fault("*", silence=True)
    with spawned(*[["cat", mount.path / "instances" / ONE / "status"]] * OTHERS) as cats:
        wait_for(lambda: parked(mount) >= 1)
        for cat in cats[1:]:
            cat.send_signal(signal.SIGINT)
        slowest = seconds_of(lambda: [cat.wait(SOON) for cat in cats])
    report(f"slowest end by a signal, {OTHERS} others waiting",
           f"{OTHERS} of one new name: {slowest:.2f} s (T = 2 s)")
    assert slowest <= 2.5
