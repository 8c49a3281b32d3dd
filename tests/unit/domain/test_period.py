"""Periods: zones with their odd days, gap-free buckets, and a cover that takes every instant exactly once."""

import zoneinfo
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener import errors
from shortener.domain import buckets
from shortener.domain import cover as covers
from shortener.domain import period as periods
from shortener.domain.cover import Cover
from shortener.domain.period import DAY_MS, SLOT_MS, Granularity, Interval, Period
from tests.unit.laws import law, slow_law

HOUR_MS = 4 * SLOT_MS
#: What the IANA database itself lists, without a machine's own additions.
ZONES = sorted(name for name in zoneinfo.available_timezones() if name not in {"localtime", "Factory"})
#: Zones whose clocks do what others' do not: 30-minute shift, offsets of a quarter, midnights that do not exist,
#: a day that did not exist, both ends of the day, no shift at all.
ODD_ZONES = [
    *("Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Chatham", "America/St_Johns", "Africa/Cairo", "Asia/Beirut"),
    *("America/Havana", "America/Sao_Paulo", "America/Asuncion", "Asia/Gaza", "Pacific/Apia", "Pacific/Kiritimati"),
    *("Etc/GMT+12", "Antarctica/Troll", "Africa/Casablanca", "Europe/Dublin", "America/Nuuk", "UTC"),
]


def at(text: str, zone: str = "UTC") -> datetime:
    """The moment at which the clocks of `zone` show `text`."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def ms(text: str, zone: str = "UTC") -> int:
    return periods.to_ms(at(text, zone))


def between(start: str, end: str, zone: str = "UTC") -> Period:
    return periods.between(at(start, zone), at(end, zone), ZoneInfo(zone))


def shown(period: Period, granularity: Granularity) -> list[str]:
    """Where the buckets begin, as the period's clocks show it."""
    return [period.local(start).strftime("%m-%d %H:%M") for start in buckets.starts(period, granularity)]


def widths(period: Period, granularity: Granularity) -> list[float]:
    """How long the buckets are, in hours."""
    starts = buckets.starts(period, granularity)
    return [(end - start) / HOUR_MS for start, end in zip(starts, [*starts[1:], period.end_ms], strict=True)]


def test_the_names_that_questions_use() -> None:
    assert list(Granularity) == ["15m", "hour", "day", "week", "month"]
    assert list(Interval) == ["24h", "7d", "30d", "90d", "1y", "mtd", "qtd", "ytd", "all"]


# --- instants


@pytest.mark.parametrize(
    ("moment", "instant"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime(1970, 1, 1, 0, 0, 1, 999, tzinfo=UTC), 1000),
        (datetime(1970, 1, 1, 0, 0, 1, 1999, tzinfo=UTC), 1001),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1),
        (at("1970-01-01T01:00", "Europe/Berlin"), 0),
        (datetime(2026, 11, 22, 12, tzinfo=UTC), 1_795_348_800_000),
    ],
)
def test_to_ms_rounds_down(moment: datetime, instant: int) -> None:
    assert periods.to_ms(moment) == instant


@law
@given(st.integers(0, periods.to_ms(periods.LATEST)))
def test_instants_days_and_months(instant: int) -> None:
    moment = periods.from_ms(instant)
    assert periods.to_ms(moment) == instant
    day = periods.day_of(instant)
    assert date(1970, 1, 1) + timedelta(days=day) == moment.date()
    assert divmod(periods.month_of_day(day), 12) == (moment.year, moment.month - 1)


# --- zones


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Etc/GMT+5", "America/Argentina/Ushuaia"])
def test_zones(name: str) -> None:
    assert periods.zone(name).key == name


