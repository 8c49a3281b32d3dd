"""Groups: the rows of an answer about clicks, by each thing that is asked to group by; and what they come from."""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import itemgetter
from typing import Any

from shortener.domain import buckets
from shortener.domain import grouping as groupings
from shortener.domain.click import ALWAYS_KNOWN, Dimension
from shortener.domain.clock import HOURS_OF_WEEK
from shortener.domain.grouping import DOMAIN, LINK, TAG
from shortener.domain.period import Granularity, Period
from shortener.services.sources import Source
from shortener.storage import breakdowns
from shortener.storage.breakdowns import Breakdown, Row
from shortener.storage.engine import Connection
from shortener.storage.stats import Count, PlainSlot

#: As JSON has it: its rows are `data`; a breakdown has `other` beside them.
Group = dict[str, Any]

_NOTHING: PlainSlot = (0, 0, 0)
_START = itemgetter(0)


@dataclass(frozen=True, slots=True)
class Ranking:
    """The rows of a breakdown, those with most clicks first, and what is beyond them."""

    #: With the clicks that have no value among them, whose key is None.
    rows: Sequence[Row]
    #: The values with most clicks, as many as were asked for, or all.
    found: Breakdown
    #: The clicks that have no value.
    absent: Count
    #: The sum over all rows there are.
    totals: Count
    #: How many rows were asked for.
    limit: int
    #: Whether a click may be in several rows.
    is_overlapping: bool = False

    @property
    def is_cut(self) -> bool:
        """Whether there may be values that were not found."""
        return len(self.found.rows) >= self.limit

    def group(self) -> Group:
        """The rows, and the others of all."""
        # With plain numbers: to make a Count of each two takes four times as long.
        other = self.totals - Count(sum(row[1][0] for row in self.rows), sum(row[1][1] for row in self.rows))
        return {
            "data": [{"value": value, "clicks": count[0], "unique": count[1]} for value, count, _ in self.rows],
            "other": as_json(other),
            **({"overlapping": True} if self.is_overlapping else {}),
        }


def as_json(count: Count) -> dict[str, int]:
    """A count in an answer."""
    return {"clicks": count.clicks, "unique": count.unique}


def dimensions(names: Collection[str]) -> list[Dimension]:
    """Those among groupings that are dimensions."""
    found = (groupings.dimension(grouping) for grouping in names)
    return [dimension for dimension in found if dimension is not None]


def series(source: Source, period: Period, granularity: Granularity) -> Group:
    """The buckets of a period, in order, those without clicks too. Raises TooManyBuckets."""
    starts, names = buckets.starts(period, granularity), buckets.names(period, granularity)
    slots = source.over_time(starts, granularity)
    found = dict(zip(map(_START, slots), slots, strict=True))
    if sum(map(found.__contains__, starts)) < len(slots):
        # Slots are narrower than buckets, or two pieces meet in one: hours of a year are sooner told without a look.
        found = _gathered(starts, slots)
    rows = map(found.get, starts, repeat(_NOTHING))
    data = [
        {"bucket": name, "clicks": clicks, "unique": unique}
        for name, (_, clicks, unique) in zip(names, rows, strict=True)
    ]
    return {"data": data}


def hours_of_week(source: Source) -> Group:
    """The hours of a week: `1-00` to `7-23`."""
    counts = [Count()] * HOURS_OF_WEEK
    for hour, count in source.hours_of_week():
        counts[hour] = counts[hour] + count
    return {
        "data": [{"value": f"{hour // 24 + 1}-{hour % 24:02}", **as_json(count)} for hour, count in enumerate(counts)]
    }


def rankings(
    connection: Connection, source: Source, names: Collection[str], totals: Count, limit: int
) -> dict[str, Ranking]:
    """The breakdowns among groupings, by their names; `totals` are all clicks of the source."""
    found: dict[str, Ranking] = {}
    wanted = dimensions(names)
    if wanted:
        for dimension, each in source.by_values(wanted, limit).items():
            absent = Count() if dimension in ALWAYS_KNOWN else totals - each.sum
            found[dimension.label] = _ranking(each, absent, totals, limit)
    if TAG in names:
        each, absent = source.by_tag(limit)
        found[TAG] = _ranking(each, absent, each.sum + absent, limit, is_overlapping=True)
    for grouping in {LINK, DOMAIN}.intersection(names):
        each = source.by_link(limit) if grouping == LINK else _by_domain(connection, source, limit)
        # Unknown codes are no link's.
        found[grouping] = _ranking(each, totals - each.sum, totals, limit)
    return found


def _ranking(found: Breakdown, absent: Count, totals: Count, limit: int, *, is_overlapping: bool = False) -> Ranking:
    rows: list[Row] = list(found.rows)
    if absent.clicks:
        # Most clicks first, as the rows are; among equals the named ones stand before the nameless.
        rows.insert(bisect_right(rows, -absent.clicks, key=lambda row: -row[1].clicks), (None, absent, None))
    return Ranking(rows[:limit], found, absent, totals, limit, is_overlapping)


def _by_domain(connection: Connection, source: Source, limit: int) -> Breakdown:
    parts = source.domains()
    if parts is not None:
        return breakdowns.by_domain(connection, parts, limit)
    return breakdowns.by_domain_of_links(connection, source.links(), limit)


def _gathered(starts: Sequence[int], slots: Sequence[PlainSlot]) -> dict[int, PlainSlot]:
    """The sums of slots by the starts of the buckets that they lie in."""
    found: dict[int, PlainSlot] = {}
    for start_ms, clicks, unique in slots:
        # Never before the first: the first day or hour may begin before its first bucket.
        start = starts[max(bisect_right(starts, start_ms) - 1, 0)]
        _, clicks_before, unique_before = found.get(start, _NOTHING)
        found[start] = start, clicks_before + clicks, unique_before + unique
    return found
