# SPDX-License-Identifier: MIT
"""Promise 23: the process that a service manager starts after a crash goes on with the mount. How it
looks to many who read meanwhile is in tests/stress/test_kills.py."""
import contextlib
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import mock_fleet

from helpers import ALL, ONE, contents, errno_of, hang_up, wait_for, walk
from kernel import OLD, can_resend
from kept import Kept
from manager import Managed
from mounting import KEY, is_sanitized, run

pytestmark = pytest.mark.skipif(not can_resend(), reason="before Linux 6.9 nobody goes on")
FRESH = {"ttl": 600, "detail_ttl": 600}


@pytest.fixture
def managed(api, tmp_path, watchdog):
    """managed(options=…): a Managed with its checks at the end."""
    mounts = []

    def make(**how):
        mounts.append(Managed(api, tmp_path, watchdog=watchdog, **how))
        mounts[-1].wait_until_ready()
        return mounts[-1]
    yield make
    for mount in mounts:
        mount.unmount()


def _crash_and_go_on(mount, **env):
    mount.crash()
    mount.restart(**env)
    assert "continues the mount" in mount.stderr()


def _tree(mount):
    """All there is, but for directories' mtimes: these may move, so that they are listed again."""
    return ({name: (attr.st_mode, attr.st_ino, attr.st_size,
                    not stat.S_ISDIR(attr.st_mode) and attr.st_mtime_ns)
             for name, attr in walk(mount.path).items() if not name.startswith(".ppiofs")},
            {name: text for name, text in contents(mount.path).items()
             if not name.startswith(".ppiofs")})


# semantics: crash
def test_who_waits_at_the_crash_gets_the_right_answer(api, managed):
    mount = managed()
    api.fault("list", delay=1)
    # Processes of their own: a child that is forked from here would inherit what they have open.
    readers = [subprocess.Popen(command, cwd=mount.path, stdout=subprocess.PIPE, text=True)
               for command in (["ls", "instances"], ["cat", f"instances/{ONE}/status"])]
    wait_for(lambda: api.count("list") == 1)
    _crash_and_go_on(mount)
    listed, status = (reader.communicate(timeout=20)[0].split() for reader in readers)
    assert listed == sorted(ALL) and status == ["running"]


def test_what_is_held_stays_though_the_api_is_silent_afterwards(api, managed):
    mount = managed(options={"timeout": 1, "ttl": 0})  # so the kernel asks at each fstat()
    mount.expect_stderr("warning: .* cannot be fetched")
    place = mount.path / "instances" / ONE
    contents(place)
    link = mount.path / "by-status" / "running" / mount.ls("by-status/running")[0]
    target = os.readlink(link)
    held = [os.open(path, os.O_RDONLY) for path in (
        mount.path, mount.path / "instances", place, place / "tools" / "ssh", place / "image",
        link.parent)]
    before, image = [os.fstat(fd) for fd in held], os.pread(held[4], 1000, 0)
    api.fault("*", silence=True)
    try:
        _crash_and_go_on(mount)
        os.posix_fadvise(held[4], 0, 0, os.POSIX_FADV_DONTNEED)
        for fd, old in zip(held, before):
            new = os.fstat(fd)
            assert (new.st_ino, new.st_mode) == (old.st_ino, old.st_mode)
        assert os.pread(held[4], 1000, 0) == image
        assert errno_of(os.listdir, held[2]) in ("ETIMEDOUT", "EBUSY")
        api.clear_faults()
        hang_up(mount)
        assert "command" in os.listdir(held[3])
        assert os.readlink(link.name, dir_fd=held[5]) == target
    finally:
        for fd in held:
            os.close(fd)


@contextlib.contextmanager
def _held(mount, names):
    """So that the kernel does not forget them, whoever empties its caches meanwhile: then a time of
    theirs would be lost."""
    fds = [os.open(mount.path / name, os.O_PATH | os.O_NOFOLLOW) for name in names]
    try:
        yield
    finally:
        for fd in fds:
            os.close(fd)


def test_all_is_as_before_and_takes_no_more_memory(managed):
    mount = managed(options=FRESH)
    before, sizes = _tree(mount), []
    with _held(mount, [name for name in before[0] if re.match("json/|tables/|ssh/|by-", name)]):
        for _ in range(4):
            _crash_and_go_on(mount)
            assert _tree(mount) == before
            sizes.append(os.fstat(mount.store["state"]).st_size)
    assert max(sizes) < sizes[0] * 1.5, sizes  # not all once more each time


