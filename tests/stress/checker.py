# SPDX-License-Identifier: MIT
"""Compares a mount with the tree that model.py computes."""
import errno
import os
import stat

import pytest
from mock_faults import to_json
from model import expected

MISSING = ("nosuch", "instances/nosuch", "by-name/nosuch", "by-status/nosuch", "json/nosuch.json",
           "tables/nosuch", "by-region/nosuch/nosuch", "instances/%41", "json/x", ".git")
NAME_MOST = 255  # bytes


class Checker:
    """Compares the mount with the model; what it does is written down for the message."""

    def __init__(self, mount, records):
        self.place = os.fspath(mount.path)
        self.tree = expected(records, to_json)
        self._children = {}
        for path in self.tree:
            self._children.setdefault(os.path.dirname(path), set()).add(os.path.basename(path))

    def entry(self, path):
        place = os.path.join(self.place, path)
        attr = os.lstat(place)
        if stat.S_ISDIR(attr.st_mode):
            assert stat.S_IMODE(attr.st_mode) == 0o555, path
            return ("dir",)
        if stat.S_ISLNK(attr.st_mode):
            target = os.readlink(place)
            assert attr.st_size == len(target.encode()), path
            return ("link", target)
        with open(place, "rb") as file:
            data = file.read()
        assert attr.st_size == len(data), path
        return ("file", data, stat.S_IMODE(attr.st_mode))

    def check_entry(self, path):
        assert self.entry(path) == self.tree[path], path

    def check_listing(self, path):
        found = os.listdir(os.path.join(self.place, path))
        assert len(found) == len(set(found)), path
        found = set(found) - ({".ppiofs", "ssh"} if path == "" else set())
        assert found == self._children.get(path, set()), path

    def check_missing(self, path):
        with pytest.raises(OSError) as caught:
            os.lstat(os.path.join(self.place, path))
        too_long = len(os.fsencode(os.path.basename(path))) > NAME_MOST
        expected = (errno.ENAMETOOLONG,) if too_long else (errno.ENOENT, errno.ENOTDIR)
        assert caught.value.errno in expected, path

    def check_all(self):
        self.check_listing("")
        for path, entry in self.tree.items():
            self.check_entry(path)
            if entry == ("dir",):
                self.check_listing(path)

    def check_something(self, dice):
        path = dice.choice(list(self.tree))
        if dice.randrange(5) == 0:
            missing = dice.choice(MISSING + (path + "~9", path + "/nosuch"))
            if missing not in self.tree:
                self.check_missing(missing)
        elif self.tree[path] == ("dir",) and dice.randrange(2):
            self.check_listing(path)
        else:
            self.check_entry(path)
