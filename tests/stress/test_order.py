# SPDX-License-Identifier: MIT
"""Promises 19 and 21: whatever overtakes what, and whatever comes in between, a look shows what the
newest answer says: the one that was asked for last, of those that have come.

Episodes of a script that dice wrote, each on a mount of its own, whose API holds every answer until
the script lets it go. PPIOFS_ORDER_SECONDS makes it long; PPIOFS_SEED begins with another episode, or
repeats the one that failed; then its script is made as short as it can be.
"""
import os
import sys
import time

import pytest
from order_episode import WEIGHTS, Episode, Wrong, script
from suspend import Suspend, needs_suspend

SECONDS = float(os.environ.get("PPIOFS_ORDER_SECONDS",
                               3 if os.environ.get("PPIOFS_TESTS") == "brief" else 20))
SEED = os.environ.get("PPIOFS_SEED")
SHRINKS = 200  # runs at most
MODES = {
    "asks each time": ({"ttl": 0, "detail_ttl": 0, "negative_ttl": 0}, {}),
    "details live long": ({"ttl": 0, "detail_ttl": 600, "negative_ttl": 30}, {"hang up": 0}),
    "short lives": ({"ttl": 0.2, "detail_ttl": 0.4, "negative_ttl": 0.3}, {"wait": 8}),
    "long lives": ({"ttl": 300, "detail_ttl": 600, "negative_ttl": 300}, {"hang up": 3, "stand": 0, "rotate": 0}),
    "hung up on": ({"ttl": 300, "detail_ttl": 600, "negative_ttl": 300}, {"hang up": 3}),
    "suspended": ({"ttl": 300, "detail_ttl": 600, "negative_ttl": 300}, {"sleep": 5, "hang up": 0}),
    "watched": ({"ttl": 600, "detail_ttl": 600, "negative_ttl": 30, "watch": 1},
                {"wait": 10, "held": 20}),
}


def _weights(mode):
    return {**WEIGHTS, **MODES[mode][1]}


def _run(mode, steps, place, watchdog):
    """None, or what went wrong, and what had happened by then."""
    place.mkdir()
    episode = Episode(MODES[mode][0], place, Suspend(place), watchdog)
    try:
        episode.run(steps)
    except Wrong as wrong:
        return wrong, episode.log
    finally:
        episode.close()
    return None


def _looked_at(failure):
    return str(failure[0]).partition(" of ")[0]


def _shrink(run, steps, failure):
    """Leaves out whatever need not be there for a failure: halves, quarters and so on of the script."""
    length, runs = len(steps) // 2, 0
    while length >= 1 and runs < SHRINKS:
        at = 0
        while at < len(steps) and runs < SHRINKS:
            shorter, runs = steps[:at] + steps[at + length:], runs + 1
            again = run(shorter)
            if again is not None and _looked_at(again) == _looked_at(failure):
                steps, failure = shorter, again
            else:
                at += length
        length //= 2
    return steps, failure


@pytest.mark.slow(SECONDS + 120)
@pytest.mark.parametrize("mode", [pytest.param(mode, marks=[
    *([needs_suspend] if mode == "suspended" else [])]) for mode in MODES])
def test_the_newest_answer_wins_in_every_order(mode, tmp_path, watchdog):
    seed, end, episodes = int(SEED or time.time_ns() % 10**9), time.monotonic() + SECONDS, 0

    def run(steps):
        nonlocal episodes
        episodes += 1
        return _run(mode, steps, tmp_path / f"{episodes}", watchdog)
    while time.monotonic() < end:
        steps = script(seed, _weights(mode))
        failure = run(steps)
        if failure is not None and SEED:
            steps, failure = _shrink(run, steps, failure)
        if failure is not None:
            pytest.fail(f"{failure[0]}\nPPIOFS_SEED={seed}, {len(steps)} steps; the last of them:\n"
                        + "\n".join(failure[1][-60:]), pytrace=False)
        seed += 1
    print(f"{mode}: {episodes} episodes", file=sys.stderr)
