# SPDX-License-Identifier: MIT
"""Hostile names, as ids, names, keys of variables and of objects: none escapes, hides, vanishes."""
import hashlib
import os
import stat

import mock_fleet
import pytest
from helpers import by_id, errno_of, hang_up, module_mount, shell, walk

# What the API says, and the file name that comes of it.
NAMES = (
    ("plain", "plain"),
    (".", "%2E"),
    ("..", "%2E%2E"),
    ("...", "..."),
    ("a/b", "a%2Fb"),
    ("../../etc/passwd", "..%2F..%2Fetc%2Fpasswd"),
    ("/", "%2F"),
    ("%", "%25"),
    ("%2F", "%252F"),
    ("new\nline", "new%0Aline"),
    ("tab\t", "tab%09"),
    ("\x1b[31m", "%1B[31m"),
    ("\x7f", "%7F"),
    ("\x80c1\x9f", "%C2%80c1%C2%9F"),
    ("\u202egpj.exe", "%E2%80%AEgpj.exe"),
    ("\u202a\u2066\u2069", "%E2%80%AA%E2%81%A6%E2%81%A9"),
    ("-rf", "%2Drf"),
    ("--help", "%2D-help"),
    ("-", "%2D"),
    ("a-b", "a-b"),
    ("two words ", "two words "),
    ("*?[a]", "*?[a]"),
    ("$(id)`id`", "$(id)`id`"),
    ("\\", "\\"),
    ("训练节点", "训练节点"),
    ("😀", "😀"),
    ("name", "name"),
    ("NAME", "NAME"),
    ("instances.tsv", "instances.tsv"),
    ("instances", "instances"),
    ("json", "json"),
    ("x.json", "x.json"),
    ("status", "status"),
    ("ssh_command", "ssh_command"),
    (".ppiofs", ".ppiofs"),
    (".git", ".git"),
    (".hidden", ".hidden"),
    ("4913", "4913"),
    ("x.swp", "x.swp"),
    ("Thumbs.db", "Thumbs.db"),
    ("a~", "a~"),
    ("a~2", "a~2"),
    ("x" * 255, "x" * 255),
    ("é" * 127, "é" * 127),
)
LONG = ("字" * 255, "é" * 128, "x" * 254 + "é", "/" * 255, "\x01" * 100, "a" * 238 + "字" * 10)
RAW = [raw for raw, _ in NAMES] + list(LONG)


def cut(raw):
    """The name of one that is too long: computed here once more, from what the contract says."""
    units = []
    for i, character in enumerate(raw):
        odd = ord(character) < 32 or 0x7f <= ord(character) < 0xa0 or character in "/%"
        data = character.encode()
        units.append(b"".join(b"%%%02X" % byte for byte in data)
                     if odd or (i == 0 and character == "-") else data)
    kept = b""
    for unit in units:
        if len(kept) + len(unit) > 255 - 17:
            break
        kept += unit
    return kept.decode() + "~" + hashlib.sha256(raw.encode()).hexdigest()[:16]


PROBED = ("4913", "x.swp", "Thumbs.db", "a~")  # by editors and shells: only what is listed is there
SHOWN = dict(NAMES) | {raw: cut(raw) for raw in LONG}


def _fleet():
    everything = mock_fleet.make("everywhere", "everywhere",
                                 envs=[{"key": raw, "value": raw} for raw in [*RAW, ""]],
                                 ports=[{"port": raw} for raw in RAW],
                                 object={raw: raw for raw in [*RAW, ""]})
    return by_id(everything, *(mock_fleet.make(raw, raw, region=raw, status={"status": raw})
                               for raw in RAW))


hostile = module_mount(_fleet)


def _holds(path):
    with open(path, "rb") as file:
        return file.read().decode()


def _line(raw):
    return raw if raw.endswith("\n") else raw + "\n"


def test_a_cut_name_fills_its_255_bytes():
    assert all(len(cut(raw).encode()) <= 255 for raw in LONG)
    assert len(cut("字" * 255).encode()) > 250


@pytest.mark.parametrize("directory", ("instances", "by-name"))
def test_every_instance_is_listed_under_its_encoded_name(hostile, directory):
    assert set(hostile.mount.ls(directory)) == {*SHOWN.values(), "everywhere"}


@pytest.mark.parametrize("view", ("by-region", "by-status"))
def test_every_value_is_listed_under_its_encoded_name(hostile, view):
    shown = {*SHOWN.values()}
    assert set(hostile.mount.ls(view)) - shown <= {"cn-south-nas-1", "creating"}
    assert shown <= set(hostile.mount.ls(view))


@pytest.mark.parametrize("raw", RAW, ids=lambda raw: ascii(raw[:12]))
def test_an_instance_holds_its_raw_name_whatever_it_is_called(hostile, raw):
    name = SHOWN[raw]
    place = hostile.mount.path
    assert _holds(place / "instances" / name / "id") == _line(raw)
    assert os.readlink(place / "by-name" / name) == f"../instances/{name}"
    assert _holds(place / "by-name" / name / "name") == _line(raw)
    assert os.readlink(place / "by-status" / name / name) == f"../../instances/{name}"
    assert _holds(place / "by-region" / name / name / "id") == _line(raw)


