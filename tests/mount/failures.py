# SPDX-License-Identifier: MIT
"""What an API, or what stands in its place, does instead of answering; and what comes of it."""
import contextlib
from types import SimpleNamespace

import pytest
from helpers import ONE, hang_up, wait_for
from mock_api import MockApi
from mounting import Mount

TIMEOUT = 0.8
# What takes its time on a busy machine, and must not end by the clock.
LARGE, LARGE_TIMEOUT = ("too large", "endless"), 30
DEPTH_MOST = 64
HTML = b"<html><head><title>Welcome</title></head><body>captive portal</body></html>"
MIB = b" " * (1 << 20)


def deep(levels):
    """An instance called x with so many levels, itself among them."""
    return b'{"id":"x","a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


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
    "silence": (dict(silence=True), "ETIMEDOUT", "deadline|did not respond"),
    "half an answer": (dict(status=200, body=b'{"id":"x"}', cut=4, silence=True), "ETIMEDOUT",
                       "deadline|did not respond"),
    "429": (dict(status=429), "EBUSY", "429 RATE_LIMIT_EXCEEDED"),
    "429 with a time": (dict(retry_after=4), "EBUSY", "429 .*wait for 4 s"),
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
    "NaN": (dict(status=200, body=b'{"id":"x","a":NaN}'), "EBADMSG", "200, but"),
    "leading zero": (dict(status=200, body=b'{"id":"x","a":01}'), "EBADMSG", "200, but"),
    "two answers": (dict(status=200, body=b'{"id":"x"}\n{"id":"x"}'), "EBADMSG", "200, but"),
    "only spaces": (dict(status=200, body=b" \n\t "), "EBADMSG", "200, but"),
    "UTF-16": (dict(status=200, body='{"id":"x"}'.encode("utf-16")), "EBADMSG", "200, but"),
    "deep": (dict(status=200, body=deep(10_000)), "EBADMSG", "200, but.*deep|nest"),
    "one level too deep": (dict(status=200, body=deep(DEPTH_MOST + 1)), "EBADMSG",
                           "200, but.*deep|nest"),
    "another id": (dict(status=200, body={"id": "other"}), "EBADMSG", "200, but"),
    "no id": (dict(status=200, body={"name": "x"}), "EBADMSG", "200, but"),
    "cut, of unknown length": (dict(raw=b'HTTP/1.1 200 OK\r\n\r\n{"id":"x","name":"n'), "EBADMSG",
                               "200, but"),
    "cut": (dict(status=200, body=b'{"id":"x","name":"n"}', cut=9), "EIO|EBADMSG", "lost|200, but"),
    "shorter than it says": (dict(status=200, body=b'{"id":"x"}', headers={"Content-Length": "99"},
                                  close=True), "EIO", "lost"),
    "shorter, and open": (dict(status=200, body=b'{"id":"x"}', headers={"Content-Length": "99"}),
                          "ETIMEDOUT", "deadline|did not respond"),
    # In a connection that stays, what is too much would come for the next answer.
    "longer than it says": (dict(status=200, body=b'{"id":"x"}', headers={
        "Content-Length": "5", "Connection": "close"}), "EBADMSG", "200, but"),
    "nothing, it says": (dict(status=200, body=b'{"id":"x"}', headers={
        "Content-Length": "0", "Connection": "close"}), "EBADMSG", "200, but"),
    "length is no number": (dict(status=200, body=b'{"id":"x"}', headers={
        "Content-Length": "ten"}), "EPROTO", "HTTP"),
    "less than nothing": (dict(status=200, body=b'{"id":"x"}', headers={"Content-Length": "-1"}),
                          "EPROTO", "HTTP"),
    "204": (dict(status=204), "EBADMSG", "204"),
    "204 with a body": (dict(raw=b'HTTP/1.1 204 None\r\nContent-Length: 10\r\n'
                                 b'Connection: close\r\n\r\n{"id":"x"}'),
                        "EBADMSG", "204"),
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

# There is no list that is not there; and a single instance is no list, however large a page may be.
OF_A_LIST = {"404": "EIO", "400 not found": "EIO", "HTML 404": "EIO",
             **dict.fromkeys(("toRemove", "removing", "removed"), "EBADMSG")}


@pytest.fixture(scope="module")
def broken_ones(watchdog, tmp_path_factory):
    """One that ends soon, and one with time."""
    with contextlib.ExitStack() as stack:
        def make(timeout):
            api = stack.enter_context(MockApi())
            mount = stack.enter_context(Mount(api, tmp_path_factory.mktemp("broken"),
                                              watchdog=watchdog, options={"timeout": timeout}))
            mount.expect_stderr("warning: ")
            return SimpleNamespace(api=api, mount=mount)
        yield make(TIMEOUT), make(LARGE_TIMEOUT)


@pytest.fixture
def fresh(request, broken_ones):
    """As if just mounted, and nothing wrong so far."""
    case = getattr(request.node, "callspec", None) and request.node.callspec.params.get("case")
    broken = broken_ones[case in LARGE]
    broken.api.clear_faults()
    hang_up(broken.mount)
    broken.api.reset_counters()
    yield broken
    broken.api.clear_faults()
    hang_up(broken.mount)
    wait_for(lambda: "paused" not in broken.mount.read(".ppiofs/status"), 10)
    assert broken.mount.read(f"instances/{ONE}/status") == "running\n", "it serves on"
