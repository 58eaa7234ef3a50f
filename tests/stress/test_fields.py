# SPDX-License-Identifier: MIT
"""Every field of the document, missing, null and of every wrong type, and what is as wrong as a
value can be: nothing else is hidden by it, and all that is listed is there. What each is shown as is
in tests/mount/test_tree.py."""
import copy
import os
import stat

import mock_fleet
import pytest
from helpers import contents, module_mount, walk
from mock_faults import to_json
from openapi_example import EXAMPLE

MISSING = object()
VALUES = (
    MISSING, None, True, False, 0, -1, 2**31, 2**63, 2**64, 1.5, 1e300, 292277026596, "", "text",
    "NaN", "-1", "../../etc/passwd", "two\nlines\n", "nul\0in", "half \ud800", "\x1b[31m", [], {},
    ["a", 1, None], [""], [[]], [[], {}], [{}], [{}, 1], [{"a": 1}, {"a": 1}], {"": ""},
    {"a": {"b": []}}, {"key": "a", "value": "b"}, {"status": {"status": "x"}},
)
LONG = ("k" * 255, "k" * 256, "k" * 5000, "字" * 85, "字" * 86)
KEYS = ("", "=", "A=B", "/", "/etc/passwd", ".", "..", "A", "A", "A", "a", "A~2", "A~3", "-x", "%",
        "%41", "\n", "\x7f", "\u202e", "half \ud800", "half \udfff", None, 0, -0.0, True, 2**64, *LONG)


def _places(value, path=()):
    """Where a value stands in the example, elements of arrays too."""
    if path:
        yield path
    pairs = (value.items() if isinstance(value, dict) else
             enumerate(value) if isinstance(value, list) else ())
    for key, member in pairs:
        yield from _places(member, (*path, key))


def _with(path, value):
    """The field of the example that @path begins with, alone in a record, with @value at @path."""
    record = {path[0]: copy.deepcopy(EXAMPLE[path[0]])}
    holder = record
    for key in path[:-1]:
        holder = holder[key]
    if value is MISSING:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return record


def _every_field_of_every_type():
    records = {}
    for path in _places(EXAMPLE):
        if path != ("id",):
            for number, value in enumerate(VALUES):
                id = ".".join(map(str, (*path, number)))
                records[id] = {"id": id, **_with(path, value)}
    return records


def _every_key_twice():
    record = mock_fleet.make("keys", "keys", envs=[], ports=[], pricing={})
    record["envs"] = [{"key": key, "value": f"{i}"} for i, key in enumerate((*KEYS, *KEYS))]
    record["ports"] = [{"port": key, "protocol": f"{i}"} for i, key in enumerate((*KEYS, *KEYS))]
    record["pricing"]["prepaid"] = {"monthly_price": [{"month": key} for key in (*KEYS, *KEYS)]}
    # Half a pair arrives as U+FFFD, and an object with a key twice is refused.
    record["unknown"] = {key: key for key in KEYS if isinstance(key, str) and key != "half \udfff"}
    return {"keys": record}


fields = module_mount(_every_field_of_every_type, {"ttl": 600})
keys = module_mount(_every_key_twice, {"ttl": 600})


# semantics: odd-shapes-hide-nothing
def test_every_field_may_be_missing_null_and_of_any_type(fields):
    assert len(fields.api.fleet) > 2000
    place = fields.mount.path
    assert set(os.listdir(place / "instances")) == set(fields.api.fleet)
    for id, record in fields.api.fleet.items():
        files = contents(place / "instances" / id)
        assert files["id"].decode() == id + "\n"
        for field in record:
            assert field == "status" or {name.partition("/")[0] for name in files} & {field}, id
        assert (place / "json" / f"{id}.json").read_bytes() == to_json(record)
    for name, attr in walk(place).items():
        if stat.S_ISREG(attr.st_mode) and not name.startswith(".ppiofs"):
            assert len((place / name).read_bytes()) == attr.st_size, name


def test_every_key_may_be_odd_and_come_twice(keys):
    record, files = keys.api.fleet["keys"], contents(keys.mount.path / "instances" / "keys")
    for array in ("envs", "ports"):
        shown = {name.split("/")[1]: text for name, text in files.items()
                 if name.startswith(array + "/") and not name.endswith("/port")}
        assert sorted(shown.values()) == sorted(b"%d\n" % i for i in range(len(record[array])))
    assert len([name for name in files if name.startswith("unknown/")]) == len(record["unknown"])


MANY = 6_600  # each is three of the 20,000 values that a record may have


@pytest.mark.parametrize("key, name", (
    (lambda i: f"K{i}", lambda i: f"K{i}"),
    (lambda i: "K", lambda i: f"K~{i + 1}" if i else "K")), ids=("own keys", "one key"))
def test_thousands_of_variables_are_all_there(api, mount_factory, key, name):
    envs = [{"key": key(i), "value": str(i)} for i in range(MANY)]
    api.replace_fleet({"many": {"id": "many", "envs": envs}})
    mount = mount_factory(options={"ttl": 600, "timeout": 60})
    place = mount.path / "instances" / "many" / "envs"
    assert set(os.listdir(place)) == set(map(name, range(MANY)))
    for i in range(0, MANY, 9):
        assert (place / name(i)).read_text() == f"{i}\n"
    assert os.path.getsize(mount.path / "json" / "many.json") == len(to_json(api.fleet["many"]))
