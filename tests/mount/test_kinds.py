# SPDX-License-Identifier: MIT
"""The account's other kinds: what there is, what it costs, and that none harms another."""
import functools
import json
import os
import time

import mock_kinds
import pytest
from helpers import (ALL, ONE, by_id, contents, errno_of, hang_up, module_mount, shell,
                     wait_for)
from mock_api import MockApi
from mock_faults import to_json
from mounting import binary, run

KINDS = mock_kinds.KINDS
OTHERS = tuple(KINDS)
SAMPLE = mock_kinds.sample()
shared = module_mount()


class Fresh:
    def __init__(self, api, mount_factory):
        self.api, self.make = api, mount_factory

    @functools.cached_property
    def mount(self):
        return self.make()


@pytest.fixture
def fresh(api, mount_factory):
    return Fresh(api, mount_factory)


def costs(api):
    """Requests of each class that were any."""
    return {kind: n for kind in ("list", "get", "other", *OTHERS) if (n := api.count(kind))}


def status(mount):
    return dict(line.split(": ", 1) for line in mount.read(".ppiofs/status").splitlines())


# What there is


@pytest.mark.parametrize("kind", OTHERS)
def test_each_object_is_a_directory_and_its_json_its_own_bytes(shared, kind):
    mount = shared.mount
    assert mount.ls(kind) == sorted(SAMPLE[kind])
    assert mount.ls(f"json/{kind}") == sorted(id + ".json" for id in SAMPLE[kind])
    for id, record in SAMPLE[kind].items():
        assert mount.read_bytes(f"json/{kind}/{id}.json") == to_json(record)
        assert mount.read(f"{kind}/{id}/{KINDS[kind].identity}") == id + "\n"


@pytest.mark.parametrize("path, text", (
    ("products/rtx4090-24g-1x/resource_spec/gpu/available", "37\n"),
    ("products/rtx4090-24g-1x/pricing/prepaid/12/final_price",
     SAMPLE["products"]["rtx4090-24g-1x"]["pricing"]["prepaid"][2]["final_price"] + "\n"),
    ("products/rtx4090-24g-1x/region_ids", "cn-south-nas-1\ncn-north-nas-2\ncn-east-ssd-1\n"),
    ("products-cpu/cpu-4c8g/resource_spec/cpu", "4\n"),
    ("products-serverless/sl-rtx4090-24g-1x/category", "serverless\n"),
    ("regions/cn-east-ssd-1/feature/network_volume", "false\n"),
    ("regions/ap-hongkong-1/gpus", "H200 SXM\nRTX 6000 Ada\n"),
    ("endpoints/ep-qwen3-8b-7f21/status", "serving\n"),
    ("endpoints/ep-qwen3-8b-7f21/ports", "8000\n"),
    ("endpoints/ep-qwen3-8b-7f21/workers/worker-2/status/status", "pulling\n"),
    ("templates/tpl-vllm/ports/8000/protocol", "http\n"),
    ("templates/tpl-vllm/envs/VLLM_PORT", "8000\n"),
    ("networks/vpc-550e8400-e29b-41d4-a716-446655440000/status", "available\n"),
    ("prewarm-tasks/pw-3/status_message", "no space left\n"),
    ("prewarm-tasks/pw-3/reason", "no space left\n")))
def test_the_rows_shape_the_files(shared, path, text):
    assert shared.mount.read(path) == text


def test_null_where_an_object_is_meant_is_an_empty_directory(shared):
    for name in ("products/rtx4090-48g-1x/pricing/spot", "products-cpu/cpu-2c4g/resource_spec/gpu"):
        assert shared.mount.ls(name) == []


@pytest.mark.parametrize("secret", ("endpoints/ep-qwen3-8b-7f21/envs/HF_TOKEN",
                                    "endpoints/ep-qwen3-8b-7f21/workers/worker-1/log",
                                    "templates/tpl-vllm/envs/HF_TOKEN",
                                    "json/endpoints/ep-qwen3-8b-7f21.json"))
def test_a_secret_is_for_its_owner_and_can_be_hidden(shared, fresh, secret):
    assert (shared.mount.path / secret).stat().st_mode & 0o777 == 0o400
    hidden = fresh.make(options={"secrets": "hide"})
    assert errno_of(os.stat, hidden.path / secret) == "ENOENT"


