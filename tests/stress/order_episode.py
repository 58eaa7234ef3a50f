# SPDX-License-Identifier: MIT
"""One episode of the order test: a fresh mount, and a script of steps that the dice wrote.

A script is a list of (step, number, number); the numbers are taken modulo what there is to choose
from, so that any part of a script is a script, too: shrink() makes use of that.
"""
import os
import random
import re
import time

from order_answers import Answers, wait_until
from order_known import Known, Look, Options
from order_looks import DETAIL_FIELDS, HELD_LOOKS, LISTED_FIELDS, LOOKS, STANDS
from order_readers import Reader, Stands, Task
from order_world import IDS, World, item_of
from mock_api import MockApi
from mounting import Mount

STEPS = 100
READERS = 4
OLDEST = 20  # steps that an answer is held at most
SETTLE = 0.015  # seconds without news: whatever was to happen has happened
TAKEN_IN = 1  # seconds; an answer that nobody waits for any more is not counted
HANGS = 10  # seconds in which a look that waits for nothing must have ended
NEXT_NAME = 0.06  # seconds in which a look of one thread goes on with the one before, and a little
TURN = 0.006  # seconds; of the loop
KEY_REST = 1.2  # seconds between two rotations: a key that is refused is read again so often
LAG = 0.05  # what a thread of the daemon's does behind a signal's back
WEIGHTS = {"look": 34, "fields": 8, "stand": 5, "held": 12, "deliver": 34, "change": 14, "sleep": 0,
           "wait": 1, "hang up": 1, "rotate": 1}


class Wrong(AssertionError):
    """What was seen is not what may be seen."""


def script(seed, weights):
    dice = random.Random(seed)
    names = list(weights)
    return [(dice.choices(names, [weights[name] for name in names])[0],
             dice.randrange(1 << 20), dice.randrange(1 << 20)) for _ in range(STEPS)]


