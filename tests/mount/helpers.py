# SPDX-License-Identifier: MIT
"""What several of the tests over a mount need."""
import contextlib
import errno
import json
import os
import re
import signal
import stat
import subprocess
import time
from types import SimpleNamespace

import pytest

import mock_fleet
from mock_api import MockApi
from mounting import Mount, run

ONE = "ca338f12f3"  # an instance of the sample fleet that runs and has nearly everything
ALL = mock_fleet.fleet()  # id -> record; to look at, not to change
REQUEST = re.compile(r'ppiofs_fuse_requests_total\{kind="(\w+)"\}')
SOON = 30  # seconds: what has not happened by then hangs, on a busy machine too


def module_mount(fleet=None, options=None, mock=None):
    """A fixture for a whole module that only reads: .api and .mount. @fleet: records by id, a
    function that makes them, or None for the sample; @mock: more for MockApi."""
    @pytest.fixture(scope="module")
    def shared(watchdog, tmp_path_factory):
        place = tmp_path_factory.mktemp("shared")
        with (MockApi(fleet() if callable(fleet) else fleet, **(mock or {})) as api,
              Mount(api, place, watchdog=watchdog, options=options) as mount):
            yield SimpleNamespace(api=api, mount=mount)
    return shared


def by_id(*records):
    return {record["id"]: record for record in records}


def errno_of(call, *args, **how):
    """The name of the errno with which a system call fails, None if it does not."""
    try:
        result = call(*args, **how)
    except OSError as error:
        return errno.errorcode[error.errno]
    if callable(call) and call is os.open:
        os.close(result)
    return None


def read_errno(mount, name):
    return errno_of(mount.read_bytes, name)


def walk(path):
    """All below @path as {relative name: lstat}, links not followed; errors are not forgiven."""
    def fail(error):
        raise error
    found = {}
    for directory, directories, files in os.walk(path, onerror=fail):
        for name in directories + files:
            place = os.path.join(directory, name)
            found[os.path.relpath(place, path)] = os.lstat(place)
    return found


def contents(path):
    """All regular files below @path as {relative name: bytes}, and empty directories as None."""
    found = {}
    for name, attr in walk(path).items():
        place = os.path.join(path, name)
        if stat.S_ISREG(attr.st_mode):
            with open(place, "rb") as file:
                found[name] = file.read()
        elif stat.S_ISDIR(attr.st_mode) and not os.listdir(place):
            found[name] = None
    return found


def list_body(*items):
    """The body of a list of one page; each item is bytes as they stand."""
    return b'{"data":[%s],"next_cursor":"","has_more":false}' % b",".join(items)


def serve_exactly(api, **bodies):
    """Makes the API answer with these bytes for these ids, in the list (all of them, and without
    what only a detail has) and one by one: what no serialiser would write."""
    items = []
    for id, body in bodies.items():
        api.fault(id, status=200, body=body)
        items.append(body)
    return api.fault("list", body=list_body(*items))


@contextlib.contextmanager
def fuse_requests(mount):
    """What the kernel asked for within the block, by kind; looking at the counters not counted."""
    counted = {}
    one, before = _requests(mount), _requests(mount)
    yield counted
    after = _requests(mount)
    counted.update({kind: after[kind] - before[kind] - (before[kind] - one[kind])
                    for kind in after if kind != "forget"})


WALKS = 3
DROPPED_MOST = 40  # of a walk over some 400 files


def least_requests(mount, walk):
    """The same of a walk over many files, taken WALKS times: of each kind the least. A kernel may
    drop a clean page at any time, of any file system (DAMON's pageout does; mincore(2) shows it on
    ext4, too), and then one walk asks for a few again; what ppiofs is the reason of, every walk asks
    for, and for more."""
    walks = []
    for _ in range(WALKS):
        with fuse_requests(mount) as asked:
            walk()
        walks.append(asked)
        assert asked["read"] + asked["readlink"] <= DROPPED_MOST, asked
    return {kind: min(asked[kind] for asked in walks) for kind in walks[0]}


def _requests(mount):
    return {match[1]: number for name, number in mount.stats().items()
            if (match := REQUEST.fullmatch(name))}


def wait_for(condition, seconds=SOON):
    """Until @condition() is true; what it was."""
    limit = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < limit:
        time.sleep(0.005)
    assert value, f"{condition} did not come true within {seconds} s"
    return value


def has_ended(pid):
    """Also of a process that is nobody's child here: whoever reaps it may take its time."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def hang_up(mount):
    """SIGHUP, and waits until it has done its work: all is dropped, failures too, here and in
    the kernel, and no pause that the API asked for is left. The list is fetched first: so there is something to be seen going."""
    with contextlib.suppress(OSError):
        mount.ls("instances")
    mount.signal(signal.SIGHUP)

    def is_as_new():
        status = mount.read(".ppiofs/status")
        return (all(f"{of}: not fetched yet\n" in status for of in ("list", "details"))
                and "paused" not in status)
    wait_for(is_as_new)
    time.sleep(0.02)  # the kernel is told by a thread, behind our back


@contextlib.contextmanager
def readers(mount, *names):
    """A `cat` for each name, parked when the block begins; what is left of them is killed."""
    children = [subprocess.Popen(["cat", mount.path / name], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env={**os.environ, "LC_ALL": "C"}) for name in names]
    try:
        wait_for(lambda: mount.stats()["ppiofs_operations_waiting"] == len(children), 20)
        yield children
    finally:
        for child in children:
            child.kill()
        for child in children:
            child.communicate(timeout=SOON)


def shell(mount, command, **how):
    """A shell command in the mount's root; it must succeed and keep quiet."""
    done = run(command, cwd=mount.path, **how)
    assert (done.returncode, done.stderr) == (0, ""), command
    return done.stdout


def seen_gets(api):
    """The ids that were asked for one by one."""
    return {request.path.rpartition("/")[2] for request in api.requests
            if "/instances/" in request.path}


def as_json(value):
    return json.dumps(value, ensure_ascii=False).encode()
