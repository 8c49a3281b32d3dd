"""The rollup as the source of an answer: everything that was folded, and what is not folded yet."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from shortener.domain import clock
from shortener.domain import cover as covers
from shortener.domain import cut as cuts
from shortener.domain import period as periods
from shortener.domain.click import ClickClass, Dimension
from shortener.domain.cover import Cover
from shortener.domain.cut import Cuts, Span
from shortener.domain.period import DAY_MS, Granularity, Period
from shortener.services import values
from shortener.services.values import ByDimension
from shortener.storage import breakdowns, comparison, folding, leaders, parts, series
from shortener.storage.breakdowns import Breakdown, Counts
from shortener.storage.click_tables import TOTAL
from shortener.storage.engine import Connection
from shortener.storage.leaders import Led
from shortener.storage.part_queries import Key
from shortener.storage.parts import Parts
from shortener.storage.stats import INSTANCE, Count, PlainSlot, Scope, Slot, State

#: With so many clicks and fewer, a link's year is read sooner by its slots than by 365 days: 0.1 ms and not 0.7.
_FEW_CLICKS = 1_000
#: How many days have as many rows of links as there are links with a total.
_TOTALS = 30
#: Buckets that are made of days.
_OF_DAYS = frozenset({Granularity.DAY, Granularity.WEEK, Granularity.MONTH})


@dataclass(frozen=True)
class Rollup:
    """Everything that was folded, and what is not folded yet."""

    connection: Connection
    scope: Scope
    period: Period
    classes: Collection[ClickClass]
    #: Whether its slots are no more than its days.
    has_few_slots: bool
    name: Literal["rollup"] = "rollup"

    def over_time(self, starts: Sequence[int], granularity: Granularity) -> Sequence[PlainSlot]:
        """See Source."""
        if granularity is Granularity.HOUR:
            return self._pieces(series.SLOTS_PER_HOUR)
        if granularity not in _OF_DAYS:
            return series.slots(self.connection, self.scope, self.period, self.classes)
        if self.has_few_slots:
            return self._pieces(series.SLOTS_PER_DAY)
        found = cuts.cut(self.period, starts)
        spans = self._spans(found)
        return [*_rest(self._days(found.days), spans, found), *spans, *self._slots_of(found.edges)]

    def hours_of_week(self) -> Sequence[tuple[int, Count]]:
        """See Source."""
        return [
            hour
            for ahead, span in clock.spans(self.period)
            for hour in series.hours_of_week(self.connection, self.scope, span, self.classes, ahead)
        ]

    def sums(self) -> Mapping[ClickClass, Count]:
        """See Source."""
        return self._sums

    def by_values(self, dimensions: Sequence[Dimension], limit: int) -> Mapping[Dimension, Breakdown]:
        """See Source."""
        # In one order, since a statement is built for each that there is.
        wanted = sorted(dimensions)
        found = breakdowns.by_values(self.connection, [self._values(each, limit) for each in wanted], limit)
        return dict(zip(wanted, found, strict=True))

    def some_values(self, wanted: Mapping[Dimension, Collection[int]]) -> Mapping[Dimension, Counts]:
        """See Source."""
        order = sorted(wanted)
        each = [self._some_values(dimension, wanted[dimension]) for dimension in order]
        found = comparison.values(self.connection, each, [wanted[dimension] for dimension in order])
        return dict(zip(order, found, strict=True))

    def counts(self, dimensions: Sequence[Dimension]) -> dict[Dimension, Counts]:
        """Clicks by the label ids of these dimensions, of those that have not too many."""
        wanted = sorted(dimensions)
        found = breakdowns.counts(self.connection, [self._values(each, values.MOST) for each in wanted], values.MOST)
        return {dimension: counts for dimension, counts in zip(wanted, found, strict=True) if counts is not None}

    def all_values(self, dimensions: Sequence[Dimension]) -> ByDimension:
        """The values of these dimensions, of those that have not too many."""
        return values.named(self.connection, self.counts(dimensions))

    def by_link(self, limit: int) -> Breakdown:
        """See Source."""
        mark = self.marks[TOTAL]
        among = self._leaders(leaders.LINKS, mark, limit)
        if among is None:
            return breakdowns.by_link(self.connection, self.links(), limit)
        shown = breakdowns.by_link(self.connection, self._total(Key.LINK, self._cover, among), limit)
        # Every click of the instance is one on a link.
        return Breakdown(shown.rows, sum((self._sums.get(kind, Count()) for kind in self.classes), Count()))

    def by_tag(self, limit: int) -> tuple[Breakdown, Count]:
        """See Source."""
        unsummed = self._links(is_summed=False) if self.scope.is_wide else None
        return breakdowns.by_tag(self.connection, self.links(), limit, unsummed=unsummed)

    def links(self, among: Collection[int] | None = None) -> Parts:
        """See Source."""
        if among is None or self.scope != INSTANCE:
            return self._links(is_summed=True)
        return self._total(Key.LINK, self._cover, among)

    def domains(self) -> Parts | None:
        """See Source."""
        return self._total(Key.DOMAIN, self._cover) if self.scope.is_wide else None

    def _leaders(self, led: Led, mark: int, limit: int) -> Collection[int] | None:
        if self.scope != INSTANCE:
            return None
        return leaders.among(self.connection, led, self._cover, self.classes, mark, limit)

    def _values(self, dimension: Dimension, limit: int) -> Parts:
        mark = self.marks[int(dimension)]
        return self._parts_of(
            dimension, self._leaders(leaders.CODES, mark, limit) if dimension is Dimension.CODE else None
        )

    def _some_values(self, dimension: Dimension, ids: Collection[int]) -> Parts:
        # The instance has as many codes as links: the others are not added up.
        is_long = dimension is Dimension.CODE and self.scope == INSTANCE
        return self._parts_of(dimension, ids if is_long else None)

    def _parts_of(self, dimension: Dimension, among: Collection[int] | None = None) -> Parts:
        mark = self.marks[int(dimension)]
        return parts.of_values(self.scope, dimension, self._cover, self.classes, mark, among)

    def _pieces(self, width: int) -> Sequence[PlainSlot]:
        """What happened in each hour or day of the zone, by its width in slots; where clocks are changed, in two."""
        return [
            piece
            for ahead, span in clock.spans(self.period)
            for piece in series.pieces(self.connection, self.scope, span, self.classes, ahead, width)
        ]

    @cached_property
    def marks(self) -> Mapping[int, int]:
        """Up to which click each dimension is folded."""
        return folding.marks(self.connection)

    @cached_property
    def _sums(self) -> Mapping[ClickClass, Count]:
        return series.sums(self.connection, self._total(Key.CLASS, self._cover))

    def _links(self, *, is_summed: bool) -> Parts:
        around = self._around
        cover, is_around = (self._cover, False) if around is None else (around, True)
        mark = self.marks[TOTAL]
        return parts.of_links(self.scope, cover, self.classes, mark, is_around=is_around, is_summed=is_summed)

    @cached_property
    def _around(self) -> Cover | None:
        """What is outside of the period, where the links' totals less that are sooner read than what is inside."""
        months = series.months(self.connection) if self.scope.is_wide else None
        if months is None:
            return None
        around = covers.around(self.period, months)
        return around if around.extent + _TOTALS < self._cover.extent else None

    @cached_property
    def _cover(self) -> Cover:
        return covers.cover(self.period)

    def _total(self, key: Key, cover: Cover, among: Collection[int] | None = None) -> Parts:
        return parts.of_total(self.scope, key, cover, self.classes, self.marks[TOTAL], among)

    def _days(self, days: Sequence[int]) -> list[Slot]:
        if not days:
            return []
        whole = Cover((), tuple(days), (days[0], days[-1] + 1), ())
        return series.days(self.connection, self._total(Key.DAY, whole))

    def _slots_of(self, spans: Sequence[Span]) -> Sequence[PlainSlot]:
        return [slot for begin, end in spans for slot in self._read(begin, end)]

    def _spans(self, found: Cuts) -> list[PlainSlot]:
        """The slots of all spans, which lie at much the same time of their days."""
        if not found.spans:
            return []
        wanted = {slot_ms for begin, end in found.spans for slot_ms in range(begin, end, periods.SLOT_MS)}
        read = self._read(found.days[0] * DAY_MS, (found.days[-1] + 1) * DAY_MS, found.of_day)
        return [slot for slot in read if slot[0] in wanted]

    def _read(self, begin: int, end: int, of_day: range = series.WHOLE_DAY) -> Sequence[PlainSlot]:
        period = Period(begin, end, self.period.zone)
        return series.slots(self.connection, self.scope, period, self.classes, of_day)


