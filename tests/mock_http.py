# SPDX-License-Identifier: MIT
"""The wire of the mock API: HTTP/1.1 over asyncio, plain and fast, or as badly as a Delivery says.

Knows nothing of instances: a Connection cuts requests out of the stream and hands them to its
server's on_request(), which calls back send() or deliver().
"""
import asyncio
import collections.abc
import dataclasses
import functools
import gzip
import hashlib
import http
import socket
import struct
from typing import Any, Optional

MAX_HEAD = 64 << 10  # a client that sends more than this before its blank line is hung up on
MAX_BODY = 1 << 20  # of a control request
PHRASES = {status.value: status.phrase for status in http.HTTPStatus}


class Headers(collections.abc.Mapping):
    """The headers of a request, parsed when somebody looks; names in any case."""

    def __init__(self, head):
        self._head = head
        self._fields = None

    def _parsed(self):
        if self._fields is None:
            lines = self._head.decode("latin-1").split("\r\n")[1:]
            pairs = (line.partition(":") for line in lines if line)
            self._fields = {name.strip().lower(): value.strip() for name, _, value in pairs}
        return self._fields

    def __getitem__(self, name):
        return self._parsed()[name.lower()]

    def __iter__(self):
        return iter(self._parsed())

    def __len__(self):
        return len(self._parsed())


class Request:
    __slots__ = ("method", "target", "head", "headers", "body", "kind", "id")

    def __init__(self, head, body):
        method, _, rest = head.partition(b" ")
        self.method = method.decode("latin-1")
        self.target = rest.partition(b" ")[0].decode("latin-1")
        self.head = head
        self.headers = Headers(head)
        self.body = body
        self.kind = "other"  # "list" or "get" once the server has looked
        self.id = None


class Answer:
    """Immutable, so that an answer may be kept and sent many times; @body: bytes, or a function
    that returns an iterator of bytes."""

    def __init__(self, status, body, headers=None):
        self.status = status
        self.body = body
        self.headers = dict(headers or {})
        if not self._names("content-type"):
            self.headers["Content-Type"] = "application/json; charset=utf-8"
        self.wire = None if callable(body) else self.head() + body

    def _names(self, *names):
        return any(header.lower() in names for header in self.headers)

    @functools.cached_property
    def etag(self):
        return '"%s"' % hashlib.sha256(self.body).hexdigest()[:16]

    @functools.cached_property
    def tagged(self):
        return Answer(self.status, self.body, {**self.headers, "ETag": self.etag})

    @functools.cached_property
    def zipped(self):
        return Answer(self.status, gzip.compress(self.body, mtime=0),
                      {**self.headers, "Content-Encoding": "gzip"})

    def head(self, chunked=False):
        headers = dict(self.headers)
        if self._names("content-length", "transfer-encoding"):
            pass  # a fault that lies about the length
        elif chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif self.status not in (204, 304):
            headers["Content-Length"] = str(len(self.body))
        lines = [f"HTTP/1.1 {self.status} {PHRASES.get(self.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join(lines + ["", ""]).encode()


@dataclasses.dataclass
class Delivery:
    """How an answer goes out; the fields mean what those of Fault mean."""
    delay: float = 0
    raw: Any = None
    cut: Optional[int] = None
    chunked: bool = False
    dribble: Optional[tuple] = None
    dribble_headers: Optional[tuple] = None
    gate: Optional[asyncio.Future] = None  # not before this is done
    mute: bool = False  # nothing at all, for ever
    end: Optional[str] = None  # None: keep-alive; "close", "reset", "hold" (open, and silent)

    def is_no_answer(self):
        return self.mute or self.raw is not None


def pieces(body, cut):
    """The bytes of @body, at most @cut of them, as they come."""
    left = float("inf") if cut is None else cut
    for piece in body() if callable(body) else (body,):
        if left <= 0:
            return
        yield piece[:left] if left < len(piece) else piece
        left -= len(piece)


class Connection(asyncio.Protocol):
    def __init__(self, server):
        self._server = server
        self._buffer = b""
        self._task = None  # delivers the answer of the one request under way
        self._writable = None  # while the peer does not read: a future for the moment it does
        self.controls = False  # has made a control request
        self.transport = None

    @property
    def busy(self):
        return self._task is not None

    def connection_made(self, transport):
        self.transport = transport
        self._server.on_open(self)

    def connection_lost(self, error):
        if self._task is not None:
            self._task.cancel()
        self._server.on_close(self)

    def data_received(self, data):
        self._buffer = self._buffer + data if self._buffer else data
        if self._task is None:
            self._serve()

    def pause_writing(self):
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self):
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def send(self, answer):
        """The plain way: now, as a whole."""
        self.transport.write(answer.wire)

    def deliver(self, answer, delivery):
        """The other ways; the next request of this connection waits until it is done."""
        self._server.on_started()
        self._task = asyncio.get_running_loop().create_task(self._deliver(answer, delivery))
        self._task.add_done_callback(self._delivered)

    def _delivered(self, task):
        self._task = None
        self._server.on_ended(cancelled=task.cancelled())
        if not task.cancelled():
            task.result()  # a mistake in a test's own body function shows up in the loop's log
            self._serve()

    def _serve(self):
        while self._buffer and self._task is None and not self.transport.is_closing():
            request = self._cut_request()
            if request is None:
                return
            self._server.on_request(self, request)

    def _cut_request(self):
        """The next whole request of the buffer, or None."""
        end = self._buffer.find(b"\r\n\r\n") + 4
        if end < 4:
            if len(self._buffer) > MAX_HEAD:
                self.transport.abort()
            return None
        head, length = self._buffer[:end], 0
        if not head.startswith(b"GET "):
            length = int(Headers(head).get("content-length", 0))
            if length > MAX_BODY:
                self.transport.abort()
            if len(self._buffer) < end + length:
                return None
        body = self._buffer[end:end + length]
        self._buffer = self._buffer[end + length:]
        return Request(head, body)

    async def _deliver(self, answer, how):
        if how.gate is not None:
            await how.gate
        if how.delay:
            await asyncio.sleep(how.delay)
        if how.mute:
            await self._hold()
        if how.raw is not None:
            for piece in pieces(how.raw, how.cut):
                await self._write(piece, how.dribble)
        else:
            await self._deliver_answer(answer, how)
        if how.end == "hold":
            await self._hold()
        elif how.end == "reset":
            self._reset()
        elif how.end == "close":
            self.transport.close()

    async def _deliver_answer(self, answer, how):
        chunked = how.chunked or callable(answer.body)
        await self._write(answer.head(chunked), how.dribble_headers)
        for piece in pieces(answer.body, how.cut):
            if chunked and piece:
                piece = b"%x\r\n%s\r\n" % (len(piece), piece)
            await self._write(piece, how.dribble)
        if chunked and how.cut is None:
            await self._write(b"0\r\n\r\n", None)

    async def _write(self, data, dribble):
        step, pause = dribble or (max(len(data), 1), 0)
        for at in range(0, len(data), step):
            if at and pause:
                await asyncio.sleep(pause)
            self.transport.write(data[at:at + step])
            if self._writable is not None:
                await self._writable
        await asyncio.sleep(pause)  # even 0 lets the others in between the pieces of a stream

    async def _hold(self):
        await asyncio.get_running_loop().create_future()  # until connection_lost() cancels

    def _reset(self):
        linger = struct.pack("ii", 1, 0)
        self.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()