def test_the_tables_are_columns_of_what_the_list_has(shared):
    def table(name):
        return [line.split("\t") for line in shared.mount.read(f"tables/{name}.tsv").splitlines()]
    products = {row[0]: row for row in table("products")}
    assert products["id"] == ["id", "name", "gpu", "gpu_memory_gb", "available", "max_available",
                              "inventory_state", "deployable", "postpaid_price", "spot_price",
                              "storage_price", "precision", "regions"]
    assert products["h100-80g-8x"] == ["h100-80g-8x", "H100 SXM", "H100 SXM", "80", "1", "1", "low",
                                       "true", "1890000", "", "17", "5", "cn-south-nas-1"]
    assert products["l40s-48g-1x"][-1] == "cn-north-nas-2,cn-east-ssd-1"
    assert table("endpoints")[1] == [
        "ep-qwen3-8b-7f21", "qwen3-8b", "serving", "https://ep-qwen3-8b-7f21.serverless.example",
        "sl-rtx4090-24g-1x", "1", "4", "2", SAMPLE["endpoints"]["ep-qwen3-8b-7f21"]["image"]]
    for name, member, columns in (("ports", "ports", ("port", "protocol", "endpoint")),
                                  ("volumes", "volumes", ("type", "id", "mount_point"))):
        assert sorted(table(name)[1:]) == sorted(
            [id, record["name"], *(str(entry[column]) for column in columns)]
            for id, record in ALL.items() for entry in record[member])


def test_instances_are_found_by_their_product(shared):
    for id, record in ALL.items():
        link = shared.mount.path / "by-product" / record["product_id"] / id
        assert os.readlink(link) == f"../../instances/{id}"


def test_the_readme_names_every_directory(shared):
    told = {line.partition(" ")[0] for line in shared.mount.read(".ppiofs/README").splitlines()}
    assert {f"{kind}/<id>/" for kind in ("instances", *OTHERS)} <= told


# What it costs


