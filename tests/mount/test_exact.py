# SPDX-License-Identifier: MIT
"""Values come out as the API wrote them, and one bad value never takes the others away."""
import json
import re

import mock_fleet
import pytest
from helpers import ALL, ONE, by_id, contents, list_body, module_mount, serve_exactly

NUMBERS = ("139000", "0", "-0", "-1", "1.10", "1e400", "1E+2", "-1.5e-7", "9007199254740993",
           "2147483648", "9223372036854775807", "18446744073709551615", "18446744073709551616",
           "0.1000000000000000055511151231257827", "1" * 300)
# JSON text of a string, and the bytes that its file holds.
STRINGS = (
    (rb"caf\u00e9", "café\n".encode()),
    ("café 训练".encode(), "café 训练\n".encode()),
    (rb"\ud83d\ude00", "\U0001f600\n".encode()),
    (rb"a\u0000b", "a\ufffdb\n".encode()),
    (rb"\ud800 alone", "\ufffd alone\n".encode()),
    (rb"alone \udfff", "alone \ufffd\n".encode()),
    (rb"\u001b[31m\u0007\u007f", b"\x1b[31m\x07\x7f\n"),
    (rb"\u202e", "\u202e\n".encode()),
    (rb"\"\\\/\b\f\r\t", b"\"\\/\b\f\r\t\n"),
    (rb"line\n", b"line\n"),
)
WRONG_TYPES = {"missing": ..., "null": None, "number": 7, "string": "text", "true": True,
               "array": ["a", 1], "objects": [{"a": 1}], "object": {"a": {"b": 1}},
               "empty array": [], "empty object": {}, "nested": [[{"a": 1}]]}
BAD_IDS = (b'{"name":"no id"}', b'{"id":null}', b'{"id":7}', b'{"id":""}', b'{"id":["a"]}',
           b'{"id":"' + b"x" * 256 + b'"}', b"null", b"7", b'"text"', b"[]")


def _exact_bodies():
    numbers = ",".join(f'"n{i}":{n}' for i, n in enumerate(NUMBERS))
    strings = b",".join(b'"s%d":"%s"' % (i, s) for i, (s, _) in enumerate(STRINGS))
    price = '"pricing":{"instance_price":9007199254740993,"list":[1.10,1e400]}'
    return {"exact": b'{"id":"exact",%s,%s,%s}' % (numbers.encode(), strings, price.encode())}


def _broken(field, kind):
    record = mock_fleet.blank(f"{field}-{kind.replace(' ', '-')}")
    record[field] = WRONG_TYPES[kind]
    if kind == "missing":
        del record[field]
    return record


def _fields_but_id():
    return [field for field in mock_fleet.blank("x") if field != "id"]


exact = module_mount({})
broken = module_mount(lambda: by_id(*(_broken(field, kind) for field in _fields_but_id()
                                      for kind in WRONG_TYPES)))


@pytest.fixture(scope="module")
def shown(exact):
    """The files of the instance made of exact bytes."""
    serve_exactly(exact.api, **_exact_bodies())
    return contents(exact.mount.path / "instances" / "exact")


@pytest.mark.parametrize("position", range(len(NUMBERS)), ids=lambda i: NUMBERS[i][:25])
# semantics: values-are-exact
def test_a_number_is_shown_digit_by_digit(shown, position):
    assert shown[f"n{position}"] == NUMBERS[position].encode() + b"\n"


@pytest.mark.parametrize("position", range(len(STRINGS)))
# semantics: values-are-exact
def test_a_string_is_shown_byte_by_byte(shown, position):
    assert shown[f"s{position}"] == STRINGS[position][1]


def test_numbers_below_the_top_are_exact_as_well(shown):
    assert shown["pricing/instance_price"] == b"9007199254740993\n"
    assert shown["pricing/list"] == b"1.10\n1e400\n"


def test_json_keeps_what_the_files_could_not(exact, shown):
    assert exact.mount.read_bytes("json/exact.json") == _exact_bodies()["exact"]
    assert json.loads(_exact_bodies()["exact"])["s3"] == "a\0b"


@pytest.mark.parametrize("kind", WRONG_TYPES)
@pytest.mark.parametrize("field", _fields_but_id())
# semantics: odd-shapes-hide-nothing
def test_a_field_of_another_shape_leaves_the_others_alone(broken, field, kind):
    id = f"{field}-{kind.replace(' ', '-')}"
    found = contents(broken.mount.path / "instances" / id)
    whole = contents(broken.mount.path / "instances" / "name-string")

    def others(files):
        return {name: data for name, data in files.items()
                if name != "id" and not re.match(rf"({field}|name)(_\w+)?(/|$)", name)}
    assert found["id"] == id.encode() + b"\n"
    assert others(found) == others(whole)


def test_all_shapes_stand_in_the_views(broken):
    assert len(broken.mount.ls("instances")) == len(broken.api.fleet)
    table = broken.mount.read("tables/instances.tsv").splitlines()
    assert len(table) == 1 + len(broken.api.fleet)
    assert {line.count("\t") for line in table} == {10}


def test_an_item_without_a_usable_id_is_skipped_and_told(api, mount):
    good = json.dumps(ALL[ONE]).encode()
    mount.expect_stderr("warning: .*usable id")
    api.fault("list", body=list_body(*BAD_IDS[:5], good, *BAD_IDS[5:]))
    assert mount.ls("instances") == [ONE]
    assert mount.read(f"instances/{ONE}/status") == "running\n"
    told = [line for line in mount.stderr().splitlines() if "warning" in line]
    assert len(told) == 1 and f"{len(BAD_IDS)} of {len(BAD_IDS) + 1} items" in told[0], told


def test_an_answer_for_another_id_is_not_believed(api, mount):
    api.fault("asked", status=200, body={"id": "other", "name": "n"})
    mount.expect_stderr("warning: ")
    assert not (mount.path / "instances" / "other" / "image").exists()
    with pytest.raises(OSError):
        mount.read("instances/asked/name")


def test_of_two_items_with_one_id_one_is_shown(api, mount):
    one, two = (json.dumps({"id": "same", "name": name}).encode() for name in ("one", "two"))
    api.fault("list", body=list_body(one, two))
    mount.expect_stderr("warning: ")
    assert mount.ls("instances") == ["same"]
    assert mount.ls("by-name") in (["one"], ["two"])
