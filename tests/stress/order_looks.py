# SPDX-License-Identifier: MIT
"""The looks of the order test: what each does, and what it may see.

A kind of look is a row of LOOKS: (action, judge). action(place, id) makes system calls under the
directory @place and returns what it saw; an OSError counts as the name of its errno. The judge gets
(known, look, id, seen) and returns None, or what should have been seen.
"""
import ctypes
import errno
import json
import os
import struct

from order_world import IDS

GONE = "ENOENT"
_libc = ctypes.CDLL(None, use_errno=True)
_libc.getdents64.restype = ctypes.c_ssize_t


def seen_by(action, *args):
    try:
        return action(*args)
    except OSError as error:
        return errno.errorcode[error.errno]


# Actions


def _read(place, name):
    with open(os.path.join(place, name), encoding="utf-8") as file:
        return file.read()


def _line(name):
    return lambda place, id: _read(place, name.format(id=id)).removesuffix("\n")


def _listing(name):
    return lambda place, id: frozenset(os.listdir(os.path.join(place, name.format(id=id))))


def _stat(place, id):
    os.stat(os.path.join(place, "instances", id))
    return "there"


def raw_listing(descriptor):
    """As getdents64(3) says it: readdir(3) takes its ENOENT for the end of the directory."""
    buffer, names = ctypes.create_string_buffer(1 << 16), set()
    os.lseek(descriptor, 0, os.SEEK_SET)
    while (got := _libc.getdents64(descriptor, buffer, ctypes.c_size_t(len(buffer)))) > 0:
        at = 0
        while at < got:
            length = struct.unpack_from("=H", buffer, at + 16)[0]
            names.add(buffer.raw[at + 19:at + length].partition(b"\0")[0].decode())
            at += length
    if got < 0:
        raise OSError(ctypes.get_errno(), "getdents64")
    return frozenset(names - {".", ".."})


# Judges


def _any_of(allowed, seen):
    """What goes between being looked up and being listed is ESTALE."""
    if seen == "ESTALE" and GONE in allowed:
        return None
    return None if seen in allowed else f"one of {sorted(map(str, allowed))}"


def _by_verdict(value):
    def judge(known, look, id, seen):
        verdicts = [a.of(id) for a in known.verdicts(id, look)]
        return _any_of({GONE if v is None else value(v) for v in verdicts}, seen)
    return judge


def _by_detail(value):
    def judge(known, look, id, seen):
        allowed = {value(v) for v in known.details(id, look)}
        if any(a.of(id) is None for a in known.verdicts(id, look)):
            allowed.add(GONE)
        return _any_of(allowed, seen)
    return judge


def _net(version):
    return f"net-{version.listed}" if version.networked else GONE


def _judge_net(known, look, id, seen):
    """As long as the list has it, the list counts."""
    verdicts = [a.of(id) for a in known.verdicts(id, look)]
    allowed = {GONE if v is None else _net(v) for v in verdicts if v is None or v.networked}
    allowed |= {_net(v) for v in known.details(id, look)}
    return _any_of(allowed, seen)


def names_of(version):
    """What stands in an instance's directory."""
    record = version.record()
    extra = {"status_error", "status_message"} | ({"ssh_command"} if version.runs else set())
    return frozenset(record) | extra


def _by_account(names):
    """A listing of the whole account: each instance has its part in it, names(Version)."""
    def judge(known, look, _, seen):
        seen = frozenset() if seen in (GONE, "ESTALE") else seen
        if not isinstance(seen, frozenset):
            return "a listing"
        wrong = []
        for id in IDS:
            verdicts = known.verdicts(id, look, by_list=True)
            allowed = {frozenset() if a.of(id) is None else frozenset(names(a.of(id)))
                       for a in verdicts}
            part = frozenset(name for name in seen if name.startswith(id))
            if part not in allowed:
                wrong.append(f"of {id} one of {sorted(map(sorted, allowed))}")
        return ", ".join(wrong) or None
    return judge


def _table(place, _):
    rows = [row.split("\t") for row in _read(place, "tables/instances.tsv").splitlines()[1:]]
    return frozenset("/".join((row[0], row[1], row[2], row[8])) for row in rows)


def _json(place, id):
    record = json.loads(_read(place, f"json/{id}.json"))
    return f"{record['image']}/{record['pricing']['instance_price']}/{record['network']['ip']}"


LOOKS = {
    "stat": (_stat, _by_verdict(lambda v: "there")),
    "image": (_line("instances/{id}/image"), _by_verdict(lambda v: f"image-{v.listed}")),
    "status": (_line("instances/{id}/status"), _by_verdict(lambda v: v.status)),
    "network/id": (_line("instances/{id}/network/id"), _judge_net),
    "network/ip": (_line("instances/{id}/network/ip"), _by_detail(lambda v: f"10.0.0.{v.detail}")),
    "ssh_command": (_line("instances/{id}/ssh_command"),
                    _by_detail(lambda v: f"ssh -p {v.detail} root@h" if v.runs else GONE)),
    "password": (_line("instances/{id}/tools/ssh/password"),
                 _by_detail(lambda v: f"password-{v.detail}" if v.runs else GONE)),
    "price": (_line("instances/{id}/pricing/instance_price"), _by_detail(lambda v: str(v.detail))),
    "json": (_json, _by_detail(lambda v: f"image-{v.listed}/{v.detail}/10.0.0.{v.detail}")),
    "directory": (_listing("instances/{id}"), _by_detail(names_of)),
    "ports": (_listing("instances/{id}/ports"),
              _by_verdict(lambda v: frozenset({str(1000 + v.listed)}))),
    "instances": (_listing("instances"), _by_account(lambda v: {v.id})),
    "all json": (_listing("json"), _by_account(lambda v: {f"{v.id}.json"})),
    "by-name": (_listing("by-name"), _by_account(lambda v: {v.name})),
    "running": (_listing("by-status/running"), _by_account(lambda v: {v.id} if v.runs else ())),
    "table": (_table, _by_account(lambda v: {f"{v.id}/{v.name}/{v.status}/image-{v.listed}"})),
}
# These show all fields of one instance, one after the other.
LISTED_FIELDS, DETAIL_FIELDS = ("image", "status"), ("network/ip", "ssh_command", "price")

# A shell stands in one of these; what it looks at from there.
STANDS = {"instances/{id}": ("directory", "image here"), "instances/{id}/ports": ("ports",),
          "instances/{id}/tools": ("tools",), "by-status/running": ("running",),
          "instances": ("instances",)}


def _open_here(descriptor):
    with open("image", opener=lambda name, flags: os.open(name, flags, dir_fd=descriptor),
              encoding="utf-8") as file:
        return file.read().removesuffix("\n")


def _held(judge):
    """Of what is gone there may be anything; but the listing of a directory that somebody holds is
    never ENOENT."""
    def judge_held(known, look, id, seen):
        if seen == GONE:
            return "anything but ENOENT"
        return None if id and known.may_be_gone(id, look) else judge(known, look, id, seen)
    return judge_held


HELD_LOOKS = {
    "directory": (raw_listing, _held(LOOKS["directory"][1])),
    "ports": (raw_listing, _held(LOOKS["ports"][1])),
    "tools": (raw_listing, _held(_by_detail(lambda v: frozenset({"ssh"} if v.runs else ())))),
    "image here": (_open_here, LOOKS["image"][1]),
    "running": (raw_listing, _held(LOOKS["running"][1])),
    "instances": (raw_listing, _held(LOOKS["instances"][1])),
}