class Episode:
    """Runs a script against a mount that has @options (and watches, if they say so)."""

    def __init__(self, options, place, suspend, watchdog=None):
        self.options = options
        self.suspend = suspend
        self.answers = Answers(suspend.now)
        self.known = Known(self.answers.answers, Options(
            *(options[name] for name in ("ttl", "detail_ttl", "negative_ttl"))))
        self.log = []
        self.stands = Stands()
        self.cut = 0.0  # what may lag behind does not from before this
        self.rotated = 0.0
        self.keys = 0
        self.watches = "watch" in options
        self.api = MockApi({}, item_of=item_of)
        self.answers.attach(self.api)
        self.api.start()
        self.mount = Mount(self.api, place, watchdog=watchdog, env=suspend.env, options={
            "timeout": 60, "patience": 60, "page_size": 2, "log": "info", **options})
        self.mount.expect_stderr("warning: ")
        self.world = World(self.api)
        self.readers = [Reader(suspend.now) for _ in range(READERS)]

    def close(self):
        try:
            self._let_all_go()
            self.stands.close()
            self.mount.unmount()
        finally:
            for reader in self.readers:
                reader.stop()
            self.api.stop()

    def note(self, text, at=None):
        self.log.append(f"{(at or self.suspend.now()) - self.started:9.3f} {text}")

    def run(self, steps):
        self.started = self.suspend.now()
        self.age = {}  # of each held answer: steps
        for step, first, second in steps:
            getattr(self, "_" + step.replace(" ", "_"))(first, second)
            self._settle()
            self._check()
            self._deliver_overdue()
        self._let_all_go()
        self._check()

    # Steps

    def _free_reader(self):
        return next((reader for reader in self.readers if not reader.busy), None)

    def _begin(self, looks):
        reader = self._free_reader()
        if reader is not None:
            self.note("look: " + ", ".join(f"{look[0]} of {look[1]}" for look in looks))
            reader.begin(Task(looks))

    def _plain(self, name, id):
        return (name, id, *LOOKS[name], os.fspath(self.mount.path), False)

    def _look(self, first, second):
        names = list(LOOKS)
        self._begin([self._plain(names[first % len(names)], IDS[second % len(IDS)])])

    def _fields(self, first, _):
        id = IDS[first % len(IDS)]
        self._begin([self._plain(name, id) for name in (*LISTED_FIELDS, *DETAIL_FIELDS)])

    def _stand(self, first, second):
        path = list(STANDS)[first % len(STANDS)].format(id=IDS[second % len(IDS)])
        if path not in self.stands.descriptors:
            self._begin([("stand in " + path, "", self.stands.enter(path), lambda *_: None,
                          os.fspath(self.mount.path), False)])

    def _held(self, first, second):
        in_use = {look[4] for reader in self.readers if reader.busy for look in reader.task.looks}
        paths = sorted(path for path, descriptor in self.stands.descriptors.items()
                       if descriptor not in in_use)
        if not paths:
            return
        path = paths[first % len(paths)]
        id = path.split("/")[1] if path.startswith("instances/") else ""
        pattern = path.replace(id, "{id}") if id else path
        name = STANDS[pattern][second % len(STANDS[pattern])]
        self._begin([(name, id, *HELD_LOOKS[name], self.stands.descriptors[path], True)])

    def _deliver(self, first, _):
        held = self.answers.held()
        if held:
            self._deliver_one(held[first % len(held)])

    def _deliver_one(self, held):
        before = self._counted()
        if self.answers.deliver(held):
            wait_until(lambda: self._counted() > before, TAKEN_IN)
            for _ in range(2):  # some more turns of the daemon's loop: it tells the kernel
                self.mount.read(".ppiofs/pid")
                time.sleep(TURN)
            self.answers.is_known(held)
            self.note(f"delivered: {held.what}")

    def _deliver_overdue(self):
        held = self.answers.held()
        self.age = {h: self.age.get(h, 0) + 1 for h in held}
        for one in held:
            if self.age[one] > OLDEST:
                self._deliver_one(one)
                self._settle()
                self._check()

    def _change(self, first, second):
        self.note(f"changed: {self.world.change(first, second)}")

    def _sleep(self, first, _):
        """In suspend: long, unless somebody waits and would have waited too long."""
        waits = self.answers.held() or any(reader.busy for reader in self.readers)
        seconds = 1 if waits else (2, 700, 4000)[first % 3]
        self.note(f"sleeps {seconds} s")
        self.suspend.sleep(seconds)
        self.mount.read(".ppiofs/status")  # it wakes up
        time.sleep(LAG)
        self.cut = self.suspend.now()

    def _wait(self, *_):
        time.sleep(self.options["ttl"] if 0 < self.options["ttl"] < 1 else 0.1)

    def _hang_up(self, *_):
        self.note("SIGHUP")
        number = self.answers.arrivals
        self.mount.signal(1)
        time.sleep(LAG)
        wait_until(lambda: "list: not fetched" in self.mount.read(".ppiofs/status"), HANGS)
        self.cut = self.suspend.now()
        self.known.drop(self.cut, number)

    def _rotate(self, *_):
        if time.monotonic() - self.rotated < KEY_REST:
            return
        self.rotated = time.monotonic()
        self.keys += 1
        self.note("the key is rotated")
        self.api.call(self._change_key, f"sk-rotated-{self.keys:016d}")

    def _change_key(self, key):
        path = self.mount.key_file.with_suffix(".new")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(key + "\n")
        os.rename(path, self.mount.key_file)
        self.api.key = key

    # Between the steps

    def _counted(self):
        """Answers that the daemon has taken in."""
        counts = [number for name, number in self.mount.stats().items()
                  if re.fullmatch(r'ppiofs_api_responses_total{status="[1-5]xx"}', name)]
        assert counts, "without the counter each answer would be waited for"
        return sum(counts)

    def _state(self):
        return (self.answers.arrivals, sum(reader.busy for reader in self.readers))

    def _settle(self):
        """Until all that follows from the last step has happened, as far as can be seen."""
        quiet, state = time.monotonic(), self._state()
        while time.monotonic() - quiet < SETTLE:
            if not any(reader.busy for reader in self.readers):
                return
            time.sleep(0.001)
            if self._state() != state:
                quiet, state = time.monotonic(), self._state()

    def _let_all_go(self):
        limit = time.monotonic() + HANGS
        while (held := self.answers.held()) or any(reader.busy for reader in self.readers):
            for one in held:
                self._deliver_one(one)
                limit = time.monotonic() + HANGS
            if time.monotonic() > limit:
                waiting = [reader.task.looks[0][:2] for reader in self.readers if reader.busy]
                raise Wrong(f"nothing is under way, and these wait: {waiting}")
            self._settle()

    # The verdict

    def _check(self):
        for reader in self.readers:
            if not reader.busy and reader.sights:
                sights, reader.sights = reader.sights, []
                for sight in sights:
                    self._check_sight(sight)
                self._check_one_answer(sights)

    def _since(self, sight):
        """A listing that a shell stands in may be as old as ttl without anybody being asked; and who
        looks from there at once after it went there goes on with that operation."""
        if not sight.held:
            return sight.start
        ttl = 0 if self.watches else self.known.longest_ttl(sight.start)
        return max(min(sight.start, self.cut), sight.start - max(ttl, NEXT_NAME))

    def _check_sight(self, sight):
        look = Look(sight.start, sight.end, self._since(sight))
        should = sight.judge(self.known, look, sight.id, sight.seen)
        seen = sorted(sight.seen) if isinstance(sight.seen, frozenset) else sight.seen
        self.note(f"  saw {sight.name} of {sight.id}: {seen}", sight.start)
        if should is not None:
            raise Wrong(f"{sight.name} of {sight.id}{' (held)' * sight.held}: saw {seen}, "
                        f"should be {should}")

    def _check_one_answer(self, sights):
        """While no answer came, all fields of an instance are of one."""
        if len(sights) < 2 or any(a.delivered <= sights[-1].end and (
                a.known is None or a.known >= sights[0].start) for a in self.answers.answers):
            return
        numbers = {sight.name: sight.seen.rpartition("-")[2] for sight in sights
                   if sight.name == "image"}
        details = {re.sub(r"\D*(10\.0\.0\.)?(\d+).*", r"\2", sight.seen) for sight in sights
                   if sight.name in DETAIL_FIELDS and sight.seen != "ENOENT"}
        if len(details) > 1:
            raise Wrong(f"fields of more than one answer: {numbers} {details}")
