"""Buckets of time: where those of a period begin, and what they are called."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from shortener import errors
from shortener.domain.period import DAY_MS, SLOT_MS, Granularity, Period

#: Most buckets of one answer: a hundred days by quarter of an hour, or a year by the hour.
MAX_BUCKETS = 10_000
#: Rows of buckets kept: a page asks several questions about the same period, which moves on every 15 minutes.
#: Each has a megabyte at most.
_KEPT = 4
#: What is as wide by every clock.
_WIDTH_MS = {Granularity.QUARTER_HOUR: SLOT_MS, Granularity.HOUR: 4 * SLOT_MS}
#: Days whose hours or quarters have their names kept, 2 to 7 KB each: most periods share them, and to name those of a
#: year takes 10 ms.
_DAYS_KEPT = 1_024


@lru_cache(_KEPT)
def starts(period: Period, granularity: Granularity) -> tuple[int, ...]:
    """Where the buckets of `period` begin, ascending; the first is the period's own start. Raises TooManyBuckets.

    Days, weeks (from Monday, ISO 8601) and months are those of the zone, so that a day of daylight saving
    has 23 or 25 hours.
    """
    found: list[int] = []
    for start in _starts(period, granularity):
        if len(found) == MAX_BUCKETS:
            cure = "choose a coarser granularity" if granularity is not Granularity.MONTH else "ask for less"
            detail = f"By {granularity} this period has more than {MAX_BUCKETS} buckets; {cure}."
            raise errors.TooManyBuckets(detail, field="granularity")
        found.append(start)
    return tuple(found)


@lru_cache(_KEPT)
def names(period: Period, granularity: Granularity) -> tuple[str, ...]:
    """The same as answers say it: RFC 3339, with the zone's offset."""
    begins, width = starts(period, granularity), _WIDTH_MS.get(granularity)
    if width is None:
        return tuple(_name(period.zone, begin) for begin in begins)
    found: list[str] = []
    while len(found) < len(begins):
        end = bisect_left(begins, begins[len(found)] + DAY_MS)
        found += _names_of_a_day(period.zone, begins[len(found) : end], width)
    return tuple(found)


def place(answered: Period, asked: Period, granularity: Granularity) -> int:
    """The place among the buckets of `answered` of the one in which `asked` begins; before the first one, below zero.

    The one period has more or less at its beginning than the other. Raises TooManyBuckets.
    """
    if answered.start_ms == asked.start_ms:
        return 0
    if answered.start_ms < asked.start_ms:
        return bisect_right(starts(answered, granularity), asked.start_ms) - 1
    return 1 - bisect_right(starts(asked, granularity), answered.start_ms)


def _starts(period: Period, granularity: Granularity) -> Iterator[int]:
    if granularity in _WIDTH_MS:
        return _slots_or_hours(period, granularity)
    return _days_or_longer(period, granularity)


def _slots_or_hours(period: Period, granularity: Granularity) -> Iterator[int]:
    instant, width = period.start_ms, _WIDTH_MS[granularity]
    while instant < period.end_ms:
        rest = width - (period.local(instant).minute * 60_000) % width
        if rest == width and _is_steady(period, instant):
            end = instant + DAY_MS
            yield from range(instant, min(end, period.end_ms), width)
            instant = end
        else:
            yield instant
            instant += rest


def _names_of_a_day(zone: ZoneInfo, begins: Sequence[int], width: int) -> Sequence[str]:
    """What the buckets are called that begin within the 24 hours from the first on."""
    if begins[-1] - begins[0] == (len(begins) - 1) * width:
        return _names_in_a_row(zone, begins[0], len(begins), width)
    return [_name(zone, begin) for begin in begins]


@lru_cache(_DAYS_KEPT)
def _names_in_a_row(zone: ZoneInfo, begin: int, count: int, width: int) -> tuple[str, ...]:
    return tuple(_name(zone, instant) for instant in range(begin, begin + count * width, width))


def _name(zone: ZoneInfo, instant_ms: int) -> str:
    return datetime.fromtimestamp(instant_ms // 1000, zone).isoformat()


def _is_steady(period: Period, instant_ms: int) -> bool:
    """Whether no clock is changed in the 24 hours from an instant on: none is changed twice in such a time."""
    return period.local(instant_ms).utcoffset() == period.local(instant_ms + DAY_MS).utcoffset()


def _days_or_longer(period: Period, granularity: Granularity) -> Iterator[int]:
    instant = period.start_ms
    day = period.local(instant).date()
    while instant < period.end_ms:
        yield instant
        before = instant
        # Once more where a whole day was skipped: its midnight is the next day's.
        while instant <= before:
            day = _next_date(day, granularity)
            # Where midnight is skipped, this is the moment the clocks jump.
            instant = int(datetime(day.year, day.month, day.day, tzinfo=period.zone).timestamp()) * 1000
        instant = max(instant, before + SLOT_MS)


def _next_date(day: date, granularity: Granularity) -> date:
    if granularity is Granularity.DAY:
        return day + timedelta(days=1)
    if granularity is Granularity.WEEK:
        return day + timedelta(days=7 - day.weekday())
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)
