# SPDX-License-Identifier: MIT
"""Lists and connections of an API that does as it likes: what can be shown is shown, every listed
name is there, and the mount serves on. Hostile names and values have tests of their own."""
import json
import os
from urllib.parse import parse_qs

import mock_fleet
import pytest
from failures import DEPTH_MOST, broken_ones, deep, fresh  # noqa: F401
from helpers import (ALL, ONE, as_json, errno_of, hang_up, list_body, read_errno,
                     wait_for)
from mock_api import MockApi

LONG_NAME = b"x" * 9000


def page(ids, next_cursor="", **more):
    """@ids: one letter each; the record has the page's number as its name."""
    return {"data": list(ids), "next_cursor": next_cursor, "has_more": bool(next_cursor), **more}


# Which page is sent for which cursor -> an errno, or the instances that are shown and the page that
# each is from; and how many requests that takes.
ODD = "&limit=1#?/%2F é\n\"\\"
LISTS = {
    "one page": ({"": page("ab")}, "a1 b1", 1),
    "the same cursor again": ({"": page("a", "x"), "x": page("b", "x")}, "EBADMSG", 2),
    "a cycle of two": ({"": page("a", "x"), "x": page("b", "y"), "y": page("c", "x")}, "EBADMSG",
                       3),
    "a cycle of empty pages": ({"": page("", "x"), "x": page("", "y"), "y": page("", "x")},
                               "EBADMSG", 3),
    "more, with an empty cursor": ({"": page("a", has_more=True)}, "a1", 1),
    "more, with no cursor": ({"": page("a", None, has_more=True)}, "a1", 1),
    "more, with a number": ({"": page("a", 7, has_more=True)}, "EBADMSG", 1),
    "no more, with a cursor": ({"": page("a", "x", has_more=False), "x": page("b")}, "a1", 1),
    "whether more is a string": ({"": page("a", "x", has_more="false"), "x": page("b")},
                                 "a1 b2", 2),
    "whether more is null": ({"": page("a", "x", has_more=None), "x": page("b")}, "a1 b2", 2),
    "pages that overlap": ({"": page("ab", "x"), "x": page("bc", "y"), "y": page("cd")},
                           "a1 b2 c3 d3", 3),
    "the same page twice": ({"": page("ab", "x"), "x": page("ab")}, "a2 b2", 2),
    "empty pages in between": ({"": page("", "x"), "x": page("", "y"), "y": page("a")}, "a3", 3),
    "nothing at all": ({"": page("")}, "", 1),
    "an odd cursor": ({"": page("a", ODD), ODD: page("b")}, "a1 b2", 2),
    "a monstrous cursor": ({"": page("a", "x" * 5000)}, "EBADMSG", 1),
    "too many for one page": ({"": {"data": [0] * 100_001}}, "EFBIG", 1),
    "too many for all pages": ({"": {"data": [0] * 100_000, "next_cursor": "x"}, "x": page("a")},
                               "EFBIG", 2),
    "a page that is none": ({"": page("a", "x"), "x": []}, "EBADMSG", 2),
    "a page without data": ({"": page("a", "x"), "x": {"has_more": False}}, "EBADMSG", 2),
}


def serve_pages(api, pages):
    def by_cursor(cursor):
        return lambda request: request.kind == "list" and parse_qs(
            request.target.partition("?")[2]).get("cursor", [""])[0] == cursor
    for number, (cursor, body) in enumerate(pages.items(), 1):
        if isinstance(body, dict) and "data" in body:
            body = {**body, "data": [{"id": id, "name": str(number)} if id else id
                                     for id in body["data"]]}
        api.fault(by_cursor(cursor), status=200, body=body)


@pytest.mark.parametrize("case", LISTS)
def test_a_list_is_whole_or_an_error(fresh, case):
    pages, expected, requests = LISTS[case]
    serve_pages(fresh.api, pages)
    instances = fresh.mount.path / "instances"
    if expected.startswith("E"):
        assert errno_of(os.listdir, instances) == expected
    else:
        assert [id + fresh.mount.read(f"instances/{id}/name").strip()
                for id in fresh.mount.ls("instances")] == expected.split()
    assert fresh.api.count("list") == requests


