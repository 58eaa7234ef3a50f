# SPDX-License-Identifier: MIT
"""Which errno a failure becomes, what is said of it, and when older answers are shown instead."""
import contextlib
import ctypes
import errno
import os
import re
import signal
import socket
import threading
import time
from types import SimpleNamespace

import pytest
from helpers import ALL, ONE, errno_of, hang_up, list_body, read_errno, wait_for
from mock_api import MockApi
from mounting import Mount, binary

TIMEOUT = 0.8
DEEP = b'{"id":"x","a":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
HTML = b"<html><head><title>Welcome</title></head><body>captive portal</body></html>"
MIB = b" " * (1 << 20)
WARNING = "warning: .* cannot be (fetched|refreshed)"


def _endless(first=b'{"id":"x","a":"'):
    yield first
    while True:
        yield MIB


# What happens to the GET of one instance -> errno, and words of .ppiofs/last_error.
FAILURES = {
    "404": (dict(status=404), "ENOENT", "404"),
    "400 not found": (dict(status=400, body={"reason": "RESOURCE_NOT_FOUND"}), "ENOENT",
                      "RESOURCE_NOT_FOUND"),
    "toRemove": (dict(status=200, body={"id": "x", "status": {"status": "toRemove"}}), "ENOENT",
                 "toRemove|removed|gone"),
    "removing": (dict(status=200, body={"id": "x", "status": {"status": "removing"}}), "ENOENT",
                 "removing|removed|gone"),
    "removed": (dict(status=200, body={"id": "x", "status": {"status": "removed"}}), "ENOENT",
                "removed|gone"),
    "401": (dict(status=401), "EACCES", "401 INVALID_USER_TOKEN.*key"),
    "403": (dict(status=403), "EACCES", "403 PERMISSION_DENIED.*key"),
    "400 no key": (dict(status=400, body={"reason": "MISSING_API_KEY", "message": "no key"}),
                   "EACCES", "400 MISSING_API_KEY: no key.*key"),
    "400 bad key": (dict(status=400, body={"reason": "INVALID_USER_TOKEN"}), "EACCES",
                    "400 INVALID_USER_TOKEN.*key"),
    "400 else": (dict(status=400, body={"reason": "ODD", "message": "odd"}), "EIO", "400 ODD: odd"),
    "silence": (dict(silence=True), "ETIMEDOUT", "deadline|did not answer"),
    "half an answer": (dict(status=200, body=b'{"id":"x"}', cut=4, silence=True), "ETIMEDOUT",
                       "deadline|did not answer"),
    "429": (dict(status=429), "EBUSY", "429 RATE_LIMIT_EXCEEDED"),
    "429 with a time": (dict(retry_after=7), "EBUSY", "429 .*wait for 7 s"),
    "redirect": (dict(status=302, headers={"Location": "http://127.0.0.1:1/"}), "EPROTO",
                 "302.*redirect"),
    "not HTTP": (dict(raw=b"SSH-2.0-OpenSSH_9.2p1\r\n"), "EPROTO", "HTTP"),
    "HTML": (dict(status=200, body=HTML), "EBADMSG", "200, but.*Welcome"),
    "HTML 404": (dict(status=404, body=HTML), "EBADMSG", "404.*api_url"),
    "empty": (dict(status=200, body=b""), "EBADMSG", "200, but"),
    "null": (dict(status=200, body=b"null"), "EBADMSG", "200, but"),
    "array": (dict(status=200, body=b"[]"), "EBADMSG", "200, but"),
    "byte order mark": (dict(status=200, body=b'\xef\xbb\xbf{"id":"x"}'), "EBADMSG", "200, but"),
    "garbage behind": (dict(status=200, body=b'{"id":"x"}}'), "EBADMSG", "200, but"),
    "doubled key": (dict(status=200, body=b'{"id":"x","a":1,"a":2}'), "EBADMSG", "200, but"),
    "bad UTF-8": (dict(status=200, body=b'{"id":"x","a":"\xff"}'), "EBADMSG", "200, but"),
    "deep": (dict(status=200, body=DEEP), "EBADMSG", "200, but.*deep|nest"),
    "another id": (dict(status=200, body={"id": "other"}), "EBADMSG", "200, but"),
    "no id": (dict(status=200, body={"name": "x"}), "EBADMSG", "200, but"),
    "cut, of unknown length": (dict(raw=b'HTTP/1.1 200 OK\r\n\r\n{"id":"x","name":"n'), "EBADMSG",
                               "200, but"),
    "cut": (dict(status=200, body=b'{"id":"x","name":"n"}', cut=9), "EIO|EBADMSG", "lost|200, but"),
    "204": (dict(status=204), "EBADMSG", "204"),
    "206": (dict(status=206, body={"id": "x"}), "EBADMSG", "206"),
    "304": (dict(status=304), "EBADMSG", "304"),
    "too large": (dict(status=200, body=b'{"id":"x","a":"%s"}' % (b"x" * (5 << 20))), "EFBIG",
                  "large"),
    "endless": (dict(status=200, body=_endless), "EFBIG", "large"),
    "500": (dict(status=500), "EIO", "500 INTERNAL_ERROR"),
    "502": (dict(status=502), "EIO", "502: 502 Bad Gateway"),
    "503": (dict(status=503), "EIO|EBUSY", "503 SERVICE_UNAVAILABLE"),
    "599": (dict(status=599), "EIO", "599"),
    "reset": (dict(reset=True, cut=0), "EIO", "lost"),
    "nothing": (dict(raw=b"", close=True), "EIO", "lost"),
}


