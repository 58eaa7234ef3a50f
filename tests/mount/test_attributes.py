# SPDX-License-Identifier: MIT
"""What stat(2) and statfs(2) tell."""
import os
import stat
import subprocess
import time

import mock_fleet
import pytest
from helpers import ALL, ONE, SOON, contents, hang_up, module_mount, run, wait_for, walk

LISTINGS = ("instances", "json", "by-name", "by-status", "by-region")
sample = module_mount()


def _kinds(path):
    return {name: attr for name, attr in walk(path).items() if not name.startswith(".ppiofs")}


def _inodes(path):
    """Not of the files about the mount itself, whose bytes are other ones each time."""
    return {name: attr.st_ino for name, attr in _kinds(path).items()}


def _moved(before, after):
    """Which of those that are still there have another number."""
    return {name for name, ino in before.items() if after.get(name, ino) != ino}


# semantics: size-is-exact
def test_sizes_are_exact_before_the_first_read(mount):
    """Each file is looked at when nothing was read yet, then read to its end."""
    sizes = {name: attr.st_size for name, attr in walk(mount.path).items()
             if stat.S_ISREG(attr.st_mode)}
    assert len(sizes) > 500
    assert {name for name, size in sizes.items() if size == 0} >= {
        f"instances/{ONE}/status_error"}
    for name, size in sizes.items():
        data = mount.read_bytes(name)
        assert len(data) == size or name.startswith(".ppiofs/"), name


@pytest.mark.parametrize("name", ("status", "metrics", "config", "version", "pid", "last_error"))
def test_a_file_of_the_mount_itself_is_read_as_long_as_it_was_opened(sample, name):
    for _ in range(20):
        with open(sample.mount.path / ".ppiofs" / name, "rb") as file:
            assert len(file.read()) == os.fstat(file.fileno()).st_size


# semantics: modes
def test_modes_and_links_are_those_of_a_read_only_tree(sample):
    found = _kinds(sample.mount.path)
    modes = {stat.S_IFMT(attr.st_mode): set() for attr in found.values()}
    for attr in found.values():
        modes[stat.S_IFMT(attr.st_mode)].add(stat.S_IMODE(attr.st_mode))
        assert attr.st_nlink == 1
    assert modes == {stat.S_IFDIR: {0o555}, stat.S_IFREG: {0o444, 0o400}, stat.S_IFLNK: {0o777}}
    root = os.stat(sample.mount.path)
    assert (stat.S_IMODE(root.st_mode), root.st_nlink) == (0o555, 1)


def test_links_are_as_long_as_their_target(sample):
    for name, attr in _kinds(sample.mount.path).items():
        if stat.S_ISLNK(attr.st_mode):
            assert attr.st_size == len(os.readlink(sample.mount.path / name)), name


