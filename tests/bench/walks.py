# SPDX-License-Identifier: MIT
"""What is measured at a mount of ppiofs: commands warm, cold, and after the ttl."""
import contextlib
import os
import time
from typing import NamedTuple

from timing import medians, output, seconds, table, undisturbed

OPEN_LOOPS = 20000
IDLE_SECONDS = 10


class Walk(NamedTuple):
    name: str
    command: str  # {tree} is the mount or its copy
    reads: str  # "all" files, or "one" of each instance
    warm_goal: float  # times tmpfs


WALKS = (
    Walk("cat instances/*/status", "cat {tree}/instances/*/status", "one", 1.2),
    Walk("grep -r", "grep -r zzzz {tree}/instances; true", "all", 1.3),
    Walk("rg", "rg -uuu zzzz {tree}/instances; true", "all", 1.3),
    Walk("find -type f", "find {tree}/instances -type f", "all", 1.2),
    Walk("ls -lR", "ls -lR {tree}/instances", "all", 1.1),
)
CAT, GREP = WALKS[:2]
READ_EVERYTHING = GREP.command


class Fleet(NamedTuple):
    """What a measurement needs to know."""
    mount: object  # (server, ttl) -> Mounted
    server: object
    tree: object  # the copy on tmpfs
    build: object
    instances: int
    files: int
    figures: object


@contextlib.contextmanager
def stopping(thing):
    try:
        yield thing
    finally:
        thing.stop()


def open_read_close(fleet, tree, one, loops=OPEN_LOOPS):
    """Seconds each."""
    return float(output(f"{fleet.build}/open_read_close {loops} {tree}/instances/{one}/image")) / 1e6


def warm(fleet, runs):
    one = os.listdir(fleet.tree / "instances")[0]
    rows = []
    with stopping(fleet.mount(fleet.server)) as mounted:
        seconds(READ_EVERYTHING.format(tree=mounted.path))
        fleet.figures.rss[fleet.instances] = mounted.rss_mib()
        rows.append(warm_row(fleet, mounted, runs, f"open+read+close, mean of {OPEN_LOOPS:,}", 1.5,
                             lambda tree: open_read_close(fleet, tree, one)))
        for walk in WALKS:
            rows.append(warm_row(fleet, mounted, runs, walk.name, walk.warm_goal,
                                 lambda tree, walk=walk: seconds(walk.command.format(tree=tree))))
            fleet.figures.costs["warm", walk.name, fleet.instances] = rows[-1][1] / 1000
    table(f"warm, {fleet.instances:,} instances: ms, medians of {runs}; requests per run",
          ("", "ppiofs", "tmpfs", "ratio", "FUSE", "HTTP"),
          [(name, f"{a:.4g}", f"{b:.4g}", f"{a / b:.2f}", *more) for name, a, b, *more in rows])


def warm_row(fleet, mounted, runs, name, goal, measure):
    """@measure: tree -> seconds. Returns milliseconds."""
    def pair():
        return measure(mounted.path), measure(fleet.tree)

    def warmed_up():
        pair()
        return mounted.watch(lambda: medians([pair() for _ in range(runs)]))
    (a, b), did = undisturbed(warmed_up)
    fleet.figures.judge(f"warm / tmpfs, {name}, {fleet.instances:,}", a / b, goal)
    return name, a * 1000, b * 1000, f"{did.fuse_total() / runs:.0f}", f"{did.http / runs:.0f}"


def cold(fleet, runs):
    """Each run on a mount of its own. Returns the median seconds by command."""
    rows, times = [], {}
    for walk in WALKS:
        files = fleet.files if walk.reads == "all" else fleet.instances
        each = [cold_run(fleet, walk) for _ in range(runs)]
        a, b, fuse, http, cpu, server_cpu, mib = medians(each)
        alone = fleet.server.alone_seconds(http)
        times[walk.name] = a
        rows.append((walk.name, f"{a:.3f}", f"{b:.3f}", f"{a / b:.1f}", f"{a * 1e6 / files:.1f}",
                     f"{fuse / files:.2f}", f"{http:.0f}", f"{cpu:.2f}", f"{server_cpu:.2f}",
                     f"{100 * alone / a:.0f} %", f"{mib:.1f}"))
        if not fleet.server.latency:
            fleet.figures.costs["cold", walk.name, fleet.instances] = a
            fleet.figures.costs["daemon CPU of", walk.name, fleet.instances] = cpu
        if not fleet.server.latency and walk is GREP:
            fleet.figures.judge(f"cold grep -r, us per file, {fleet.instances:,}", a * 1e6 / files, 50)
            fleet.figures.judge(f"cold grep -r, FUSE per file, {fleet.instances:,}", fuse / files, 1.5)
    table(f"cold, {fleet.instances:,} instances, {fleet.server.latency * 1000:.0f} ms latency: s, "
          f"medians of {runs}, each on a new mount; `alone`: what part the server's ceiling explains",
          ("", "ppiofs", "tmpfs", "ratio", "us/file", "FUSE/file", "HTTP", "CPU s", "server CPU s",
           "alone", "RSS MiB"), rows)
    return times


def cold_run(fleet, walk):
    with stopping(fleet.mount(fleet.server)) as mounted:
        a, did = mounted.watch(seconds, walk.command.format(tree=mounted.path))
        b = seconds(walk.command.format(tree=fleet.tree))
        return a, b, did.fuse_total(), did.http, did.cpu, did.server_cpu, mounted.rss_mib()


