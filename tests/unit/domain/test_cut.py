"""Cuts: days, rests, spans and edges make up a period exactly, and no piece reaches into two buckets."""

from bisect import bisect_right
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.domain import buckets
from shortener.domain import cut as cuts
from shortener.domain import period as periods
from shortener.domain.period import DAY_MS, SLOT_MS, Granularity, Period
from tests.unit.laws import law

ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York", "Pacific/Kiritimati", "Australia/Lord_Howe")
START = periods.to_ms(datetime(2026, 1, 1, tzinfo=UTC))


def cut(
    zone: str, first_slot: int, slots: int, granularity: Granularity
) -> tuple[Period, tuple[int, ...], cuts.Cuts]:
    start_ms = START + first_slot * SLOT_MS
    period = Period(start_ms, start_ms + slots * SLOT_MS, ZoneInfo(zone))
    starts = buckets.starts(period, granularity)
    return period, starts, cuts.cut(period, starts)


@law
@given(
    zone=st.sampled_from(ZONES),
    first_slot=st.integers(0, 366 * 96),
    slots=st.integers(1, 40 * 96),
    granularity=st.sampled_from([Granularity.DAY, Granularity.WEEK, Granularity.MONTH]),
)
def test_the_pieces_make_up_the_period(zone: str, first_slot: int, slots: int, granularity: Granularity) -> None:
    period, starts, found = cut(zone, first_slot, slots, granularity)
    pieces = [*found.spans, *found.edges]
    for day in found.days:
        inside = [span for span in found.spans if day * DAY_MS <= span[0] < (day + 1) * DAY_MS]
        if not inside:
            assert day not in found.rests
            pieces.append((day * DAY_MS, (day + 1) * DAY_MS))
            continue
        # What is left of the day is one piece, between those that are read by slots.
        taken = {slot for begin, end in inside for slot in range(begin, end, SLOT_MS)}
        left = [slot for slot in range(day * DAY_MS, (day + 1) * DAY_MS, SLOT_MS) if slot not in taken]
        assert left[0] == found.rests[day]
        assert left == list(range(left[0], left[-1] + 1, SLOT_MS))
        assert len(left) >= len(taken) / len(inside)
        pieces.append((left[0], left[-1] + SLOT_MS))
    pieces.sort()
    assert (pieces[0][0], pieces[-1][1]) == (period.start_ms, period.end_ms)
    assert all(before[1] == after[0] for before, after in pairwise(pieces))
    for begin, end in pieces:
        is_edge = (begin, end) in found.edges  # read by slots, which are put into buckets one by one
        assert is_edge or bisect_right(starts, begin) == bisect_right(starts, end - 1)
    for begin, end in found.spans:
        assert begin % DAY_MS // SLOT_MS in found.of_day
        assert (end - SLOT_MS) % DAY_MS // SLOT_MS in found.of_day


@pytest.mark.parametrize("zone", ["UTC", "Africa/Abidjan"])
def test_days_in_utc_are_not_cut(zone: str) -> None:
    _, _, found = cut(zone, 0, 365 * 96, Granularity.DAY)
    assert (len(found.days), found.rests, found.spans, found.edges, found.of_day) == (365, {}, (), (), range(0))


def test_days_of_kathmandu_begin_at_a_quarter_past_six() -> None:
    """At 18:15 UTC: the 23 slots behind that are read, and not the 73 before."""
    _, _, found = cut("Asia/Kathmandu", 0, 3 * 96, Granularity.DAY)
    assert found.of_day == range(73, 96)
    assert len(found.spans) == len(found.rests) == 3
