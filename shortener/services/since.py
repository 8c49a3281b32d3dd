"""What was told as of a click, and the clicks since.

To the clicks of a period more are only ever added, but where some are erased or pruned. So what was told of them once
is right for ever, with those that came after it: and of the last few hundred clicks of an instance a link has few.
"""

from bisect import bisect_right
from collections.abc import Callable, Hashable, Mapping, MutableSequence, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal, NamedTuple

import orjson

from shortener.domain import clock
from shortener.domain.click import ALWAYS_KNOWN, ClickClass, Dimension
from shortener.domain.period import Granularity
from shortener.services import values
from shortener.services.halves import Halves
from shortener.services.rollup import Rollup
from shortener.services.shelf import Shelf
from shortener.services.sources import LeavesLinks
from shortener.services.values import Value
from shortener.storage import since
from shortener.storage.breakdowns import Breakdown, Counts
from shortener.storage.stats import Count, PlainSlot

#: Clicks of all that there may have been since, if any in the scope. To look through so many takes a tenth of a
#: millisecond, and to make a busy page of sums takes two.
_MOST_SINCE = 500

#: Clicks of a scope from which on what was told is kept with them. To keep it takes as long as to add ten.
_FEW = 10

_Rows = Sequence[Sequence[Any]]


class _Read(NamedTuple):
    """Clicks of a scope; those in the period; and those of the classes that are asked for."""

    every: _Rows
    within: _Rows
    of_classes: _Rows