def judge_latency(fleet, times, pages):
    """What the latency adds to the run without, against what it must add."""
    latency, n, costs = fleet.server.latency, fleet.instances, fleet.figures.costs
    if ("cold", GREP.name, n) not in costs:
        print("\nno run without latency to compare with")
        return
    rows = []
    for walk, least, goal, formula in (
            (GREP, n / 16 * latency, 1.2, f"N/16 x {latency * 1000:.0f} ms"),
            (CAT, pages * latency, 1.1, f"P x {latency * 1000:.0f} ms")):
        without = costs["cold", walk.name, n]
        more = times[walk.name] - without
        rows.append((walk.name, f"{times[walk.name]:.3f}", f"{without:.3f}", f"{more:.3f}", formula,
                     f"{least:.3f}", f"{more / least:.2f}", f"{goal}"))
        fleet.figures.judge(f"cold {walk.name}, what {latency * 1000:.0f} ms add / {formula}, {n:,}",
                            more / least, goal)
    table(f"what latency adds, {n:,} instances on {pages} pages: s",
          ("", "with", "without", "added", "must add", "s", "ratio", "goal"), rows)


KINDS = ("lookup", "readdir", "read", "getattr")


def after_ttl_row(mounted, what, command, change=None):
    def measure():
        seconds(command), seconds(command)
        if change is not None:
            change()
        mounted.wait_until_expired()
        return mounted.watch(seconds, command)
    spent, did = undisturbed(measure)
    again = seconds(command)
    other = did.fuse_total() - sum(did.fuse[kind] for kind in KINDS)
    return (what, f"{spent * 1000:.1f}", f"{again * 1000:.1f}", *(did.fuse[kind] for kind in KINDS),
            other, did.http, f"{did.cpu:.2f}"), did


def after_ttl(fleet):
    """Everything is in the kernel, the ttl has passed; and what a mount does that nobody uses."""
    answers = fleet.server.answers
    ttl = max(3, fleet.instances // 250)
    with stopping(fleet.mount(fleet.server, ttl)) as mounted:
        cat, grep = (walk.command.format(tree=mounted.path) for walk in (CAT, GREP))
        rows = []
        for what, command in ((GREP.name, grep), (CAT.name, cat)):
            row, did = after_ttl_row(mounted, f"{what}, nothing changed", command)
            rows.append(row)
            fleet.figures.judge(f"after ttl, {what}: READs, {fleet.instances:,}", did.fuse["read"], 0, 0)
            fleet.figures.judge(f"after ttl, {what}: HTTP over the list's pages, {fleet.instances:,}",
                                did.http - answers.n_pages, 0, 0)
        rows.append(after_ttl_row(mounted, f"{GREP.name}, one renamed", grep, answers.rename_one)[0])
        table(f"after ttl ({ttl} s), {fleet.instances:,} instances on {answers.n_pages} pages, all in "
              "the kernel: ms, requests",
              ("", "ms", "ms again", "LOOKUP", "READDIR", "READ", "GETATTR", "other", "HTTP", "CPU s"),
              rows)
        idle(fleet, mounted)


def idle(fleet, mounted):
    mounted.wait_until_expired()
    time.sleep(1)
    requests, wake_ups = fleet.server.requests(), mounted.wake_ups()
    time.sleep(IDLE_SECONDS)
    wake_ups, requests = mounted.wake_ups() - wake_ups, fleet.server.requests() - requests
    print(f"\nidle for {IDLE_SECONDS} s: {wake_ups} wake-ups, {requests} HTTP requests")
    fleet.figures.judge(f"idle {IDLE_SECONDS} s: wake-ups, {fleet.instances:,}", wake_ups, 0, 0)
    fleet.figures.judge(f"idle {IDLE_SECONDS} s: HTTP, {fleet.instances:,}", requests, 0, 0)


def listed_only(fleet):
    """For a fleet too large to walk: what needs the list alone."""
    answers = fleet.server.answers
    ttl = max(10, fleet.instances // 5000)
    with stopping(fleet.mount(fleet.server, ttl)) as mounted:
        top = f"{mounted.path}/instances"
        ls = f"ls -f {top}"
        every = f"find {top} -mindepth 1 -maxdepth 1 -printf '%p/status\\0' | xargs -0 cat"
        rows = [listed_row(fleet, mounted, "ls instances, cold", ls),
                listed_row(fleet, mounted, "cat of every status, then", every)]
        mounted.wait_until_expired()
        rows.append(listed_row(fleet, mounted, "ls, after ttl, nothing changed", ls))
        rows.append(listed_row(fleet, mounted, "ls again", ls))
        answers.rename_one()
        mounted.wait_until_expired()
        rows.append(listed_row(fleet, mounted, "ls, after ttl, one renamed", ls))
        rows.append(listed_row(fleet, mounted, "cat of every status, then", every))
    table(f"{fleet.instances:,} listed, {answers.n_pages:,} pages, ttl {ttl} s",
          ("", "s", "us/instance", "FUSE", "HTTP", "CPU s", "server CPU s", "alone", "RSS MiB"), rows)


def listed_row(fleet, mounted, what, command):
    spent, did = mounted.watch(seconds, command)
    alone = fleet.server.alone_seconds(did.http)
    return (what, f"{spent:.3f}", f"{spent * 1e6 / fleet.instances:.2f}", did.fuse_total(), did.http,
            f"{did.cpu:.2f}", f"{did.server_cpu:.2f}", f"{100 * alone / spent:.0f} %",
            f"{mounted.rss_mib():.1f}")
