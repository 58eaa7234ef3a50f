# SPDX-License-Identifier: MIT
"""How long a command takes; tables; and the figures that are compared at the end."""
import os
import signal
import statistics
import subprocess
import sys
import time

HUNG_SECONDS = 1800
TRIES = 4
LEAST_SECONDS = 0.01  # the grain of CPU times


def _run(command, **streams):
    """With an alarm, as subprocess's own timeout looks only every 50 ms whether the command ended."""
    def give_up(*_):
        raise TimeoutError(f"{command[:100]}: not done after {HUNG_SECONDS} s")
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(HUNG_SECONDS)
    process = subprocess.Popen(command, shell=True, executable="/bin/bash", text=True,
                               start_new_session=True, **streams)
    try:
        said = process.communicate()[0]
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)  # the shell's children, too: they hold the mount
        process.wait()
        raise
    finally:
        signal.alarm(0)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return said


def seconds(command):
    start = time.perf_counter()
    _run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def output(command):
    return _run(command, stdout=subprocess.PIPE)


def caches_dropped():
    """How often somebody emptied the kernel's caches of directory entries, since boot."""
    with open("/proc/vmstat", encoding="ascii") as counters:
        return sum(int(line.split()[1]) for line in counters if line.startswith("drop_"))


def undisturbed(measure):
    """What @measure returns when nobody emptied the caches meanwhile, as another's tests may."""
    for _ in range(TRIES):
        before = caches_dropped()
        result = measure()
        if caches_dropped() == before:
            return result
    print("(somebody empties the caches of this machine: the next figures are not to be trusted)")
    return result


def medians(rows):
    """Of each column."""
    return [statistics.median(column) for column in zip(*rows)]


def table(title, header, rows):
    print(f"\n{title}\n")
    rows = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row]
            for row in [header, *rows]]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        first, *rest = (cell.ljust(w) if i == 0 else cell.rjust(w)
                        for i, (cell, w) in enumerate(zip(row, widths)))
        print("  ".join([first, *rest]).rstrip())
    sys.stdout.flush()


class Figures:
    """What the tables at the end are made of."""

    def __init__(self):
        self.costs = {}  # (warm, cold or CPU, command, instances) -> seconds, without latency
        self.rss = {}  # instances -> MiB with everything read
        self.mount_ms = []
        self._judged = []

    def judge(self, what, value, goal, digits=2):
        self._judged.append((what, f"{value:.{digits}f}", f"{goal:g}",
                             "" if value <= goal else "OVER"))

    def print_growth(self):
        """Every fleet that was measured without latency has every cost."""
        first, *more = sizes = sorted({instances for *_, instances in self.costs})
        rows = []
        for what in dict.fromkeys(f"{state} {command}" for state, command, _ in self.costs):
            each = {n: value / n for (state, command, n), value in self.costs.items()
                    if f"{state} {command}" == what}
            base = max(each[first], LEAST_SECONDS / first)
            rows.append((what, *(f"{each[n] * 1e6:.1f}" for n in sizes),
                         *(f"{each[n] / base:.2f}" for n in more)))
            for n in more:
                self.judge(f"growth per instance, {what}, {n:,} / {first:,}", each[n] / base, 1.3)
        table("growth: us per instance, and relative to the smallest fleet",
              ("", *(f"{n:,}" for n in sizes), *(f"{n:,} rel." for n in more)), rows)

    def print_memory(self):
        rows = []
        for instances, mib in sorted(self.rss.items()):
            kib = (mib - 16) * 1024 / instances
            rows.append((f"{instances:,}", f"{mib:.1f}", f"{kib:.2f}"))
            self.judge(f"KiB per instance over 16 MiB, all read, {instances:,}", kib, 8)
        table("memory with everything read", ("instances", "RSS MiB", "(RSS - 16 MiB)/instance KiB"),
              rows)

    def print_goals(self):
        self.judge(f"start to mounted, ms, median of {len(self.mount_ms)}",
                   statistics.median(self.mount_ms), 30, 1)
        table("goals", ("", "measured", "at most", ""), self._judged)
