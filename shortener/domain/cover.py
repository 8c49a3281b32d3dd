"""Covers: a period as the whole UTC months and days that are kept, and what is left over."""

import calendar
from dataclasses import dataclass

from shortener.domain import period as periods
from shortener.domain.period import DAY_MS, Period

_DAYS_OF_A_MONTH = 30


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

    @property
    def extent(self) -> int:
        """How many days and months of 30 days those are."""
        return len(self.days) + _DAYS_OF_A_MONTH * len(self.months)


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


def around(period: Period, months: range) -> Cover:
    """What of these UTC months lies outside of `period`, its `whole` being the days that are not, or not wholly."""
    before = Period(periods.month_start_ms(months.start), period.start_ms, period.zone)
    after = Period(period.end_ms, periods.month_start_ms(months.stop), period.zone)
    parts = [cover(each) for each in (before, after) if each.start_ms < each.end_ms]
    return Cover(
        tuple(month for part in parts for month in part.months),
        tuple(day for part in parts for day in part.days),
        (period.start_ms // DAY_MS, -(-period.end_ms // DAY_MS)),
        tuple(edge for part in parts for edge in part.edges),
    )


def _edges(*spans: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    return tuple(span for span in spans if span[0] < span[1])
