"""Clocks: how far those of a zone are ahead of UTC, in slots of 15 minutes, and for how long."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache

from shortener.domain.period import DAY_MS, SLOT_MS, Period

#: Hours of a week count from 0, which is Monday's first (ISO 8601).
HOURS_OF_WEEK = 7 * 24
#: Periods kept: a page asks several questions about the same one, and where clocks may be changed each day is looked
#: at, which takes 0.4 ms for a year.
_KEPT = 16


def hour_of_week(period: Period, instant_ms: int) -> int:
    """Which hour of its week it is at an instant, by the clocks of `period`."""
    local = period.local(instant_ms)
    return local.weekday() * 24 + local.hour


@lru_cache(_KEPT)
def spans(period: Period) -> Sequence[tuple[int, Period]]:
    """The parts of `period` in which its clocks are ahead of UTC by the same time, and by how many slots.

    No clock is changed twice within a day.
    """
    begin, ahead = period.start_ms, _ahead(period, period.start_ms)
    if period.zone.utcoffset(None) is not None:  # a zone whose clocks are never changed, such as UTC
        return ((ahead, period),)
    found: list[tuple[int, Period]] = []
    for instant in (*range(period.start_ms, period.end_ms, DAY_MS), period.end_ms - SLOT_MS):
        then = _ahead(period, instant)
        if then != ahead:
            change = _change(period, max(begin, instant - DAY_MS), instant)
            found.append((ahead, Period(begin, change, period.zone)))
            begin, ahead = change, then
    return (*found, (ahead, Period(begin, period.end_ms, period.zone)))


def _change(period: Period, before: int, after: int) -> int:
    """The first slot with the same clocks as `after`, which are not those of `before`."""
    slots = range(before, after + SLOT_MS, SLOT_MS)
    then = _ahead(period, after)
    return slots[bisect_left(slots, 1, key=lambda slot: int(_ahead(period, slot) == then))]


def _ahead(period: Period, instant_ms: int) -> int:
    offset = period.local(instant_ms).utcoffset() or timedelta()
    return int(offset.total_seconds()) * 1000 // SLOT_MS
