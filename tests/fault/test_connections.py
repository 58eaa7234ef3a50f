# SPDX-License-Identifier: MIT
"""Promise 18: a connection that died costs one try. A relay between ppiofs and the API makes the
connections that are open dumb, as a network change, a NAT or a balancer does: nothing goes through
them any more, and nobody is told. New ones work."""
import contextlib
import os
import select
import socket

import mock_fleet
import pytest

from certificates import Authority, Front, TlsFront
from crowd import Crowd
from helpers import wait_for

T = 3
LIMIT = T + 0.5
MOST = 16  # parallel_requests
APART = 16
GOODBYE = 100  # bytes that the end of a connection of TLS has at most; a request has more
ANSWER_SECONDS = 0.5  # so long that as many requests are under way at once as there are looks


class Relay(Front):
    """@swallowed: the connections on which something was asked when they were dumb."""

    def __init__(self, port):
        super().__init__()
        self._port = port
        self._dumb = 0  # so many of the connections, the first ones, are
        self.swallowed = set()

    def make_dumb(self):
        self._dumb = self.connections

    def serve(self, peer):
        number = self.connections
        with socket.create_connection(("127.0.0.1", self._port)) as there:
            ends = {peer: there, there: peer}
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    if number > self._dumb:
                        ends[end].sendall(data)
                    elif end is peer and len(data) > GOODBYE:
                        self.swallowed.add(number)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=("http", "TLS"))
def relayed(request, api, troubled, authority):
    """relayed(n) -> (mount, relay, look): n idle connections are there, and dumb. look(n): so many look at
    once at what only the API can tell, and all see it; returns the time of the slowest."""
    with contextlib.ExitStack() as stack:
        port, url, options = api.port, "http://127.0.0.1", {}
        if request.param == "TLS":
            front = stack.enter_context(TlsFront(api, authority.issue("localhost")))
            port, url = front.port, "https://localhost"
            options = {"cacert": authority.certificate}
        relay = stack.enter_context(Relay(port))
        api.replace_fleet(mock_fleet.fleet(APART * 4 * MOST))
        # Far apart, and in no order: nothing is read ahead.
        ids = [list(api.fleet)[APART * (27 * i % (4 * MOST))] for i in range(4 * MOST)]
        mount = troubled(api=f"{url}:{relay.port}", options={"timeout": T, **options})

        def look(n):
            calls = Crowd([("stat", os.stat, mount.path / f"instances/{ids.pop()}/pricing/instance_price")
                           for _ in range(n)]).start()
            assert {call.errno for call in calls.join()} == {None}
            return calls.slowest().seconds

        def make(n):
            mount.ls("instances")
            api.latency = ANSWER_SECONDS
            look(n)
            api.latency = 0
            assert relay.connections == n
            relay.make_dumb()
            return mount, relay, look
        yield make


@pytest.mark.parametrize("idle", (1, MOST))
@pytest.mark.parametrize("at_once", (1, MOST))
def test_who_meets_a_dead_connection_is_answered_within_the_deadline(relayed, idle, at_once, report):
    _, relay, look = relayed(idle)
    slowest = look(at_once)
    report("answers after the connections died (T = 3 s)",
           f"{idle} idle, {at_once} at once: {slowest:.2f} s")
    assert slowest <= LIMIT and len(relay.swallowed) <= min(idle, at_once)


def test_after_a_timeout_no_idle_connection_is_used_again(relayed):
    """One look has found out; it is the last that is sent into nowhere."""
    _, relay, look = relayed(MOST)
    look(1)
    for _ in range(MOST):
        look(1)
    assert len(relay.swallowed) == 1


def test_after_SIGHUP_no_idle_connection_is_used_again(relayed):
    mount, relay, look = relayed(MOST)
    mount.signal(1)
    wait_for(lambda: "dropped all cached data" in mount.stderr())
    look(MOST)
    assert not relay.swallowed
