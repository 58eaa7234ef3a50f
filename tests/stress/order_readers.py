# SPDX-License-Identifier: MIT
"""Those who look: threads that each make one system call after the other, and hold directories."""
import os
import queue
import threading
from typing import Any, Callable, NamedTuple

from order_looks import seen_by


class Sight(NamedTuple):
    """What one look saw."""
    name: str
    id: str
    judge: Callable
    start: float
    end: float
    seen: Any
    held: bool


class Task(NamedTuple):
    """Looks one after the other: (name, id, action, judge, place, held)."""
    looks: list


class Reader:
    def __init__(self, clock):
        self._clock = clock
        self._tasks = queue.SimpleQueue()
        self.busy = False
        self.sights = []  # of the task that has ended, when it is no longer busy
        self.task = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def begin(self, task):
        self.busy, self.task, self.sights = True, task, []
        self._tasks.put(task)

    def stop(self):
        self._tasks.put(None)

    def _run(self):
        while (task := self._tasks.get()) is not None:
            sights = []
            for name, id, action, judge, place, held in task.looks:
                start = self._clock()
                seen = seen_by(action, place, id) if not held else seen_by(action, place)
                sights.append(Sight(name, id, judge, start, self._clock(), seen, held))
            self.sights = sights
            self.busy = False


class Stands:
    """The directories that shells stand in: their descriptors by name."""

    def __init__(self):
        self.descriptors = {}

    def enter(self, path):
        """An action for a look: what it saw is "in", or an errno."""
        def action(place, _):
            descriptor = os.open(os.path.join(place, path), os.O_RDONLY | os.O_DIRECTORY)
            if self.descriptors.setdefault(path, descriptor) != descriptor:
                os.close(descriptor)
            return "in"
        return action

    def close(self):
        for descriptor in self.descriptors.values():
            os.close(descriptor)
        self.descriptors.clear()