#: By name: what is no time zone.
NO_ZONES = {
    "empty": "",
    "unknown": "Europe/Atlantis",
    "lower-case": "europe/berlin",
    "folder": "Europe",
    "folder-with-slash": "Europe/",
    "offset": "+05:00",
    "the-machines-own": "localtime",
    "none-at-all": "Factory",
    "leap-seconds": "right/Europe/Berlin",
    "file-of-a-zone": "posix/Europe/Berlin",
    "space-before": " UTC",
    "newline-at-the-end": "UTC\n",
    "nul": "UTC\0",
    "escape": "\x1b[31m",
    "climbing": "../../../../etc/passwd",
    "absolute": "/etc/passwd",
    "dot": ".",
    "another-file-of-the-database": "zone1970.tab",
    "lone-surrogate": "\ud800",
    "other-script": "Европа/Берлин",
    "long": "x" * 100_000,
}


@pytest.mark.parametrize("name", NO_ZONES.values(), ids=list(NO_ZONES))
def test_what_is_no_zone(name: str) -> None:
    with pytest.raises(errors.TimeZoneUnknown) as refusal:
        periods.zone(name)
    assert refusal.value.field == "timezone"
    assert refusal.value.detail.isprintable()
    assert len(refusal.value.detail) < 1000


def test_the_message_repeats_the_name_as_it_was_given() -> None:
    with pytest.raises(errors.TimeZoneUnknown, match=r"^'Europe/Atlantis' is not a time zone"):
        periods.zone("Europe/Atlantis")


# --- periods


def test_a_period_is_widened_to_slots() -> None:
    period = between("2026-03-01T10:07:30", "2026-03-01T11:07:30")
    assert (period.start_ms, period.end_ms) == (ms("2026-03-01T10:00"), ms("2026-03-01T11:15"))
    exact = between("2026-03-01T10:15", "2026-03-01T10:30")
    assert (exact.start_ms, exact.end_ms) == (ms("2026-03-01T10:15"), ms("2026-03-01T10:30"))
    moment = at("2026-03-01T10:15")
    shortest = periods.between(moment, moment + timedelta(microseconds=1000), ZoneInfo("UTC"))
    assert shortest.end_ms - shortest.start_ms == SLOT_MS


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        (at("2026-01-02"), at("2026-01-01"), "start"),
        (at("2026-01-01"), at("2026-01-01"), "start"),
        (at("2026-01-01T01:00", "Europe/Berlin"), at("2026-01-01T00:00"), "start"),
        (at("1969-12-31T23:59:59"), at("2026-01-01"), "start"),
        (at("1970-01-01T00:59", "Europe/Berlin"), at("2026-01-01"), "start"),
        (at("2026-01-01"), at("1969-12-31T23:59:59"), "end"),
        (at("9998-01-01"), at("9998-12-31T00:00:01"), "end"),
        (at("9999-12-30"), at("9999-12-31"), "start"),
        (periods.EARLIEST, periods.EARLIEST + periods.LONGEST + timedelta(milliseconds=1), "start"),
    ],
)
def test_what_is_no_period(start: datetime, end: datetime, field: str) -> None:
    with pytest.raises(errors.PeriodInvalid) as refusal:
        periods.between(start, end, ZoneInfo("UTC"))
    assert refusal.value.field == field


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "UTC", "Pacific/Kiritimati"])
def test_the_first_and_the_last_of_the_longest_periods(zone: str) -> None:
    """At both ends of time the clocks of every zone can still be read."""
    for start in (periods.EARLIEST, periods.LATEST - periods.LONGEST):
        period = periods.between(start, start + periods.LONGEST, ZoneInfo(zone))
        assert period.end_ms - period.start_ms == 366_000 * DAY_MS
        assert len(covers.cover(period).months) < 32_766
        for granularity in Granularity:
            with pytest.raises(errors.TooManyBuckets):
                buckets.starts(period, granularity)


# --- buckets: days that are not like others

