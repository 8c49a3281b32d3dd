"""Covers: a period as the whole UTC months and days that are kept, and what is left over."""

import calendar
from dataclasses import dataclass

from shortener.domain import period as periods
from shortener.domain.period import DAY_MS, Period


@dataclass(frozen=True, slots=True)
class Cover:
    """A period taken apart for reading: months and days are whole in UTC, the edges are what is left over.

    `months` counts from January of year 0, `days` from 1970-01-01; `edges` are pairs of instants of
    one day, at most two. Together they cover every instant of the period exactly once.
    """

    months: tuple[int, ...]
    days: tuple[int, ...]
    #: The first day of months and days together, and the day after their last.
    whole: tuple[int, int]
    edges: tuple[tuple[int, int], ...]


def cover(period: Period) -> Cover:
    """`period` as whole UTC months, whole UTC days and the edges that are left over."""
    first_day, end_day = -(-period.start_ms // DAY_MS), period.end_ms // DAY_MS
    if first_day >= end_day:
        midnight = min(first_day * DAY_MS, period.end_ms)
        return Cover((), (), (0, 0), _edges((period.start_ms, midnight), (midnight, period.end_ms)))
    edges = _edges((period.start_ms, first_day * DAY_MS), (end_day * DAY_MS, period.end_ms))
    months, days = [], []
    day = first_day
    while day < end_day:
        moment = periods.from_ms(day * DAY_MS)
        length = calendar.monthrange(moment.year, moment.month)[1]
        if moment.day == 1 and day + length <= end_day:
            months.append(periods.month_of_day(day))
            day += length
        else:
            days.append(day)
            day += 1
    return Cover(tuple(months), tuple(days), (first_day, end_day), edges)


def _edges(*spans: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    return tuple(span for span in spans if span[0] < span[1])