@pytest.fixture(scope="module")
def broken(watchdog, tmp_path_factory):
    with (MockApi() as api, Mount(api, tmp_path_factory.mktemp("broken"), watchdog=watchdog,
                                  options={"timeout": TIMEOUT}) as mount):
        mount.expect_stderr("warning: ")
        yield SimpleNamespace(api=api, mount=mount)


@pytest.fixture
def fresh(broken):
    """As if just mounted, and nothing wrong so far."""
    broken.api.clear_faults()
    hang_up(broken.mount)
    broken.api.reset_counters()
    yield broken
    broken.api.clear_faults()


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


@pytest.mark.parametrize("case", ("401", "429", "redirect", "HTML", "deep", "500", "silence"))
def test_a_failing_list_has_its_errno_too(fresh, case):
    fault, expected, _ = FAILURES[case]
    fresh.api.fault("list", **fault)
    assert errno_of(os.listdir, fresh.mount.path / "instances") == expected
    assert errno_of(os.listdir, fresh.mount.path / "by-name") == expected
    assert read_errno(fresh.mount, "tables/instances.tsv") == expected


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


def test_an_interrupted_call_fails_with_eintr(fresh):
    """A process that catches the signal; default signals are tested elsewhere."""
    fresh.api.fault("*", silence=True)
    libc = ctypes.CDLL(None, use_errno=True)
    old = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.siginterrupt(signal.SIGALRM, True)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        started = time.monotonic()
        result = libc.access(os.fsencode(fresh.mount.path / "instances/interrupted/image"), 0)
        number, seconds = ctypes.get_errno(), time.monotonic() - started
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert (result, errno.errorcode[number]) == (-1, "EINTR")
    assert seconds < 0.1 + 0.5


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
    alone.write_text(f'#!/bin/sh\nexec unshare -n {binary()} "$@"\n')
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


def test_a_peer_that_accepts_and_is_silent(mount_factory):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mount = mount_factory(api=f"http://127.0.0.1:{silent.getsockname()[1]}",
                              options={"timeout": 0.5})
        mount.expect_stderr(WARNING)
        started = time.monotonic()
        assert errno_of(os.listdir, mount.path / "instances") == "ETIMEDOUT"
        assert time.monotonic() - started < 0.5 + 0.5


# Stale answers


def _stale(mount_factory, **more):
    return mount_factory(options={"ttl": 0.3, "timeout": 0.5, **more})