def test_blocks_are_what_the_file_holds(sample):
    for name, attr in _kinds(sample.mount.path).items():
        if stat.S_ISREG(attr.st_mode):
            assert attr.st_blocks == -(-attr.st_size // 512), name
    told = int(run(["du", "-s", "-B1", sample.mount.path / "instances"]).stdout.split()[0])
    sizes = [len(data) for data in contents(sample.mount.path / "instances").values() if data]
    assert sum(sizes) <= told <= sum(sizes) + 512 * len(sizes)


def test_files_belong_to_who_mounted(sample):
    assert {(attr.st_uid, attr.st_gid) for attr in walk(sample.mount.path).values()} == {
        (os.geteuid(), os.getegid())}


def test_owner_and_mask_are_options(mount_factory):
    mount = mount_factory(options={"uid": 1234, "gid": 2345, "umask": "027"})
    place = mount.path / "instances" / ONE
    attrs = [os.lstat(p) for p in (mount.path, place, place / "image", place / "envs/VLLM_PORT")]
    assert {(attr.st_uid, attr.st_gid) for attr in attrs} == {(1234, 2345)}
    assert [stat.S_IMODE(attr.st_mode) for attr in attrs] == [0o550, 0o550, 0o440, 0o400]


# semantics: inode-numbers-stable
def test_the_same_inode_number_means_the_same_bytes(api, mount_factory):
    mount = mount_factory(options={"ttl": 0.3, "kinds": "instances"})
    first = _inodes(mount.path)
    api.update(ONE, image="another", status={"status": "exited"})
    api.add(mock_fleet.make("new", "new"))
    time.sleep(0.35)
    second = _inodes(mount.path)
    assert _moved(first, second) == {f"instances/{ONE}/image", f"instances/{ONE}/status",
                                     f"json/{ONE}.json", "tables/instances.tsv", "ssh/config"}
    hang_up(mount)
    assert _moved(second, _inodes(mount.path)) == set()
    mount.unmount()
    again = mount_factory(options={"kinds": "instances"}).path
    secrets = {name for name, attr in walk(again).items() if stat.S_IMODE(attr.st_mode) == 0o400}
    assert _moved(second, _inodes(again)) == secrets, "these have a key of the mount"


def test_inode_numbers_differ(sample):
    numbers = list(_inodes(sample.mount.path).values())
    assert len(set(numbers)) == len(numbers)


def test_a_file_tells_the_inode_number_of_its_listing(sample):
    """But for those that must be made before their size, and so their number, is known."""
    for directory, _, _ in os.walk(sample.mount.path):
        top = os.path.relpath(directory, sample.mount.path).partition("/")[0]
        if top not in ("json", "tables", "ssh", ".ppiofs"):
            for entry in os.scandir(directory):
                assert entry.inode() == os.lstat(entry.path).st_ino, entry.path


def test_everything_is_on_one_device_of_its_own(sample):
    devices = {attr.st_dev for attr in walk(sample.mount.path).values()}
    assert len(devices) == 1 and devices != {os.stat(sample.mount.path.parent).st_dev}


# Times


def _newest(id):
    record = ALL[id]
    return max(int(record[field]) for field in ("created_at", "last_started_at", "last_stopped_at"))


def test_an_instance_is_as_old_as_what_last_happened_to_it(mount):
    """`ls -lt instances` sorts by that."""
    assert {id: int(os.stat(mount.path / "instances" / id).st_mtime)
            for id in mount.ls("instances")} == {id: _newest(id) for id in ALL}


def test_a_file_is_as_old_as_the_first_look_at_its_value(mount_factory):
    """A copy made through an earlier mount must look older than what changed since."""
    before = time.time()
    path = mount_factory().path
    times = {attr.st_mtime for attr in walk(path / "instances").values()
             if stat.S_ISREG(attr.st_mode)}
    assert before - 1 <= min(times) <= max(times) <= time.time() + 1


def test_a_file_is_as_old_as_its_last_change(api, mount_factory):
    mount = mount_factory(options={"ttl": 0.3})
    place = mount.path / "instances" / ONE
    before = {name: attr.st_mtime for name, attr in walk(place).items()}
    changed = time.time()
    api.update(ONE, image="another", resource_specs={"cpu_num": 99})
    time.sleep(0.35)
    after = {name: attr.st_mtime for name, attr in walk(place).items()}
    moved = {name for name in after if after[name] != before[name]}
    assert moved == {"image", "resource_specs/cpu_num", "resource_specs"}
    assert all(changed - 1 <= after[name] <= time.time() + 1 for name in moved)
    assert after["resource_specs"] == after["resource_specs/cpu_num"]
    assert abs(os.stat(place).st_mtime - max(after.values())) < 0.001


def test_an_instance_without_timestamps_has_a_time_all_the_same(api, mount):
    api.add(mock_fleet.without(mock_fleet.make("timeless", ""), "created_at", "last_started_at",
                               "last_stopped_at"))
    before = time.time()
    assert before - 1 <= os.stat(mount.path / "instances/timeless").st_mtime <= time.time() + 1


@pytest.mark.parametrize("year", (292277026596, -1, 2 ** 63, 10 ** 30))
def test_absurd_timestamps_do_no_harm(api, mount, year):
    api.add(mock_fleet.make("odd", "", created_at=year, last_started_at=1000))
    assert os.stat(mount.path / "instances/odd/image").st_mtime >= 0
    assert run(["ls", "-lR", mount.path / "instances/odd"]).returncode == 0


@pytest.mark.parametrize("listing", LISTINGS)
def test_a_listing_is_as_old_as_the_list_it_shows(mount_factory, listing):
    mount = mount_factory()
    before = time.time()
    mount.ls(listing)
    after = time.time()
    time.sleep(0.1)
    assert before - 0.05 <= os.stat(mount.path / listing).st_mtime <= after + 0.05
    assert os.stat(mount.path / listing).st_mtime == os.stat(mount.path / listing).st_mtime


# df


def test_df_tells_how_many_instances_are_known(api, mount):
    empty = os.statvfs(mount.path)
    mount.ls("instances")
    full = os.statvfs(mount.path)
    assert (empty.f_files - empty.f_ffree, full.f_files - full.f_ffree) == (0, len(ALL))
    assert full.f_ffree == full.f_favail == 1 << 20  # not 100 % used
    assert full.f_blocks == full.f_bfree == full.f_bavail == 0
    assert full.f_namemax == 255
    assert full.f_flag & os.ST_RDONLY and full.f_flag & os.ST_NOSUID
    assert api.count() == 1


def test_the_mount_has_the_protective_flags(mount_factory):
    mount = mount_factory(options={"fsname": r"my\,name"})
    with open("/proc/self/mountinfo") as mounts:
        line = next(line for line in mounts if str(mount.path) in line)
    first, _, last = line.partition(" - ")
    assert {"ro", "nosuid", "nodev", "noexec"} <= set(first.split()[5].split(","))
    kind, source, options = last.split()
    assert kind == "fuse.ppiofs" and source == "my,name"
    assert "default_permissions" in options.split(",")
    child = subprocess.run([mount.path / ".ppiofs/pid"], capture_output=True, check=False,
                           shell=True, timeout=SOON)
    assert child.returncode == 126
    wait_for(lambda: mount.process.poll() is None)