#: By name: zone, a local day, its length in hours.
ODD_DAYS: dict[str, tuple[str, str, float]] = {
    "ordinary": ("Europe/Berlin", "2026-06-01", 24),
    "spring-forward": ("Europe/Berlin", "2026-03-29", 23),
    "fall-back": ("Europe/Berlin", "2026-10-25", 25),
    "new-york-spring": ("America/New_York", "2026-03-08", 23),
    "new-york-fall": ("America/New_York", "2026-11-01", 25),
    "southern-summer": ("Australia/Sydney", "2026-10-04", 23),
    "southern-winter": ("Australia/Sydney", "2026-04-05", 25),
    "half-an-hour-forward": ("Australia/Lord_Howe", "2026-10-04", 23.5),
    "half-an-hour-back": ("Australia/Lord_Howe", "2026-04-05", 24.5),
    "two-hours-forward": ("Antarctica/Troll", "2026-03-29", 22),
    "two-hours-back": ("Antarctica/Troll", "2026-10-25", 26),
    "no-shift": ("Asia/Kathmandu", "2026-03-29", 24),
    "quarter-hour-offset": ("Pacific/Chatham", "2026-09-27", 23),
    "midnight-skipped": ("America/Sao_Paulo", "2018-11-04", 23),
    "midnight-skipped-in-cairo": ("Africa/Cairo", "2026-04-24", 23),
    "midnight-skipped-in-beirut": ("Asia/Beirut", "2026-03-29", 23),
    "midnight-skipped-in-havana": ("America/Havana", "2026-03-08", 23),
    "midnight-twice": ("America/Havana", "2026-11-01", 25),
    "last-hour-twice": ("America/Sao_Paulo", "2018-02-17", 25),
    "last-hour-twice-in-cairo": ("Africa/Cairo", "2026-10-29", 25),
}


@pytest.mark.parametrize(("zone", "day", "hours"), ODD_DAYS.values(), ids=list(ODD_DAYS))
def test_days_that_are_not_like_others(zone: str, day: str, hours: float) -> None:
    noon = at(f"{day}T12:00", zone)
    period = periods.between(noon - timedelta(days=2), noon + timedelta(days=2), ZoneInfo(zone))
    found = {
        period.local(start).date().isoformat(): width
        for start, width in zip(buckets.starts(period, Granularity.DAY), widths(period, Granularity.DAY), strict=True)
    }
    assert found[day] == hours
    neighbours = [(noon.date() + timedelta(days=step)).isoformat() for step in (-1, 1)]
    assert [found[neighbour] for neighbour in neighbours] == [24, 24]


def test_a_skipped_midnight_is_the_moment_the_clocks_jump() -> None:
    period = between("2018-11-03T00:00", "2018-11-05T12:00", "America/Sao_Paulo")
    assert shown(period, Granularity.DAY) == ["11-03 00:00", "11-04 01:00", "11-05 00:00"]


def test_a_day_that_never_was_has_no_bucket() -> None:
    """Samoa went from 29 to 31 December 2011 to change sides of the date line."""
    period = between("2011-12-28T00:00", "2012-01-02T00:00", "Pacific/Apia")
    assert shown(period, Granularity.DAY) == ["12-28 00:00", "12-29 00:00", "12-31 00:00", "01-01 00:00"]
    assert widths(period, Granularity.DAY) == [24, 24, 24, 24]


def test_a_midnight_that_comes_twice_begins_the_day_once() -> None:
    period = between("2026-10-31T00:00", "2026-11-03T00:00", "America/Havana")
    assert shown(period, Granularity.DAY) == ["10-31 00:00", "11-01 00:00", "11-02 00:00"]


@pytest.mark.parametrize(
    ("zone", "start", "end", "hours"),
    [
        ("Europe/Berlin", "2026-03-29T00:00", "2026-03-29T05:00", ["00:00", "01:00", "03:00", "04:00"]),
        ("Europe/Berlin", "2026-10-25T01:00", "2026-10-25T04:00", ["01:00", "02:00", "02:00", "03:00"]),
        ("Asia/Kathmandu", "2026-03-29T00:00", "2026-03-29T03:00", ["00:00", "01:00", "02:00"]),
        ("Asia/Kathmandu", "2026-03-29T00:15", "2026-03-29T02:30", ["00:15", "01:00", "02:00"]),
        ("America/St_Johns", "2026-06-01T22:30", "2026-06-02T00:30", ["22:30", "23:00", "00:00"]),
        ("Australia/Lord_Howe", "2026-10-04T01:00", "2026-10-04T04:00", ["01:00", "02:30", "03:00"]),
        ("Australia/Lord_Howe", "2026-04-05T00:00", "2026-04-05T03:00", ["00:00", "01:00", "01:30", "02:00"]),
    ],
)
def test_hours(zone: str, start: str, end: str, hours: list[str]) -> None:
    period = between(start, end, zone)
    assert [bucket[6:] for bucket in shown(period, Granularity.HOUR)] == hours


