# SPDX-License-Identifier: MIT
"""Peers that fail below HTTP: real sockets on loopback. Each is a context manager that gives a URL.

    refused        nobody listens
    syn_dropped    no packet is ever answered
    full_backlog   a listener whose queue is full, which drops what comes
    mute           connections are made, and then nothing is ever said
    silent_dns     the name server answers nobody; needs root, for port 53 and resolv.conf
    no_dns         nobody listens at the name server's port
"""
import contextlib
import ctypes
import socket
import struct

from namespace import is_private, replaced

SO_ATTACH_FILTER = 26
BPF_RET_NOTHING = struct.pack("HBBI", 0x06, 0, 0, 0)
NAME_SERVER = "127.53.53.53"
BACKLOG_PROBE_SECONDS = 0.2


def _listener(backlog=None):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    if backlog is not None:
        listener.listen(backlog)
    return listener


def _url(listener, scheme="http"):
    return f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def refused():
    with _listener() as holder:
        yield _url(holder)


@contextlib.contextmanager
def syn_dropped():
    """A socket filter that lets nothing through, as a firewall's "drop"."""
    instructions = ctypes.create_string_buffer(BPF_RET_NOTHING)
    program = struct.pack("HxxxxxxP", 1, ctypes.addressof(instructions))
    with _listener(1024) as listener:
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
        yield _url(listener)


@contextlib.contextmanager
def full_backlog():
    with _listener(0) as listener, contextlib.ExitStack() as fillers:
        while True:
            filler = fillers.enter_context(socket.socket())
            filler.settimeout(BACKLOG_PROBE_SECONDS)
            try:
                filler.connect(listener.getsockname())
            except TimeoutError:
                break
        yield _url(listener)


@contextlib.contextmanager
def mute(scheme="http"):
    """The kernel makes the connections; nobody takes them."""
    with _listener(1024) as listener:
        yield _url(listener, scheme)


def stalled_handshake():
    return mute("https")


@contextlib.contextmanager
def _name_server(tmp_path, listens):
    if not is_private():
        raise PermissionError("needs root and a mount namespace")
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text(f"nameserver {NAME_SERVER}\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, \
            replaced("/etc/resolv.conf", resolv_conf):
        if listens:
            server.bind((NAME_SERVER, 53))
        yield "https://api.example.test"


def silent_dns(tmp_path):
    return _name_server(tmp_path, listens=True)


def no_dns(tmp_path):
    return _name_server(tmp_path, listens=False)
