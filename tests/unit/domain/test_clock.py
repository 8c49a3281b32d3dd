"""Clocks of zones: for how long they are how far ahead of UTC."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shortener.domain import clock
from shortener.domain import period as periods
from shortener.domain.period import SLOT_MS, Period

ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia")


def between(start: datetime, end: datetime, zone: str) -> Period:
    return periods.between(start, end, ZoneInfo(zone))


def year(number: int) -> datetime:
    return datetime(number, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "spans"),
    {
        "never changed": ("Asia/Kathmandu", [(23, "2026-01-01T00:00")]),
        "west": ("America/Bogota", [(-20, "2026-01-01T00:00")]),
        "by an hour": (
            "Europe/Berlin",
            [(4, "2026-01-01T00:00"), (8, "2026-03-29T01:00"), (4, "2026-10-25T01:00")],
        ),
        "by half an hour": (
            "Australia/Lord_Howe",
            [(44, "2026-01-01T00:00"), (42, "2026-04-04T15:00"), (44, "2026-10-03T15:30")],
        ),
    }.values(),
)
def test_a_year(zone: str, spans: list[tuple[int, str]]) -> None:
    found = clock.spans(between(year(2026), year(2027), zone))
    began = [(ahead, f"{periods.from_ms(span.start_ms):%Y-%m-%dT%H:%M}") for ahead, span in found]
    assert began == spans


@given(
    some.timedeltas(timedelta(), timedelta(days=20 * 365)).map(lambda later: year(2005) + later),
    some.timedeltas(timedelta(minutes=1), timedelta(days=800)),
    some.sampled_from(ZONES),
)
def test_spans_are_the_whole_period_and_right_at_every_end(start: datetime, length: timedelta, zone: str) -> None:
    period = between(start, start + length, zone)
    found = clock.spans(period)
    assert (found[0][1].start_ms, found[-1][1].end_ms) == (period.start_ms, period.end_ms)
    for (ahead, span), (then, following) in pairwise(found):
        assert span.end_ms == following.start_ms
        assert ahead != then
    for ahead, span in found:
        for instant in (span.start_ms, span.end_ms - SLOT_MS):
            offset = period.local(instant).utcoffset()
            assert offset == timedelta(milliseconds=ahead * SLOT_MS)
