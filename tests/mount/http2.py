# SPDX-License-Identifier: MIT
"""A server of HTTP/2 over TLS, with as much of it as a test needs."""
import ssl
import struct

from certificates import Front

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
ACK = END_STREAM = 1
END_HEADERS = 4
STATUS_200 = b"\x88"  # HPACK: the entry of the static table
CONTENT_LENGTH = b"\x0f\x0d"  # a literal value for the name in the static table
NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM = 0, 2, 7


class Http2Front(Front):
    """Answers every request with @body. But the first meet what @script says, one after the other:
    functions of (this, peer, stream); what they return: whether the connection goes on."""

    def __init__(self, certificate, body, script=()):
        super().__init__()
        self.url = f"https://localhost:{self.port}"
        self.requests = 0
        self._body = body
        self._script = list(script)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._context.set_alpn_protocols(["h2"])

    def serve(self, peer):
        with self._context.wrap_socket(peer, server_side=True) as safe:
            self._sockets.append(safe)
            stream = safe.makefile("rb")
            if stream.read(len(PREFACE)) != PREFACE:
                raise ValueError("not HTTP/2")
            self.send(safe, SETTINGS)
            while self._serve_frame(safe, stream):
                pass

    def _serve_frame(self, peer, stream):
        head = stream.read(9)
        if len(head) < 9:
            return False
        high, low, kind, flags, number = struct.unpack(">BHBBI", head)
        payload = stream.read(high << 16 | low)
        if kind in (SETTINGS, PING) and not flags & ACK:
            self.send(peer, kind, ACK, payload=payload if kind == PING else b"")
        elif kind == HEADERS:
            self.requests += 1
            meet = self._script.pop(0) if self._script else Http2Front.answer
            return meet(self, peer, number)
        return kind != GOAWAY

    @staticmethod
    def send(peer, kind, flags=0, stream=0, payload=b""):
        peer.sendall(struct.pack(">BHBBI", len(payload) >> 16, len(payload) & 0xffff, kind, flags,
                                 stream) + payload)

    # What a request may meet

    def answer(self, peer, stream, part=None):
        length = b"%d" % len(self._body)
        self.send(peer, HEADERS, END_HEADERS, stream,
                  STATUS_200 + CONTENT_LENGTH + bytes([len(length)]) + length)
        self.send(peer, DATA, END_STREAM if part is None else 0, stream, self._body[:part])
        return True

    def half_an_answer(self, peer, stream):
        self.answer(peer, stream, len(self._body) // 2)
        return False

    def go_away(self, peer, _stream):
        """Nothing was done for this request: it may be sent again elsewhere."""
        self.send(peer, GOAWAY, payload=struct.pack(">II", 0, NO_ERROR))
        return False

    def answer_and_go_away(self, peer, stream):
        self.answer(peer, stream)
        self.send(peer, GOAWAY, payload=struct.pack(">II", stream, NO_ERROR))
        return False

    def refuse_stream(self, peer, stream):
        self.send(peer, RST_STREAM, stream=stream, payload=struct.pack(">I", REFUSED_STREAM))
        return True

    def break_stream(self, peer, stream):
        self.send(peer, RST_STREAM, stream=stream, payload=struct.pack(">I", INTERNAL_ERROR))
        return True

    def speak_nonsense(self, peer, stream):
        self.send(peer, DATA, 0xff, stream + 1, b"\xff" * 99)
        return False
