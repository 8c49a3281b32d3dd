"""Periods of time: which instants a question is about.

Instants are milliseconds since 1970 UTC. Statistics are kept in slots of 15 minutes: every time zone in use
today is a multiple of that away from UTC, so the days of any zone are whole numbers of slots.
"""

import zoneinfo
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo

from shortener import errors

SLOT_MS = 15 * 60 * 1000
DAY_MS = 24 * 60 * 60 * 1000
#: Periods shorter than these are shown by hour, by day; longer ones by month.
_BY_HOUR_MS, _BY_DAY_MS = 3 * DAY_MS, 732 * DAY_MS
#: No question reaches beyond these (the second is the last whole year of datetime).
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9998, 12, 31, tzinfo=UTC)
#: Longest period: its months are parameters of a query, of which SQLite takes 32,766.
LONGEST = timedelta(days=366 * 1000)


class Granularity(StrEnum):
    """How wide a bucket of a time series is."""

    QUARTER_HOUR = "15m"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Interval(StrEnum):
    """Periods that end now."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"
    YEAR = "1y"
    MONTH_TO_DATE = "mtd"
    QUARTER_TO_DATE = "qtd"
    YEAR_TO_DATE = "ytd"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Period:
    """The instants from `start_ms` up to but not including `end_ms`, both on slot boundaries, as seen in a zone."""

    start_ms: int
    end_ms: int
    zone: ZoneInfo

    def local(self, instant_ms: int) -> datetime:
        """`instant_ms`, which is a whole second, on this period's clocks."""
        return datetime.fromtimestamp(instant_ms // 1000, self.zone)


@dataclass(frozen=True, slots=True)
class Asked:
    """A period as somebody asks for it."""

    zone: ZoneInfo
    #: Either an interval that ends now, or start and end.
    interval: Interval = Interval.MONTH
    start: datetime | None = None
    end: datetime | None = None


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware `moment`, rounded down."""
    return (moment - EARLIEST) // timedelta(milliseconds=1)


def from_ms(instant_ms: int) -> datetime:
    """The moment `instant_ms` milliseconds after 1970, in UTC."""
    return EARLIEST + timedelta(milliseconds=instant_ms)


def day_of(instant_ms: int) -> int:
    """The UTC day of an instant, counted from 1970-01-01."""
    return instant_ms // DAY_MS


def month_of_day(day: int) -> int:
    """The UTC month of a UTC day: 12 × year + month − 1."""
    moment = from_ms(day * DAY_MS)
    return moment.year * 12 + moment.month - 1


def month_start_ms(month: int) -> int:
    """Where a UTC month begins."""
    return to_ms(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC))


def zone(name: str) -> ZoneInfo:
    """The IANA time zone called `name`. Raises TimeZoneUnknown."""
    if name in _zone_names():
        return ZoneInfo(name)
    shown = ascii(name[:64])[1:-1]
    detail = f"'{shown}' is not a time zone of the IANA database; use a name such as Europe/Berlin or UTC."
    raise errors.TimeZoneUnknown(detail, field="timezone")


def between(start: datetime, end: datetime, tz: ZoneInfo, names: tuple[str, str] = ("start", "end")) -> Period:
    """The period from `start` to `end`, widened to slot boundaries. Raises PeriodInvalid, by their `names`."""
    for name, moment in zip(names, (start, end), strict=True):
        if not EARLIEST <= moment <= LATEST:
            raise errors.PeriodInvalid("Periods lie between 1970-01-01 and 9998-12-31.", field=name)
    if start >= end:
        raise errors.PeriodInvalid(
            f"`{names[0]}` ({start.isoformat()}) must lie before `{names[1]}` ({end.isoformat()}).", field=names[0]
        )
    if end - start > LONGEST:
        raise errors.PeriodInvalid("A period is at most 1,000 years long.", field=names[0])
    return Period(to_ms(start) // SLOT_MS * SLOT_MS, -(-to_ms(end) // SLOT_MS) * SLOT_MS, tz)


def ending_now(interval: Interval, now: datetime, first: datetime, tz: ZoneInfo) -> Period:
    """The period that `interval` names at `now`; `first` is where `all` begins.

    `24h` begins at a full hour of the zone, the others at a midnight; all end with the slot that `now` is in.
    """
    end = from_ms(to_ms(now) // SLOT_MS * SLOT_MS + SLOT_MS)
    if interval is Interval.DAY:
        start = now.astimezone(UTC) - timedelta(hours=23)
        return between(start - timedelta(minutes=start.astimezone(tz).minute), end, tz)
    today = now.astimezone(tz).date()
    begins = {
        Interval.WEEK: today - timedelta(days=6),
        Interval.MONTH: today - timedelta(days=29),
        Interval.QUARTER: today - timedelta(days=89),
        Interval.YEAR: today - timedelta(days=364),
        Interval.MONTH_TO_DATE: today.replace(day=1),
        Interval.QUARTER_TO_DATE: today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1),
        Interval.YEAR_TO_DATE: today.replace(month=1, day=1),
        Interval.ALL: min(first.astimezone(tz).date(), today),
    }
    return between(_midnight(begins[interval], tz), end, tz)


def filled_up(period: Period, now_ms: int, *, has_all: bool) -> Period:
    """`period` and, where no clicks can be beyond an end of it, the rest of the UTC month in which that end lies.

    None are beyond now; and what a clock dates a little later belongs to now. `has_all` says that none are before it.
    So the month that goes on is a whole one, and none of its clicks has to be looked for day by day or singly.
    """
    start_ms, end_ms = period.start_ms, period.end_ms
    if has_all:
        start_ms = month_start_ms(month_of_day(day_of(start_ms)))
    if end_ms > now_ms:
        end_ms = month_start_ms(month_of_day(day_of(end_ms - 1)) + 1)
    return Period(start_ms, end_ms, period.zone)


def widened(period: Period, before_day: int) -> Period:
    """`period`, but where an end cuts a UTC day before `before_day`, the whole of that day."""
    start, end = period.start_ms, period.end_ms
    if day_of(start) < before_day:
        start = start // DAY_MS * DAY_MS
    if day_of(end - 1) < before_day:
        end = -(-end // DAY_MS) * DAY_MS
    return Period(start, end, period.zone)


def without(period: Period, before_day: int) -> Period:
    """`period` without the UTC days before `before_day`; where nothing else is in it, its last slot."""
    start = max(period.start_ms, before_day * DAY_MS)
    return Period(min(start, period.end_ms - SLOT_MS), period.end_ms, period.zone)


def resolve(asked: Asked, now: datetime, first: datetime) -> Period:
    """The period asked for at `now`; `first` is where `all` and what has an end only begin. Raises PeriodInvalid."""
    if asked.start is not None or asked.end is not None:
        return between(asked.start or first, asked.end or now, asked.zone)
    return ending_now(asked.interval, now, first, asked.zone)


def rfc_3339(instant_ms: int) -> str:
    """An instant to the millisecond, in UTC: `2026-11-22T17:45:00.123Z`."""
    return from_ms(instant_ms).isoformat(timespec="milliseconds")[:-6] + "Z"


def default_granularity(period: Period) -> Granularity:
    """What a person would choose: hours up to three days, days up to two years, then months."""
    length = period.end_ms - period.start_ms
    if length < _BY_HOUR_MS:
        return Granularity.HOUR
    return Granularity.DAY if length < _BY_DAY_MS else Granularity.MONTH


@cache
def _zone_names() -> frozenset[str]:
    """The names people use; not the machine's own zone, nor those that count leap seconds (`right/`)."""
    return frozenset(zoneinfo.available_timezones()) - {"localtime", "Factory"}


def _midnight(day: date, tz: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC. Where midnight is skipped, the moment the clocks jump."""
    return datetime.combine(day, time(), tzinfo=tz).astimezone(UTC)
