# SPDX-License-Identifier: MIT
"""One process of readers for contrib/soak: threads that look at a mount in every way and check each
byte. Tells what it sees in lines of JSON on stdout; ends when stdin does.

    soak_reader.py MOUNTPOINT THREADS SEED
"""
import errno
import json
import mmap
import os
import random
import re
import sys
import threading
import time

from flipping import FILES, file_bytes, version_of

PAUSE_SECONDS = 0.1  # at most, between two looks of one thread
TELL_SECONDS = 1
HELD = 4  # descriptors a thread holds on to


class Wrong(Exception):
    """What the mount showed cannot be."""


class Reader(threading.Thread):
    def __init__(self, place, seed, tell):
        super().__init__(daemon=True)
        self._place = place
        self._dice = random.Random(seed)
        self._tell = tell
        self._held = []
        self._ground = None  # a directory that it stands in
        self.looks = 0
        self.slowest = 0.0

    def run(self):
        looks = (self._read, self._read, self._read, self._map, self._hold, self._hold, self._list,
                 self._walk, self._json, self._link, self._table, self._about, self._missing,
                 self._stand, self._stand)
        while True:
            look, started = self._dice.choice(looks), time.monotonic()
            try:
                look()
            except OSError as error:
                self._tell(error=errno.errorcode[error.errno], look=look.__name__, started=started,
                           ended=time.monotonic(), path=os.fsdecode(error.filename or ""))
            except Exception as problem:
                self._tell(wrong=f"{look.__name__}: {type(problem).__name__}: {problem}")
            self.looks += 1
            self.slowest = max(self.slowest, time.monotonic() - started)
            time.sleep(self._dice.random() * PAUSE_SECONDS)

    def _instances(self):
        return os.listdir(f"{self._place}/instances")

    def _any(self, names):
        if not names:
            raise Wrong("nothing is listed")
        return self._dice.choice(names)

    def _open(self):
        field = self._dice.choice(FILES)
        path = f"{self._place}/instances/flip{self._dice.randrange(4)}/{field}"
        return field, open(path, "rb")

    @staticmethod
    def _check(field, file, data):
        """@data is all of the file, of one version; its number."""
        if len(data) != os.fstat(file.fileno()).st_size:
            raise Wrong(f"{file.name}: {len(data)} bytes, fstat says another size")
        version = version_of(data)
        if data != file_bytes(field, version):
            raise Wrong(f"{file.name}: not version {version}")
        return version

    def _read(self):
        field, file = self._open()
        with file:
            self._check(field, file, file.read())

    def _map(self):
        field, file = self._open()
        with file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
            self._check(field, file, mapped[:])

    def _hold(self):
        """Opens one more, or looks again at one of those: it must be what it was."""
        if len(self._held) < HELD:
            field, file = self._open()
            self._held.append((field, file, self._check(field, file, file.read())))
            return
        field, file, version = self._held[0]
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        file.seek(0)
        if self._check(field, file, file.read()) != version:
            raise Wrong(f"{file.name}: a held descriptor changed its version")
        if self._dice.randrange(2):
            file.close()
            self._held.pop(0)

    def _list(self):
        names = self._instances()
        if not {"flip0", "flip1", "flip2", "flip3"} <= set(names) or len(names) != len(set(names)):
            raise Wrong(f"listed: {names}")

    def _walk(self):
        top = f"{self._place}/instances/{self._any(self._instances())}"
        for directory, directories, files in os.walk(top):
            for name in directories + files:
                os.lstat(os.path.join(directory, name))

    def _stand(self):
        """Goes there, or looks from there: at the place, and at what it is called."""
        if self._ground is None or self._dice.randrange(8) == 0:
            self._leave()
            self._ground = os.open(f"{self._place}/instances/flip{self._dice.randrange(4)}",
                                   os.O_RDONLY | os.O_DIRECTORY)
            self._ground_ino = os.fstat(self._ground).st_ino
        if os.fstat(self._ground).st_ino != self._ground_ino:
            raise Wrong("a directory that is held has another inode now")
        if not {"name", "tools"} <= set(os.listdir(self._ground)):
            raise Wrong("a directory that is held lacks names")
        with open(os.open("tools/big", os.O_RDONLY, dir_fd=self._ground), "rb") as file:
            self._check("tools/big", file, file.read())

    def _leave(self):
        if self._ground is not None:
            os.close(self._ground)
            self._ground = None

    def _json(self):
        with open(f"{self._place}/json/flip{self._dice.randrange(4)}.json", "rb") as file:
            body = file.read()
        version = json.loads(body)["pricing"]["version"]
        if set(re.findall(rb"(\d{8})[a-h]\d{6}\\n", body)) != {b"%08d" % version}:
            raise Wrong(f"{file.name}: more than one version")

    def _link(self):
        top = f"{self._place}/by-status/running"
        name = self._any(os.listdir(top))
        if os.readlink(f"{top}/{name}") != f"../../instances/{name}":
            raise Wrong(f"{name} leads elsewhere")

    def _table(self):
        with open(f"{self._place}/tables/instances.tsv", "rb") as file:
            lines = file.read().splitlines()
        if {line.count(b"\t") for line in lines} != {10}:
            raise Wrong("the table has not 11 columns everywhere")

    def _about(self):
        with open(f"{self._place}/.ppiofs/status") as file:
            if not file.read().startswith("state: "):
                raise Wrong("no state in .ppiofs/status")
        os.statvfs(self._place)

    def _missing(self):
        name = f"{self._place}/instances/nosuch{self._dice.randrange(50)}"
        try:
            os.lstat(name)
        except FileNotFoundError:
            return
        raise Wrong(f"{name} is there")


def main():
    place, threads, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    lock = threading.Lock()

    def tell(**what):
        with lock:
            print(json.dumps(what), flush=True)
    readers = [Reader(place, seed + i, tell) for i in range(threads)]
    for reader in readers:
        reader.start()
    ending = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ending.set()), daemon=True).start()
    while not ending.wait(TELL_SECONDS):
        tell(looks=sum(reader.looks for reader in readers),
             slowest=max(reader.slowest for reader in readers))
    os._exit(0)  # a thread may wait for the mount; that is not waited for


if __name__ == "__main__":
    main()
