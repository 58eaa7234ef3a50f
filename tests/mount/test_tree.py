# SPDX-License-Identifier: MIT
"""Which files there are and what is in them: the table "JSON -> file system" of the tree."""
import os

import mock_fleet
import pytest
from helpers import by_id, contents, errno_of, module_mount
from openapi_example import EXAMPLE, EXAMPLE_TREE

# The mapping, row by row: fields the API may add tomorrow, and what each shows as (None: an empty
# directory). The same fields stand in the list and in tools, which only the single answer has.
GENERAL = (
    ({"object": {"a": {"b": "c"}}}, {"object/a/b": "c\n"}),
    ({"object_of_nothing": {}}, {"object_of_nothing": None}),
    ({"string": "value"}, {"string": "value\n"}),
    ({"blanks": "  a  b "}, {"blanks": "  a  b \n"}),
    ({"chinese": "训练节点"}, {"chinese": "训练节点\n"}),
    ({"escape": "\x1b[31mred\t\r"}, {"escape": "\x1b[31mred\t\r\n"}),
    ({"line": "ends in a newline\n"}, {"line": "ends in a newline\n"}),
    ({"lines": "a\n\nb\n\n"}, {"lines": "a\n\nb\n\n"}),
    ({"only_newline": "\n"}, {"only_newline": "\n"}),
    ({"empty_string": ""}, {"empty_string": ""}),
    ({"no_value": None}, {"no_value": ""}),
    ({"yes": True}, {"yes": "true\n"}),
    ({"no": False}, {"no": "false\n"}),
    ({"zero": 0}, {"zero": "0\n"}),
    ({"negative": -1}, {"negative": "-1\n"}),
    ({"empty_array": []}, {"empty_array": ""}),
    ({"strings": ["a", "b"]}, {"strings": "a\nb\n"}),
    ({"scalars": ["a", 1, True, None, "", "b\n"]}, {"scalars": "a\n1\ntrue\n\n\nb\n"}),
    ({"objects": [{"x": 1}, {"x": 2}]}, {"objects/0/x": "1\n", "objects/1/x": "2\n"}),
    ({"ports_elsewhere": [{"port": 8080}]}, {"ports_elsewhere/0/port": "8080\n"}),
    ({"mixed": ["a", {"b": 1}, ["c", "d"], [["e"]]]},
     {"mixed/0": "a\n", "mixed/1/b": "1\n", "mixed/2": "c\nd\n", "mixed/3/0": "e\n"}),
    ({"nested": [[1, 2], [], [3]]}, {"nested/0": "1\n2\n", "nested/1": "", "nested/2": "3\n"}),
    ({"a.b": "dotted"}, {"a.b": "dotted\n"}),
)
OBJECTS = ("auto_migrate", "billing", "network", "pricing", "resource_specs", "tools",
           "envs", "ports", "volumes")
INNER_OBJECTS = ("tools/jupyter", "tools/ssh", "tools/web_terminal", "tools/log",
                 "billing/prepaid", "pricing/prepaid", "pricing/spot")
NOTHINGS = {"null": None, "list": [], "object": {}}


def _general():
    record = mock_fleet.make("general", "general", tools={})
    for fields, _ in GENERAL:
        record.update(fields)
        record["tools"].update(fields)
    return record


def _nothing(id, value):
    """Every documented object and array of objects is @value."""
    return mock_fleet.make(id, id, **{field: value for field in OBJECTS})


def _inner_nothing(id, value):
    return mock_fleet.make(
        id, id, billing={"mode": "prepaid", "prepaid": value},
        tools={tool: value for tool in ("jupyter", "ssh", "web_terminal", "log")},
        pricing={"prepaid": value, "spot": value})


def _renewals(value):
    nothing = NOTHINGS[value]
    return mock_fleet.make(f"renew-{value}", "", billing={"prepaid": {"auto_renew": nothing}},
                           pricing={"prepaid": {"monthly_price": nothing}})


def _odd_records():
    return (
        mock_fleet.make("twins", "twins", envs=[
            {"key": "A", "value": "1"}, {"key": "A", "value": "2"}, {"key": "A~2", "value": "own"},
            {"key": "A", "value": "3"}], ports=[
            {"port": 80, "protocol": "tcp"}, {"port": 80, "protocol": "udp"}]),
        mock_fleet.make("keys", "keys", envs=[
            {"key": "N", "value": 1.5}, {"key": "NONE", "value": None}, {"key": "MISSING"},
            {"value": "keyless"}, {"key": "EQ=UAL", "value": "x"}, {"key": "", "value": "empty"},
            {"key": "MULTI", "value": "two\nlines"}], ports=[
            {"port": "8080", "protocol": "string"}, {"protocol": "none"}, {"port": None}],
            pricing={"prepaid": {"monthly_price": [{"month": 12, "price": 1}, {"price": 2}]}}),
        mock_fleet.make("clash", "clash", ssh_command="the member", status_error="the member",
                        status={"status": "running", "error": "the convenience", "message": "m"},
                        tools={"ssh": {"command": "the convenience"}}),
        mock_fleet.make("status", "status", status={
            "status": "running", "error": "E", "message": "M", "since": 7, "more": {"a": 1}}),
        mock_fleet.make("flat", "flat", status="running"),
    )