def rollup(
    connection: Connection, scope: Scope, state: State, period: Period, classes: Collection[ClickClass]
) -> Rollup:
    """What is folded of the clicks in a scope, which is in that state."""
    # Of many links, too: their days are no sums that anybody has kept.
    has_few_slots = scope.is_many or state.clicks <= _FEW_CLICKS
    return Rollup(connection, scope, period, classes, has_few_slots)


def _rest(days: Sequence[Slot], spans: Sequence[PlainSlot], found: Cuts) -> Sequence[Slot]:
    """What `days` have more than those `spans` that lie in them, each where its rest begins."""
    if not spans:
        return days if not found.rests else [day._replace(start_ms=_rest_ms(day, found)) for day in days]
    in_spans: dict[int, list[PlainSlot]] = {}
    for slot in spans:
        in_spans.setdefault(periods.day_of(slot[0]), []).append(slot)
    return [_less(day, in_spans.get(periods.day_of(day.start_ms), ()), _rest_ms(day, found)) for day in days]


def _rest_ms(day: Slot, found: Cuts) -> int:
    return found.rests.get(periods.day_of(day.start_ms), day.start_ms)


def _less(day: Slot, spans: Sequence[PlainSlot], start_ms: int) -> Slot:
    clicks, unique = (sum(slot[place] for slot in spans) for place in (1, 2))
    return Slot(start_ms, day.clicks - clicks, day.unique - unique)
