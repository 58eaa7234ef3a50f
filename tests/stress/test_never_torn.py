# SPDX-License-Identifier: MIT
"""Promise 6: the bytes of one open file come from one answer, its size is what can be read of it,
and all fields of an instance come from one answer; while every record flips every 10 ms."""
import json
import os
import re
import sys
import time

import pytest
from flipping import FILES, Flipper, version_of
from mounting import run

SECONDS = float(os.environ.get("PPIOFS_TORN_SECONDS", 5))
READERS = 8
INSTANCES = 3
READER = re.compile(r"reader \d+: (\d+) opens, (\d+) reads, versions (\d+) to (\d+)")


def _seed():
    return int(os.environ.get("PPIOFS_SEED", time.time()))


@pytest.mark.slow(SECONDS + 60)
@pytest.mark.parametrize("options", ({"ttl": 0}, {"ttl": 0.05, "detail_ttl": 0.05}),
                         ids=("ttl 0", "ttl 0.05"))
# semantics: never-torn
def test_an_open_file_is_one_version_whole_and_for_ever(api, mount_factory, fsx, options):
    mount = mount_factory(options={**options, "log": "warning"})
    seed = _seed()
    print(f"PPIOFS_SEED={seed}", file=sys.stderr)
    with Flipper(api, INSTANCES):
        done = run([fsx, mount.path, *map(str, (int(SECONDS), READERS, seed, INSTANCES))],
                   timeout=SECONDS + 30)
    print(done.stdout, file=sys.stderr)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    readers = [tuple(map(int, found)) for found in READER.findall(done.stdout)]
    assert len(readers) == READERS
    assert all(reads > 0 for _, reads, _, _ in readers)
    assert any(last > first for _, _, first, last in readers)  # it flipped before their eyes


def test_the_json_of_an_instance_is_one_answer(api, mount_factory):
    mount = mount_factory(options={"ttl": 0, "log": "warning"})
    seen = set()
    with Flipper(api, INSTANCES):
        end = time.monotonic() + 2
        while time.monotonic() < end:
            with open(mount.path / "json" / "flip1.json", "rb") as file:
                body = file.read()
                assert len(body) == os.fstat(file.fileno()).st_size
            record = json.loads(body)
            version = record["pricing"]["version"]
            found = set(map(int, re.findall(r"(\d{8})[a-h]\d{6}\\n", body.decode())))
            assert found == {version} and record["created_at"] == version
            seen.add(version)
    assert len(seen) > 1


def test_all_fields_of_an_instance_are_of_one_answer(api, mount_factory):
    mount = mount_factory(options={"ttl": 60, "log": "warning"})
    seen = set()
    with Flipper(api, n=20):
        for i in range(20):
            place = mount.path / "instances" / f"flip{i}"
            if i % 2 == 0:
                os.listdir(place)
            else:  # also what only the single GET has, before what the list has
                (place / "tools" / "big").read_bytes()
            versions = {version_of((place / name).read_bytes()) for name in FILES}
            assert len(versions) == 1, (i, versions)
            seen |= versions
    assert len(seen) > 1


# semantics: open-file-never-changes
def test_what_is_held_open_keeps_its_version(api, mount_factory):
    """Long after the record has changed and its instance is gone, with nothing left in caches."""
    mount = mount_factory(options={"ttl": 0, "log": "warning"})
    with Flipper(api, INSTANCES) as flipper:
        held = [open(mount.path / "instances" / "flip0" / name, "rb") for name in FILES]
        first = [file.read(100) for file in held]
        version = flipper.version
        while flipper.version < version + 10:
            time.sleep(0.01)
    api.replace_fleet({})
    assert mount.ls("instances") == []
    for file, head in zip(held, first):
        with file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            file.seek(0)
            data = file.read()
            assert data.startswith(head) and len(data) == os.fstat(file.fileno()).st_size
            version_of(data)


def test_a_directory_held_stays_while_what_it_shows_is_fetched_anew(api, mount_factory):
    """Between a list that differs and the next detail nobody knows what it holds: it is not gone."""
    mount = mount_factory(options={"ttl": 0, "log": "warning"})
    place = mount.path / "instances" / "ca338f12f3"
    mount.ls("instances")
    held = os.open(place / "tools" / "ssh", os.O_RDONLY | os.O_DIRECTORY)
    try:
        before = os.stat(held)
        api.update("ca338f12f3", name="another")
        os.lstat(place)  # brings the list, which has no tools
        assert os.stat(held).st_ino == before.st_ino
        assert "command" in os.listdir(held)
    finally:
        os.close(held)