@pytest.mark.parametrize("fault", (dict(status=500), dict(status=429), dict(silence=True),
                                   dict(body=HTML), dict(refuse=True)),
                         ids=("500", "429", "silence", "HTML", "refused"))
# semantics: stale-with-its-age
def test_while_the_api_fails_the_last_good_answer_is_shown(api, mount_factory, fault):
    mount = _stale(mount_factory)
    mount.expect_stderr(WARNING)
    mount.expect_stderr("warning: .*(not reachable)")
    names, command = mount.ls("instances"), mount.read(f"instances/{ONE}/ssh_command")
    api.fault("*", **fault)
    time.sleep(0.4)
    for _ in range(3):
        assert mount.ls("instances") == names
        assert mount.read(f"instances/{ONE}/status") == "running\n"
        assert mount.read(f"instances/{ONE}/ssh_command") == command
        time.sleep(0.1)
    status = mount.read(".ppiofs/status")
    assert "state: stale" in status
    age = float(re.search(r"^list: stale, (\d+\.\d) s old", status, re.MULTILINE)[1])
    assert 0.3 <= age < 10
    api.clear_faults()
    api.update(ONE, status={"status": "exited"})
    wait_for(lambda: mount.read(f"instances/{ONE}/status") == "exited\n")
    wait_for(lambda: "state: ok" in mount.read(".ppiofs/status"))


# semantics: stale-with-its-age
def test_no_answer_older_than_max_stale_is_shown(api, mount_factory):
    mount = _stale(mount_factory, max_stale=1)
    mount.expect_stderr(WARNING)
    mount.ls("instances")
    api.fault("*", status=500)
    time.sleep(0.4)
    assert mount.read(f"instances/{ONE}/status") == "running\n"
    time.sleep(1.2)
    assert read_errno(mount, f"instances/{ONE}/status") == "EIO"
    assert errno_of(os.listdir, mount.path / "instances") == "EIO"
    assert "state: failed" in mount.read(".ppiofs/status")


@pytest.mark.parametrize("status", (401, 403))
# semantics: verdicts-are-never-stale
def test_a_refused_key_is_never_hidden_behind_old_answers(api, mount_factory, status):
    mount = _stale(mount_factory)
    mount.expect_stderr(WARNING)
    mount.ls("instances")
    mount.read(f"instances/{ONE}/ssh_command")
    api.fault("*", status=status)
    time.sleep(0.4)
    assert errno_of(os.listdir, mount.path / "instances") == "EACCES"
    assert read_errno(mount, f"instances/{ONE}/status") == "EACCES"
    assert read_errno(mount, f"instances/{ONE}/ssh_command") == "EACCES"
    assert read_errno(mount, f"json/{ONE}.json") == "EACCES"


@pytest.mark.parametrize("gone", (dict(status=404), dict(status=400, body={
    "reason": "RESOURCE_NOT_FOUND"}), dict(body={"id": ONE, "status": {"status": "removed"}})),
    ids=("404", "400", "removed"))
# semantics: verdicts-are-never-stale
def test_a_gone_instance_is_never_hidden_behind_old_answers(api, mount_factory, gone):
    mount = _stale(mount_factory)
    mount.expect_stderr(WARNING)
    assert mount.read(f"instances/{ONE}/status") == "running\n"
    assert "40122" in mount.read(f"instances/{ONE}/ssh_command")
    api.fault("list", status=500)
    api.fault(ONE, **gone)
    time.sleep(0.4)
    assert read_errno(mount, f"instances/{ONE}/status") == "ENOENT"
    assert read_errno(mount, f"instances/{ONE}/ssh_command") == "ENOENT"
    assert ONE not in [line for line in mount.read(".ppiofs/status").splitlines()]


def test_it_heals_without_a_remount(api, mount):
    mount.expect_stderr(WARNING)
    api.fault("*", refuse=True)
    assert errno_of(os.listdir, mount.path / "instances") == "ECONNREFUSED"
    api.clear_faults()
    wait_for(lambda: errno_of(os.listdir, mount.path / "instances") is None, 10)
    assert set(mount.ls("instances")) == set(ALL)
