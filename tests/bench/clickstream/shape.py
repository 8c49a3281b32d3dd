"""How clicks spread over time and links. Pure: the same plan gives the same numbers."""

import math
import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from shortener.domain.period import DAY_MS, SLOT_MS

#: Clicks of an hour of the day, by UTC: what sites whose visitors are mostly in Europe and America see.
_HOURS = (5, 4, 3, 3, 3, 4, 5, 7, 10, 12, 13, 13, 13, 14, 15, 16, 16, 16, 16, 15, 14, 12, 9, 7)
#: Clicks of a day of the week, from Thursday on, on which 1970 began.
_WEEKDAYS = (1.08, 1.02, 0.82, 0.86, 1.05, 1.09, 1.08)
#: How many times as many clicks there are after a year.
_YEARLY_GROWTH = 2.5
_YEAR_DAYS = 365
_SLOTS_PER_DAY = DAY_MS // SLOT_MS
_SLOTS_PER_HOUR = _SLOTS_PER_DAY // 24


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made."""

    clicks: int
    links: int
    days: int
    seed: int
    #: The last click lies before this, milliseconds since 1970.
    end_ms: int
    #: Clicks of a portion, which fills a segment: 8 MB, half of a worker's.
    portion: int = 32_768

    @property
    def portions(self) -> int:
        """How many there are."""
        return -(-self.clicks // self.portion)

    @property
    def start_ms(self) -> int:
        """No click lies before this; the beginning of a slot."""
        return self.end_ms // SLOT_MS * SLOT_MS - self.days * DAY_MS


class Timeline:
    """When the clicks of a plan come: more by day than by night, fewer at weekends, and more from month to month."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    @cached_property
    def _before(self) -> list[int]:
        """How many clicks come before each slot, and in all."""
        first = self._plan.start_ms // SLOT_MS
        sums = [0.0, *accumulate(_weight(first + index, index) for index in range(self._plan.days * _SLOTS_PER_DAY))]
        return [round(self._plan.clicks * each / sums[-1]) for each in sums]

    def times(self, first: int, end: int, dice: random.Random) -> Iterator[int]:
        """The times of the clicks from number `first` up to but not including `end`, ascending, in milliseconds."""
        at, start, before = first, self._plan.start_ms, self._before
        slot = bisect_right(before, first) - 1
        while at < end:
            in_slot = before[slot + 1] - before[slot]
            for place in range(at - before[slot], min(end, before[slot + 1]) - before[slot]):
                yield start + slot * SLOT_MS + int((place + dice.random()) * SLOT_MS / in_slot)
            at = max(at, min(end, before[slot + 1]))
            slot += 1


def ranks(links: int) -> float:
    """What a random number in [0, 1) is multiplied with so that e to the power of it, cut, is the rank of a link.

    Rank k comes with the probability log(1 + 1/k) / log(links + 1), which is Zipf's law with the exponent 1.
    """
    return math.log(links + 1)


def _weight(slot: int, index: int) -> float:
    """Of a slot, counted from 1970 and from the beginning of the plan."""
    day, of_day = divmod(slot, _SLOTS_PER_DAY)
    hour, quarter = divmod(of_day, _SLOTS_PER_HOUR)
    share = quarter / _SLOTS_PER_HOUR
    by_hour = _HOURS[hour] * (1 - share) + _HOURS[(hour + 1) % len(_HOURS)] * share
    growth: float = _YEARLY_GROWTH ** (index / _SLOTS_PER_DAY / _YEAR_DAYS)
    return by_hour * _WEEKDAYS[day % len(_WEEKDAYS)] * growth