READ_HALF = """
import os
entries = os.scandir("instances")
names = [next(entries).name]
print("half", flush=True)
input()
names += [entry.name for entry in entries]
print(*names)
"""


def test_a_listing_goes_on_where_it_was(api, managed):
    """One that is too long for one answer of the kernel."""
    ids = [f"i{n:05}-{'x' * 40}" for n in range(1500)]
    api.replace_fleet({id: mock_fleet.make(id, id) for id in ids})
    mount = managed(options={"log": "warning", "ttl": 0})
    reader = subprocess.Popen([sys.executable, "-c", READ_HALF], cwd=mount.path, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert reader.stdout.readline() == "half\n"
    for _ in range(2):
        mount.crash()
        mount.restart()
    assert reader.communicate("\n", timeout=20)[0].split() == ids


def test_a_change_while_nobody_serves_shows_at_once(api, managed):
    mount = managed(options={"ttl": 0.1, "detail_ttl": 0.1})
    contents(mount.path / "instances")
    mount.crash()
    api.update(ONE, image="another:1")
    api.remove("e5c82a1f90")
    mount.restart()
    assert mount.read(f"instances/{ONE}/image") == "another:1\n"
    assert "e5c82a1f90" not in mount.ls("instances")
    assert errno_of(os.stat, mount.path / "instances" / "e5c82a1f90") == "ENOENT"


# semantics: crash-log
def test_changes_log_goes_on(api, managed):
    mount = managed(options={"watch": 1})
    assert mount.read("changes.log") == ""  # and the kernel learns that nobody asks for FLUSH
    with open(mount.path / "changes.log") as log:
        lines = []
        for image in ("one:1", "two:2"):
            mount.ls("instances")
            seen = api.count("list")
            wait_for(lambda: api.count("list") > seen + 1)  # noqa: B023
            api.update(ONE, image=image)
            while not lines or image not in lines[-1]:
                lines += log.readlines()
            _crash_and_go_on(mount)
        assert [line.split("\t")[4].strip() for line in lines if "\timage\t" in line] == [
            "one:1", "two:2"]
    assert mount.read("changes.log").splitlines() == [line.strip("\n") for line in lines]


def test_it_ends_as_any_other(managed):
    mount = managed()
    mount.ls("instances")
    _crash_and_go_on(mount)
    mount.signal(signal.SIGTERM)
    assert mount.wait_exit() == 0 and not mount.is_mounted()
    mount.listen()
    assert mount.store == {}, "the manager was told to forget it"


def test_what_is_kept_has_no_key(managed):
    mount = managed()
    contents(mount.path)
    size = os.fstat(mount.store["state"]).st_size
    kept = os.pread(mount.store["state"], size, 0)
    assert ONE.encode() in kept and KEY.encode() not in kept


# The keeper

@pytest.fixture
def kept(api, tmp_path, watchdog):
    with Kept(api, tmp_path, watchdog) as mount:
        yield mount


# semantics: crash-kept
def test_what_was_mounted_by_hand_has_a_keeper(kept):
    contents(kept.path / "instances" / ONE)
    with open(kept.path / "instances" / ONE / "image", "rb") as image:
        before = image.read()
        for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT):
            kept.crash(number)
            image.seek(0)
            os.posix_fadvise(image.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            assert image.read() == before
            assert sorted(os.listdir(kept.path / "instances")) == sorted(ALL)
    assert kept.pid != kept.first
    assert [Path(f"/proc/{pid}/comm").read_text() for pid in (kept.keeper, kept.pid)] == [
        "ppiofs-keeper\n", "ppiofs\n"]


def _private_kib(pid):
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(map(int, re.findall(r"Private_\w+: +(\d+)", rollup)))


@pytest.mark.skipif(is_sanitized(), reason="a sanitizer's memory is its own")
def test_the_keeper_is_small_and_keeps_nothing_of_its_caller(kept):
    assert _private_kib(kept.keeper) <= 300
    named = [os.readlink(f"/proc/{kept.keeper}/fd/{fd}")
             for fd in os.listdir(f"/proc/{kept.keeper}/fd")]
    assert sorted(re.sub(r":\[\d+\]", "", name) for name in named) == [
        "/dev/fuse", "/dev/null", "/dev/null", "/dev/null", "/memfd:ppiofs-keep (deleted)",
        "anon_inode:[signalfd]", "socket"]
    assert os.readlink(f"/proc/{kept.keeper}/cwd") == "/"


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT))
@pytest.mark.parametrize("whom", ("keeper", "first"))
def test_a_signal_to_either_ends_both(kept, whom, number):
    os.kill(getattr(kept, whom), number)
    wait_for(lambda: not kept.is_mounted() and not any(
        _lives(pid) for pid in (kept.keeper, kept.first)))


