# SPDX-License-Identifier: MIT
"""What may be seen, by the contract (tree.md, Freshness) and the answers alone.

A look lasts from `start` to `end`. Answers that the daemon had taken in by `start` are known; those
that were delivered by `end` may be. Of the known ones about an instance only that which was asked
for last counts; one that came while the look was under way may have come in time or not. What is
known must be younger than ttl, else the look has waited for an answer that came in its time.
"""
import dataclasses
from typing import NamedTuple

SLACK = 0.1  # seconds that may lie between a time of the daemon's and of ours
LIST_LIVES = 10  # times as long as it took, and
TTL_MOST = 600  # seconds at most


class Options(NamedTuple):
    ttl: float
    detail_ttl: float
    negative_ttl: float


@dataclasses.dataclass
class Look:
    start: float
    end: float
    since: float  # what was known by then counts as known: `start`, or less for what may lag behind


class Known:
    """All times as the daemon's clock says. @answers: those delivered, in that order."""

    def __init__(self, answers, options):
        self.answers = answers
        self.options = options
        self._drops = [(0.0, 0)]  # when, and the number of the last answer asked for before

    def drop(self, at, number):
        """SIGHUP: a look that begins later is to see nothing of before."""
        self._drops.append((at, number))

    def dropped(self, look):
        return max(number for at, number in self._drops if at <= look.start)

    # Ages

    def list_ttl(self, answer):
        """At most: how long that list is good."""
        if self.options.ttl == 0:
            return 0
        took = answer.known - answer.asked
        return min(TTL_MOST, max(self.options.ttl, LIST_LIVES * took))

    def longest_ttl(self, at):
        """How long at most what is shown then may be good: by the list that came last, or by one
        before of which the kernel was told."""
        lists = [a for a in self.answers if a.is_list and a.known is not None and a.known <= at]
        lives = [self.list_ttl(a) for a in lists if a is lists[-1]
                 or at - a.known <= self.list_ttl(a) + SLACK]
        return max([self.options.ttl, *lives]) if self.options.ttl else 0

    def _is_young(self, answer, look):
        ttl = self.longest_ttl(look.end)
        if not answer.is_list and not answer.shows:
            ttl = max(ttl, self.options.negative_ttl)
        return self._is_younger(answer, ttl, look)

    def _is_younger(self, answer, ttl, look):
        return (answer.number > self.dropped(look) and ttl > 0
                and look.start - answer.known <= ttl + SLACK)

    def _split(self, look, id):
        """(those known, those that may be) of the answers about @id."""
        about = [a for a in self.answers if a.is_about(id)]
        known = [a for a in about if a.known is not None and a.known <= look.since]
        return known, [a for a in about if a not in known and a.delivered <= look.end]

    def _newer(self, newest, may_be, look):
        return [a for a in may_be if a.number > self.dropped(look)
                and (newest is None or a.number > newest.number)]

    # What may be seen

    def verdicts(self, id, look, by_list=False):
        """The answers one of which says whether the instance is there, and with which listed values.
        @by_list: what was looked at shows the whole account, so a list must be fresh."""
        known, may_be = self._split(look, id)
        newest = max(known, key=lambda a: a.number, default=None)
        found = self._newer(newest, may_be, look)
        refreshed = any(a.number > self.dropped(look) and (a.is_list or not by_list) for a in may_be)
        fresh = any(self._is_young(a, look) for a in known if
                    (a.is_list if by_list else (a.of(id) is None) == (newest.of(id) is None)))
        if by_list and not refreshed and not fresh:
            return []
        return found + ([newest] if newest is not None and (refreshed or fresh) else [])

    def may_be_gone(self, id, look):
        """However long ago that was said: what needs no name to be looked up need not ask."""
        known, may_be = self._split(look, id)
        newest = max(known, key=lambda a: a.number, default=None)
        return any(a.of(id) is None for a in [*may_be, *([newest] if newest else [])])

    def details(self, id, look):
        """The Versions of the single GET that may be shown."""
        known, may_be = self._split(look, id)
        newest = max((a for a in known if a.shows and not a.is_list), key=lambda a: a.number,
                     default=None)
        found = [a for a in self._newer(newest, may_be, look) if not a.is_list and a.shows]
        refreshed = any(a.number > self.dropped(look) and not a.is_list for a in may_be)
        if newest is not None and (
                refreshed or self._is_younger(newest, self.options.detail_ttl, look)):
            found.append(newest)
        return [a.of(id) for a in found if self._still_holds(id, a, known)]

    def _still_holds(self, id, get, known):
        """No newer answer said that the instance is gone, or lists it otherwise."""
        newer = [a for a in known if a.number > get.number]
        if any(a.of(id) is None and self._counted(a, known) for a in newer):
            return False
        newest = max((a for a in newer if a.is_list), key=lambda a: a.number, default=None)
        return newest is None or self._agrees(id, newest.of(id), get.of(id), known)

    @staticmethod
    def _counted(answer, known):
        """It was the newest when it came."""
        return not any(a.number > answer.number and a.known < answer.known for a in known)

    @staticmethod
    def _agrees(id, item, full, known):
        if item is None:
            return False
        if item == full.item:
            return True
        # A list that says less than the single GET does not contradict it; unless it said more once,
        # since the instance was gone.
        says_less = item == dataclasses.replace(full.item, networked=False)
        gone = max((a.number for a in known if a.is_about(id) and a.of(id) is None), default=0)
        once = any(a.is_list and a.number > gone and (old := a.of(id)) and old.networked
                   for a in known)
        return says_less and not once
