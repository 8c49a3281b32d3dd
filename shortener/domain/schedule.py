"""Schedules: since when, until when, and at which hours of which days by the clocks of a time zone.

A weekly one is written `Europe/Berlin mon-fri 09:00-17:00; sat,sun 10:00-12:00,22:00-02:00`: a zone, then parts, each
of days and hours. Hours that end before they start go on into the next day and count for the day they start on.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from shortener import errors
from shortener.domain import period, text

#: As people write them, in the order of datetime.weekday.
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_DAY_MINUTES = 24 * 60
_WEEK_MINUTES = 7 * _DAY_MINUTES
#: A link may ask for a thousand schedules at once, in no more zones than there are.
_ZONES_KEPT = 1024
#: As web/api/schemas/fields has it.
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_GAPS = re.compile(r"\s*([,;-])\s*")
_DAY_RANGE = re.compile(rf"({'|'.join(DAYS)})(?:-({'|'.join(DAYS)}))?")
_SPAN = re.compile(r"(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)", re.ASCII)
_HOW_TO_WRITE = "write a time zone, days and hours: Europe/Berlin mon-fri 09:00-17:00; sat,sun 10:00-14:00."

#: Minutes of a day; the second is past the end of the day where the span goes on into the next.
Span = tuple[int, int]


def normal_moment(written: str) -> str:
    """A moment of RFC 3339 as it is stored, in UTC; a fixed point. Raises ValueError, saying what would be right."""
    try:
        full = _RFC_3339.fullmatch(written.strip())
        moment = datetime.fromisoformat(full[0].upper()).astimezone(UTC) if full else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None or not period.EARLIEST <= moment < period.LATEST:
        how = "write it with its offset from UTC, as RFC 3339 says: 2027-01-31T12:00:00+01:00"
        raise ValueError(f"{_shown(written)} is no moment between 1970 and 9998; {how}.")
    return moment.isoformat().replace("+00:00", "Z")


def normal_form(weekly: str) -> str:
    """A weekly schedule as it is stored; a fixed point. Raises ValueError, saying what would be right."""
    zone, rest = _taken_apart(weekly)
    parts = [_part(part) for part in rest.split(";")]
    return f"{zone} " + "; ".join(f"{days} {','.join(map(_written, spans))}" for days, spans in parts)


def compiled(weekly: str) -> Callable[[datetime], bool]:
    """Whether a moment lies within a weekly schedule. Raises ValueError.

    What counts is what the zone's clocks show: an hour that they show twice is within twice, one that they leave out
    never. A span's end is no longer within it.
    """
    zone_name, rest = _taken_apart(weekly)
    zone = period.zone(zone_name)
    # As 16-bit numbers: as a list they take twenty times the memory of what is written.
    bounds = array("H", _bounds([minutes for part in rest.split(";") for minutes in _minutes(*_part(part))]))

    def holds(now: datetime) -> bool:
        return bisect_right(bounds, _minute_of_week(now, zone)) & 1 == 1

    return holds


@lru_cache(_ZONES_KEPT)
def _minute_of_week(now: datetime, zone: ZoneInfo) -> int:
    local = now.astimezone(zone)
    return local.weekday() * _DAY_MINUTES + local.hour * 60 + local.minute


def _shown(written: str) -> str:
    return f"'{text.printable(written[:64])}'"


def _taken_apart(weekly: str) -> tuple[str, str]:
    """The zone, known to exist, and the parts behind it without space around signs."""
    zone, *rest = weekly.replace("–", "-").split(None, 1) or [""]
    try:
        period.zone(zone)
    except errors.TimeZoneUnknown as error:
        raise ValueError(error.detail) from error
    if not rest:
        raise ValueError(f"Days and hours are missing: {_HOW_TO_WRITE}")
    return zone, _GAPS.sub(r"\1", rest[0].strip().removesuffix(";").lower())


def _part(part: str) -> tuple[str, list[Span]]:
    """Days as they are written, and the spans of each of them."""
    days, _, spans = (piece.strip() for piece in part.partition(" "))
    ranges = [_DAY_RANGE.fullmatch(each) for each in days.split(",")]
    if not all(ranges) or not spans:
        raise ValueError(f"{_shown(part)} are no days with their hours: {_HOW_TO_WRITE}")
    return days, [_span(span) for span in spans.split(",")]


def _span(span: str) -> Span:
    match = _SPAN.fullmatch(span)
    hours = [int(number) for number in match.groups()] if match else [99, 0, 99, 0]
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if max(hours[1], hours[3]) > 59 or start >= _DAY_MINUTES or end > _DAY_MINUTES:
        raise ValueError(f"{_shown(span)} are no hours; write them as 09:00-17:00, up to 24:00.")
    if start == end:
        raise ValueError(f"{_shown(span)} begins and ends at once; a whole day is 00:00-24:00.")
    return start, end if end > start else end + _DAY_MINUTES


def _written(span: Span) -> str:
    start, end = span
    end -= _DAY_MINUTES if end > _DAY_MINUTES else 0
    return f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"


def _minutes(days: str, spans: list[Span]) -> Iterator[Span]:
    """The spans of a part in minutes of the week, from Monday; cut where they go over its end."""
    for day in _days(days):
        for start, end in spans:
            begins, ends = day * _DAY_MINUTES + start, day * _DAY_MINUTES + end
            yield begins, min(ends, _WEEK_MINUTES)
            if ends > _WEEK_MINUTES:
                yield 0, ends - _WEEK_MINUTES


def _days(days: str) -> Iterator[int]:
    for each in days.split(","):
        first, _, last = each.partition("-")
        start = DAYS.index(first)
        length = (DAYS.index(last or first) - start) % 7 + 1
        yield from ((start + step) % 7 for step in range(length))


def _bounds(spans: list[Span]) -> list[int]:
    """Where the schedule begins and ends by turns, ascending; spans that touch or overlap are one."""
    bounds: list[int] = []
    for start, end in sorted(spans):
        if bounds and start <= bounds[-1]:
            bounds[-1] = max(bounds[-1], end)
        else:
            bounds += [start, end]
    return bounds
