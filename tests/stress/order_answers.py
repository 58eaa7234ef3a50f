# SPDX-License-Identifier: MIT
"""Holds the answers of a mock API until the test lets them go, in whatever order, and remembers of
each what it said, when it was asked for and when it was delivered."""
import dataclasses
import json
import threading
import time
from typing import Mapping, Optional
from urllib.parse import parse_qs

from order_world import Version, version_of

DELIVERY_SECONDS = 10


@dataclasses.dataclass(eq=False)
class Answer:
    """About one instance (a GET) or all of them (a whole list)."""
    number: int  # in the order in which they were asked for; a list: in that of its first page
    asked: float  # this and the next as the daemon's clock says
    id: Optional[str]  # None: a list
    shows: Mapping[str, Version]  # a list's Versions have no detail
    delivered: Optional[float] = None  # just before
    known: Optional[float] = None  # by then the daemon has counted it

    @property
    def is_list(self):
        return self.id is None

    def is_about(self, id):
        return self.is_list or self.id == id

    def of(self, id):
        """None: gone."""
        return self.shows.get(id)

    def __str__(self):
        what = "list" if self.is_list else f"GET {self.id}"
        return f"#{self.number} {what}: " + (", ".join(
            f"{v.id} {v.listed}/{v.detail or '-'}{'' if v.runs else ' exited'}"
            f"{'' if v.networked else ' no net'}" for v in self.shows.values()) or "nothing")


@dataclasses.dataclass(eq=False)
class Held:
    """One request that waits for its answer."""
    what: str
    gate: object  # a future of the mock's loop
    answer: Optional[Answer]  # None: 401
    cursor: str = ""  # of the page that comes next
    is_last: bool = True


class Answers:
    """The scheduler of a MockApi. Its list of answers only grows; all but __call__() is for the
    test's own thread."""

    def __init__(self, clock):
        self.answers = []
        self.arrivals = 0
        self._clock = clock
        self._held = []
        self._list = None  # the list of which the next page is to come, and under which cursor
        self._lock = threading.Lock()
        self.api = None

    def attach(self, api):
        self.api = api
        api.scheduler = self

    def __call__(self, request, answer):
        """In the mock's thread, with the answer as it is at this moment."""
        if request.kind == "other":
            return None
        gate = self.api.loop.create_future()
        with self._lock:
            self.arrivals += 1
            held = self._take(request, answer, gate)
            self._held.append(held)
        gate.add_done_callback(lambda gate: gate.cancelled() and self._lost(held))
        return gate

    def _take(self, request, answer, gate):
        if answer.status == 401:
            return Held(f"401 for {request.id or 'a list'}", gate, None)
        body = json.loads(answer.body)
        if request.kind == "get":
            version = version_of(body) if answer.status == 200 else None
            found = self._new(request.id, {request.id: version} if version else {})
            return Held(str(found), gate, found)
        return self._take_page(request, body, gate)

    def _new(self, id, shows):
        answer = Answer(self.arrivals, self._clock(), id, shows)
        return answer

    def _take_page(self, request, body, gate):
        cursor = parse_qs(request.target.partition("?")[2]).get("cursor", [""])[0]
        if not cursor:
            answer = self._new(None, {})
        else:
            answer, expected = self._list
            assert cursor == expected, "a page that nobody can have asked for"
        for item in body["data"]:
            if version := version_of(item):
                answer.shows[version.id] = version
        return Held(f"{answer}" if not cursor else f"next page of {answer}", gate, answer,
                    body["next_cursor"], not body["has_more"])

    def _lost(self, held):
        with self._lock:
            if held in self._held:
                self._held.remove(held)

    def held(self):
        with self._lock:
            return list(self._held)

    def deliver(self, held):
        """Returns False if the client has gone away."""
        gone = threading.Event()
        with self._lock:
            if held not in self._held:
                return False
            self._held.remove(held)
            answer = held.answer
            if answer is not None and held.is_last:
                answer.delivered = self._clock()
                self.answers.append(answer)
            elif answer is not None:
                self._list = (answer, held.cursor)

        def open_gate():
            if not held.gate.done():
                held.gate.set_result(None)
            gone.set()
        self.api.loop.call_soon_threadsafe(open_gate)
        gone.wait(DELIVERY_SECONDS)
        return True

    def is_known(self, held):
        """The daemon has taken it in."""
        if held.answer is not None and held.is_last:
            held.answer.known = self._clock()


def wait_until(condition, seconds, step=0.0005):
    limit = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < limit:
        time.sleep(step)
    return value
