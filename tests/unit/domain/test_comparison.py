"""Comparisons: which period another one is compared with, by the clocks and the calendar of its zone."""

from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.domain import buckets
from shortener.domain import comparison as comparisons
from shortener.domain import period as periods
from shortener.domain.comparison import Comparison
from shortener.domain.period import DAY_MS, SLOT_MS, Granularity, Period
from tests import comparisons as models
from tests.unit.domain.test_period import any_period, at, between
from tests.unit.laws import law

BERLIN, LORD_HOWE, CAIRO = "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo"


def test_the_names_that_questions_use() -> None:
    assert list(Comparison) == ["previous", "year", "weekday"]


def moment(text: str, zone: str) -> datetime:
    """`text` with its offset, or as the clocks of `zone` show it."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else at(text, zone)


def ends(zone: str, start: str, end: str, comparison: Comparison) -> tuple[str, str]:
    """Both ends of what is compared with, as its clocks show them."""
    period = periods.between(moment(start, zone), moment(end, zone), ZoneInfo(zone))
    found = comparisons.compared(period, comparison)
    assert found.zone == period.zone
    first, last = (found.local(instant).isoformat(timespec="minutes") for instant in (found.start_ms, found.end_ms))
    return first, last


#: By name: zone, start, end, and both ends of what that is compared with.
Cases = dict[str, tuple[str, str, str, str, str]]

PREVIOUS: Cases = {
    "days": (BERLIN, "2026-10-08", "2026-10-15", "2026-10-01T00:00+02:00", "2026-10-08T00:00+02:00"),
    "a day and a quarter": (
        *("UTC", "2026-10-08", "2026-10-09T06:00"),
        *("2026-10-06T18:00+00:00", "2026-10-08T00:00+00:00"),
    ),
    "days after one of 23 hours": (
        *(BERLIN, "2026-03-30", "2026-04-02"),
        *("2026-03-27T00:00+01:00", "2026-03-30T00:00+02:00"),
    ),
    "days after one of 25 hours": (
        *(BERLIN, "2026-10-26", "2026-10-28"),
        *("2026-10-24T00:00+02:00", "2026-10-26T00:00+01:00"),
    ),
    "one of 25 hours": (BERLIN, "2026-10-25", "2026-10-26", "2026-10-24T00:00+02:00", "2026-10-25T00:00+02:00"),
    "hours after one was skipped": (
        *(BERLIN, "2026-03-29T04:00", "2026-03-29T08:00"),
        *("2026-03-28T23:00+01:00", "2026-03-29T04:00+02:00"),
    ),
    "from the second of an hour that comes twice on": (
        *(BERLIN, "2026-10-25T02:30+01:00", "2026-10-25T04:30+01:00"),
        *("2026-10-25T01:30+02:00", "2026-10-25T02:30+01:00"),
    ),
    "days after one of 23 and a half hours": (
        *(LORD_HOWE, "2026-10-05", "2026-10-07"),
        *("2026-10-03T00:00+10:30", "2026-10-05T00:00+11:00"),
    ),
    "days after one of 24 and a half hours": (
        *(LORD_HOWE, "2026-04-06", "2026-04-08"),
        *("2026-04-04T00:00+11:00", "2026-04-06T00:00+10:30"),
    ),
    "days from a skipped midnight on": (
        *(CAIRO, "2026-04-24", "2026-04-26"),
        *("2026-04-22T00:00+02:00", "2026-04-24T01:00+03:00"),
    ),
    "the first of all days but one": (
        *("UTC", "1970-01-02", "1970-01-05"),
        *("1970-01-01T00:00+00:00", "1970-01-02T00:00+00:00"),
    ),
    "the first of all days": (
        *("UTC", "1970-01-01", "1970-01-02"),
        *("1969-12-31T23:45+00:00", "1970-01-01T00:00+00:00"),
    ),
}
YEAR: Cases = {
    "days": (BERLIN, "2026-10-01", "2026-10-31", "2025-10-01T00:00+02:00", "2025-10-31T00:00+01:00"),
    "hours": ("UTC", "2026-10-01T03:00", "2026-10-01T04:15", "2025-10-01T03:00+00:00", "2025-10-01T04:15+00:00"),
    "more than a year": ("UTC", "2024-06-01", "2026-06-01", "2023-06-01T00:00+00:00", "2025-06-01T00:00+00:00"),
    "the year after a leap year": (
        *("UTC", "2025-01-01", "2026-01-01"),
        *("2024-01-01T00:00+00:00", "2025-01-01T00:00+00:00"),
    ),
    "a leap year": ("UTC", "2024-01-01", "2025-01-01", "2023-01-01T00:00+00:00", "2024-01-01T00:00+00:00"),
    "a month with a leap day": (
        *(BERLIN, "2024-02-01", "2024-03-01"),
        *("2023-02-01T00:00+01:00", "2023-03-01T00:00+01:00"),
    ),
    "a leap day": (BERLIN, "2024-02-29", "2024-03-01", "2023-02-28T00:00+01:00", "2023-03-01T00:00+01:00"),
    "up to a leap day": ("UTC", "2024-02-22", "2024-02-29", "2023-02-22T00:00+00:00", "2023-03-01T00:00+00:00"),
    "up to noon of a leap day": (
        *("UTC", "2024-02-28T12:00", "2024-02-29T12:00"),
        *("2023-02-28T12:00+00:00", "2023-03-01T12:00+00:00"),
    ),
    "from a leap day on": ("UTC", "2024-02-29", "2024-03-07", "2023-02-28T00:00+00:00", "2023-03-07T00:00+00:00"),
    "hours of a leap day": (
        *("UTC", "2024-02-29T06:00", "2024-02-29T12:00"),
        *("2023-02-28T06:00+00:00", "2023-02-28T12:00+00:00"),
    ),
    "from leap day to leap day": (
        *("UTC", "2020-02-29", "2024-02-29"),
        *("2019-02-28T00:00+00:00", "2023-02-28T00:00+00:00"),
    ),
    "from what is skipped there on": (
        *(BERLIN, "2027-03-29T02:30", "2027-03-29T05:00"),
        *("2026-03-29T03:00+02:00", "2026-03-29T05:00+02:00"),
    ),
    "nothing but what is skipped there": (
        *(BERLIN, "2027-03-29T02:00", "2027-03-29T02:30"),
        *("2026-03-29T03:00+02:00", "2026-03-29T03:30+02:00"),
    ),
    "an hour that comes twice there": (
        *(BERLIN, "2027-10-25T02:30", "2027-10-25T03:30"),
        *("2026-10-25T02:30+02:00", "2026-10-25T03:30+01:00"),
    ),
    "the hour that comes twice": (
        *(BERLIN, "2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00"),
        *("2025-10-25T02:00+02:00", "2025-10-25T03:00+02:00"),
    ),
    "up to a skipped midnight": (
        CAIRO,
        "2026-04-22",
        "2026-04-24",
        "2025-04-22T00:00+02:00",
        "2025-04-24T00:00+02:00",
    ),
    "partly before 1970": ("UTC", "1970-06-01", "1971-06-01", "1970-01-01T00:00+00:00", "1970-06-01T00:00+00:00"),
    "before 1970": ("UTC", "1970-03-01", "1970-04-01", "1969-12-31T23:45+00:00", "1970-01-01T00:00+00:00"),
}
WEEKDAY: Cases = {
    "a week": (BERLIN, "2026-10-05", "2026-10-12", "2026-09-28T00:00+02:00", "2026-10-05T00:00+02:00"),
    "a day": (BERLIN, "2026-10-07", "2026-10-08", "2026-09-30T00:00+02:00", "2026-10-01T00:00+02:00"),
    "an hour": ("UTC", "2026-10-07T08:00", "2026-10-07T09:00", "2026-09-30T08:00+00:00", "2026-09-30T09:00+00:00"),
    "eight days": (BERLIN, "2026-10-05", "2026-10-13", "2026-09-21T00:00+02:00", "2026-09-29T00:00+02:00"),
    "a week and a quarter of an hour": (
        *("UTC", "2026-10-05", "2026-10-12T00:15"),
        *("2026-09-21T00:00+00:00", "2026-09-28T00:15+00:00"),
    ),
    "thirty days": (BERLIN, "2026-10-01", "2026-10-31", "2026-08-27T00:00+02:00", "2026-09-26T00:00+02:00"),
    "a week after an hour was skipped": (
        *(BERLIN, "2026-03-30", "2026-04-06"),
        *("2026-03-23T00:00+01:00", "2026-03-30T00:00+02:00"),
    ),
    "a week in which an hour comes twice": (
        *(BERLIN, "2026-10-19", "2026-10-26"),
        *("2026-10-12T00:00+02:00", "2026-10-19T00:00+02:00"),
    ),
    "a week after half an hour was skipped": (
        *(LORD_HOWE, "2026-10-05", "2026-10-12"),
        *("2026-09-28T00:00+10:30", "2026-10-05T00:00+11:00"),
    ),
    "a week after half an hour came twice": (
        *(LORD_HOWE, "2026-04-06", "2026-04-13"),
        *("2026-03-30T00:00+11:00", "2026-04-06T00:00+10:30"),
    ),
    "from a half hour on that is skipped there": (
        *(LORD_HOWE, "2026-10-11T02:15", "2026-10-11T05:00"),
        *("2026-10-04T02:30+11:00", "2026-10-04T05:00+11:00"),
    ),
    "from the second of an hour on that comes twice there, too": (
        *(BERLIN, "2026-10-25T02:30+01:00", "2027-10-24T02:30+02:00"),
        *("2025-10-26T02:30+01:00", "2026-10-25T02:30+02:00"),
    ),
    "up to the second of an hour, from its first on": (
        *(BERLIN, "2025-10-26T02:30+02:00", "2026-10-25T02:30+01:00"),
        *("2024-10-20T02:30+02:00", "2025-10-19T02:30+02:00"),
    ),
    "partly before 1970": ("UTC", "1970-01-05", "1970-01-10", "1970-01-01T00:00+00:00", "1970-01-03T00:00+00:00"),
}
EVERY = [
    pytest.param(comparison, *case, id=f"{comparison}: {name}")
    for comparison, cases in ((Comparison.PREVIOUS, PREVIOUS), (Comparison.YEAR, YEAR), (Comparison.WEEKDAY, WEEKDAY))
    for name, case in cases.items()
]


@pytest.mark.parametrize(("comparison", "zone", "start", "end", "first", "last"), EVERY)
def test_compared(comparison: Comparison, zone: str, start: str, end: str, first: str, last: str) -> None:
    assert ends(zone, start, end, comparison) == (first, last)


def test_a_period_that_is_given_is_that_one() -> None:
    given = between("2026-01-01", "2026-02-01")
    assert comparisons.compared(between("2026-10-01", "2026-10-02"), given) is given


# --- laws


@law
@given(any_period(first=1985, days=100) | any_period(first=1985, days=2), st.sampled_from(Comparison))
def test_it_is_what_the_model_finds(period: Period, comparison: Comparison) -> None:
    assert comparisons.compared(period, comparison) == models.model(period, comparison)


@law
@given(any_period(days=800) | any_period(days=2), st.sampled_from(Comparison))
def test_it_is_a_period_of_whole_slots_that_begins_before(period: Period, comparison: Comparison) -> None:
    found = comparisons.compared(period, comparison)
    assert found.start_ms < found.end_ms
    assert found.start_ms < period.start_ms
    assert found.start_ms % SLOT_MS == found.end_ms % SLOT_MS == 0
    if comparison is Comparison.PREVIOUS:
        assert found.end_ms == period.start_ms
    if comparison is Comparison.WEEKDAY:
        assert found.end_ms <= period.start_ms


@law
@given(any_period(first=1980, days=800), st.sampled_from(Comparison))
def test_where_no_clock_is_changed_it_is_as_long(period: Period, comparison: Comparison) -> None:
    """But for leap days."""
    utc = Period(period.start_ms, period.end_ms, ZoneInfo("UTC"))
    found = comparisons.compared(utc, comparison)
    differs = abs(found.end_ms - found.start_ms - (utc.end_ms - utc.start_ms))
    assert differs <= (DAY_MS if comparison is Comparison.YEAR else 0)


@st.composite
def whole_days(draw: st.DrawFn) -> Period:
    """Some local days of any zone, in a time in which no day was skipped."""
    zone = draw(any_period(first=2013)).zone
    first = at("2013-01-01", zone.key) + timedelta(days=draw(st.integers(0, 10_000)))
    start_ms, end_ms = periods.to_ms(first), periods.to_ms(first + timedelta(days=draw(st.integers(1, 40))))
    return Period(start_ms, end_ms, zone)


@law
@given(whole_days(), st.sampled_from(Comparison))
def test_whole_days_are_compared_with_whole_days(period: Period, comparison: Comparison) -> None:
    found = comparisons.compared(period, comparison)
    for instant in (found.start_ms, found.end_ms):
        assert found.local(instant - SLOT_MS).date() < found.local(instant).date()
    days, before = (
        [each.local(start).date() for start in buckets.starts(each, Granularity.DAY)] for each in (period, found)
    )
    if comparison is Comparison.YEAR:
        assert abs(len(days) - len(before)) <= 1
        assert [(day.month, day.day) for day in days if (day.month, day.day) != (2, 29)] == [
            (day.month, day.day) for day in before if (day.month, day.day) != (2, 29)
        ] or (days[0].month, days[0].day) == (2, 29)
    else:
        assert len(days) == len(before)
    if comparison is Comparison.WEEKDAY:
        assert [day.weekday() for day in days] == [day.weekday() for day in before]
        assert (days[0] - before[0]).days == -(-len(days) // 7) * 7


# --- places of buckets


@pytest.mark.parametrize(
    ("answered", "asked", "place"),
    {
        "the same": (("2026-10-01", "2026-10-09"), ("2026-10-01", "2026-10-09"), 0),
        "more at its end": (("2026-10-01", "2026-10-09"), ("2026-10-01", "2026-10-07"), 0),
        "two days more at its beginning": (("2026-10-01", "2026-10-09"), ("2026-10-03", "2026-10-09"), 2),
        "some hours more": (("2026-10-01", "2026-10-09"), ("2026-10-01T10:00", "2026-10-09"), 0),
        "some hours more, over midnight": (("2026-10-01T20:00", "2026-10-09"), ("2026-10-02T10:00", "2026-10-09"), 1),
        "two days less at its beginning": (("2026-10-03", "2026-10-09"), ("2026-10-01", "2026-10-09"), -2),
        "some hours less": (("2026-10-01T10:00", "2026-10-09"), ("2026-10-01", "2026-10-09"), 0),
        "some hours less, over midnight": (
            ("2026-10-02T10:00", "2026-10-09"),
            ("2026-10-01T20:00", "2026-10-09"),
            -1,
        ),
    }.values(),
)
def test_places_of_the_bucket_in_which_what_was_asked_begins(
    answered: tuple[str, str], asked: tuple[str, str], place: int
) -> None:
    assert buckets.place(between(*answered), between(*asked), Granularity.DAY) == place


@law
@given(any_period(first=1980), st.sampled_from(Granularity), st.data())
def test_a_place_is_found_again(period: Period, granularity: Granularity, data: st.DataObject) -> None:
    """Whichever slot the one of two periods begins with."""
    later = data.draw(st.integers(period.start_ms // SLOT_MS, period.end_ms // SLOT_MS - 1)) * SLOT_MS
    rest = Period(later, period.end_ms, period.zone)
    starts = [*buckets.starts(period, granularity), period.end_ms]
    place = buckets.place(period, rest, granularity)
    assert [begin <= later < end for begin, end in pairwise(starts)].index(True) == place
    assert buckets.place(rest, period, granularity) == -place
