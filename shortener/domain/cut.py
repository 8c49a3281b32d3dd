"""Cuts: which parts of a time series can be read as whole UTC days, and which only by slots.

Days of a zone cut UTC days in two. Of such a day the smaller part is read by its slots, and the other is what the day
has more than that: so a year of days in any zone takes half the slots at most, and in UTC none.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from shortener.domain.period import DAY_MS, SLOT_MS, Period

#: From the first instant to before the second.
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cuts:
    """A period taken apart. Days without their `spans`, the spans, and the edges make up all of it."""

    #: Whole UTC days, counted from 1970.
    days: tuple[int, ...]
    #: Where what is left of a day that has spans begins, by day.
    rests: dict[int, int]
    #: What is to be read by slots within these days, ascending.
    spans: tuple[Span, ...]
    #: The slots of a day, by number, that these are among.
    of_day: range
    #: What is to be read by slots before the first and after the last whole day.
    edges: tuple[Span, ...]


def cut(period: Period, starts: Sequence[int]) -> Cuts:
    """`period` cut at `starts`, where its buckets begin, ascending."""
    days: list[int] = []
    rests: dict[int, int] = {}
    spans: list[Span] = []
    edges: list[Span] = []
    cut_days = {start // DAY_MS for start in starts if start % DAY_MS}
    for day in range(period.start_ms // DAY_MS, -(-period.end_ms // DAY_MS)):
        begin, end = max(day * DAY_MS, period.start_ms), min((day + 1) * DAY_MS, period.end_ms)
        if end - begin < DAY_MS:
            edges.append((begin, end))
            continue
        days.append(day)
        if day in cut_days:
            parts = _parts(begin, end, starts)
            rest = max(parts, key=lambda part: part[1] - part[0])
            rests[day] = rest[0]
            spans += [part for part in parts if part != rest]
    return Cuts(tuple(days), rests, tuple(spans), _of_day(spans), tuple(edges))


def _parts(begin: int, end: int, starts: Sequence[int]) -> list[Span]:
    inside = starts[bisect_right(starts, begin) : bisect_right(starts, end - 1)]
    return list(pairwise([begin, *inside, end]))


def _of_day(spans: Sequence[Span]) -> range:
    if not spans:
        return range(0)
    first = min(begin % DAY_MS for begin, _ in spans) // SLOT_MS
    last = max((end - SLOT_MS) % DAY_MS for _, end in spans) // SLOT_MS
    return range(first, last + 1)
