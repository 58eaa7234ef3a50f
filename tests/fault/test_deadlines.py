# SPDX-License-Identifier: MIT
"""Promise 1: every system call ends within T + 0.5 s, whatever the network does.

Each fault meets {stat, ls, cat, find, df} and, on a mount beside it, 64 readers at once; all cold.
The commands are processes that share two processors with all the rest: for being started they are
granted STARTING more.
"""
import contextlib
import os
import threading

import pytest

import peers
from crowd import Crowd, crowd_of, read_file
from helpers import ONE
from mounting import run

T = 2
LIMIT = T + 0.5
STARTING = 0.3
READERS = 64
MESSAGES = {"ETIMEDOUT": "Connection timed out", "ECONNREFUSED": "Connection refused",
            "EHOSTUNREACH": "No route to host", "EPROTO": "Protocol error",
            "EIO": "Input/output error", "EBUSY": "Device or resource busy",
            "EFBIG": "File too large"}
CLOSED = "EBUSY"  # what comes late may meet a circuit that has opened meanwhile

SOCKETS = {  # fault: (peer, errno)
    "refused": (peers.refused, "ECONNREFUSED"),
    "SYN dropped": (peers.syn_dropped, "ETIMEDOUT"),
    "full backlog": (peers.full_backlog, "ETIMEDOUT"),
    "connected, silent": (peers.mute, "ETIMEDOUT"),
    "TLS handshake stalls": (peers.stalled_handshake, "ETIMEDOUT"),
}
NAME_SERVERS = {"DNS silent": (peers.silent_dns, "ETIMEDOUT"),
                "DNS not there": (peers.no_dns, "EHOSTUNREACH")}
ANSWERS = {  # fault: (what the mock API does, errno)
    "headers dribble": ({"dribble_headers": (1, 0.2)}, "ETIMEDOUT"),
    "body 1 byte/s": ({"dribble": (1, 1)}, "ETIMEDOUT"),
    "chunk stalls": ({"chunked": True, "cut": 40, "silence": True}, "ETIMEDOUT"),
    "cut mid-body": ({"cut": 40}, "EIO"),
    "cut mid-chunk": ({"raw": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{"},
                      "EIO"),
    "reset": ({"cut": 40, "reset": True}, "EIO"),
    "closed unanswered": ({"raw": b""}, "EIO"),
    "garbage": ({"raw": b"SSH-2.0-OpenSSH_9.2\r\n\x00\xff\x80"}, "EPROTO"),
    "endless 100 Continue": ({"raw": lambda: iter(lambda: b"HTTP/1.1 100 Continue\r\n\r\n", 0)},
                             "EFBIG"),
    "503": ({"status": 503}, "EIO"),
    "503, slowly": ({"status": 503, "delay": 0.9}, "EIO ETIMEDOUT"),  # by the last try's end
    "429": ({"status": 429}, "EBUSY ETIMEDOUT"),  # told to wait until after the deadline
}


def _commands(mount):
    place = mount.path
    return {"stat": ["stat", place / "instances" / ONE], "ls": ["ls", place / "instances"],
            "cat": ["cat", place / "instances" / ONE / "status"],
            "find": ["find", place / "instances"], "df": ["df", "-i", place]}


class Commands:
    """All of them at once, each in a thread that waits for it."""

    def __init__(self, mount):
        self.done = {}
        self._threads = [threading.Thread(target=self._run, args=item, daemon=True)
                         for item in _commands(mount).items()]

    def _run(self, name, argv):
        self.done[name] = run(argv, env={**os.environ, "LC_ALL": "C"})

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for thread in self._threads:
            thread.join()


def _crowd(mount):
    place = mount.path
    kinds = (("stat", os.stat, place / "instances" / ONE),
             ("ls", os.listdir, place / "instances"),
             ("cat", read_file, place / "instances" / ONE / "status"),
             ("find", os.listdir, place / "by-name"))
    return Crowd(kinds[i % len(kinds)] for i in range(READERS))


def _check_commands(done, errno):
    for name, finished in done.items():
        assert not finished.timed_out, name
        assert finished.seconds <= LIMIT + STARTING, (name, finished.seconds)
        if name == "df":
            assert finished.returncode == 0, finished.stderr
        else:
            assert finished.returncode != 0 and any(
                MESSAGES[one] in finished.stderr for one in errno.split()), (name, finished.stderr)


def _check_crowd(crowd, errno):
    slowest = crowd.slowest()
    assert slowest.seconds <= LIMIT, slowest
    met = {call.errno for call in crowd.done}
    assert met <= {*errno.split(), CLOSED} and met & set(errno.split()), crowd.done


def _face(url, troubled, fault, errno, report):
    """The whole row of the matrix."""
    one, many = (troubled(api=url, options={"timeout": T}) for _ in range(2))
    with Commands(one) as commands:
        crowd = _crowd(many).start()
        crowd.join()
    times = {name: finished.seconds for name, finished in commands.done.items()}
    report(f"slowest call per fault, T = {T} s",
           f"{fault:22} {errno:13} " + " ".join(f"{name} {times[name]:4.2f}" for name in
                                                ("stat", "ls", "cat", "find", "df"))
           + f"  {READERS} readers {crowd.slowest().seconds:4.2f}")
    _check_commands(commands.done, errno)
    _check_crowd(crowd, errno)


@pytest.mark.parametrize("fault", SOCKETS)
# semantics: deadline
def test_every_call_ends_in_time_when_the_peer_is(fault, troubled, report):
    peer, errno = SOCKETS[fault]
    with peer() as url:
        _face(url, troubled, fault, errno, report)


@pytest.mark.parametrize("fault", NAME_SERVERS)
def test_every_call_ends_in_time_when_the_name_server_is(fault, troubled, report, tmp_path):
    server, errno = NAME_SERVERS[fault]
    with contextlib.ExitStack() as stack:
        try:
            url = stack.enter_context(server(tmp_path))
        except PermissionError as why:
            pytest.skip(str(why))
        _face(url, troubled, fault, errno, report)


@pytest.mark.parametrize("fault", ANSWERS)
def test_every_call_ends_in_time_when_the_answer_is(fault, api, troubled, report):
    what, errno = ANSWERS[fault]
    api.fault("*", **what)
    _face(api.url, troubled, fault, errno, report)


def test_those_that_never_got_a_turn_end_in_time_too(api, troubled, report):
    """64 instances, and only two requests at once."""
    api.fault("*", silence=True)
    mount = troubled(options={"timeout": T, "parallel_requests": 2})
    paths = [mount.path / "instances" / f"cold{i}" for i in range(READERS)]
    crowd = crowd_of(READERS, os.stat, *paths).start()
    crowd.join()
    report(f"slowest call per fault, T = {T} s",
           f"{'2 requests at once':22} ETIMEDOUT     {READERS} readers of as many instances "
           f"{crowd.slowest().seconds:4.2f}")
    _check_crowd(crowd, "ETIMEDOUT")


def test_what_hangs_between_two_pages_ends_in_time(api, troubled):
    """Each page is quick enough by itself; the operation is not."""
    for i in range(200):
        api.add({"id": f"more{i:03}", "name": f"more{i:03}"})
    api.fault("list", delay=0.3)
    mount = troubled(options={"timeout": T, "page_size": 10})
    crowd = crowd_of(8, os.listdir, mount.path / "instances").start()
    crowd.join()
    _check_crowd(crowd, "ETIMEDOUT")
