# SPDX-License-Identifier: MIT
"""The top level, the instances in it, and json/: the answers as they came."""
import json
import os

import mock_fleet
import mock_kinds
import pytest
from helpers import ALL, ONE, by_id, module_mount

sample = module_mount()


def test_the_top_level_holds_directories_only(sample):
    entries = {entry.name: entry for entry in os.scandir(sample.mount.path)}
    usual = {"instances", "json", "tables", "ssh", ".ppiofs", *mock_kinds.KINDS}
    assert usual | {"by-name", "by-status", "by-region"} <= set(entries)
    assert all(name.startswith("by-") for name in set(entries) - usual)
    assert all(entry.is_dir(follow_symlinks=False) for entry in entries.values())


def test_there_is_a_directory_and_a_json_file_for_each_instance(sample):
    assert sample.mount.ls("instances") == sorted(ALL)
    assert set(sample.mount.ls("json")) == {id + ".json" for id in ALL} | set(mock_kinds.KINDS)


def test_the_other_views_hold_what_they_are_named_for(sample):
    assert sample.mount.ls("tables") == ["endpoints.tsv", "instances.tsv", "ports.tsv",
                                         "products.tsv", "volumes.tsv"]
    assert sample.mount.ls("ssh") == ["config"]
    assert set(sample.mount.ls("by-status")) == {r["status"]["status"] for r in ALL.values()}
    assert set(sample.mount.ls("by-region")) == {r["region"] for r in ALL.values()}


def test_an_empty_account_is_no_error(api, mount):
    api.replace_fleet({})
    for directory in ("instances", "by-name", "by-status"):
        assert mount.ls(directory) == []
    assert set(mount.ls("json")) == set(mock_kinds.KINDS)
    assert mount.read("tables/instances.tsv").count("\n") == 1
    assert not [line for line in mount.read("ssh/config").splitlines() if line.startswith("Host")]


@pytest.mark.parametrize("id", ALL)
def test_json_is_the_answer_of_the_api_byte_for_byte(sample, id):
    answer = json.dumps(ALL[id], ensure_ascii=False, separators=(",", ":")).encode()
    assert sample.mount.read_bytes(f"json/{id}.json") == answer


def test_json_keeps_what_no_serialiser_would_write(api, mount):
    body = b' { "id":"ca338f12f3" ,\r\n"n":1.10,"u":"\\u00e9\\u0000\\ud800\\/", "e": 1E+400}\n\t '
    api.fault(ONE, body=body)
    assert mount.read_bytes(f"json/{ONE}.json") == body


def test_json_and_the_fields_are_of_one_answer(api, mount):
    api.replace_fleet(by_id(mock_fleet.make("n", "first")))
    assert json.loads(mount.read("json/n.json"))["name"] == "first"
    api.update("n", name="second")
    assert mount.read("instances/n/name") == "first\n"
    assert json.loads(mount.read("json/n.json"))["name"] == "first"


@pytest.mark.parametrize("name", ("", "instances.json", "nosuch.json", f"{ONE}", f"{ONE}.json.json",
                                  f"{ONE}.JSON", ".json"))
def test_json_has_only_the_names_it_lists(sample, name):
    assert not name or not os.path.lexists(sample.mount.path / "json" / name)
