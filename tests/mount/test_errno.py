# SPDX-License-Identifier: MIT
"""Which errno a failure becomes, and what is said of it."""
import contextlib
import os
import re
import socket
import threading
import time

import pytest
from failures import FAILURES, HTML, OF_A_LIST, broken_ones, fresh  # noqa: F401
from helpers import ALL, ONE, errno_of, list_body, read_errno
from mounting import binary

WARNING = "warning: .* cannot be (fetched|refreshed)"


@pytest.mark.parametrize("case", FAILURES)
# semantics: errors-tell-the-truth last-error-in-words
def test_a_failure_has_its_errno_and_its_sentence(fresh, case):
    fault, expected, words = FAILURES[case]
    fresh.api.fault("get", **fault)
    before = time.time()
    assert re.fullmatch(expected, read_errno(fresh.mount, "instances/x/image") or "none")
    said = fresh.mount.read(".ppiofs/last_error")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [^\n]+\n", said)
    assert time.strftime("%Y-%m-%dT%H:%M", time.gmtime(before))[:13] == said[:13]
    assert re.search(words, said), said
    assert "GET /gpus/v2/instances/x" in said or "127.0.0.1" in said or "deadline" in said, said
    assert "sk-test" not in said


ENTRIES = ((os.listdir, "instances"), (os.listdir, "by-name"), (os.stat, "tables/instances.tsv"),
           (os.listdir, "json"), (os.listdir, "by-status"), (os.stat, "ssh/config"))


@pytest.mark.parametrize("case", FAILURES)
def test_a_failing_list_has_its_errno_too(fresh, case):
    fault, expected, _ = FAILURES[case]
    fresh.api.fault("list", **fault)
    look, name = ENTRIES[list(FAILURES).index(case) % len(ENTRIES)]
    assert re.fullmatch(OF_A_LIST.get(case, expected), errno_of(look, fresh.mount.path / name)
                        or "none")
    assert "instances/x" not in fresh.mount.read(".ppiofs/last_error")


@pytest.mark.parametrize("body", (b"[]", b"{}", b'{"data":{}}', b'{"data":null}', b'{"data":"x"}',
                                  b'{"instances":[]}'))
def test_a_list_of_another_shape_is_a_bad_answer(fresh, body):
    fresh.api.fault("list", body=body)
    assert errno_of(os.listdir, fresh.mount.path / "instances") == "EBADMSG"


@pytest.mark.parametrize("page", (
    {"data": [], "has_more": True, "next_cursor": "again"},
    {"data": [{"id": "a"}], "has_more": True, "next_cursor": "again"}))
def test_a_cursor_that_comes_back_is_an_error(fresh, page):
    fresh.api.fault("list", status=200, body=page)
    assert errno_of(os.listdir, fresh.mount.path / "instances") == "EBADMSG"
    assert fresh.api.count("list") < 5


def test_a_list_that_says_more_without_a_cursor_ends(fresh):
    fresh.api.fault("list", body=list_body(b'{"id":"a"}').replace(b"false", b"true"))
    assert fresh.mount.ls("instances") == ["a"]
    assert "instances may be missing" in fresh.mount.read(".ppiofs/last_error")


def test_a_missing_list_route_is_no_empty_account(fresh):
    fresh.api.fault("list", status=404)
    assert errno_of(os.listdir, fresh.mount.path / "instances") == "EIO"


@pytest.mark.parametrize("fault", (dict(status=404), dict(status=500), dict(body=HTML),
                                   dict(status=400)), ids=("404", "500", "HTML", "400"))
def test_a_typed_path_works_when_the_list_does_not(fresh, fault):
    fresh.api.fault("list", **fault)
    assert errno_of(os.listdir, fresh.mount.path / "instances") is not None
    assert fresh.mount.read(f"instances/{ONE}/status") == "running\n"
    assert "40122" in fresh.mount.read(f"instances/{ONE}/ssh_command")
    assert fresh.mount.read_bytes(f"json/{ONE}.json").startswith(b'{"id":"%s"' % ONE.encode())


def test_one_failing_instance_does_not_hide_the_others(fresh):
    fresh.api.fault(ONE, status=500)
    fresh.mount.ls("instances")
    assert fresh.mount.read(f"instances/{ONE}/status") == "running\n"
    assert read_errno(fresh.mount, f"instances/{ONE}/ssh_command") == "EIO"
    for id in ALL:
        if id != ONE:
            assert fresh.mount.read(f"instances/{id}/pricing/instance_price")


def test_an_item_that_goes_between_list_and_get_is_gone(fresh):
    assert ONE in fresh.mount.ls("instances")
    fresh.api.fault(ONE, status=404)
    assert read_errno(fresh.mount, f"instances/{ONE}/ssh_command") == "ENOENT"
    assert read_errno(fresh.mount, f"instances/{ONE}/image") == "ENOENT"


# Failures of the connection


def test_a_refused_connection(fresh):
    fresh.api.fault("*", refuse=True)
    assert read_errno(fresh.mount, "instances/x/image") == "ECONNREFUSED"
    assert errno_of(os.listdir, fresh.mount.path / "instances") in ("ECONNREFUSED", "EBUSY")
    assert "refused" in fresh.mount.read(".ppiofs/last_error")


@pytest.mark.parametrize("url", ("https://api.example", "https://192.0.2.1",
                                 "https://[2001:db8::1]", "http://127.0.0.1:9"))
def test_an_address_that_cannot_be_found_or_reached(mount_factory, tmp_path, monkeypatch, url):
    """In a network without a single route, not even to itself."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a network of its own")
    alone = tmp_path / "alone"
    alone.write_text(f'#!/bin/sh\nexec unshare -n "{binary()}" "$@"\n')
    alone.chmod(0o755)
    monkeypatch.setenv("PPIOFS_BIN", str(alone))
    mount = mount_factory(api=None, options={"api_url": url, "timeout": 2})
    mount.expect_stderr(WARNING)
    assert errno_of(os.listdir, mount.path / "instances") == "EHOSTUNREACH"
    assert url.rpartition("/")[2] in mount.read(".ppiofs/last_error")


def test_a_server_without_tls(mount_factory):
    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer():
            with contextlib.suppress(OSError):
                while True:
                    with server.accept()[0] as peer:
                        peer.recv(1000)
                        peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        threading.Thread(target=answer, daemon=True).start()
        mount = mount_factory(api=f"https://127.0.0.1:{server.getsockname()[1]}")
        mount.expect_stderr("secure connection")
        assert errno_of(os.listdir, mount.path / "instances") == "EPROTO"
        assert "secure connection" in mount.read(".ppiofs/last_error")
        server.shutdown(socket.SHUT_RDWR)
