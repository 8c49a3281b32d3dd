"""Halves of a rollup: days that are over, whose sums are kept, and those that go on.

What is clicked all the time is asked about all the time, too, and nearly all of a year is over: of the busiest link
of 20,000,000 clicks, the 464 referrers of a year are 10,000 rows. Clicks are only ever added, so as long as the past
has as many as before, it is what it was; see storage.stats.State.
"""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import orjson

from shortener.domain import period as periods
from shortener.domain.click import ALWAYS_KNOWN, ClickClass, Dimension
from shortener.domain.period import DAY_MS, Granularity, Period
from shortener.services import values
from shortener.services.rollup import Rollup
from shortener.services.shelf import Shelf
from shortener.services.sources import LeavesLinks
from shortener.services.values import ByDimension
from shortener.storage.breakdowns import Breakdown
from shortener.storage.stats import Count, PlainSlot, State

#: Yesterday goes on: what was clicked before midnight is drained after it.
_DAYS_THAT_GO_ON = 1
#: With fewer days that are over, reading them again takes no longer than keeping them.
_FEWEST_DAYS = 7


@dataclass(frozen=True)
class Halves(LeavesLinks):
    """The same as `whole`, where its `past` is the same as before."""

    whole: Rollup
    past: Rollup
    present: Rollup
    shelf: Shelf
    #: What the past depends on beside its sums.
    erased: Hashable
    name: Literal["rollup"] = "rollup"

    def over_time(self, starts: Sequence[int], granularity: Granularity) -> Sequence[PlainSlot]:
        """See Source."""
        mine = bisect_left(starts, self.present.period.start_ms)
        past = self._kept(granularity, lambda: _plain(self.past.over_time(starts[:mine], granularity)))
        return [*past, *self.present.over_time(starts[mine:], granularity)]

    def hours_of_week(self) -> Sequence[tuple[int, Count]]:
        """See Source."""
        found = self._kept("hours of the week", self._past_hours)
        return [*((hour, Count(*count)) for hour, *count in found), *self.present.hours_of_week()]

    def sums(self) -> Mapping[ClickClass, Count]:
        """See Source."""
        past, present = self._past_sums, self.present.sums()
        return {kind: past.get(kind, Count()) + present.get(kind, Count()) for kind in {*past, *present}}

    def by_values(self, dimensions: Sequence[Dimension], limit: int) -> Mapping[Dimension, Breakdown]:
        """See Source."""
        found = {dimension: values.breakdown(each, limit) for dimension, each in self.all_values(dimensions).items()}
        many = [dimension for dimension in dimensions if dimension not in found]
        return {**found, **(self.whole.by_values(many, limit) if many else {})}

    def all_values(self, dimensions: Sequence[Dimension]) -> ByDimension:
        """See Rollup."""
        past = self._past_values(dimensions)
        if not past:
            return {}
        present = self.present.counts(list(past))
        return values.added(self.whole.connection, {each: past[each] for each in present}, present)

    @cached_property
    def _past_sums(self) -> Mapping[ClickClass, Count]:
        return self.past.sums()

    @cached_property
    def _state(self) -> Hashable:
        return self.erased, frozenset(self._past_sums.items())

    def _key(self, what: Hashable) -> Hashable:
        return self.past.scope, self.past.period, frozenset(self.past.classes), what

    def _kept(self, what: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` says of the past, as JSON has it."""
        body = self.shelf.found(self._key(what), self._state)
        return orjson.loads(self._keep(what, make()) if body is None else body)

    def _keep(self, what: Hashable, made: Any) -> bytes:
        body = orjson.dumps(made)
        self.shelf.keep(self._key(what), self._state, body)
        return body

    def _past_hours(self) -> Sequence[Sequence[int]]:
        return [(hour, *count) for hour, count in self.past.hours_of_week()]

    def _past_values(self, dimensions: Sequence[Dimension]) -> ByDimension:
        """The values in the past by dimension, of those that have not too many."""
        # Codes have their own way to the first ones.
        asked = [dimension for dimension in dimensions if dimension not in ALWAYS_KNOWN]
        bodies = {dimension: self.shelf.found(self._key(dimension), self._state) for dimension in asked}
        missing = [dimension for dimension, body in bodies.items() if body is None]
        if missing:
            found = self.past.all_values(missing)
            bodies.update((dimension, self._keep(dimension, found.get(dimension))) for dimension in missing)
        past = {dimension: orjson.loads(body) for dimension, body in bodies.items() if body}
        return {dimension: found for dimension, found in past.items() if found is not None}


def halved(whole: Rollup, state: State, shelf: Shelf, now_ms: int) -> Rollup | Halves:
    """`whole`, whose scope is in that state, in halves; or as it is, where that is sooner told."""
    begins_ms = (periods.day_of(now_ms) - _DAYS_THAT_GO_ON) * DAY_MS
    start_ms, end_ms = whole.period.start_ms, whole.period.end_ms
    is_long = end_ms > begins_ms >= start_ms + _FEWEST_DAYS * DAY_MS
    if not is_long or whole.has_few_slots:
        return whole
    past, present = (
        replace(whole, period=Period(*ends, whole.period.zone))
        for ends in ((start_ms, begins_ms), (begins_ms, end_ms))
    )
    return Halves(whole, past, present, shelf, (state.pruned_before, state.erased, state.erased_upto))


def _plain(slots: Sequence[PlainSlot]) -> Sequence[Sequence[int]]:
    """What JSON has for them: it has nothing for tuples with names."""
    return [*map(tuple, slots)]