def _lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_ends_with_an_unmount(kept):
    kept.crash()
    os.listdir(kept.path)
    assert run(["fusermount3", "-u", kept.path]).returncode == 0
    wait_for(lambda: not _lives(kept.keeper))


def test_a_hang_up_to_the_keeper_refreshes(api, kept):
    os.listdir(kept.path / "instances")
    before = api.count("list")
    os.kill(kept.keeper, signal.SIGHUP)
    wait_for(lambda: os.listdir(kept.path / "instances") and api.count("list") > before)


def test_who_crashes_again_and_again_is_given_up(kept):
    for _ in range(5):
        kept.crash(signal.SIGSEGV)
    wait_for(lambda: not kept.is_mounted() and not _lives(kept.keeper))
    assert os.listdir(kept.path) == []


# What cannot be gone on with

def _starts_anew(mount, why):
    mount.restart()
    assert re.search(why, mount.stderr()) and "continues" not in mount.stderr()
    assert mount.ls("instances") == sorted(ALL)


def test_what_is_damaged_is_not_used(managed):
    mount = managed()
    mount.crash()
    os.pwrite(mount.store["state"], bytes(16), 0)
    _starts_anew(mount, "state of the previous process: it is incomplete")


def test_a_damaged_record_ends_the_mount_and_the_next_one_starts_anew(managed):
    mount = managed()
    mount.expect_stderr("error: cannot continue the mount")
    mount.ls("instances")
    mount.crash()
    state = mount.store["state"]
    at = os.pread(state, 1 << 20, 0).index(b"ppiofs") + 64  # somewhere in what it needs
    os.pwrite(state, b"\0" * 8, at)
    with pytest.raises(AssertionError):
        mount.restart()
    assert mount.wait_exit() == 1 and not mount.is_mounted()
    mount.listen()
    _starts_anew(mount, "state is damaged|differently")


def test_other_options_end_the_mount_and_the_next_one_starts_anew(managed):
    mount = managed()
    mount.expect_stderr("error: cannot continue the mount")
    mount.crash()
    with pytest.raises(AssertionError):
        mount.restart(PPIOFS_UMASK="077")
    assert mount.wait_exit() == 1 and not mount.is_mounted()
    mount.listen()
    _starts_anew(mount, "number the files differently")


def test_a_mount_that_has_gone_meanwhile_is_made_anew(managed):
    mount = managed()
    mount.crash()
    mount._ask_to_unmount()
    _starts_anew(mount, "is gone; ppiofs mounts again")


def test_other_descriptors_are_nobodys_business(managed):
    mount = managed()
    mount.crash()
    for name in mount.store:
        os.close(mount.store[name])
        mount.store[name] = os.open("/dev/null", os.O_RDWR)
    mount.restart()
    assert mount.ls("instances") == sorted(ALL)


def test_two_cannot_go_on_with_it(managed):
    mount = managed()
    mount.crash()
    mount.restart()
    assert mount.second().wait(10) == 3
    assert "another process uses it" in mount.stderr()
    assert mount.ls("instances") == sorted(ALL)
    mount.expect_stderr("error: .*another process uses it")


def test_without_memory_for_it_nobody_goes_on(api, managed):
    mount = managed(under=["prlimit", "--fsize=16384"], options={"log": "warning"})
    mount.expect_stderr("warning: cannot keep what a successor needs")
    assert mount.ls("instances") == sorted(ALL)
    assert len(contents(mount.path / "instances")) > len(ALL)
    assert mount.stderr().count("cannot keep what") == 1
    mount.crash()
    _starts_anew(mount, "")


@pytest.mark.skipif(not OLD, reason="old_kernel is not built")
def test_where_the_kernel_cannot_send_again_nothing_is_stored(managed):
    mount = managed(env={"LD_PRELOAD": OLD})
    assert mount.ls("instances") == sorted(ALL)
    mount.listen()
    assert mount.store == {}
    mount.crash()
    mount.restart()
    assert "dead ppiofs mount" in mount.stderr()


def test_auto_unmount_and_going_on_exclude_each_other(managed):
    mount = managed(options={"auto_unmount": True})
    mount.listen()
    assert mount.store == {}
