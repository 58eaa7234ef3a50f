# SPDX-License-Identifier: MIT
"""A server that sends whatever a test says, byte for byte, over HTTP or HTTPS; and who looks at the
file system beside it all the time."""
import contextlib
import ssl
import subprocess
import sys

from certificates import Front
from mock_faults import to_json

HEAD_MOST = 64 << 10


def http(body=b"", *headers, status="200 OK"):
    """An answer. @body: bytes, or an iterable of them, which are sent until the client hangs up."""
    whole = isinstance(body, bytes)
    lines = [f"HTTP/1.1 {status}", *headers, *([f"Content-Length: {len(body)}"] if whole else [])]
    yield "\r\n".join([*lines, "", ""]).encode()
    yield from [body] if whole else body


def chunked(pieces):
    for piece in pieces:
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def page(items, cursor=""):
    """@items: what to_json() takes, or bytes as they stand."""
    joined = b",".join(i if isinstance(i, bytes) else to_json(i) for i in items)
    return b'{"data":[%s],"next_cursor":"%s","has_more":%s}' % (
        joined, cursor.encode(), b"true" if cursor else b"false")


class Hostile(Front):
    """answer(target, n) is asked for what to send for the nth request: an iterable of bytes, or
    None: nothing at all, and the connection is closed. @tls: a PEM file with key and certificate;
    @tickets: how many session tickets it sends unasked."""

    def __init__(self, answer, tls=None, tickets=2):
        super().__init__()
        self.url = f"{'https' if tls else 'http'}://localhost:{self.port}" if tls else (
            f"http://127.0.0.1:{self.port}")
        self.requests = []
        self._answer = answer
        self._context = None
        if tls:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(tls)
            self._context.num_tickets = tickets
            self._context.set_alpn_protocols(["h2", "http/1.1"])

    def serve(self, peer):
        with contextlib.ExitStack() as stack:
            if self._context:
                peer = stack.enter_context(self._context.wrap_socket(peer, server_side=True))
                assert peer.selected_alpn_protocol() != "h2"  # whose frames may come in floods
            while target := self._next_request(peer):
                self.requests.append(target)
                for piece in self._answer(target, len(self.requests)) or [None]:
                    if piece is None:
                        return
                    peer.sendall(piece)

    @staticmethod
    def _next_request(peer):
        head = b""
        while b"\r\n\r\n" not in head:
            more = peer.recv(HEAD_MOST)
            if not more or len(head) > HEAD_MOST:
                return None
            head += more
        return head.split(b" ", 2)[1].decode()


# What a busy machine adds is known: how long the daemon and this process stood in the run queue.
BESIDE = """
import os, select, sys, time
def stood():
    return sum(int(open(f"/proc/{who}/schedstat").read().split()[1])
               for who in ("self", sys.argv[2])) / 1e9
slowest = 0
print(flush=True)
while not select.select([0], [], [], 0.001)[0]:
    queued, started = stood(), time.monotonic()
    os.statvfs(sys.argv[1])
    slowest = max(slowest, time.monotonic() - started - (stood() - queued))
print(slowest)
"""


class Beside:
    """A process that asks for statvfs(2) all the time: in one of its own, which the interpreter
    lock of the server does not keep. @slowest: seconds, at the end of the block."""

    def __init__(self, mount):
        self.slowest = None
        self._words = [sys.executable, "-c", BESIDE, mount.path, str(mount.pid)]

    def __enter__(self):
        self._process = subprocess.Popen(self._words, stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)
        self._process.stdout.readline()  # it has begun
        return self

    def __exit__(self, *_):
        out, _ = self._process.communicate(timeout=30)
        self.slowest = float(out)