def _fleet():
    scalar = mock_fleet.make("scalar", "", **{field: f"a {field}" for field in OBJECTS})
    return by_id(EXAMPLE, _general(), scalar, *_odd_records(), *map(_renewals, NOTHINGS),
                 *(_nothing(id, value) for id, value in NOTHINGS.items()),
                 *(_inner_nothing("inner-" + id, value) for id, value in NOTHINGS.items()))


fields = module_mount(_fleet)
sample = module_mount()


def _read(shared, id):
    return {name: None if data is None else data.decode()
            for name, data in contents(shared.mount.path / "instances" / id).items()}


def test_the_example_of_the_document_is_shown_field_by_field(fields):
    shown = _read(fields, "ca338f12f3")
    assert shown == EXAMPLE_TREE


@pytest.mark.parametrize("where", ("", "tools/"))
@pytest.mark.parametrize("row", GENERAL, ids=lambda row: next(iter(row[0])))
def test_a_field_nobody_knows_is_shown_by_the_general_rule(fields, row, where):
    shown = _read(fields, "general")
    name = where + next(iter(row[0]))
    below = {path: text for path, text in shown.items()
             if path == name or path.startswith(name + "/")}
    assert below == {where + path: text for path, text in row[1].items()}


@pytest.mark.parametrize("id", NOTHINGS)
def test_nothing_where_the_document_says_object_is_an_empty_directory(fields, id):
    shown, inner = _read(fields, id), _read(fields, "inner-" + id)
    renew = _read(fields, "renew-" + id)
    assert {name: shown.get(name, "absent") for name in OBJECTS} == dict.fromkeys(OBJECTS)
    assert {name: inner.get(name, "absent") for name in INNER_OBJECTS} == dict.fromkeys(
        INNER_OBJECTS)
    assert renew["billing/prepaid/auto_renew"] is None
    assert renew["pricing/prepaid/monthly_price"] is None


@pytest.mark.parametrize("field", OBJECTS)
def test_a_scalar_where_the_document_says_object_is_a_file(fields, field):
    assert _read(fields, "scalar")[field] == f"a {field}\n"


def test_an_absent_field_is_no_file(sample):
    place = sample.mount.path / "instances" / "93fa5d1ce7b08246"  # without tools
    assert errno_of(os.lstat, place / "tools") == "ENOENT"
    assert errno_of(os.lstat, place / "ssh_command") == "ENOENT"
    assert not (place / "envs" / "NO_SUCH_VARIABLE").exists()
    assert errno_of(os.lstat, place / "image" / "below a file") == "ENOTDIR"


# semantics: twins-are-numbered
def test_entries_that_want_one_name_are_numbered_in_their_order(fields):
    shown = _read(fields, "twins")
    assert {k: v for k, v in shown.items() if k.startswith("envs/")} == {
        "envs/A": "1\n", "envs/A~2": "own\n", "envs/A~3": "2\n", "envs/A~4": "3\n"}
    assert shown["ports/80/protocol"] == "tcp\n" and shown["ports/80~2/protocol"] == "udp\n"


def test_array_elements_are_named_by_their_key_or_their_position(fields):
    shown = _read(fields, "keys")
    assert shown["envs/N"] == "1.5\n" and shown["envs/EQ=UAL"] == "x\n"
    assert shown["envs/NONE"] == "" and shown["envs/MISSING"] == ""
    assert shown["envs/%"] == "empty\n" and shown["envs/MULTI"] == "two\nlines\n"
    assert "keyless\n" in (shown.get("envs/3"), shown.get("envs/3/value"))
    assert shown["ports/8080/protocol"] == "string\n"
    assert shown["ports/1/protocol"] == "none\n" and shown["ports/2/port"] == ""
    assert shown["pricing/prepaid/monthly_price/12/price"] == "1\n"
    assert shown["pricing/prepaid/monthly_price/1/price"] == "2\n"


def test_a_member_wins_over_a_convenience_of_its_name(fields):
    shown = _read(fields, "clash")
    assert shown["ssh_command"] == shown["status_error"] == "the member\n"
    assert shown["status_message"] == "m\n" and shown["tools/ssh/command"] == "the convenience\n"
    assert not [name for name in shown if "~" in name]


def test_the_status_is_flattened_whatever_it_holds(fields):
    shown = _read(fields, "status")
    found = {k: v for k, v in shown.items() if k.startswith("status")}
    assert found == {"status": "running\n", "status_error": "E\n", "status_message": "M\n",
                     "status_since": "7\n", "status_more/a": "1\n"}
    assert {k: v for k, v in _read(fields, "flat").items() if k.startswith("status")} == {
        "status": "running\n"}