@dataclass(frozen=True)
class Since(LeavesLinks):
    """The same as `whole`."""

    whole: Rollup | Halves
    shelf: Shelf
    #: What may have changed clicks that have been counted.
    erased: Hashable
    #: How many clicks there are in the scope in all.
    counted: Count
    #: The id of the last click of all scopes.
    last: int
    name: Literal["rollup"] = "rollup"

    def over_time(self, starts: Sequence[int], granularity: Granularity) -> Sequence[PlainSlot]:
        """See Source."""
        what = (granularity, starts[0], len(starts))
        slots: list[Any]
        upto, slots = self._kept(what, lambda: [*map(tuple, self.whole.over_time(starts, granularity))])
        _add(slots, starts, self._of_classes(upto))
        self._go_on(what, upto, lambda: slots)
        return slots

    def hours_of_week(self) -> Sequence[tuple[int, Count]]:
        """See Source."""
        hours = self.whole.hours_of_week
        upto, found = self._kept("hours of the week", lambda: [(hour, *count) for hour, count in hours()])
        period = self._rollup.period
        more = ((clock.hour_of_week(period, row[since.TIME]), row) for row in self._of_classes(upto))
        return [
            *((hour, Count(*count)) for hour, *count in found),
            *((hour, Count(1, row[since.FIRST])) for hour, row in more),
        ]

    def sums(self) -> Mapping[ClickClass, Count]:
        """See Source."""
        upto, found = self._kept("sums", lambda: [(int(kind), *each) for kind, each in self.whole.sums().items()])
        sums = {ClickClass(kind): Count(*count) for kind, *count in found}
        for row in self._within(upto):
            kind = ClickClass(row[since.CLASS])
            sums[kind] = sums.get(kind, Count()) + Count(1, row[since.FIRST])
        self._go_on("sums", upto, lambda: [(int(kind), *count) for kind, count in sums.items()])
        return sums

    def by_values(self, dimensions: Sequence[Dimension], limit: int) -> Mapping[Dimension, Breakdown]:
        """See Source."""
        found = self._values(dimensions)
        more = {each: _counted(self._of_classes(upto), each) for each, (upto, _) in found.items()}
        joined = values.added(self._rollup.connection, {each: known for each, (_, known) in found.items()}, more)
        for dimension, (upto, _) in found.items():
            self._go_on(dimension, upto, partial(values.if_not_too_many, joined[dimension]))
        many = [dimension for dimension in dimensions if dimension not in joined]
        shown = {dimension: values.breakdown(each, limit) for dimension, each in joined.items()}
        return {**shown, **(self.whole.by_values(many, limit) if many else {})}

    @property
    def _rollup(self) -> Rollup:
        return self.whole.whole if isinstance(self.whole, Halves) else self.whole

    def _values(self, dimensions: Sequence[Dimension]) -> dict[Dimension, tuple[int, Sequence[Value]]]:
        """The values by dimension, of those that have not too many, and as of which click."""
        # Codes have their own way to the first ones.
        asked = [dimension for dimension in dimensions if dimension not in ALWAYS_KNOWN]
        found = {dimension: self._found(dimension) for dimension in asked}
        missing = [dimension for dimension, each in found.items() if each is None]
        if missing:
            made = self.whole.all_values(missing)
            found.update((dimension, self._keep(dimension, made.get(dimension))) for dimension in missing)
        return {dimension: each for dimension, each in found.items() if each is not None and each[1] is not None}

    def _kept(self, what: Hashable, make: Callable[[], Any]) -> tuple[int, Any]:
        """What `make` says, as JSON has it, and as of which click."""
        return self._found(what) or self._keep(what, make())

    def _found(self, what: Hashable) -> tuple[int, Any] | None:
        body = self.shelf.found(self._key(what), self.erased)
        if body is None:
            return None
        upto, counted, found = orjson.loads(body)
        new = self.counted - Count(*counted)
        if new == Count():
            return self.last, found
        if not 0 <= self.last - upto <= _MOST_SINCE:
            return None
        # What comes late, into days that are pruned, is soon no row any more.
        rows = self._since(upto)
        return (upto, found) if new == Count(len(rows), sum(row[since.FIRST] for row in rows)) else None

    def _keep(self, what: Hashable, made: Any) -> tuple[int, Any]:
        body = orjson.dumps((self.last, tuple(self.counted), made))
        self.shelf.keep(self._key(what), self.erased, body)
        # As it will be found, lists and all.
        return self.last, orjson.loads(body)[2]

    def _go_on(self, what: Hashable, upto: int, made: Callable[[], Any]) -> None:
        """Keeps what has been made with clicks since then, where those have become many."""
        if len(self._since(upto)) > _FEW:
            self._keep(what, made())

    def _key(self, what: Hashable) -> Hashable:
        return Since, self._rollup.scope, self._rollup.period, frozenset(self._rollup.classes), what

    def _of_classes(self, upto: int) -> _Rows:
        return self._read[upto].of_classes if self._since(upto) else ()

    def _within(self, upto: int) -> _Rows:
        return self._read[upto].within if self._since(upto) else ()

    def _since(self, upto: int) -> _Rows:
        """The clicks after that one, of all classes and times."""
        if upto == self.last:
            return ()
        if upto not in self._read:
            self._read[upto] = self._sorted_out(since.clicks(self._rollup.connection, self._rollup.scope, upto))
        return self._read[upto].every

    def _sorted_out(self, rows: _Rows) -> _Read:
        period, classes = self._rollup.period, self._rollup.classes
        within = [row for row in rows if period.start_ms <= row[since.TIME] < period.end_ms]
        return _Read(rows, within, [row for row in within if row[since.CLASS] in classes])

    @cached_property
    def _read(self) -> dict[int, _Read]:
        return {}


def _add(slots: MutableSequence[Any], starts: Sequence[int], rows: _Rows) -> None:
    """Adds those clicks to slots, each in the bucket in which it lies; never before the first, as slots are."""
    places = {slot[0]: place for place, slot in enumerate(slots)} if rows else {}
    for row in rows:
        start = starts[max(bisect_right(starts, row[since.TIME]) - 1, 0)]
        if start not in places:
            places[start] = len(slots)
            slots.append((start, 0, 0))
        _, clicks, unique = slots[places[start]]
        slots[places[start]] = (start, clicks + 1, unique + row[since.FIRST])


def _counted(rows: _Rows, dimension: Dimension) -> Counts:
    counts: Counts = {}
    for row in rows:
        label_id = row[since.PLACES[dimension]]
        if label_id is not None:
            counts[label_id] = counts.get(label_id, Count()) + Count(1, row[since.FIRST])
    return counts
