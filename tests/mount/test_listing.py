# SPDX-License-Identifier: MIT
"""Reading a directory in pieces: broken off, begun anew, and from places nobody was told of."""
import ctypes
import os
import signal

import mock_fleet
import pytest
from helpers import errno_of, fuse_requests

MANY = 300
_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
GETDENTS64 = 217  # x86_64, as the others are elsewhere
ONE_BATCH = 4096


def read_batch(descriptor):
    """One getdents64(2): how many bytes of entries came."""
    buffer = ctypes.create_string_buffer(ONE_BATCH)
    return _libc.syscall(GETDENTS64, descriptor, buffer, ONE_BATCH)


@pytest.fixture
def large(api, mount_factory):
    api.replace_fleet(mock_fleet.fleet(MANY))
    return mount_factory(options={"ttl": 60, "page_size": 1000})


pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="knows one system call number")


@pytest.mark.parametrize("listing", ("instances", "by-name", "json"))
def test_a_listing_that_was_broken_off_is_completed_and_kept(large, listing):
    descriptor = os.open(large.path / listing, os.O_RDONLY | os.O_DIRECTORY)
    assert read_batch(descriptor) > 0
    os.close(descriptor)
    for instance in os.listdir(large.path / "instances")[:20]:  # others are listed meanwhile
        os.listdir(large.path / "instances" / instance)
    whole = os.listdir(large.path / listing)
    with fuse_requests(large) as asked:
        assert os.listdir(large.path / listing) == whole
    assert asked["readdir"] == 0, asked


@pytest.mark.parametrize("place", ("instances", "by-status", "json", ".", "tables", ".ppiofs", "one"))
def test_a_seek_to_anywhere_is_survived(large, place):
    one = sorted(os.listdir(large.path / "instances"))[0]
    path = large.path / ("instances/" + one if place == "one" else place)
    os.listdir(path)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    for pin in (0, 1, 2, 3, 5, 8, 13, 2**31 - 1):
        for position in (0, 1, 2, 3, 40, 2**31, 2**32 - 1):
            os.lseek(descriptor, pin << 32 | position, os.SEEK_SET)
            read_batch(descriptor)
    os.close(descriptor)
    assert one in os.listdir(large.path / "instances")


@pytest.mark.parametrize("others", (20, MANY), ids=("it is kept", "it is lost"))
# semantics: listing-goes-on
def test_a_listing_goes_on_as_it_began_or_says_that_it_cannot(api, large, others):
    """Never at the same place of another listing: names would be missing, or come twice."""
    whole = sorted(mock_fleet.fleet(MANY))  # not from the mount: its kernel would keep the listing
    with os.scandir(large.path / "instances") as entries:
        names = [next(entries).name]
        api.add(mock_fleet.make("0-comes-first", ""))
        large.signal(signal.SIGHUP)
        for name in whole[:others]:
            os.listdir(large.path / "instances" / name)
        if others == MANY:
            assert errno_of(list, entries) == "ESTALE"
        else:
            assert names + [entry.name for entry in entries] == whole
