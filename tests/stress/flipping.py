# SPDX-License-Identifier: MIT
"""An account whose records change as a whole every few milliseconds, for the tests of promise 6."""
import threading

import mock_fleet

BLOCK = 16
# The letter, and the bound of the text's length above one block; the same table is in fsx.c.
LENGTHS = {"name": ("a", 64), "image": ("b", 300), "command": ("c", 60000),
           "status_message": ("d", 40), "unknown/deep/text": ("e", 5000),
           "tools/ssh/command": ("f", 200), "tools/big": ("g", 300000), "pricing/note": ("h", 9000)}
FILES = [*LENGTHS, "ssh_command"]
_MARK = "VVVVVVVV"
_TEMPLATES = {letter: "".join(f"{_MARK}{letter}{i:06d}\n" for i in range(most // BLOCK + 3))
              for letter, most in LENGTHS.values()}


def text(field, version):
    """What the API says for @field in @version; its file has one newline more if it lacks one."""
    letter, most = LENGTHS[field]
    length = BLOCK + (version * 7919 + (ord(letter) - ord("a")) * 104729) % most
    blocks = _TEMPLATES[letter][:length + BLOCK]
    return blocks.replace(_MARK, f"{version:08d}")[:length]


def file_bytes(path, version):
    """What the file of an instance holds."""
    data = text("tools/ssh/command" if path == "ssh_command" else path, version).encode()
    return data if data.endswith(b"\n") else data + b"\n"


def record(id, version):
    return mock_fleet.make(
        id, text("name", version), image=text("image", version), command=text("command", version),
        status={"status": "running", "error": "", "message": text("status_message", version)},
        unknown={"deep": {"text": text("unknown/deep/text", version)}},
        tools={"ssh": {"command": text("tools/ssh/command", version)},
               "big": text("tools/big", version)},
        pricing={"note": text("pricing/note", version), "version": version},
        created_at=version)


def fleet(n, version):
    return {f"flip{i}": record(f"flip{i}", version) for i in range(n)}


class Flipper:
    """Within the block, all records of @api take a new version every @seconds; in each answer all
    of it is of one."""

    def __init__(self, api, n=3, seconds=0.01):
        self.version = 1
        self._api, self._n, self._seconds = api, n, seconds
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._api.replace_fleet(fleet(self._n, self.version))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._thread.join()

    def _run(self):
        while not self._ending.wait(self._seconds):
            following = fleet(self._n, self.version + 1)
            self.version += 1
            self._api.replace_fleet(following)


def version_of(data):
    """The version of a file's bytes, all of which must be of it."""
    versions = {line[:8] for line in data.split(b"\n") if len(line) >= 8}
    assert len(versions) == 1, versions
    return int(versions.pop())