def test_when_all_are_gone_that_are_still_listed_each_is_no_such_file(fresh):
    names = fresh.mount.ls("instances")
    fresh.api.fault("get", status=404)
    for name in names:
        assert read_errno(fresh.mount, f"json/{name}.json") == "ENOENT"
        assert read_errno(fresh.mount, f"instances/{name}/image") == "ENOENT"
    assert fresh.api.count("get") == len(names)


@pytest.mark.parametrize("body", ({"id": "another", "name": "n"}, {"name": "n"}, {"id": 7}, []),
                         ids=json.dumps)
def test_answers_about_something_else_leave_what_the_list_said(fresh, body):
    fresh.api.fault("get", status=200, body=body)
    for name in fresh.mount.ls("instances"):
        assert fresh.mount.read(f"instances/{name}/status")
        assert read_errno(fresh.mount, f"json/{name}.json") == "EBADMSG"
        assert fresh.mount.read(f"instances/{name}/status")
    assert fresh.mount.ls("instances") == sorted(ALL)


# A server that does not keep to `limit`


def test_a_server_that_ignores_limit_and_sends_all_at_once(api, mount_factory):
    fleet = mock_fleet.fleet(3000)
    api.fault("list", body=list_body(*map(as_json, fleet.values())))
    mount = mount_factory(options={"page_size": 10})
    assert mount.ls("instances") == sorted(fleet)
    assert len(mount.read("tables/instances.tsv").splitlines()) == 1 + len(fleet)
    assert (api.count("list"), api.count("get")) == (1, 0)


def test_a_server_that_sends_one_item_a_page(mount_factory):
    fleet = mock_fleet.fleet(200)
    with MockApi(fleet, page_max=1) as api:
        mount = mount_factory(api=api)
        assert mount.ls("instances") == sorted(fleet)
        assert len(mount.read("tables/instances.tsv").splitlines()) == 1 + len(fleet)
        assert all(mount.read(f"instances/{id}/status") for id in fleet)
        assert (api.count("list"), api.count("get")) == (len(fleet), 0)
        mount.unmount()


# Bodies that are good, whatever is said of them


@pytest.mark.parametrize("headers", (
    {"Content-Type": "text/html"}, {"Content-Type": "application/octet-stream"},
    {"Content-Type": ""}, {"Content-Type": "application/json; charset=utf-16"},
    {"Content-Disposition": "attachment; filename=../../x"}, {"Set-Cookie": "a=b; Domain=.com"},
    {"Refresh": "0; url=http://127.0.0.1:1/"}, {"Alt-Svc": 'h3=":1", h2="127.0.0.1:1"'},
    {"Strict-Transport-Security": "max-age=31536000"}, {"Content-Encoding": "identity"},
    {"X-" + "x" * 9000: "y" * 9000}), ids=lambda headers: next(iter(headers))[:30])
def test_headers_make_no_difference(fresh, headers):
    fresh.api.fault("*", status=200, headers=headers)
    assert fresh.mount.ls("instances") == sorted(ALL)
    assert fresh.mount.read_bytes(f"json/{ONE}.json") == as_json_of_api(ONE)
    assert not any(request.headers.get("cookie") for request in fresh.api.requests)


def as_json_of_api(id):
    return json.dumps(ALL[id], ensure_ascii=False, separators=(",", ":")).encode()


def test_what_is_as_deep_as_it_may_be_is_shown_to_the_bottom(fresh):
    fresh.api.fault("x", status=200, body=deep(DEPTH_MOST))
    bottom = "/".join(["a", *["0"] * (DEPTH_MOST - 2)])
    assert fresh.mount.read_bytes(f"instances/x/{bottom}") == b""
    assert fresh.mount.read_bytes("json/x.json") == deep(DEPTH_MOST)


# Connections


@pytest.mark.parametrize("status", (401, 403))
def test_a_refusal_that_comes_and_goes(fresh, status):
    """Each is told, none lasts, and nobody is asked in a loop."""
    for _ in range(4):
        hang_up(fresh.mount)
        fresh.api.fault("*", status=status, times=1)
        assert errno_of(os.listdir, fresh.mount.path / "instances") in ("EACCES", None)
        wait_for(lambda: errno_of(os.listdir, fresh.mount.path / "instances") is None)
        assert fresh.mount.read(f"instances/{ONE}/status") == "running\n"
    assert fresh.api.count() < 20
