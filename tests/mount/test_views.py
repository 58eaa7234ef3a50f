# SPDX-License-Identifier: MIT
"""The views over the whole fleet: that they agree with it, what they cost, and that no name an API
could send breaks one."""
import contextlib
import csv
import os
import pathlib
import shutil
import stat
from collections import Counter

import mock_fleet
import pytest
from helpers import ALL, ONE, by_id, errno_of, least_requests, module_mount, shell, wait_for, walk

LINK_VIEWS = ("by-name", "by-status", "by-region", "by-type")
FILE_VIEWS = ("tables", "ssh")
RUNNING = [id for id, record in ALL.items() if record["status"]["status"] == "running"]
PAGE = 5
PAGES = -(-len(ALL) // PAGE)
COLUMNS = 11
MANY = 10000

# What an API could send as a name, and what by-name shows if nobody else has it.
HOSTILE = {
    "/": "%2F",
    "..": "%2E%2E",
    ".": "%2E",
    "../../etc/passwd": "..%2F..%2Fetc%2Fpasswd",
    "a\nb": "a%0Ab",
    "a\tb": "a%09b",
    "\x1b[31mred\x1b[0m": "%1B[31mred%1B[0m",
    "\x7f": "%7F",
    "\x85": "%C2%85",
    "\u202egnp.exe": "%E2%80%AEgnp.exe",
    "\u2066x\u2069": "%E2%81%A6x%E2%81%A9",
    "-rf": "%2Drf",
    "--help": "%2D-help",
    " ": " ",
    " a  b ": " a  b ",
    "*": "*",
    "$(reboot)": "$(reboot)",
    "`id`; rm -rf ~": "`id`; rm -rf ~",
    "'\"\\": "'\"\\",
    "%": "%25",
    "%2F": "%252F",
    "100 %": "100 %25",
    ".ppiofs": ".ppiofs",
    "instances": "instances",
    "by-name": "by-name",
    "config": "config",
    "~": "~",
    "Twin": "Twin",
    "twin": "twin",
    "TWIN": "TWIN",
    "\ud800": "\ufffd",
    "\udc00\ud800x": "\ufffd\ufffdx",
    "a" * 255: "a" * 255,
    "a\u0000b": "a\ufffdb",
}
LONG = {  # cut on a character boundary, with a digest
    "b" * 256: "b" * 238,
    "中" * 255: "中" * 79,
    "/" * 100: "%2F" * 79,
    "b" * 1000: "b" * 238,
}


def rogue_fleet():
    """Each hostile text once as a name, once as region, status and type; running, too."""
    records = []
    for number, name in enumerate([*HOSTILE, *LONG]):
        records.append(mock_fleet.running(mock_fleet.make(f"rogue{number:03d}", name), 22))
        records.append(mock_fleet.make(f"value{number:03d}", "", region=name, type=name,
                                       status={"status": name, "error": "", "message": ""}))
    # One that has the very name under which a shared one would appear.
    records += [mock_fleet.make("1", "shared"), mock_fleet.make("2", "shared"),
                mock_fleet.make("3", "shared~1"),
                mock_fleet.make("4", "c" * 300), mock_fleet.make("5", "c" * 300)]
    # Ids that are no file names as they stand.
    records += [mock_fleet.running(mock_fleet.make(id, f"odd{number}"), 22) for number, id in
                enumerate(["..", "-x", "a/b", "a\nb", "%", "\x1b[2J", "i" * 255, "中" * 255, "*"])]
    return by_id(*records)


small = module_mount(options={"page_size": PAGE})
rogue = module_mount(rogue_fleet)
crowd = module_mount(lambda: by_id(*(
    mock_fleet.make(f"{number:05d}", "twin") for number in range(MANY))))


def links(mount, view):
    return {name: os.readlink(mount.path / view / name)
            for name, attr in walk(mount.path / view).items() if stat.S_ISLNK(attr.st_mode)}


def table(mount):
    """As csv reads it: no quoting, and what it escapes left as it is."""
    text = mount.read_bytes("tables/instances.tsv").decode()
    return list(csv.DictReader(text.split("\n")[:-1], delimiter="\t", quoting=csv.QUOTE_NONE))


# What a view shows

@pytest.mark.parametrize("fleet", ("small", "rogue"))
@pytest.mark.parametrize("view", LINK_VIEWS)
# semantics: listed-means-there
def test_nothing_in_a_view_dangles(fleet, view, request):
    mount = request.getfixturevalue(fleet).mount
    for name, target in links(mount, view).items():
        place = mount.path / view / name
        assert not os.path.isabs(target)
        assert os.path.samefile(place.parent / target, place)
        assert place.resolve().parent == mount.path / "instances"
        assert (place / "id").read_bytes()


@pytest.mark.parametrize("fleet", ("small", "rogue"))
@pytest.mark.parametrize("view", LINK_VIEWS + FILE_VIEWS)
def test_every_listed_name_can_be_looked_up(fleet, view, request):
    mount = request.getfixturevalue(fleet).mount
    for name, attr in walk(mount.path / view).items():
        again = os.lstat(mount.path / view / name)
        assert (again.st_ino, again.st_mode) == (attr.st_ino, attr.st_mode)
    shell(mount, f"ls -lR {view} && find -L {view} -maxdepth 2")


@pytest.mark.parametrize("view", ("by-status", "by-region", "by-type"))
def test_an_instance_stands_in_exactly_one_directory(small, view):
    assert sorted(name.partition("/")[2] for name in links(small.mount, view)) == sorted(ALL)


def test_a_shared_name_is_nobodys_alone(small):
    names = links(small.mount, "by-name")
    assert names["comfyui~d4170a9be2c85f13"] == "../instances/d4170a9be2c85f13"
    assert names["comfyui~77b3e92f64c01d8a"] == "../instances/77b3e92f64c01d8a"
    assert errno_of(os.lstat, small.mount.path / "by-name/comfyui") == "ENOENT"


def test_a_name_that_stops_being_shared_is_bare_again(api, mount_factory):
    mount = mount_factory(options={"ttl": 0})
    bare, alone = (mount.path / "by-name" / name
                   for name in ("comfyui", "comfyui~d4170a9be2c85f13"))
    assert alone.is_symlink() and not bare.is_symlink()
    api.remove("77b3e92f64c01d8a")
    wait_for(lambda: bare.is_symlink() and not alone.is_symlink())
    assert [name for name in mount.ls("by-name") if "comfyui" in name] == [bare.name]
    api.add(mock_fleet.make("new", "comfyui"))
    wait_for(lambda: alone.is_symlink() and not bare.is_symlink())
    assert [name for name in mount.ls("by-name") if "comfyui" in name] == [
        alone.name, "comfyui~new"]


def test_the_nameless_are_not_in_by_name(small):
    nameless = [id for id, record in ALL.items() if not record["name"]]
    assert nameless
    assert len(links(small.mount, "by-name")) == len(ALL) - len(nameless)
    assert not {os.path.basename(target) for target in links(small.mount, "by-name").values()
                } & set(nameless)


def test_names_of_every_type_but_text_are_none(api, mount):
    for number, name in enumerate((None, 7, True, [], ["a"], {}, {"a": 1})):
        api.add({**mock_fleet.make(f"odd{number}", ""), "name": name})
    api.add({"id": "bare"})
    assert not [name for name, target in links(mount, "by-name").items()
                if "odd" in target or "bare" in target]
    assert len(table(mount)) == len(api.fleet)


def test_a_change_of_status_moves_an_instance_after_ttl(api, mount_factory):
    mount = mount_factory(options={"ttl": 0.2})
    running, exited = (mount.path / "by-status" / status / ONE for status in ("running", "exited"))
    assert running.is_symlink() and not exited.is_symlink()
    api.update(ONE, status={"status": "exited"})
    wait_for(lambda: exited.is_symlink() and not running.is_symlink())
    assert ONE in mount.ls("by-status/exited") and ONE not in mount.ls("by-status/running")
    assert (exited / "status").read_text() == "exited\n"


def test_a_directory_without_an_instance_goes(api, mount_factory):
    mount = mount_factory(options={"ttl": 0})
    assert "pulling" in mount.ls("by-status")
    api.update("93fa5d1ce7b08246", status={"status": "never-seen-before"})
    wait_for(lambda: "pulling" not in mount.ls("by-status"))
    assert mount.ls("by-status/never-seen-before") == ["93fa5d1ce7b08246"]
    wait_for(lambda: errno_of(os.lstat, mount.path / "by-status/pulling") == "ENOENT")


def test_a_working_directory_in_a_view_keeps_working(api, mount_factory):
    mount = mount_factory(options={"ttl": 0})
    with contextlib.chdir(mount.path / "by-name"):
        assert "vllm-qwen3-32b" in os.listdir()
        api.update(ONE, name="renamed")
        wait_for(lambda: "renamed" in os.listdir())
        assert pathlib.Path("renamed/name").read_text() == "renamed\n"


# What it costs

def test_a_second_readlink_asks_nobody(small):
    names = sorted(links(small.mount, "by-name"))

    def read_links():
        for name in names:
            os.readlink(small.mount.path / "by-name" / name)
    counted = least_requests(small.mount, read_links)
    assert not any(counted.values()), counted


@pytest.mark.parametrize("command, cost", (
    ("ls by-name", PAGES),
    ("ls -l by-name", PAGES),
    ("ls by-status", PAGES),
    ("ls -lR by-status by-region by-type", PAGES),
    ("readlink by-name/redis-cache", PAGES),
    ("cat tables/instances.tsv", PAGES),
    ("ls -l tables", PAGES + 3 + 1),  # of products and endpoints, too
    ("cat by-name/redis-cache/status", PAGES),
    ("cat by-status/running/*/status", PAGES),
    ("cat ssh/config", PAGES + len(RUNNING)),
    ("ls -l ssh", PAGES + len(RUNNING)),
    ("ls -d by-name by-status tables ssh; ls", 0),
))
def test_a_view_costs_what_was_promised(api, mount_factory, command, cost):
    mount = mount_factory(options={"page_size": PAGE})
    shell(mount, command)
    assert api.count() == cost
    assert api.count("get") == (len(RUNNING) if cost and "ssh" in command else 0)
    shell(mount, command)
    assert api.count() == cost


def test_all_views_together_cost_one_list(api, mount_factory):
    mount = mount_factory(options={"page_size": PAGE})
    shell(mount, "ls -lR by-* tables; cat tables/*")
    assert api.counters()["list"] == PAGES
    assert api.count("get") == 0


# The table, for the tools it is made for

@pytest.mark.skipif(shutil.which("column") is None, reason="column is not installed")
def test_column_awk_and_cut_read_the_table(small):
    names = shell(small.mount, "cut -f2 tables/instances.tsv").splitlines()
    assert names == ["name", *(ALL[id]["name"] for id in sorted(ALL))]
    running = "$3 == \"running\" { n += $5 } END { print n }"
    gpus = shell(small.mount, f"awk -F'\\t' '{running}' tables/instances.tsv")
    assert int(gpus) == sum(ALL[id]["resource_specs"]["gpu_num"] for id in RUNNING)
    drawn = shell(small.mount, "column -t -s '\t' tables/instances.tsv").splitlines()
    assert len(drawn) == len(ALL) + 1
    found = shell(small.mount, "sort -t '\t' -k9,9 tables/instances.tsv | grep -c vllm-qwen3-32b")
    assert found == "1\n"


def test_the_table_is_the_list(small):
    assert [row["id"] for row in table(small.mount)] == sorted(ALL)
    for row in table(small.mount):
        record = ALL[row["id"]]
        assert row == {
            "id": record["id"], "name": record["name"], "status": record["status"]["status"],
            "type": record["type"], "gpu_num": str(record["resource_specs"]["gpu_num"]),
            "product_id": record["product_id"], "region": record["region"],
            "billing_mode": record["billing"]["mode"], "image": record["image"],
            "created_at": str(record["created_at"]),
            "last_started_at": str(record["last_started_at"])}


# What an API could send

def test_hostile_names_are_encoded(rogue):
    names = links(rogue.mount, "by-name")
    ids = {record["name"]: id for id, record in rogue.api.fleet.items() if record["name"]}
    shown = Counter(HOSTILE.values())
    for raw, name in HOSTILE.items():
        assert shown[name] == 1
        assert names[name] == f"../instances/{ids[raw]}", raw


def test_long_names_are_cut_on_a_character(rogue):
    names = links(rogue.mount, "by-name")
    ids = {record["name"]: id for id, record in rogue.api.fleet.items()}
    for raw, start in LONG.items():
        found, = (name for name, target in names.items()
                  if target == f"../instances/{ids[raw]}")
        assert len(os.fsencode(found)) <= 255
        assert found.rpartition("~")[0] == start


def test_two_entries_never_have_one_name(rogue):
    names = links(rogue.mount, "by-name")
    assert {name: names[name] for name in names if name.startswith("shared")} == {
        "shared~1": "../instances/1", "shared~2": "../instances/2",
        "shared~1~3": "../instances/3"}
    assert sum(name.startswith("ccc") for name in names) == 2
    named = [record for record in rogue.api.fleet.values() if record["name"]]
    assert len(names) == len(named)


@pytest.mark.parametrize("view", ("by-region", "by-type", "by-status"))
def test_hostile_values_are_encoded(rogue, view):
    shown = set(rogue.mount.ls(view))
    assert set(HOSTILE.values()) <= shown
    assert not [name for name in shown if name.startswith("-") or not name.isprintable()
                and name.isascii()]


def test_hostile_names_do_not_break_the_table(rogue):
    raw = rogue.mount.read_bytes("tables/instances.tsv")
    assert not [byte for byte in raw if byte < 0x20 and byte not in b"\t\n" or byte == 0x7f]
    lines = raw.decode().split("\n")
    assert len(lines) == len(rogue.api.fleet) + 2 and lines[-1] == ""
    assert {line.count("\t") for line in lines[:-1]} == {COLUMNS - 1}
    assert "\u202e" not in raw.decode() and "\x85" not in raw.decode()


def test_nothing_that_is_printed_reaches_a_terminal_raw(rogue):
    shown = shell(rogue.mount, "find by-* instances -maxdepth 2 -print; cat tables/* ssh/*")
    assert not [c for c in shown if c not in "\t\n" and (
        ord(c) < 0x20 or 0x7f <= ord(c) <= 0x9f or 0x202a <= ord(c) <= 0x202e
        or 0x2066 <= ord(c) <= 0x2069)]


# Many

@pytest.mark.slow(120)
@pytest.mark.thorough
def test_ten_thousand_that_share_a_name_are_all_there(crowd):
    assert crowd.mount.ls("by-name") == [f"twin~{number:05d}" for number in range(MANY)]
    for number in range(0, MANY, 997):
        place = crowd.mount.path / "by-name" / f"twin~{number:05d}"
        assert os.readlink(place) == f"../instances/{number:05d}"
        assert (place / "id").read_text() == f"{number:05d}\n"
    assert errno_of(os.lstat, crowd.mount.path / "by-name/twin") == "ENOENT"
    assert len(crowd.mount.ls("by-status/creating")) == MANY
    assert len(table(crowd.mount)) == MANY
    assert crowd.api.counters()["list"] == MANY // 100
