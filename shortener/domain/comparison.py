"""Comparisons: which period of time another one is compared with.

Days, weeks and years are those of the zone. What begins and ends where days do is compared with what begins and ends
where days do, although a change of the clocks in between makes one of them an hour longer.
"""

from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from shortener.domain.period import SLOT_MS, Period, to_ms

_DAY, _WEEK = timedelta(days=1), timedelta(weeks=1)
_SECOND_MS = 1000
#: Month and day.
_LEAP_DAY, _DAY_BEFORE_IT, _DAY_AFTER_IT = (2, 29), (2, 28), (3, 1)


class Comparison(StrEnum):
    """What a period is compared with."""

    #: The period of the same length before: as many days of the zone, and the rest in hours.
    PREVIOUS = "previous"
    #: The same dates and times one year before.
    YEAR = "year"
    #: The same weekdays and times, as few whole weeks before as end before the period begins.
    WEEKDAY = "weekday"


def compared(period: Period, comparison: Comparison | Period) -> Period:
    """The period that `period` is compared with; a period that is given is that one.

    It begins with 1970 where the comparison would begin earlier. It is as long as `period` where nothing else would
    be left of it: all of it would lie in an hour that the clocks skip, or on 29 February in a year without one.
    """
    if isinstance(comparison, Period):
        return comparison
    start_ms, end_ms = _SHIFTS[comparison](period)
    if end_ms <= start_ms:
        end_ms = start_ms + period.end_ms - period.start_ms
    # A zone may have been no whole quarters of an hour away from UTC then.
    start_ms, end_ms = start_ms // SLOT_MS * SLOT_MS, -(-end_ms // SLOT_MS) * SLOT_MS
    end_ms = max(end_ms, 0)
    return Period(min(max(start_ms, 0), end_ms - SLOT_MS), end_ms, period.zone)


def _previous(period: Period) -> tuple[int, int]:
    start, end = _clock(period, period.start_ms), _clock(period, period.end_ms)
    days = max((end - start) // _DAY, 0) * _DAY
    rest_ms = period.end_ms - _instant(period.zone, _moved(start, days))
    return _instant(period.zone, _moved(start, -days)) - rest_ms, period.start_ms


def _year(period: Period) -> tuple[int, int]:
    start, end = _clock(period, period.start_ms), _clock(period, period.end_ms)
    # So it has as many days where it can: 1 March is where 28 February ends.
    ends = _DAY_BEFORE_IT if (start.month, start.day) == _LEAP_DAY else _DAY_AFTER_IT
    clocks = _a_year_before(start, _DAY_BEFORE_IT), _a_year_before(end, ends)
    return _instant(period.zone, clocks[0]), _instant(period.zone, clocks[1])


def _weekday(period: Period) -> tuple[int, int]:
    start, end = _clock(period, period.start_ms), _clock(period, period.end_ms)
    weeks = max((end - start) // _WEEK, 1)
    while _instant(period.zone, _moved(end, -weeks * _WEEK)) > period.start_ms:
        weeks += 1
    back = -weeks * _WEEK
    return _instant(period.zone, _moved(start, back)), _instant(period.zone, _moved(end, back))


#: What gives start and end of the period to compare with.
_SHIFTS = {Comparison.PREVIOUS: _previous, Comparison.YEAR: _year, Comparison.WEEKDAY: _weekday}


def _clock(period: Period, instant_ms: int) -> datetime:
    """What the clocks of `period` show at an instant; midnight where a day begins later, since that is skipped."""
    clock = period.local(instant_ms).replace(tzinfo=None)
    if period.local(instant_ms - _SECOND_MS).date() < clock.date():
        return datetime.combine(clock.date(), time())
    return clock


def _moved(clock: datetime, by: timedelta) -> datetime:
    # An hour that comes twice is the first or the second one there, too.
    return (clock + by).replace(fold=clock.fold)


def _a_year_before(clock: datetime, leap_day: tuple[int, int]) -> datetime:
    """The same date and time one year before; the month and day `leap_day` in the place of 29 February."""
    date = (clock.month, clock.day)
    month, day = leap_day if date == _LEAP_DAY else date
    return clock.replace(year=clock.year - 1, month=month, day=day)


def _instant(zone: ZoneInfo, clock: datetime) -> int:
    """When the clocks of a zone show `clock`. Where that is skipped, the moment the clocks jump."""
    first, second = (to_ms(clock.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if first <= second:
        return second if clock.fold else first
    instants = range(second, first + SLOT_MS, SLOT_MS)
    return next(instant for instant in instants if _shown(zone, instant) >= clock)


def _shown(zone: ZoneInfo, instant_ms: int) -> datetime:
    return datetime.fromtimestamp(instant_ms // _SECOND_MS, zone).replace(tzinfo=None)
