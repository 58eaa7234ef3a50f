# SPDX-License-Identifier: MIT
"""Promises 12 and 22: whatever an answer is, nobody waits for the work that it makes, memory is
bounded, the errno says what it was, and SIGTERM ends the mount. Each row is sent over real sockets
by a server that sends any bytes at all, with statvfs(2) beside it."""
import functools
import gzip
import itertools
import os
import re
import signal
import threading
import time
import zlib
from typing import Callable, NamedTuple, Optional

import pytest

import mock_kinds
from certificates import Authority
from helpers import errno_of, wait_for
from hostile import Beside, Hostile, chunked, http, page
from mounting import is_sanitized

MIB = 1 << 20
# Promised are 50 ms on a machine that does nothing else.
BESIDE_MOST = 3 if is_sanitized() else 0.2
STOP_MOST = 10 if is_sanitized() else 2
PEAK_MOST = 320 * MIB
TIMEOUT = 10
SMALL = {"id": "small", "name": "small", "status": {"status": "running"}}
MANY = 20_000


# What is sent

@functools.cache
def zipped(times, piece, head=b""):
    """@head and so many times @piece, as gzip."""
    packer = zlib.compressobj(1, wbits=31)
    packed = [packer.compress(head)] + [packer.compress(piece) for _ in range(times)]
    return b"".join(packed) + packer.flush()


@functools.cache
def endless_comment():
    """Two layers of gzip around a third that never comes to its content: a comment of 512 MiB."""
    return gzip.compress(zipped(512, b"x" * MIB, b"\x1f\x8b\x08\x10" + bytes(6)))


def forever(line):
    return itertools.chain([b"HTTP/1.1 200 OK\r\n"], itertools.repeat(line * 64))


def deep(levels, width):
    """An object of @width members, each an object that deep."""
    inner = b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1)
    return b",".join(b'"m%d":%s' % (i, inner) for i in range(width))


def record(members, id="victim"):
    return b'{"id":"%s",%s}' % (id.encode(), members)


def texts(size, count):
    return [{"id": f"i{n}", "image": "\x7f" * size} for n in range(count)]


def plain(count, prefix="i"):
    return [{"id": f"{prefix}{n:06}", "name": f"name{n}", "region": f"r{n % 7}",
             "status": {"status": ("running", "exited")[n % 2]}} for n in range(count)]


def colliding(count):
    """All of them collide in djb2, the hash of g_str_hash()."""
    words = itertools.product(("Ez", "FY"), repeat=17)
    return [{"id": "".join(word), "name": "".join(word)} for word in itertools.islice(words, count)]


def instead_of_one(*answer):
    """The list is fine."""
    def send(target, _):
        return http(page([SMALL])) if is_list(target) else _sent(answer)
    return send


def instead_of_list(*answer):
    return lambda target, _: _sent(answer) if is_list(target) else nothing()


def nothing():
    return http(b"{}", status="404 Not Found")


def _sent(answer):
    what, *headers = answer
    return http(what() if callable(what) else what, *headers)


def raw(pieces):
    """Instead of the answer about one: @pieces() without any head."""
    return lambda target, _: http(page([SMALL])) if is_list(target) else pieces()


def pages(make, count):
    """A list of @count pages; make(n): the items of the nth."""
    @functools.cache
    def body(n):
        return page(make(n), str(n + 1) if n + 1 < count else "")

    def send(target, _):
        if not is_list(target):
            return nothing()
        return http(body(int((re.search(r"cursor=(\d+)", target) or [0, 0])[1])))
    return send


def is_list(target):
    return target.partition("?")[0].endswith("/instances")


# Who looks

def one(mount):
    os.stat(mount.path / "instances/victim")


def all_of_them(mount):
    os.listdir(mount.path / "instances")


def every_view(mount):
    for name in ("instances", "by-name", "by-status/running", "by-region", "json"):
        assert os.listdir(mount.path / name)
    lines = mount.read_bytes("tables/instances.tsv").count(b"\n")
    assert lines == len(os.listdir(mount.path / "instances")) + 1
    os.stat(mount.path / "ssh/config")


