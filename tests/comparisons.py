"""A plain-Python model of which period is compared with which: it looks at the clocks, slot by slot."""

from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from shortener.domain.comparison import Comparison
from shortener.domain.period import DAY_MS, SLOT_MS, Period, to_ms

WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)


def model(period: Period, comparison: Comparison) -> Period:
    """The period that `period` is compared with, where both lie after 1970 and on whole slots of their zones."""
    start, end = (clock(period.zone, instant) for instant in (period.start_ms, period.end_ms))
    if comparison is Comparison.PREVIOUS:
        days = max((end - start) // DAY, 0)
        rest_ms = period.end_ms - when(period.zone, moved(start, days * DAY))
        ends = (when(period.zone, moved(start, -days * DAY)) - rest_ms, period.start_ms)
    elif comparison is Comparison.YEAR:
        last_day = (2, 28) if (start.month, start.day) == (2, 29) else (3, 1)
        ends = (when(period.zone, a_year_before(start, (2, 28))), when(period.zone, a_year_before(end, last_day)))
    else:
        # From no week at all on: the first one that is early enough.
        weeks = next(each for each in count(1) if when(period.zone, moved(end, -each * WEEK)) <= period.start_ms)
        ends = (when(period.zone, moved(start, -weeks * WEEK)), when(period.zone, moved(end, -weeks * WEEK)))
    start_ms, end_ms = ends
    return Period(start_ms, end_ms if start_ms < end_ms else start_ms + period.end_ms - period.start_ms, period.zone)


def shown(zone: ZoneInfo, instant_ms: int) -> datetime:
    """What the clocks of a zone show."""
    return datetime.fromtimestamp(instant_ms / 1000, zone).replace(tzinfo=None)


def clock(zone: ZoneInfo, instant_ms: int) -> datetime:
    """The same, but midnight where a day begins."""
    found = shown(zone, instant_ms)
    begins = shown(zone, instant_ms - SLOT_MS).date() < found.date()
    return found.replace(hour=0, minute=0, second=0, fold=0) if begins else found


def moved(found: datetime, by: timedelta) -> datetime:
    """A clock's date moved, the hand on the same time: of one that comes twice, on the same of both."""
    return (found + by).replace(fold=found.fold)


def a_year_before(found: datetime, leap_day: tuple[int, int]) -> datetime:
    """The same date one year before; `leap_day` in the place of 29 February."""
    month, day = leap_day if (found.month, found.day) == (2, 29) else (found.month, found.day)
    return found.replace(year=found.year - 1, month=month, day=day)


def when(zone: ZoneInfo, wanted: datetime) -> int:
    """The first slot in which clocks show that or later; the second one that shows it, where that is wanted."""
    around = to_ms(wanted.replace(tzinfo=UTC))
    slots = range(around - 2 * DAY_MS, around + 2 * DAY_MS, SLOT_MS)
    same = [instant for instant in slots if shown(zone, instant) == wanted]
    if wanted.fold and len(same) == 2:
        return same[1]
    return next(instant for instant in slots if shown(zone, instant) >= wanted)
