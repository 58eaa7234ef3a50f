# SPDX-License-Identifier: MIT
"""Faults as data: what the mock API does to an answer, and to which requests.

A fault meets a request by @match: "list", "get", "other", "*", the id of one instance (its GET), or
a function of the Request. With times=K it is used up after K requests, else it stays until it is
cleared. Of several, the counted ones go first, in the order in which they were added; then the
lasting one that was added last.
"""
import base64
import dataclasses
import json
from typing import Any, Optional

from mock_http import Answer, Delivery

REASONS = {
    400: "INVALID_ARGUMENT", 401: "INVALID_USER_TOKEN", 403: "PERMISSION_DENIED",
    404: "RESOURCE_NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 429: "RATE_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR", 503: "SERVICE_UNAVAILABLE",
}
GATEWAY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>\n"
NO_BODY = (204, 304)


def to_json(value):
    """As the API writes it: compact, UTF-8 unescaped (a lone surrogate stays an escape)."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def error_answer(status, message=None):
    """The answer with which the API reports @status."""
    if status in NO_BODY:
        return Answer(status, b"")
    if status == 502:
        return Answer(status, GATEWAY_PAGE, {"Content-Type": "text/html"})
    reason = REASONS.get(status, "UNKNOWN")
    return Answer(status, to_json({
        "code": status, "reason": reason, "message": message or reason.lower().replace("_", " "),
        "metadata": {}}))


@dataclasses.dataclass(eq=False)
class Fault:
    match: Any
    status: Optional[int] = None  # with the API's own error body, unless @body says otherwise
    body: Any = None  # bytes, str, something for JSON, or a function that returns an iterator
    #                   of bytes: sent chunked, without end if it has none
    headers: Optional[dict] = None  # added to, or instead of, the usual ones
    retry_after: Any = None  # seconds or an HTTP date; the status is then 429, unless given
    raw: Any = None  # sent instead of the whole answer, head and all; bytes or as @body
    delay: float = 0  # seconds before the first byte
    dribble: Optional[tuple] = None  # (bytes, seconds): the body goes out in such pieces
    dribble_headers: Optional[tuple] = None  # the same for the head
    chunked: bool = False  # Transfer-Encoding: chunked
    cut: Optional[int] = None  # so many bytes of the body, then the end, whatever was promised
    silence: bool = False  # never answers; with @cut or @raw: those bytes, then never more
    close: bool = False  # closes after a whole answer without having said so
    reset: bool = False  # the end, of whatever was sent, is a TCP reset
    refuse: bool = False  # at once, for all: nobody listens and every connection is closed
    seconds: Optional[float] = None  # clears itself so long after it was added
    times: Optional[int] = None
    hits: int = 0

    @classmethod
    def from_json(cls, fields):
        """From the body of POST /_mock/fault; body_base64 and raw_base64 carry any bytes."""
        for name in ("body", "raw"):
            if name + "_base64" in fields:
                fields[name] = base64.b64decode(fields.pop(name + "_base64"))
        if isinstance(fields.get("raw"), str):
            fields["raw"] = fields["raw"].encode()
        return cls(**fields)

    def meets(self, request):
        if callable(self.match):
            return bool(self.match(request))
        return self.match in ("*", request.kind) or (
            request.id is not None and self.match == request.id)

    def apply(self, answer):
        """What is answered instead of @answer."""
        status = self.status or (429 if self.retry_after is not None else None)
        if status and status != answer.status:
            answer = error_answer(status)
        body = answer.body if self.body is None else self.body
        if isinstance(body, str):
            body = body.encode()
        elif not isinstance(body, bytes) and not callable(body):
            body = to_json(body)
        headers = dict(self.headers or {})
        given = {name.lower() for name in headers}
        headers.update((k, v) for k, v in answer.headers.items() if k.lower() not in given)
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        return Answer(answer.status, body, headers)

    def delivery(self, latency):
        end = "reset" if self.reset else "hold" if self.silence else "close"
        whole = self.cut is None and self.raw is None and not self.silence
        return Delivery(
            delay=latency + self.delay, raw=self.raw, cut=self.cut, chunked=self.chunked,
            dribble=self.dribble, dribble_headers=self.dribble_headers,
            mute=self.silence and self.cut is None and self.raw is None,
            end=None if whole and not (self.close or self.reset) else end)


class FaultPlan:
    """The faults that wait for their requests."""

    def __init__(self):
        self._counted = []
        self._lasting = []

    def __bool__(self):
        return bool(self._counted or self._lasting)

    def __len__(self):
        return len(self._counted) + len(self._lasting)

    def refuses(self):
        return any(fault.refuse for fault in self._lasting)

    def add(self, fault):
        if fault.times is None:
            self._lasting.insert(0, fault)
        else:
            self._counted.append(fault)

    def remove(self, fault):
        for faults in (self._counted, self._lasting):
            if fault in faults:
                faults.remove(fault)

    def clear(self, match=None):
        """Forgets all faults, or those that were set for @match."""
        for faults in (self._counted, self._lasting):
            faults[:] = [f for f in faults if match is not None and f.match != match]

    def pick(self, request):
        """The fault for @request, or None; counts its use."""
        for fault in self._counted + self._lasting:
            if fault.meets(request):
                fault.hits += 1
                if fault.times is not None and fault.hits >= fault.times:
                    self._counted.remove(fault)
                return fault
        return None