def table(mount):
    assert max(map(len, mount.read_bytes("tables/instances.tsv").split(b"\t"))) <= 4096 + 3


def templates(mount):
    assert len(os.listdir(mount.path / "templates")) == 10_000
    assert len(os.listdir(mount.path / "json/templates")) == 10_000


def twice(mount):
    """The second list has others."""
    before = set(os.listdir(mount.path / "instances"))
    mount.signal(signal.SIGHUP)
    wait_for(lambda: set(os.listdir(mount.path / "instances")) != before, TIMEOUT)
    os.listdir(mount.path / "by-name")


def some_polls(_):
    time.sleep(4)


class Row(NamedTuple):
    name: str
    answer: Callable
    gets: str = ""  # the errnos that are right; none: no error
    look: Callable = one
    peak: Optional[int] = PEAK_MOST
    options: dict = {}
    tickets: int = 2
    says: str = ""  # in the log
    thorough: bool = False
    beside: float = BESIDE_MOST


GZIP = "Content-Encoding: gzip"
THRICE = "gzip, gzip, gzip"
BLANKS = functools.partial(zipped, 1024, b" " * MIB)  # with which even JSON may begin
LONG = {"timeout": 100}
LISTS = [
    Row("list of 1 GiB, chunked", instead_of_list(
        lambda: chunked([b"x" * MIB] * 1024), "Transfer-Encoding: chunked"), "EFBIG", all_of_them),
    Row("list of 1 GiB of blanks, gzip", instead_of_list(BLANKS, GZIP), "EFBIG", all_of_them,
        thorough=True),
    Row("list of 10 million [", instead_of_list(b"[" * 10_000_000), "EBADMSG", all_of_them),
    Row("list: a page of HTML, 31 MiB", lambda *_: http(
        b"<html>" + b"<script " * (31 * MIB // 8), status="500 No"), "EIO", all_of_them,
        thorough=True),
    Row("list: one item of 10 MB", instead_of_list(lambda: page([SMALL, *texts(10**7, 1)])), "",
        all_of_them, says="1 of 2 items left out: it is larger than 4 MiB"),
    Row("list: one item of 28 MB", instead_of_list(lambda: page(
        [SMALL, {"id": "x", "image": "x" * 28_000_000}])), "", all_of_them, thorough=True),
    Row("list: a million directories, 11 MB", instead_of_list(lambda: page(
        [SMALL, record(b'"a":[%s{}]' % (b'{"a":{}},' * 1_000_000))])), "", all_of_them),
    Row("list: 4 pages of 4 x 990,000 {}", pages(lambda n: [
        record(b'"a":[%s{}]' % (b"{}," * 990_000), f"{n}-{i}") for i in range(4)], 4), "",
        all_of_them),
    Row("list: 2 pages of 8 x 3.9 MB", pages(lambda n: [
        {"id": f"{n}-{i}", "image": "x" * 3_900_000} for i in range(8)], 2), "", all_of_them,
        options=LONG, thorough=True),
    Row("list: 30 pages of 20 x 19,900 {}", pages(lambda n: [
        record(b'"a":[%s{}]' % (b"{}," * 19_900), f"{n}-{i}") for i in range(20)], 30), "EFBIG",
        all_of_them, options=LONG, thorough=True),
    Row("list: endless pages", pages(lambda n: [{"id": f"i{n}"}], 10**9), "EFBIG", all_of_them,
        options=LONG, thorough=True),
    Row("list: ids that collide", lambda target, n: http(page(colliding(MANY)[n % 2:])), "", twice),
    Row("list: images of 8 x 3 MB of 0x7f", instead_of_list(lambda: page(texts(500_000, 8))), "",
        table),
    Row("list: 40,000 in a page of 31 MiB", pages(lambda _: [
        {**item, "name": "n" * 100, "note": "x" * 500} for item in plain(40_000)], 1), "",
        all_of_them, options=LONG, thorough=True),
    Row("list: views of many", pages(lambda n: plain(MANY), 1), "", every_view,
        beside=BESIDE_MOST / 4),  # in one go each takes 60 ms, and five times that of 100,000
    Row("list: others in place of many", lambda target, n: http(page(plain(MANY, f"{n}-"))), "",
        twice),
    Row("list: 10,000 templates", lambda target, _: http(page(mock_kinds.templates(10_000)))
        if "/templates?" in target else nothing(), "", templates),
    Row("list: a million leaves that change", lambda target, n: http(page(
        [record(b'"n":%d,"a":{%s}' % (n, b",".join(
            b'"%d":%d' % (i, n) for i in range(18_000))), f"i{k}") for k in range(11)])), "",
        some_polls, options={"watch": 1}),
]
DETAILS = [
    Row("gzip x 3 as content, an endless comment", instead_of_one(
        endless_comment, f"Content-Encoding: {THRICE}"), "EBADMSG"),
    Row("the same in three lines", instead_of_one(endless_comment, GZIP, GZIP, GZIP), "EBADMSG"),
    Row("gzip x 3 as transfer, an endless comment", instead_of_one(
        lambda: chunked([endless_comment()]), f"Transfer-Encoding: {THRICE}, chunked"),
        "EBADMSG EPROTO"),
    Row("gzip of gzip", instead_of_one(lambda: gzip.compress(gzip.compress(b"{}")), GZIP),
        "EBADMSG"),
    Row("not gzip at all", instead_of_one(b"{}", GZIP), "EBADMSG"),
    Row("session tickets without end", instead_of_one(record(b'"a":1')), "ETIMEDOUT EPROTO EIO",
        options={"timeout": 3}, tickets=500_000),
    Row("endless headers", raw(lambda: forever(b"X: 1\r\n")), "EFBIG"),
    Row("an endless header", raw(lambda: forever(b"x" * 64)), "EFBIG"),
    Row("endless 1xx", raw(lambda: itertools.repeat(b"HTTP/1.1 103 Wait\r\n\r\n" * 64)),
        "EFBIG EPROTO ETIMEDOUT EIO", options={"timeout": 3}),
    Row("says it is 2^62", raw(lambda: http([], f"Content-Length: {1 << 62}")), "EFBIG"),
    Row("says it is 2^80", raw(lambda: http([], f"Content-Length: {1 << 80}")), "EFBIG EPROTO EIO"),
    Row("1 GiB, chunked", instead_of_one(
        lambda: chunked([b"x" * MIB] * 1024), "Transfer-Encoding: chunked"), "EFBIG"),
    Row("1 GiB of blanks, gzip", instead_of_one(BLANKS, GZIP), "EFBIG"),
    Row("3 million [", instead_of_one(b"[" * 3_000_000), "EBADMSG"),
    Row("3 MB of [],", instead_of_one(b"[" + b"[]," * 1_000_000 + b"[]]"), "EBADMSG EFBIG"),
    Row("380,000 members", instead_of_one(lambda: record(b",".join(
        b'"m%d":1' % i for i in range(380_000)))), "EFBIG"),
    Row("386,000 directories, 61 deep", instead_of_one(lambda: record(deep(61, 6300))), "EFBIG"),
    Row("20,000 directories, 61 deep", instead_of_one(lambda: record(deep(61, 320)))),
    Row("one text of 4 MB", instead_of_one(lambda: record(b'"a":"%s"' % (b"x" * 4_190_000)))),
]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("authority"))
    return authority, authority.issue("localhost")


def _peak(mount):
    with open(f"/proc/{mount.pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1]) << 10


def _stops_while_it_is_asked(mount, look):
    """SIGTERM in the middle of the same again."""
    reader = threading.Thread(target=errno_of, args=(look, mount), daemon=True)
    mount.signal(signal.SIGHUP)
    reader.start()
    time.sleep(0.3)
    mount.signal(signal.SIGTERM)
    mount.wait_exit(STOP_MOST)
    reader.join(STOP_MOST)


def _serve(row, troubled, certificate, tls):
    authority, pem = certificate
    server = Hostile(row.answer, pem if tls else None, row.tickets)
    options = {"timeout": TIMEOUT, "ttl": 300, "log": "info", **row.options}
    if tls:
        options["cacert"] = authority.certificate
    return server, lambda: troubled(api=server, options=options)


# What stands in a list comes the same way as what stands in a detail.
CASES = [pytest.param(row, scheme, marks=[pytest.mark.thorough] if row.thorough else [])
         for rows, schemes in ((DETAILS, ("http", "https")), (LISTS, ("http",)))
         for row in rows for scheme in schemes if row.tickets == 2 or scheme == "https"]


@pytest.mark.slow(150)
@pytest.mark.parametrize("row, scheme", CASES, ids=lambda of: getattr(of, "name", of))
def test_no_answer_stops_the_loop(row, scheme, troubled, certificate, report):
    server, make = _serve(row, troubled, certificate, scheme == "https")
    with server:
        mount = make()
        with Beside(mount) as beside:
            started = time.monotonic()
            met = errno_of(row.look, mount)
            seconds = time.monotonic() - started
        peak = _peak(mount)
        report("work: seconds, the slowest statvfs meanwhile, peak memory",
               f"{row.name:42} {scheme:5} {met or 'fine':9} {seconds:5.2f} s "
               f"{beside.slowest * 1e3:5.0f} ms {peak / MIB:6.1f} MiB")
        assert met in (row.gets.split() or [None])
        assert beside.slowest < row.beside
        assert is_sanitized() or peak <= row.peak
        assert not met or "GET " in mount.read(".ppiofs/last_error")
        assert row.says in mount.stderr()
        _stops_while_it_is_asked(mount, row.look)


def test_what_comes_behind_an_answer_answers_nobody(troubled):
    """A second 200, sent right behind the first, or a little later."""
    def send(target, n):
        if is_list(target):
            yield from http(page([SMALL]))
            return
        name = target.rpartition("/")[2]
        yield from http(record(b'"number":%d' % n, name))
        time.sleep(0.02 * (n % 2))
        yield from http(record(b'"number":-1', f"other{n}"))
    with Hostile(send) as server:
        mount = troubled(server, options={"ttl": 300})
        for n in range(20):
            assert int(mount.read(f"instances/x{n}/number")) > 0
            time.sleep(0.02)


def test_details_that_fail_in_turns_make_few_lines(troubled):
    """Each with other words."""
    def send(target, n):
        if is_list(target):
            return http(page(plain(400)))
        return http(b'{"message":"reason %d"}' % n, status="500 No") if n % 2 else http(
            record(b'"a":1', target.rpartition("/")[2]))
    with Hostile(send) as server:
        mount = troubled(server, options={"ttl": 300, "timeout": 1, "log": "info"})
        started = time.monotonic()
        for item in plain(400):
            errno_of(os.stat, mount.path / "instances" / item["id"] / "tools")
        minutes = 1 + (time.monotonic() - started) // 60
        lines = [line for line in mount.stderr().splitlines() if "warning:" in line]
        assert len(server.requests) > 400 and len(lines) <= 20 * minutes, lines[-3:]


@pytest.mark.parametrize("held", (10, pytest.param(10_000, marks=pytest.mark.thorough)))
def test_hanging_up_again_and_again_costs_no_memory(held, troubled):
    """24,000 SIGHUPs in a few seconds, with so many directories held by the kernel."""
    with Hostile(lambda *_: http(page(plain(held)))) as server:
        mount = troubled(server, options={"ttl": 300})
        for entry in os.scandir(mount.path / "instances"):
            entry.stat()
        before = _peak(mount)
        with Beside(mount) as beside:
            for _ in range(24_000):
                mount.signal(signal.SIGHUP)
                if not _ % 50:
                    time.sleep(0.005)
        assert beside.slowest < BESIDE_MOST
        assert is_sanitized() or _peak(mount) - before < 8 * MIB
