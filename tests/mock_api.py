#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A stand-in for the instance API, on loopback only: for tests, benchmarks and the demo.

In a test:
    with MockApi() as api:                    # the sample fleet, on a port of its own
        api.fault("get", status=503, times=2)
        ...
        assert api.count("list") == 1

As a command it prints its URL when it is ready; see --help, and the table of control
routes in mock_control.py.
"""
import argparse
import asyncio
import dataclasses
import gc
import os
import pathlib
import signal
import socket
import sys
import threading
import time
from typing import Mapping, NamedTuple
from urllib.parse import parse_qs, unquote

import mock_fleet
import mock_kinds
from mock_catalog import Catalog, listed, merged
from mock_control import CONTROL, control
from mock_faults import Fault, FaultPlan, error_answer
from mock_http import Answer, Connection, Delivery

INSTANCES = "/gpus/v2/instances"
DEFAULT_KEY = "sk-test-0123456789abcdef"
BACKLOG = 1024
MOUNT_SECONDS = 30
CALL_SECONDS = 10  # a loop that does not take a call for so long hangs in a test's own function


class Seen(NamedTuple):
    """One API request, as it was answered; status 0: not with an HTTP answer."""
    method: str
    path: str  # with the query, as sent
    status: int
    time: float  # time.monotonic() of its arrival
    headers: Mapping[str, str]


class MockApi:
    """All methods may be called from any thread, before start() and while it runs.

    fleet: id -> record, kinds: directory -> id -> record of the account's other kinds; look freely, change through add, remove, update, replace_fleet, or call
    touch() after an edit in place. key=None: no key is asked for. latency, etag, gzip: at any time.
    item_of: what the list shows of a record. scheduler(request, answer): called in the loop's thread
    with each answer as it was when its request came; returns a future to hold it until that is
    done, or None.
    """

    def __init__(self, instances=None, *, kinds=None, key=DEFAULT_KEY, port=0, page_default=20, page_max=100,
                 latency=0.0, etag=False, gzip=False, item_of=listed, scheduler=None):
        fleet = instances if isinstance(instances, dict) else mock_fleet.fleet(instances)
        self.fleet = fleet
        self.key = key
        self.latency = latency
        self.etag = etag
        self.gzip = gzip
        self.scheduler = scheduler
        self._catalog = Catalog(fleet, page_default, page_max, item_of)
        self.kinds = mock_kinds.sample() if kinds is None else kinds
        self._catalogs = {name: Catalog(self.kinds.setdefault(name, {}), page_default, page_max,
                                        lambda record: record, kind.bare)
                          for name, kind in mock_kinds.KINDS.items()}
        self._faults = FaultPlan()
        self._connections = set()
        self.loop = self._thread = self._listener = None
        self.reset_counters()
        # Never listens: it keeps the port while a fault refuses connections.
        self._port_holder = self._bound_socket(port)
        self.port = self._port_holder.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    # Running

    def start(self):
        ready = threading.Event()
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()
        return self

    def stop(self):
        if self._thread is not None:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
            self._thread = None
        self._port_holder.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def _run(self, ready):
        asyncio.set_event_loop(self.loop)
        self.loop.call_soon(self._listen)
        self.loop.call_soon(ready.set)
        self.loop.run_forever()
        self._refuse()
        self._abort_connections(list(self._connections))
        self.loop.run_until_complete(self._end_tasks())
        self.loop.close()

    async def _end_tasks(self):
        await asyncio.sleep(0)  # the connections just aborted learn of it
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def call(self, function, *args):
        """Runs @function in the loop's thread: what it changes needs no lock."""
        if self._thread is None or threading.current_thread() is self._thread:
            return function(*args)

        async def call():
            return function(*args)
        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(CALL_SECONDS)

    # The fleet

    def add(self, record, id=None):
        """@id: what it is asked for by, if that is not record["id"]."""
        self.call(self._catalog.put, record["id"] if id is None else id, record)

    def remove(self, id):
        self.call(self._catalog.remove, id)

    def update(self, id, /, **changes):
        """Merges objects, replaces all else: update(id, status={"status": "exited"})."""
        self.call(lambda: self._catalog.put(id, merged(self.fleet[id], changes)))

    def replace_fleet(self, fleet):
        self.call(self._catalog.replace, fleet)

    def touch(self, id=None):
        self.call(self._catalog.forget, id)

    def put(self, kind, id, record):
        """An object of another kind."""
        self.call(self._catalogs[kind].put, id, record)

    def drop(self, kind, id):
        self.call(self._catalogs[kind].remove, id)

    def replace_kind(self, kind, records):
        self.call(self._catalogs[kind].replace, records)

    # Faults; see mock_faults.Fault for what there is

    def fault(self, match, **what):
        """Returns the Fault, for its hits and for clear_fault()."""
        fault = Fault(match, **what)
        self.call(self._add_fault, fault)
        return fault

    def clear_fault(self, fault):
        self.call(lambda: (self._faults.remove(fault), self._listen_or_refuse()))

    def clear_faults(self, match=None):
        """All, or those that were set for @match."""
        self.call(lambda: (self._faults.clear(match), self._listen_or_refuse()))

    def drop_connections(self):
        """Closes every connection, those at rest and those under way."""
        self.call(lambda: self._abort_connections(list(self._connections)))

    def _add_fault(self, fault):
        self._faults.add(fault)
        self._listen_or_refuse()
        if fault.seconds is not None:
            self.loop.call_later(fault.seconds, self.clear_fault, fault)

    # Counters

    def reset_counters(self):
        self.call(self._reset_counters)

    def _reset_counters(self):
        self.requests = []  # of Seen, in order of arrival
        self._counts = dict.fromkeys(("list", "get", "other", *mock_kinds.KINDS), 0)
        self._gets = {}
        self.accepted = 0  # connections, ever
        self.in_flight = sum(c.busy for c in self._connections)  # delayed or held answers
        self.max_in_flight = self.in_flight
        self.cancelled = 0  # whose client went away before the answer was whole

    def count(self, what="*"):
        """Requests seen: "list", "get", "other", the lists of one of the other kinds ("products"),
        "*" for all, or the GETs of one id."""
        if what == "*":
            return len(self.requests)
        return self._counts[what] if what in self._counts else self._gets.get(what, 0)

    @property
    def connections(self):
        """Open now."""
        return len(self._connections)

    def counters(self):
        return {**self._counts, "all": len(self.requests), "connections": self.connections,
                "accepted": self.accepted, "in_flight": self.in_flight,
                "max_in_flight": self.max_in_flight, "cancelled": self.cancelled,
                "faults": len(self._faults)}

    # Listening

    @staticmethod
    def _bound_socket(port):
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", port))
        bound.setblocking(False)
        return bound

    def _listen_or_refuse(self):
        if self.loop is None or not self.loop.is_running():
            return  # _listen() will look
        if self._faults.refuses():
            self._refuse()
        else:
            self._listen()

    def _listen(self):
        if self._listener is None and not self._faults.refuses():
            self._listener = self._bound_socket(self.port)
            self._listener.listen(BACKLOG)
            self.loop.add_reader(self._listener, self._accept)

    def _refuse(self):
        """Spares who asked for it over HTTP: no other way is left to take it back by hand."""
        if self._listener is not None:
            self.loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        self._abort_connections([c for c in self._connections if not c.controls])

    def _abort_connections(self, connections):
        for connection in connections:
            connection.transport.abort()

    def _accept(self):
        while self._listener is not None:
            try:
                peer, _ = self._listener.accept()
            except BlockingIOError:
                return
            # asyncio does so for sockets of its own making; without it a second write waits 40 ms.
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.loop.create_task(
                self.loop.connect_accepted_socket(lambda: Connection(self), peer))

    # What a Connection tells us

    def on_open(self, connection):
        if self._listener is None:  # refused between accept() and here
            connection.transport.abort()
        self._connections.add(connection)
        self.accepted += 1

    def on_close(self, connection):
        self._connections.discard(connection)

    def on_started(self):
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def on_ended(self, cancelled):
        self.in_flight -= 1
        self.cancelled += cancelled

    def on_request(self, connection, request):
        if request.target.startswith(CONTROL):
            connection.controls = True
            connection.send(control(self, request))
            return
        arrived = time.monotonic()
        self._classify(request)
        fault = self._faults.pick(request) if self._faults else None
        answer = self._variant(request, self._route(request))
        if fault is not None:
            answer = fault.apply(answer)
        delivery = self._delivery(fault)
        gate = self.scheduler and self.scheduler(request, answer)
        if gate is not None:
            delivery = dataclasses.replace(delivery or Delivery(), gate=gate)
        self._count(request, 0 if delivery and delivery.is_no_answer() else answer.status, arrived)
        if delivery is None:
            connection.send(answer)
        else:
            connection.deliver(answer, delivery)

    def _delivery(self, fault):
        """How the answer goes out; None: at once and whole."""
        if fault is not None:
            return fault.delivery(self.latency)
        return Delivery(delay=self.latency) if self.latency else None

    def _classify(self, request):
        path, _, query = request.target.partition("?")
        if path == INSTANCES:
            request.kind = "list"
        elif path.startswith(INSTANCES + "/") and path.count("/") == INSTANCES.count("/") + 1:
            request.kind = "get"
            request.id = unquote(path[len(INSTANCES) + 1:])
        else:
            request.kind = mock_kinds.find(path, parse_qs(query))[0] or "other"

    def _count(self, request, status, arrived):
        self._counts[request.kind] += 1
        if request.id is not None:
            self._gets[request.id] = self._gets.get(request.id, 0) + 1
        self.requests.append(
            Seen(request.method, request.target, status, arrived, request.headers))

    def _route(self, request):
        if not self._is_authorized(request):
            return error_answer(401, "invalid user token")
        if request.kind == "other":
            return error_answer(404, "no such route")
        if request.method != "GET":
            return error_answer(405)
        if request.kind == "get":
            return self._catalog.detail(request.id)
        path, _, query = request.target.partition("?")
        query = parse_qs(query)
        catalog = self._catalog
        if request.kind != "list":
            if not mock_kinds.find(path, query)[1]:
                return error_answer(400, "type and category are required")
            catalog = self._catalogs[request.kind]
        return catalog.page(query.get("limit", [""])[0], query.get("cursor", [""])[0])

    def _is_authorized(self, request):
        if self.key is None:
            return True
        bearer = f"Bearer {self.key}"
        # The usual spelling first: parsing all headers of every request would halve the speed.
        return (b"\r\nAuthorization: %s\r\n" % bearer.encode() in request.head
                or request.headers.get("authorization") == bearer)

    def _variant(self, request, answer):
        """The answer as ETag and gzip, where they are on, make it."""
        if answer.status != 200 or not (self.etag or self.gzip):
            return answer
        if self.etag and request.headers.get("if-none-match") == answer.etag:
            return Answer(304, b"", {"ETag": answer.etag})
        if self.etag:
            answer = answer.tagged
        if self.gzip and "gzip" in request.headers.get("accept-encoding", ""):
            answer = answer.zipped
        return answer


