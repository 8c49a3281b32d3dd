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
from shortener.services.rollup import Rollup
from shortener.services.shelf import Shelf
from shortener.services.sources import Source
from shortener.storage import labels
from shortener.storage.breakdowns import Breakdown, Counts
from shortener.storage.parts import Parts
from shortener.storage.stats import Count, Slot, State

#: Yesterday goes on: what was clicked before midnight is drained after it.
_DAYS_THAT_GO_ON = 1
#: With fewer days that are over, reading them again takes no longer than keeping them.
_FEWEST_DAYS = 7
#: Values of a dimension that are kept, at most, some 30 bytes each: more are told apart sooner by the database.
_MOST_VALUES = 2_000

#: A value of a dimension, in the order of its rank: what its clicks and unique ones are below zero, text, label id.
#: As a list, which JSON has.
_Value = list[Any]

_ID = 3


@dataclass(frozen=True)
class Halves:
    """The same as `whole`, where its `past` is the same as before."""

    whole: Rollup
    past: Rollup
    present: Rollup
    shelf: Shelf
    #: What the past depends on beside its sums.
    erased: Hashable
    name: Literal["rollup"] = "rollup"

    def over_time(self, starts: Sequence[int], granularity: Granularity) -> Sequence[Slot]:
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
        past = self._past_values(dimensions)
        present = self._counts(self.present, list(past)) if past else {}
        texts = self._texts(present, past)
        found = {each: _breakdown(_joined(past[each], counts, texts), limit) for each, counts in present.items()}
        many = [dimension for dimension in dimensions if dimension not in found]
        return {**found, **(self.whole.by_values(many, limit) if many else {})}

    def by_link(self, limit: int) -> Breakdown:
        """See Source."""
        return self.whole.by_link(limit)

    def by_tag(self, limit: int) -> tuple[Breakdown, Count]:
        """See Source."""
        return self.whole.by_tag(limit)

    def links(self) -> Parts:
        """See Source."""
        return self.whole.links()

    def domains(self) -> Parts | None:
        """See Source."""
        return self.whole.domains()

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

    def _counts(self, half: Rollup, dimensions: Sequence[Dimension]) -> dict[Dimension, Counts]:
        """By dimension, of those that have not too many values."""
        found = half.counts(dimensions, _MOST_VALUES)
        return {dimension: counts for dimension, counts in found.items() if counts is not None}

    def _texts(
        self, found: Mapping[Dimension, Counts], known: Mapping[Dimension, Sequence[_Value]]
    ) -> Mapping[int, str]:
        """The texts of labels that are not among the known values of their dimension."""
        wanted: set[int] = set()
        for dimension, counts in found.items():
            wanted |= counts.keys() - {value[_ID] for value in known.get(dimension, ())}
        return labels.texts(self.whole.connection, wanted)

    def _past_hours(self) -> Sequence[Sequence[int]]:
        return [(hour, *count) for hour, count in self.past.hours_of_week()]

    def _past_values(self, dimensions: Sequence[Dimension]) -> dict[Dimension, Sequence[_Value]]:
        """The values in the past by dimension, of those that have not too many."""
        # Codes have their own way to the first ones.
        asked = [dimension for dimension in dimensions if dimension not in ALWAYS_KNOWN]
        bodies = {dimension: self.shelf.found(self._key(dimension), self._state) for dimension in asked}
        missing = [dimension for dimension, body in bodies.items() if body is None]
        if missing:
            found = self._counts(self.past, missing)
            texts = self._texts(found, {})
            for dimension in missing:
                values = _joined((), found[dimension], texts) if dimension in found else None
                bodies[dimension] = self._keep(dimension, values)
        past = {dimension: orjson.loads(body) for dimension, body in bodies.items() if body}
        return {dimension: values for dimension, values in past.items() if values is not None}


def halved(whole: Rollup, state: State, shelf: Shelf, now_ms: int) -> Source:
    """`whole`, whose scope is in that state, in halves; or as it is, where that is sooner told."""
    begins_ms = (periods.day_of(now_ms) - _DAYS_THAT_GO_ON) * DAY_MS
    start_ms, end_ms = whole.period.start_ms, whole.period.end_ms
    is_long = end_ms > begins_ms >= start_ms + _FEWEST_DAYS * DAY_MS
    if not is_long or whole.has_few_slots or state.is_erasing or not shelf.has_room:
        return whole
    past, present = (
        replace(whole, period=Period(*ends, whole.period.zone))
        for ends in ((start_ms, begins_ms), (begins_ms, end_ms))
    )
    return Halves(whole, past, present, shelf, (state.pruned_before, state.erased, state.erased_upto))


def _plain(slots: Sequence[Slot]) -> Sequence[Sequence[int]]:
    """What JSON has for them: it has nothing for tuples with names."""
    return [*map(tuple, slots)]


def _joined(past: Sequence[_Value], present: Counts, texts: Mapping[int, str]) -> Sequence[_Value]:
    """All values in the order of their ranks; `texts` are those of the present that are not in the past."""
    left = dict(present)
    values = [value if (more := left.pop(value[_ID], None)) is None else _more(value, more) for value in past]
    values += [[-count.clicks, -count.unique, texts[label_id], label_id] for label_id, count in left.items()]
    values.sort()
    return values


def _more(value: _Value, count: Count) -> _Value:
    clicks, unique, text, label_id = value
    return [clicks - count.clicks, unique - count.unique, text, label_id]


def _breakdown(values: Sequence[_Value], limit: int) -> Breakdown:
    rows = [(text, Count(-clicks, -unique)) for clicks, unique, text, _ in values[:limit]]
    return Breakdown(rows, Count(-sum(value[0] for value in values), -sum(value[1] for value in values)))