@pytest.mark.parametrize("raw", [*RAW, ""], ids=lambda raw: ascii(raw[:12]))
def test_a_key_holds_its_raw_value_whatever_it_is_called(hostile, raw):
    place = hostile.mount.path / "instances" / "everywhere"
    name = SHOWN[raw] if raw else "%"
    assert _holds(place / "envs" / name) == (_line(raw) if raw else "")
    assert _holds(place / "object" / name) == (_line(raw) if raw else "")
    if raw:
        assert _holds(place / "ports" / name / "port") == _line(raw)


# semantics: listed-means-there
def test_every_listed_name_can_be_looked_at_and_read(hostile):
    for name, attr in walk(hostile.mount.path).items():
        place = os.path.join(hostile.mount.path, name)
        if stat.S_ISREG(attr.st_mode):
            with open(place, "rb") as file:
                assert len(file.read()) == attr.st_size or name.startswith(".ppiofs/"), name
        assert not any(ord(c) < 32 or ord(c) == 127 or 0x202a <= ord(c) <= 0x202e for c in name)


def test_a_shell_star_meets_no_option_and_no_escape(hostile):
    shell(hostile.mount, "cd instances && ls -ld * > /dev/null && cat */id > /dev/null")
    shell(hostile.mount, "cd instances/everywhere/envs && cat * > /dev/null")


def _can_be_typed(raw):
    """Neither cut to length nor what is never asked for; what stands for itself is below."""
    return raw not in LONG and raw not in PROBED and not SHOWN[raw].startswith(".")


@pytest.mark.parametrize("raw", filter(_can_be_typed, RAW), ids=lambda raw: ascii(raw[:12]))
def test_a_name_typed_by_the_user_is_asked_for_by_its_raw_id(hostile, raw):
    hang_up(hostile.mount)
    hostile.api.reset_counters()
    assert _holds(hostile.mount.path / "instances" / SHOWN[raw] / "id") == _line(raw)
    assert (hostile.api.count(raw), hostile.api.count()) == (1, 1)


@pytest.mark.parametrize("typed", ("%2f", "%41", "a%", "%zz", "%00", "a%2", "%2E%2e", "%"))
def test_a_spelling_that_no_id_has_is_nothing(hostile, typed):
    hostile.mount.ls("instances")
    hostile.api.reset_counters()
    assert errno_of(os.lstat, hostile.mount.path / "instances" / typed) == "ENOENT"
    assert hostile.api.count() == 0


# semantics: long-names
def test_a_name_of_more_than_255_bytes_is_never_asked_for(hostile):
    hostile.api.reset_counters()
    for name in ("x" * 256, "x" * 1000, "instances/" + "é" * 128, ".ppiofs/" + "x" * 300):
        assert errno_of(os.lstat, hostile.mount.path / name) == "ENAMETOOLONG"
    assert hostile.api.count() == 0


def test_names_differing_in_case_are_two(hostile):
    assert _holds(hostile.mount.path / "by-name" / "NAME" / "id") == "NAME\n"
    assert _holds(hostile.mount.path / "by-name" / "name" / "id") == "name\n"


def test_a_name_that_looks_like_a_shared_one_does_not_hide_it(api, mount):
    api.replace_fleet(by_id(mock_fleet.make("1", "n"), mock_fleet.make("2", "n"),
                            mock_fleet.make("3", "n~1"), mock_fleet.make("4", "")))
    links = {name: os.readlink(mount.path / "by-name" / name) for name in mount.ls("by-name")}
    assert sorted(links.values()) == [f"../instances/{i}" for i in (1, 2, 3)]
    assert "n" not in links and links["n~2"] == "../instances/2"
    assert len(links) == 3


HALF, ARRIVES_AS = "\ud800", "\ufffd"


def test_half_a_character_makes_a_name_all_the_same(api, mount):
    api.replace_fleet({})
    api.add(mock_fleet.make(f"id {HALF}", f"name {HALF}", region=HALF, status={"status": HALF},
                            envs=[{"key": HALF, "value": "v"}], object={HALF: "w"}),
            id=f"id {ARRIVES_AS}")
    target = f"../../instances/id {ARRIVES_AS}"
    assert mount.ls("instances") == [f"id {ARRIVES_AS}"]
    assert os.readlink(mount.path / "by-name" / f"name {ARRIVES_AS}") == target[3:]
    for view in ("by-region", "by-status"):
        assert os.readlink(mount.path / view / ARRIVES_AS / f"id {ARRIVES_AS}") == target
    assert mount.read(f"instances/id {ARRIVES_AS}/envs/{ARRIVES_AS}") == "v\n"
    assert mount.read(f"instances/id {ARRIVES_AS}/object/{ARRIVES_AS}") == "w\n"
    assert mount.read(f"instances/id {ARRIVES_AS}/id") == f"id {ARRIVES_AS}\n"


def test_ids_that_arrive_as_one_are_one(api, mount):
    """The others are listed, and nothing is listed twice."""
    mount.expect_stderr("warning: ")
    for half in ("\ud800", "\udfff", "\udc00\ud800"):
        api.add(mock_fleet.make(half, half))
    names = mount.ls("instances")
    assert len(names) == len(set(names)) and len(names) >= len(api.fleet) - 2
    assert ARRIVES_AS in names