def parse_arguments():
    parser = argparse.ArgumentParser(description="Mock of the instance API, on 127.0.0.1 only.")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    key = parser.add_mutually_exclusive_group()
    key.add_argument("--key", default=DEFAULT_KEY, help="the API key (default: %(default)s)")
    key.add_argument("--key-file", type=pathlib.Path, help="read the API key from here")
    parser.add_argument("--instances", type=int, metavar="N", help="default: the sample fleet")
    parser.add_argument("--page-default", type=int, default=20, metavar="N")
    parser.add_argument("--page-max", type=int, default=100, metavar="N")
    parser.add_argument("--latency", type=float, default=0, metavar="SECONDS")
    parser.add_argument("--etag", action="store_true", help="send ETag, answer If-None-Match")
    parser.add_argument("--until-unmounted", metavar="DIR", type=os.path.realpath,
                        help="end when nothing is mounted there any more, or not within 30 s")
    parser.add_argument("--gzip", action="store_true", help="compress where the client asks")
    return parser.parse_args()


def is_mounted(path):
    """By the table, which keeps nobody waiting: a stat() asks the file system."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:
        return any(line.split(" ")[4].replace("\\040", " ") == path for line in mounts)


def wait_for_the_end_of(mount, stop_signals):
    """Until nothing is mounted at @mount (any more), or one of @stop_signals."""
    grace = time.monotonic() + MOUNT_SECONDS
    while signal.sigtimedwait(stop_signals, 1) is None:
        if is_mounted(mount):
            grace = 0
        elif time.monotonic() > grace:
            return


def main():
    args = parse_arguments()
    stop_signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals)  # the loop's thread inherits this
    with MockApi(args.instances, port=args.port, page_default=args.page_default,
                 page_max=args.page_max, latency=args.latency, etag=args.etag, gzip=args.gzip,
                 key=args.key_file.read_text().strip() if args.key_file else args.key) as api:
        gc.freeze()  # a large fleet need not be walked again and again while it serves
        print(api.url, flush=True)
        if args.until_unmounted:
            wait_for_the_end_of(args.until_unmounted, stop_signals)
        else:
            signal.sigwait(stop_signals)
    return 0


if __name__ == "__main__":
    sys.exit(main())
