# SPDX-License-Identifier: MIT
"""No byte of the API reaches a terminal raw, but as the content of a file: not in a name, a link, a
table, a log line or an error."""
import json
import os
import re
import unicodedata

import mock_fleet
import pytest
from certificates import Front
from helpers import ONE, by_id, errno_of, hang_up, list_body, module_mount, wait_for

CONTROLS = [c for c in map(chr, range(0x110000))
            if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
ALL_CONTROLS = "".join(CONTROLS[1:])  # NUL comes as U+FFFD
HOSTILE = ("\x1b]0;owned\x07", "\x1b[2J\x1b[31m", "a\nb", "a\rb", "\u202egnp.exe", "\x9b31m",
           "\u2066x\u2069", "\x7f", "\x08\x08", ALL_CONTROLS)
RAW = re.compile(rf"[{re.escape(''.join(set(CONTROLS) - {chr(10)}))}]|\n(?=.)", re.DOTALL)


def raw_in(data, allow=""):
    """What of @data a terminal would act on, or that is no UTF-8."""
    text = os.fsencode(data).decode() if isinstance(data, str) else data.decode()
    return [hex(ord(c)) for c in RAW.findall(text) if c not in allow]


def hostile_fleet():
    records = []
    for n, text in enumerate(HOSTILE):
        record = mock_fleet.make(f"id{n}{text}", text, region=text, type=text, image=text,
                                 product_id=text, envs=[{"key": text, "value": text}],
                                 ports=[{"port": text, "protocol": text}])
        record["status"] = {"status": "running" if n % 2 else text, text: text, "error": text}
        record["billing"] = {"mode": text}
        record["tools"] = {"ssh": {"command": f"ssh -p 22 root@{text}", "password": text}}
        record[text] = {text: [{text: text}, [text]]}
        records.append(record)
    return by_id(*records)


hostile = module_mount(hostile_fleet)


def test_no_name_and_no_link_has_a_raw_byte(hostile):
    places = 0
    for directory, directories, files in os.walk(hostile.mount.path):
        for name in directories + files:
            place = os.path.join(directory, name)
            assert not raw_in(name), place
            if os.path.islink(place):
                assert not raw_in(os.readlink(place)), place
            os.lstat(place)
            places += 1
    assert places > 30 * len(HOSTILE)


def test_contents_are_exact_all_the_same(hostile):
    """What is escaped is the name, never the value."""
    values = {hostile.mount.read_bytes(f"instances/{id}/image").decode().removesuffix("\n")
              for id in hostile.mount.ls("instances")}
    assert values == set(HOSTILE)


@pytest.mark.parametrize("name", ("tables/instances.tsv", "ssh/config", ".ppiofs/status",
                                  ".ppiofs/config", ".ppiofs/last_error"))
def test_what_is_made_from_the_answers_has_no_raw_byte(hostile, name):
    hostile.mount.ls("instances")
    lines = hostile.mount.read_bytes(name).splitlines()
    for line in lines:
        assert not raw_in(line, allow="\t" if name.endswith("tsv") else ""), line
    if name == "tables/instances.tsv":
        assert len(lines) == 1 + len(HOSTILE)
    assert name != "ssh/config" or not [line for line in lines if line.startswith(b"Host ")]


def test_changes_log_has_no_raw_byte(api, mount_factory):
    mount = mount_factory(options={"watch": 1})
    mount.ls("instances")
    for id, record in hostile_fleet().items():
        api.add(record)
    api.update(ONE, **{"image": ALL_CONTROLS, ALL_CONTROLS: ALL_CONTROLS, "volumes": list(HOSTILE)})
    wait_for(lambda: len(mount.read_bytes("changes.log").splitlines()) >= len(HOSTILE) + 2)
    data = mount.read_bytes("changes.log")
    assert b"\\x1b" in data
    for line in data.splitlines():
        assert not raw_in(line, allow="\t"), line
        assert line.count(b"\t") == 4, line


def quote(text):
    return json.dumps(text)[1:-1]


WORDS = f"hostile {ALL_CONTROLS} words"
ESCAPED = quote(WORDS).encode()
BODIES = {
    "message": b'{"code":500,"reason":"X","message":"%s"}' % ESCAPED,
    "reason": b'{"code":500,"reason":"%s","message":"m"}' % ESCAPED,
    "error": b'{"error":"%s"}' % ESCAPED,
    "a string": b'"%s"' % ESCAPED,
    "some string": b'{"%s":"%s"}' % (ESCAPED, ESCAPED),
    "a name twice": b'{"%s":1,"%s":1}' % (ESCAPED, ESCAPED),
    "plain": b"hostile " + bytes(range(256)) + b" words",
    "plain, UTF-8": WORDS.encode(),
    "cut in a character": b"hostile \xe2\x80",
    "page": b"<title>" + WORDS.encode() + b"\xff\xfe</title>",
    "page without a title": b"<p>" + bytes(range(256)),
    "another id": b'{"id":"%s"}' % ESCAPED,
    "an item without an id": list_body(b'{"id":{"%s":1},"name":"%s"}' % (ESCAPED, ESCAPED)),
    "ids twice": list_body(b'{"id":"%s"}' % ESCAPED, b'{"id":"%s"}' % ESCAPED),
    "a cursor that turns": b'{"data":[],"next_cursor":"%s","has_more":true}' % ESCAPED,
    "no list": b'{"data":"%s"}' % ESCAPED,
    "binary": bytes(range(256)) * 8,
}


def check_told(mount):
    for line in (mount.tmp_path / "stderr").read_bytes().splitlines():
        assert not raw_in(line), line
    for name in ("last_error", "status"):
        for line in mount.read_bytes(f".ppiofs/{name}").splitlines():
            assert not raw_in(line), (name, line)


@pytest.mark.parametrize("status", (200, 404, 500))
def test_hostile_bodies_are_escaped_in_logs_and_errors(api, mount_factory, status):
    mount, seen = mount_factory(options={"ttl": 0, "detail_ttl": 0, "negative_ttl": 0,
                                         "timeout": 0.1}), ""
    mount.expect_stderr(".")
    headers = {"ETag": "\x1b[31m", "Retry-After": "\x1b[2J", "Location": "\x1b[2J",
               "Content-Type": "text/\x1b[31m"}
    for body in BODIES.values():
        fault = api.fault("*", status=status, body=body, headers=headers)
        hang_up(mount)
        errno_of(mount.ls, "instances")
        errno_of(mount.read, f"instances/{ONE}/ssh_command")
        assert fault.hits > 0
        seen += mount.read(".ppiofs/last_error")
        check_told(mount)
        api.clear_faults()
    assert r"hostile \x01\x02" in seen  # else it would prove nothing


RAW_ANSWERS = {
    "status line": b"HTTP/1.1 500 \x1b[31mred\r\nContent-Length: 0\r\n\r\n",
    "no HTTP": b"\x1b]0;owned\x07\r\n\r\n",
    "a header name": b"HTTP/1.1 500 x\r\n\x1b[31m: y\r\nContent-Length: 0\r\n\r\n",
    "a redirect": b"HTTP/1.1 302 x\r\nLocation: http://\x1b[31m/\r\nContent-Length: 0\r\n\r\n",
    "an encoding": b"HTTP/1.1 200 x\r\nContent-Encoding: \x1b[31m\r\nContent-Length: 2\r\n\r\n{}",
    "a transfer encoding": b"HTTP/1.1 200 x\r\nTransfer-Encoding: \x1b[31m\r\n\r\n{}",
    "a chunk": b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n\x1b[31m\r\n",
    "a length": b"HTTP/1.1 200 x\r\nContent-Length: \x1b[31m\r\n\r\n{}",
}


@pytest.mark.parametrize("case", RAW_ANSWERS)
def test_hostile_HTTP_is_escaped_in_logs_and_errors(api, mount_factory, case):
    mount = mount_factory(options={"timeout": 0.3})
    mount.expect_stderr(".")
    fault = api.fault("*", raw=RAW_ANSWERS[case])
    assert errno_of(mount.ls, "instances") is not None and fault.hits > 0
    assert mount.read(".ppiofs/last_error") != ""
    check_told(mount)


class RudeProxy(Front):
    """Answers CONNECT with what a terminal would act on."""

    def serve(self, peer):
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 503 \x1b[31mred\x9b\r\nX: \x1b]0;owned\x07\r\n\r\n")


def test_a_hostile_proxy_is_escaped_in_logs_and_errors(mount_factory):
    with RudeProxy() as proxy:
        mount = mount_factory(api="https://api.example.invalid", options={
            "proxy": f"http://127.0.0.1:{proxy.port}", "timeout": 0.5})
        mount.expect_stderr(".")
        assert errno_of(mount.ls, "instances") is not None and proxy.connections > 0
        assert mount.read(".ppiofs/last_error") != ""
        check_told(mount)


@pytest.mark.parametrize("name", (b"\x1b[31m", "\u202ex".encode(), b"\xff\xfe", b"a\nb"))
def test_what_a_user_looks_up_is_escaped_too(api, mount_factory, name):
    """Another user may have chosen the name that root's shell completes."""
    mount = mount_factory(options={"negative_ttl": 0})
    mount.expect_stderr(".")
    place = os.fsencode(mount.path / "instances") + b"/" + name
    for status in (404, 500):
        api.fault("*", status=status)
        errno_of(os.lstat, place)
    check_told(mount)