def test_quarters() -> None:
    period = between("2026-10-25T02:45", "2026-10-25T03:30", "Europe/Berlin")
    # 02:45 comes twice; the first one is meant, an hour and three quarters before 03:30.
    assert widths(period, Granularity.QUARTER_HOUR) == [0.25] * 7


def test_weeks_begin_on_monday() -> None:
    period = between("2026-03-25T12:00", "2026-04-14T00:00", "Europe/Berlin")
    assert shown(period, Granularity.WEEK) == ["03-25 12:00", "03-30 00:00", "04-06 00:00", "04-13 00:00"]


def test_months() -> None:
    period = between("2023-12-31T23:45", "2024-04-30T00:00", "Europe/Berlin")
    assert shown(period, Granularity.MONTH) == [
        *("12-31 23:45", "01-01 00:00", "02-01 00:00", "03-01 00:00", "04-01 00:00"),
    ]
    assert widths(period, Granularity.MONTH)[1:4] == [31 * 24, 29 * 24, 31 * 24 - 1]


# --- buckets: laws

#: What the instants of one bucket have in common, on the period's clocks.
SHARED: dict[Granularity, Callable[[datetime], object]] = {
    Granularity.DAY: lambda local: local.date(),
    Granularity.WEEK: lambda local: local.isocalendar()[:2],
    Granularity.MONTH: lambda local: (local.year, local.month),
}
LONGEST_HOURS = {
    Granularity.QUARTER_HOUR: 0.25,
    Granularity.HOUR: 1.0,
    Granularity.DAY: 26.0,
    Granularity.WEEK: 8 * 24.0,
    Granularity.MONTH: 32 * 24.0,
}

any_zone = st.sampled_from(ODD_ZONES) | st.sampled_from(ZONES)


