"""Sources of an answer about clicks: rollups, or raw clicks where filters ask about several dimensions at once.

Each tells the same things of a scope and a period, in one snapshot: what happened when, by class, and the parts of a
breakdown.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from shortener.domain import cut as cuts
from shortener.domain import period as periods
from shortener.domain.click import ClickClass, Dimension
from shortener.domain.cut import Cuts, Span
from shortener.domain.filter import Filter
from shortener.domain.period import DAY_MS, Granularity, Period
from shortener.storage import breakdowns, series
from shortener.storage.breakdowns import Part
from shortener.storage.engine import Connection
from shortener.storage.stats import Count, Scope, Slot

#: Buckets that are made of days.
_OF_DAYS = frozenset({Granularity.DAY, Granularity.WEEK, Granularity.MONTH})


class Source(Protocol):
    """Where an answer comes from."""

    @property
    def name(self) -> Literal["rollup", "raw"]:
        """What answers call it."""

    def over_time(self, starts: Sequence[int], granularity: Granularity) -> Sequence[Slot]:
        """What happened, in pieces that lie in one bucket each; `starts` is where those begin."""

    def sums(self) -> Sequence[Slot]:
        """What happened in all, in pieces of any length."""

    def slots(self) -> Sequence[Slot]:
        """What happened, by slots of 15 minutes."""

    def values(self, dimension: Dimension) -> list[Part]:
        """The parts of a breakdown by a dimension's values."""

    def links(self) -> list[Part]:
        """The parts of a breakdown by link."""


@dataclass(frozen=True, slots=True)
class Rollup:
    """Everything that was folded, and what is not folded yet."""

    connection: Connection
    scope: Scope
    period: Period
    classes: Collection[ClickClass]
    name: Literal["rollup"] = "rollup"

    def over_time(self, starts: Sequence[int], granularity: Granularity) -> Sequence[Slot]:
        """See Source."""
        # Of many links the slots that there are, are fewer than the days of each.
        if granularity not in _OF_DAYS or self.scope.is_many:
            return self.slots()
        found = cuts.cut(self.period, starts)
        spans = self._spans(found)
        days = series.days(self.connection, self.scope, found.days)
        return [*_rest(days, spans, found), *spans, *self._slots_of(found.edges)]

    def sums(self) -> Sequence[Slot]:
        """See Source."""
        cover = periods.cover(self.period)
        return [
            *series.months(self.connection, self.scope, cover.months),
            *series.days(self.connection, self.scope, cover.days),
            *self._slots_of(cover.edges),
        ]

    def slots(self) -> Sequence[Slot]:
        """See Source."""
        return series.slots(self.connection, self.scope, self.period)

    def values(self, dimension: Dimension) -> list[Part]:
        """See Source."""
        cover = periods.cover(self.period)
        return breakdowns.of_values(self.connection, self.scope, dimension, cover, self.classes)

    def links(self) -> list[Part]:
        """See Source."""
        return breakdowns.of_links(self.connection, self.scope, periods.cover(self.period), self.classes)

    def _slots_of(self, spans: Sequence[Span]) -> list[Slot]:
        return [slot for begin, end in spans for slot in self._read(begin, end)]

    def _spans(self, found: Cuts) -> list[Slot]:
        """The slots of all spans, which lie at much the same time of their days."""
        if not found.spans:
            return []
        wanted = {slot_ms for begin, end in found.spans for slot_ms in range(begin, end, periods.SLOT_MS)}
        read = self._read(found.days[0] * DAY_MS, (found.days[-1] + 1) * DAY_MS, found.of_day)
        return [slot for slot in read if slot.start_ms in wanted]

    def _read(self, begin: int, end: int, of_day: range | None = None) -> list[Slot]:
        return series.slots(self.connection, self.scope, Period(begin, end, self.period.zone), of_day)


@dataclass(frozen=True, slots=True)
class Raw:
    """The raw clicks that pass filters."""

    connection: Connection
    scope: Scope
    period: Period
    classes: Collection[ClickClass]
    filters: Collection[Filter]
    name: Literal["raw"] = "raw"

    def over_time(self, _starts: Sequence[int], _granularity: Granularity) -> Sequence[Slot]:
        """See Source."""
        return self.slots()

    def sums(self) -> Sequence[Slot]:
        """See Source."""
        return series.filtered_sums(self.connection, self.scope, self.period, self.filters)

    def slots(self) -> Sequence[Slot]:
        """See Source."""
        return series.filtered_slots(self.connection, self.scope, self.period, self.filters)

    def values(self, dimension: Dimension) -> list[Part]:
        """See Source."""
        return breakdowns.filtered(self.scope, dimension, self.period, self.classes, self.filters)

    def links(self) -> list[Part]:
        """See Source."""
        return breakdowns.filtered(self.scope, None, self.period, self.classes, self.filters)


def _rest(days: Sequence[Slot], spans: Sequence[Slot], found: Cuts) -> list[Slot]:
    """What `days` have more than those `spans` that lie in them, each where its rest begins."""
    in_spans: dict[tuple[int, ClickClass], Count] = {}
    for slot in spans:
        key = (periods.day_of(slot.start_ms), slot.click_class)
        in_spans[key] = in_spans.get(key, Count()) + slot.count
    # Folded clicks of a day and those that are not folded yet come in two pieces.
    whole: dict[tuple[int, ClickClass], Count] = {}
    for slot in days:
        key = (periods.day_of(slot.start_ms), slot.click_class)
        whole[key] = whole.get(key, Count()) + slot.count
    return [
        Slot(found.rests.get(day, day * DAY_MS), kind, count - in_spans.get((day, kind), Count()))
        for (day, kind), count in whole.items()
    ]
