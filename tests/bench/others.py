# SPDX-License-Identifier: MIT
"""What a user would do instead: curl and jq, or a file system over plain HTTP."""
import os
import shutil
import subprocess
import time

from mounted import KEY, is_mounted
from server import API_PATH
from timing import medians, seconds, table
from walks import CAT, GREP, open_read_close, stopping

MOUNT_SECONDS = 10
LOOPS = 50

CURL = f"curl -s -H 'Authorization: Bearer {KEY}' "
LIST = """cursor=; while :; do
    page=$({curl} "{url}?limit=100&cursor=$cursor")
    jq -r '.data[].status.status' <<<"$page"
    cursor=$(jq -r 'select(.has_more).next_cursor' <<<"$page"); [[ $cursor ]] || break
done"""


def curl_ways(fleet, runs):
    url = fleet.server.url + API_PATH
    ids = fleet.tree / "ids"
    ids.write_text("\n".join(fleet.server.answers.ids) + "\n")
    one = fleet.server.answers.ids[0]
    get = f"{CURL} {url}/"
    with stopping(fleet.mount(fleet.server)) as mounted:
        cat_one, cat_all = f"cat {mounted.path}/instances/{one}/status", CAT.command.format(
            tree=mounted.path)
        seconds(cat_all)
        ways = {
            "one value: cat (warm)": cat_one,
            "one value: curl | jq": f"{get}{one} | jq -r .status.status",
            "all values: cat instances/*/status (warm)": cat_all,
            "all values: curl | jq over the list's pages": LIST.format(curl=CURL, url=url),
            "all values: the same by xargs -P16":
                f'<{ids} xargs -P16 -I@ sh -c "{get}@ | jq -r .status.status"',
            "all values: curl | jq per instance":
                f"while read -r id; do {get}$id | jq -r .status.status; done <{ids}",
        }
        rows = [[seconds(command) for command in ways.values()] for _ in range(runs)]
    ids.unlink()
    print_ways(fleet, dict(zip(ways, medians(rows))), runs)


def print_ways(fleet, times, runs):
    base = {}
    rows = []
    for name, value in times.items():
        kind = name.split(":")[0]
        base.setdefault(kind, value)
        rows.append((name, f"{value * 1000:.1f}", f"{value / base[kind]:.1f}"))
    table(f"by hand, {fleet.instances:,} instances, {fleet.server.latency * 1000:.0f} ms latency: ms, "
          f"medians of {runs}", ("", "ms", "times ppiofs warm"), rows)


class Peer:
    """A file system over the server's plain directories of the copy."""

    def __init__(self, place, command):
        self.path = place / "peer"
        self.path.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            command.format(mnt=self.path), shell=True, start_new_session=True,
            executable="/bin/bash", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + MOUNT_SECONDS
        while not is_mounted(self.path):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("did not mount")
            time.sleep(0.01)

    def stop(self):
        if is_mounted(self.path):
            subprocess.run(["fusermount3", "-u", "-z", self.path], check=False)
        self.process.terminate()
        self.process.wait()


PEERS = {
    "rclone mount :http:": "exec rclone mount --read-only --http-url {url} :http: {{mnt}}",
    # nginx does not say Accept-Ranges with a part of a file, and httpdirfs ends for want of it.
    "httpdirfs": "exec httpdirfs -f --no-range-check {url} {{mnt}}",
}


def peers(fleet, place, runs):
    """Over one instance: some need 100 ms for each file."""
    one = sorted(os.listdir(fleet.tree / "instances"))[0]
    part = f"instances/{one}"
    rows = []
    with stopping(fleet.mount(fleet.server)) as mounted:
        base = walk_peer(fleet, mounted, part, one, runs)
        rows.append(peer_row("ppiofs", base, base))
    for name, command in PEERS.items():
        if not shutil.which(command.split()[1]):
            rows.append((name, "not installed", *[""] * 6))
            continue
        try:
            with stopping(Peer(place, command.format(url=fleet.server.files_url))) as peer:
                rows.append(peer_row(name, walk_peer(fleet, peer, part, one, runs), base))
        except (subprocess.SubprocessError, RuntimeError, TimeoutError) as error:
            rows.append((name, f"failed: {type(error).__name__}", *[""] * 6))
    table(f"peers, {fleet.server.latency * 1000:.0f} ms latency: grep -r of one instance; mean of "
          f"{LOOPS} open+read+close, medians of {runs}",
          ("", "cold s", "x", "warm s", "x", "HTTP of both", "open+read+close us", "x"), rows)


def walk_peer(fleet, mounted, part, one, runs):
    grep = GREP.command.replace("instances", part).format(tree=mounted.path)
    before = fleet.server.requests()
    cold, warm = seconds(grep), seconds(grep)
    http = fleet.server.requests() - before
    each, = medians((open_read_close(fleet, mounted.path, one, LOOPS),) for _ in range(runs))
    if mounted.process.poll() is not None:
        raise RuntimeError("crashed")
    return cold, warm, http, each


def peer_row(name, got, base):
    (cold, warm, http, each), (cold0, warm0, _, each0) = got, base
    return (name, f"{cold:.3f}", f"{cold / cold0:.1f}", f"{warm:.3f}", f"{warm / warm0:.1f}", http,
            f"{each * 1e6:.1f}", f"{each / each0:.1f}")