@pytest.mark.parametrize("kind", OTHERS)
def test_a_kind_costs_its_own_pages_and_no_other(fresh, kind):
    mount = fresh.make(options={"page_size": 2})
    pages = -(-len(SAMPLE[kind]) // 2)
    shell(mount, f"ls -lR {kind} json/{kind}; cat {kind}/*/name; cat json/{kind}/*; "
                 f"stat {kind}/nosuch {kind}/.git 2> /dev/null; true")
    assert costs(fresh.api) == {kind: pages}
    shell(mount, f"grep -r x {kind} > /dev/null; stat {kind}/nosuch 2> /dev/null; true")
    assert costs(fresh.api) == {kind: pages}


def test_what_nobody_looks_at_costs_nothing(fresh):
    shell(fresh.mount, "ls -la --color=always . > /dev/null; ls json tables > /dev/null; df .; "
                       "cat .ppiofs/* > /dev/null; cat tables/instances.tsv > /dev/null")
    assert costs(fresh.api) == {"list": 1}


def test_everything_costs_the_details_and_one_list_of_each_kind(fresh):
    mount = fresh.make(options={"page_size": 100})
    shell(mount, "grep -r running . --exclude-dir=.ppiofs > /dev/null")
    everything = {"list": 1, "get": len(ALL), **dict.fromkeys(OTHERS, 1)}
    assert costs(fresh.api) == everything
    shell(mount, "grep -r running . --exclude-dir=.ppiofs > /dev/null; ls -lR > /dev/null")
    assert costs(fresh.api) == everything


# semantics: lists-live-longer
def test_a_list_lives_as_long_as_its_row_says(fresh):
    mount = fresh.make(options={"ttl": 0.1})
    for _ in range(3):
        shell(mount, "cat endpoints/*/status products/*/name > /dev/null; sleep 0.3")
    assert fresh.api.count("products") == 1 and fresh.api.count("endpoints") >= 3


def test_with_ttl_0_each_is_asked_for_each_time(fresh):
    mount = fresh.make(options={"ttl": 0})
    for _ in range(2):
        mount.ls("regions")
        time.sleep(1.1)  # what was received a moment ago is not asked for again
    assert fresh.api.count("regions") >= 2


# None harms another


BAD = {"400": {"status": 400}, "403": {"status": 403}, "404": {"status": 404},
       "500": {"status": 500}, "HTML": {"body": b"<html>404</html>"}, "nothing": {"body": b""},
       "a 404 of a gateway": {"status": 404, "body": b"<html>no such page</html>"}}
ERRNO = {"400": "EIO", "403": "EACCES", "404": None, "500": "EIO", "HTML": "EBADMSG",
         "nothing": "EBADMSG", "a 404 of a gateway": "EBADMSG"}


@pytest.mark.parametrize("bad", BAD)
# semantics: one-list-harms-no-other
def test_a_kind_that_fails_harms_no_other_and_says_so(fresh, bad):
    fresh.api.fault("regions", **BAD[bad])
    mount = fresh.make(options={"timeout": 3})
    assert errno_of(os.listdir, mount.path / "regions") == ERRNO[bad]
    assert mount.ls("products") == sorted(SAMPLE["products"])
    assert mount.ls("instances") == sorted(ALL)
    assert mount.read(f"instances/{ONE}/tools/ssh/username") == "root\n"
    told = status(mount)
    assert told["state"] == "ok" and told["list"].startswith("fresh")
    assert told["regions"].startswith("not offered" if ERRNO[bad] is None else "failed")
    assert told["regions_error"].startswith("GET /gpus/v2/regions: ")
    mount.expect_stderr("regions")


def test_a_list_that_is_not_there_is_asked_for_once_in_its_life(fresh):
    fresh.api.fault("regions", status=404)
    for _ in range(3):
        assert fresh.mount.ls("regions") == []
        assert errno_of(os.stat, fresh.mount.path / "regions/cn") == "ENOENT"
    assert fresh.api.count("regions") == 1
    fresh.mount.expect_stderr("regions")


def test_the_same_id_in_two_kinds_and_twice_in_one(fresh):
    twin = {"id": ONE, "name": "another", "status": {"status": "odd"}}
    fresh.api.replace_kind("endpoints", {ONE: twin})
    fresh.api.replace_kind("networks", {"1": {"id": "n", "name": "first"},
                                        "2": {"id": "n", "name": "second"}})
    mount = fresh.mount
    assert mount.read(f"instances/{ONE}/status") == "running\n"
    assert mount.read(f"endpoints/{ONE}/status") == "odd\n"
    assert mount.read(f"instances/{ONE}/name") == ALL[ONE]["name"] + "\n"
    inodes = {os.stat(mount.path / kind / ONE).st_ino for kind in ("instances", "endpoints")}
    assert len(inodes) == 2 and mount.ls("networks") == ["n"]
    assert mount.read("networks/n/name") == "second\n"


def test_json_has_the_new_bytes_of_what_shows_the_same(fresh):
    for n in (5, "5"):
        fresh.api.put("networks", "n", {"id": "n", "n": n})
        hang_up(fresh.mount)
        assert fresh.mount.read("networks/n/n") == "5\n"
        assert json.loads(fresh.mount.read("json/networks/n.json"))["n"] == n


# The hostile corpus, for each row of the table

NAMES = {".": "%2E", "..": "%2E%2E", "a/b": "a%2Fb", "-rf": "%2Drf", "\u202ex": "%E2%80%AEx",
         " ": " ", "*": "*", "a\nb": "a%0Ab", "深" * 85: "深" * 85}
VALUES = (None, "", 0, -1, 1.5, True, [], {}, [1, "a"], [{}], {"a": {"b": [None]}}, "\x1b[31m\n",
          9007199254740993, [[1], {"x": 2}], "x" * 5000)


@pytest.mark.parametrize("kind", OTHERS)
def test_no_id_leaves_the_directory(fresh, kind):
    identity = KINDS[kind].identity
    fresh.api.replace_kind(kind, {name: {identity: name, "name": name} for name in NAMES})
    assert fresh.mount.ls(kind) == sorted(NAMES.values())
    for name, shown in NAMES.items():
        assert fresh.mount.read(f"{kind}/{shown}/name").rstrip("\n") == name.rstrip("\n")
        assert (fresh.mount.path / kind / shown / identity).is_file()
    assert len(fresh.mount.ls(f"json/{kind}")) == len(NAMES)


@pytest.mark.parametrize("kind", OTHERS)
def test_any_value_in_any_field_is_shown_or_left_out(fresh, kind):
    identity = KINDS[kind].identity
    fields = sorted({field for record in SAMPLE[kind].values() for field in record} - {identity})
    records = {f"{field}-{n}": {identity: f"{field}-{n}", field: value}
               for field in fields for n, value in enumerate(VALUES)}
    for id, wrong in (("none", {}), ("null", {identity: None}), ("number", {identity: 5})):
        records[id] = {"name": "no id", **wrong}
    fresh.api.replace_kind(kind, records)
    assert len(fresh.mount.ls(kind)) == len(records) - 3
    shell(fresh.mount, f"find {kind} json/{kind} -ls > /dev/null && grep -r x {kind} > /dev/null; "
                       "cat tables/*.tsv > /dev/null")
    assert fresh.mount.read("instances/" + ONE + "/status") == "running\n"
    fresh.mount.expect_stderr("left out")


def test_ten_thousand_templates_cost_little(fresh):
    records = by_id(*mock_kinds.templates(10_000))
    fresh.api.replace_kind("templates", records)
    mount = fresh.make(options={"page_size": 1000})

    def resident():
        with open(f"/proc/{mount.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    before = resident()
    assert len(mount.ls("templates")) == len(records)
    assert (resident() - before) / len(records) <= 8 << 10
    assert contents(mount.path / "templates/tpl-09999/ports/8888") == {
        "port": b"8888\n", "protocol": b"http\n"}


# Options


def test_kinds_says_which_directories_there_are(fresh):
    mount = fresh.make(options={"kinds": "instances:regions"})
    shown = set(mount.ls())
    assert {"instances", "regions", "by-name"} <= shown and not shown & {"products", "templates"}
    assert mount.ls("tables") == ["instances.tsv", "ports.tsv", "volumes.tsv"]
    assert mount.ls("json")[-1] == "regions" or "regions" in mount.ls("json")


def test_without_instances_nothing_is_about_them(fresh):
    mount = fresh.make(options={"kinds": "products"})
    assert mount.ls() == [".ppiofs", "json", "products", "tables"]
    assert mount.ls("json") == ["products"] and mount.ls("tables") == ["products.tsv"]
    shell(mount, "grep -r x . > /dev/null; cat .ppiofs/* > /dev/null")
    assert costs(fresh.api) == {"products": 1}


@pytest.mark.parametrize("option, told", (
    ("kinds=nosuch", "must be all, or some of instances, products,"), ("kinds=", "must be all"),
    ("kinds=products,watch=5", "watch_kinds: none of these directories")))
def test_a_wrong_set_is_a_usage_error(tmp_path, option, told):
    done = run([binary(), "-o", option, tmp_path], env={"HOME": str(tmp_path)})
    assert done.returncode == 2 and told in done.stderr


def test_watch_polls_the_kinds_that_it_is_told(fresh):
    mount = fresh.make(options={"watch": 1, "watch_kinds": "instances:products", "ttl": 600})
    product = SAMPLE["products"]["h100-80g-8x"]
    wait_for(lambda: fresh.api.count("products") >= 1 and fresh.api.count("list") >= 1)
    assert not fresh.api.count("regions")
    time.sleep(0.3)
    fresh.api.put("products", "h100-80g-8x", {**product, "deployable": False})
    wait_for(lambda: "deployable" in (mount.path / "changes.log").read_text())
    lines = [line.split("\t")[1:]
             for line in (mount.path / "changes.log").read_text().splitlines()]
    assert lines == [["h100-80g-8x", "deployable", "true", "false", "products"]]
    assert mount.read("products/h100-80g-8x/deployable") == "false\n"


def test_the_mock_wants_type_and_category():
    with MockApi(key=None) as api:
        done = run(["curl", "-s", f"{api.url}/gpus/v2/products"])
        assert json.loads(done.stdout)["code"] == 400
