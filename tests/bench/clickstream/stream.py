"""The stream: the clicks of a plan as frames, in portions that can be made one without the other."""

import random
import struct
from collections.abc import Callable
from math import exp

from shortener.clicks import frame
from shortener.domain import period
from shortener.domain.click import ClickClass, Flag
from tests.bench.clickstream import crowd
from tests.bench.clickstream.estate import Estate
from tests.bench.clickstream.shape import Plan, Timeline, ranks

#: Shares of all visits: to no link; a visitor again at the same link; and at another one.
_ORPHANS, _AGAIN, _ELSEWHERE = 0.01, 0.22, 0.08
#: Share of robots among new visitors.
_ROBOTS = 0.18
#: Visitors who may come again: those of the last minutes.
_RECENT = 1024
#: What a hundred people say of themselves.
_NOTHING = Flag(0)
_SAID = (Flag.QR,) * 4 + (Flag.PREFETCH,) + (Flag.DO_NOT_TRACK,) * 3 + (_NOTHING,) * 92
#: Salt day and hash, as a visitor part begins.
_IDENTITY = struct.Struct("<IQ")
_HASH_BITS = 63

#: Link part, visitor part, whether it is a robot.
_Visit = tuple[bytes, bytes, bool]


class Stream:
    """Makes the clicks of a plan. Takes a second or two to begin, and memory by links, not by clicks."""

    def __init__(self, plan: Plan) -> None:
        dice = random.Random(plan.seed)
        self._plan = plan
        self._timeline = Timeline(plan)
        self._links = Estate(plan).parts()
        networks = crowd.networks_of(dice)
        self._people, self._robots = crowd.people(dice, networks), crowd.robots(dice, networks)
        self._ranks = ranks(plan.links)
        self._ways, self._orphans = crowd.ways(dice), crowd.orphans(dice)

    def portion(self, number: int, seal_seed: int, salt_day: int) -> bytes:
        """The frames of portion `number`, from 0 on, behind one another. `seal_seed` is their segment's.

        Hashes are said to be of `salt_day`, since only those of the last days are looked at. They are random and
        differ from day to day all the same, as those of a visitor do.
        """
        dice = random.Random(f"{self._plan.seed}/{number}")
        first = number * self._plan.portion
        end = min(first + self._plan.portion, self._plan.clicks)
        frames = []
        midnight_ms = 0
        recent: list[_Visit] = []
        for place, time_ms in enumerate(self._timeline.times(first, end, dice)):
            # Over midnight nobody is known again.
            if time_ms >= midnight_ms:
                midnight_ms, recent = (period.day_of(time_ms) + 1) * period.DAY_MS, []
            visit = self._visit(recent, salt_day, dice)
            if len(recent) < _RECENT:
                recent.append(visit)
            else:
                recent[place % _RECENT] = visit
            frames.append(frame.seal(self._payload(time_ms, visit, dice), seal_seed))
        return b"".join(frames)

    def _visit(self, recent: list[_Visit], salt_day: int, dice: random.Random) -> _Visit:
        draw = dice.random
        kind = draw()
        if kind < _AGAIN and recent:
            return recent[int(draw() * len(recent))]
        link = self._orphans[int(draw() * len(self._orphans))] if kind > 1 - _ORPHANS else self._link(draw)
        if kind < _AGAIN + _ELSEWHERE and recent:
            _, visitor, robot = recent[int(draw() * len(recent))]
            return link, visitor, robot
        robot = draw() < _ROBOTS
        among = self._robots if robot else self._people
        identity = _IDENTITY.pack(salt_day, dice.getrandbits(_HASH_BITS) or 1)
        return link, identity + among[int(draw() * len(among))], robot

    def _link(self, draw: Callable[[], float]) -> bytes:
        parts = self._links[int(exp(draw() * self._ranks))]
        return parts[0] if len(parts) == 1 else parts[int(draw() * len(parts))]

    def _payload(self, time_ms: int, visit: _Visit, dice: random.Random) -> bytes:
        link, visitor, robot = visit
        if robot:
            return frame.pack(time_ms, _NOTHING, None, link, visitor, crowd.NOTHING_MORE)
        said = _SAID[int(dice.random() * len(_SAID))]
        if said is Flag.DO_NOT_TRACK:
            return frame.pack(time_ms, said, ClickClass.HUMAN, link, crowd.NOBODY, crowd.NOTHING_MORE)
        way = self._ways[int(dice.random() * len(self._ways))]
        return frame.pack(time_ms, said, None, link, visitor, way)