@st.composite
def any_period(draw: st.DrawFn, first: int = 1970, days: int = 60) -> Period:
    """A period of up to so many days, beginning in or after the year `first`."""
    start = draw(st.integers(ms(f"{first}-01-02") // SLOT_MS, ms("2060-01-01") // SLOT_MS)) * SLOT_MS
    length = draw(st.integers(1, days * 96) | st.integers(1, 96)) * SLOT_MS
    return Period(start, start + length, ZoneInfo(draw(any_zone)))


@law
@given(any_period(), st.sampled_from(Granularity))
def test_buckets_are_gap_free_and_strictly_increasing(period: Period, granularity: Granularity) -> None:
    starts = buckets.starts(period, granularity)
    assert starts[0] == period.start_ms
    assert starts == tuple(sorted(set(starts)))
    assert starts[-1] < period.end_ms
    assert all(width <= LONGEST_HOURS[granularity] for width in widths(period, granularity))


@law
@given(any_period(), st.sampled_from(Granularity))
def test_buckets_are_called_what_clocks_show(period: Period, granularity: Granularity) -> None:
    wanted = tuple(period.local(start).isoformat() for start in buckets.starts(period, granularity))
    assert buckets.names(period, granularity) == wanted


@law
@given(any_period(first=1980), st.sampled_from(Granularity))
def test_buckets_are_whole_slots(period: Period, granularity: Granularity) -> None:
    assert all(start % SLOT_MS == 0 for start in buckets.starts(period, granularity))


@slow_law
@given(any_period(first=2013), st.sampled_from(sorted(SHARED)))
def test_a_bucket_is_one_day_week_or_month_of_the_zone(period: Period, granularity: Granularity) -> None:
    """Held against a walk over all slots: a bucket begins where, and only where, the date turns."""
    shared = SHARED[granularity]
    slots = range(period.start_ms, period.end_ms, SLOT_MS)
    turns = [
        slot
        for slot in slots
        if slot == period.start_ms or shared(period.local(slot)) != shared(period.local(slot - SLOT_MS))
    ]
    assert buckets.starts(period, granularity) == tuple(turns)


@law
@given(any_period(first=1980, days=5))
def test_hours_begin_at_full_hours_or_where_the_clocks_are_set(period: Period) -> None:
    for start in buckets.starts(period, Granularity.HOUR)[1:]:
        shifted = period.local(start).utcoffset() != period.local(start - 1).utcoffset()
        assert period.local(start).minute == 0 or shifted


def test_too_many_buckets() -> None:
    start = periods.from_ms(0)
    most = periods.between(start, start + buckets.MAX_BUCKETS * timedelta(minutes=15), ZoneInfo("UTC"))
    assert len(buckets.starts(most, Granularity.QUARTER_HOUR)) == buckets.MAX_BUCKETS
    more = Period(most.start_ms, most.end_ms + SLOT_MS, most.zone)
    with pytest.raises(errors.TooManyBuckets) as refusal:
        buckets.starts(more, Granularity.QUARTER_HOUR)
    assert refusal.value.field == "granularity"
    assert "15m" in refusal.value.detail


@pytest.mark.parametrize(
    ("start", "end", "granularity"),
    [
        ("2026-01-01T00:00", "2026-01-01T00:15", Granularity.HOUR),
        ("2026-01-01T00:00", "2026-01-03T23:45", Granularity.HOUR),
        ("2026-01-01T00:00", "2026-01-04T00:00", Granularity.DAY),
        ("2024-01-01T00:00", "2026-01-01T23:45", Granularity.DAY),
        ("2024-01-01T00:00", "2026-01-02T00:00", Granularity.MONTH),
        ("1970-01-01T00:00", "2026-01-01T00:00", Granularity.MONTH),
    ],
)
def test_default_granularity(start: str, end: str, granularity: Granularity) -> None:
    period = between(start, end)
    assert periods.default_granularity(period) is granularity
    assert buckets.starts(period, granularity)


# --- filled up

NOW = at("2026-11-23T07:15")


@pytest.mark.parametrize(
    ("start", "end", "has_all", "filled"),
    {
        "it ends before now": (
            "2026-10-02T03:00",
            "2026-11-23T07:00",
            False,
            ("2026-10-02T03:00", "2026-11-23T07:00"),
        ),
        "it ends now": ("2026-10-02T03:00", "2026-11-23T07:15", False, ("2026-10-02T03:00", "2026-11-23T07:15")),
        "it reaches beyond now": (
            "2026-10-02T03:00",
            "2026-11-23T07:30",
            False,
            ("2026-10-02T03:00", "2026-12-01T00:00"),
        ),
        "to the end of a month": (
            "2026-10-02T03:00",
            "2026-12-01T00:00",
            False,
            ("2026-10-02T03:00", "2026-12-01T00:00"),
        ),
        "into the next": ("2026-10-02T03:00", "2026-12-01T00:15", False, ("2026-10-02T03:00", "2027-01-01T00:00")),
        "nothing is before it": (
            "2026-10-02T03:00",
            "2026-11-01T00:00",
            True,
            ("2026-10-01T00:00", "2026-11-01T00:00"),
        ),
        "both": ("2025-12-31T03:00", "2026-11-23T07:30", True, ("2025-12-01T00:00", "2026-12-01T00:00")),
    }.values(),
)
def test_filled_up(start: str, end: str, has_all: bool, filled: tuple[str, str]) -> None:
    found = periods.filled_up(between(start, end), periods.to_ms(NOW), has_all=has_all)
    assert found == between(*filled)


# --- cover


def spans(cover: Cover) -> list[tuple[int, int]]:
    """What a cover consists of, in order of time; months worked out by calendar."""
    months = [
        (ms(f"{month // 12}-{month % 12 + 1:02}-01"), ms(f"{(month + 1) // 12}-{(month + 1) % 12 + 1:02}-01"))
        for month in cover.months
    ]
    days = [(day * DAY_MS, (day + 1) * DAY_MS) for day in cover.days]
    return sorted([*months, *days, *cover.edges])


@law
@given(any_period(days=100) | any_period(days=900))
def test_a_cover_takes_every_instant_exactly_once(period: Period) -> None:
    cover = covers.cover(period)
    pieces = spans(cover)
    assert all(start < end for start, end in pieces)
    # One piece ends where the next begins, from the period's start to its end: nothing is left out or taken twice.
    assert [period.start_ms, *(end for _, end in pieces)] == [*(start for start, _ in pieces), period.end_ms]
    whole = [span for span in pieces if span not in cover.edges]
    assert cover.whole == ((whole[0][0] // DAY_MS, whole[-1][1] // DAY_MS) if whole else (0, 0))


@law
@given(any_period(days=900))
def test_a_cover_leaves_little_to_the_edges(period: Period) -> None:
    cover = covers.cover(period)
    assert len(cover.edges) <= 2
    assert all(start // DAY_MS == (end - 1) // DAY_MS for start, end in cover.edges)
    # Days of a whole month are never taken singly: at most those of two months that are cut.
    assert len(cover.days) <= 60
    assert list(cover.months) == sorted(cover.months)


@pytest.mark.parametrize(
    ("start", "end", "months", "days", "edges"),
    [
        ("2026-03-01T10:00", "2026-03-01T11:00", 0, 0, 1),
        ("2026-03-01T10:00", "2026-03-02T11:00", 0, 0, 2),
        ("2026-03-01T00:00", "2026-03-02T00:00", 0, 1, 0),
        ("2026-03-01T00:15", "2026-03-03T00:00", 0, 1, 1),
        ("2026-03-01T00:00", "2026-03-02T00:15", 0, 1, 1),
        ("2026-03-01T12:00", "2026-03-04T12:00", 0, 2, 2),
        ("2026-02-01T00:00", "2026-03-01T00:00", 1, 0, 0),
        ("2024-02-01T00:00", "2024-03-01T00:00", 1, 0, 0),
        ("2024-02-01T00:00", "2024-02-29T00:00", 0, 28, 0),
        ("2026-01-31T12:00", "2026-03-02T12:00", 1, 1, 2),
        ("2025-12-31T00:00", "2027-01-01T00:00", 12, 1, 0),
    ],
)
def test_covers(start: str, end: str, months: int, days: int, edges: int) -> None:
    cover = covers.cover(between(start, end))
    assert (len(cover.months), len(cover.days), len(cover.edges)) == (months, days, edges)


# --- intervals that end now

FIRST = at("2025-02-11T09:30")
#: Interval, zone, now on the zone's clocks, and the period on them.
INTERVALS = [
    (Interval.DAY, "UTC", "2026-11-22T12:07", "2026-11-21T13:00", "2026-11-22T12:15"),
    (Interval.DAY, "UTC", "2026-11-22T12:00", "2026-11-21T13:00", "2026-11-22T12:15"),
    (Interval.DAY, "UTC", "2026-11-22T12:59:59.999999", "2026-11-21T13:00", "2026-11-22T13:00"),
    (Interval.DAY, "Asia/Kathmandu", "2026-11-22T12:07", "2026-11-21T13:00", "2026-11-22T12:15"),
    (Interval.DAY, "America/St_Johns", "2026-11-22T12:07", "2026-11-21T13:00", "2026-11-22T12:15"),
    (Interval.DAY, "Europe/Berlin", "2026-03-29T12:07", "2026-03-28T12:00", "2026-03-29T12:15"),
    (Interval.DAY, "Europe/Berlin", "2026-10-25T12:07", "2026-10-24T14:00", "2026-10-25T12:15"),
    (Interval.DAY, "Australia/Lord_Howe", "2026-04-05T12:07", "2026-04-04T13:00", "2026-04-05T12:15"),
    (Interval.WEEK, "UTC", "2026-11-22T12:07", "2026-11-16T00:00", "2026-11-22T12:15"),
    (Interval.WEEK, "Europe/Berlin", "2026-03-30T00:00", "2026-03-24T00:00", "2026-03-30T00:15"),
    (Interval.WEEK, "Pacific/Kiritimati", "2026-11-22T00:30", "2026-11-16T00:00", "2026-11-22T00:45"),
    (Interval.MONTH, "UTC", "2026-11-22T12:07", "2026-10-24T00:00", "2026-11-22T12:15"),
    (Interval.MONTH, "Africa/Cairo", "2026-05-23T12:00", "2026-04-24T01:00", "2026-05-23T12:15"),
    (Interval.QUARTER, "UTC", "2026-11-22T12:07", "2026-08-25T00:00", "2026-11-22T12:15"),
    (Interval.YEAR, "UTC", "2026-11-22T12:07", "2025-11-23T00:00", "2026-11-22T12:15"),
    (Interval.YEAR, "UTC", "2024-12-31T12:07", "2024-01-02T00:00", "2024-12-31T12:15"),
    (Interval.MONTH_TO_DATE, "UTC", "2026-11-22T12:07", "2026-11-01T00:00", "2026-11-22T12:15"),
    (Interval.MONTH_TO_DATE, "UTC", "2026-11-01T00:00", "2026-11-01T00:00", "2026-11-01T00:15"),
    (Interval.QUARTER_TO_DATE, "UTC", "2026-11-22T12:07", "2026-10-01T00:00", "2026-11-22T12:15"),
    (Interval.QUARTER_TO_DATE, "UTC", "2026-03-31T12:07", "2026-01-01T00:00", "2026-03-31T12:15"),
    (Interval.QUARTER_TO_DATE, "UTC", "2026-04-01T12:07", "2026-04-01T00:00", "2026-04-01T12:15"),
    (Interval.QUARTER_TO_DATE, "Asia/Tokyo", "2026-12-31T12:07", "2026-10-01T00:00", "2026-12-31T12:15"),
    (Interval.YEAR_TO_DATE, "UTC", "2026-11-22T12:07", "2026-01-01T00:00", "2026-11-22T12:15"),
    (Interval.YEAR_TO_DATE, "Pacific/Kiritimati", "2026-01-01T00:30", "2026-01-01T00:00", "2026-01-01T00:45"),
    (Interval.ALL, "UTC", "2026-11-22T12:07", "2025-02-11T00:00", "2026-11-22T12:15"),
    (Interval.ALL, "Pacific/Kiritimati", "2026-11-22T12:07", "2025-02-11T00:00", "2026-11-22T12:15"),
    (Interval.ALL, "Pacific/Honolulu", "2026-11-22T12:07", "2025-02-10T00:00", "2026-11-22T12:15"),
    # The first click may lie ahead of this machine's clock.
    (Interval.ALL, "UTC", "2025-02-10T12:07", "2025-02-10T00:00", "2025-02-10T12:15"),
]


@pytest.mark.parametrize(("interval", "zone", "now", "start", "end"), INTERVALS)
def test_intervals(interval: Interval, zone: str, now: str, start: str, end: str) -> None:
    period = periods.ending_now(interval, at(now, zone), FIRST, ZoneInfo(zone))
    assert (period.start_ms, period.end_ms) == (ms(start, zone), ms(end, zone))
    assert period.zone.key == zone


@law
@given(st.sampled_from(Interval), any_zone, st.integers(ms("2013-01-01"), ms("2060-01-01")))
def test_intervals_hold_now_and_begin_where_they_say(interval: Interval, zone: str, now_ms: int) -> None:
    period = periods.ending_now(interval, periods.from_ms(now_ms), FIRST, ZoneInfo(zone))
    assert period.start_ms <= now_ms < period.end_ms <= now_ms + SLOT_MS
    before, start = period.local(period.start_ms - 1), period.local(period.start_ms)
    if interval is Interval.DAY:
        assert 23 * HOUR_MS <= now_ms - period.start_ms < 24 * HOUR_MS
        assert start.minute == 0 or start.utcoffset() != before.utcoffset()
    else:
        assert before.date() < start.date()
    assert buckets.starts(period, periods.default_granularity(period))
