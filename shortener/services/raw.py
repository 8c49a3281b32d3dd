"""Raw clicks as the source of an answer: those that pass filters, as long as they are kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from shortener.domain import clock
from shortener.domain.click import ClickClass, Dimension
from shortener.domain.filter import Filter
from shortener.domain.period import Granularity, Period
from shortener.storage import breakdowns, parts, series
from shortener.storage.breakdowns import Breakdown, Counts
from shortener.storage.engine import Connection
from shortener.storage.filters import Conditions, conditions
from shortener.storage.part_queries import Key
from shortener.storage.parts import Parts
from shortener.storage.stats import INSTANCE, Count, Scope, Slot


@dataclass(frozen=True)
class Raw:
    """The raw clicks that pass filters."""

    connection: Connection
    scope: Scope
    period: Period
    classes: Collection[ClickClass]
    filters: Collection[Filter]
    #: A dimension that will be asked for, if any.
    grouped_by: Dimension | None = None
    name: Literal["raw"] = "raw"

    def over_time(self, _starts: Sequence[int], _granularity: Granularity) -> Sequence[Slot]:
        """See Source."""
        return self._slots()

    def hours_of_week(self) -> Sequence[tuple[int, Count]]:
        """See Source."""
        return [(clock.hour_of_week(self.period, slot.start_ms), Count(*slot[1:])) for slot in self._slots()]

    def sums(self) -> Mapping[ClickClass, Count]:
        """See Source."""
        # What has been read, or will be, is not looked for again among all clicks.
        if "_by_class" not in vars(self):
            found = self._by_value(self.grouped_by)
            return {kind: sum(each.values(), Count()) for kind, each in found.items()}
        return {kind: sum((Count(*slot[1:]) for slot in each), Count()) for kind, each in self._by_class.items()}

    def by_values(self, dimensions: Sequence[Dimension], limit: int) -> Mapping[Dimension, Breakdown]:
        """See Source."""
        return {dimension: self._breakdown(dimension, limit) for dimension in dimensions}

    def some_values(self, wanted: Mapping[Dimension, Collection[int]]) -> Mapping[Dimension, Counts]:
        """See Source."""
        every = {dimension: self._counts(dimension) for dimension in wanted}
        return {
            dimension: {label_id: every[dimension][label_id] for label_id in ids if label_id in every[dimension]}
            for dimension, ids in wanted.items()
        }

    def _breakdown(self, dimension: Dimension, limit: int) -> Breakdown:
        return breakdowns.of_counts(self.connection, self._counts(dimension), limit)

    def _counts(self, dimension: Dimension) -> Counts:
        counts: dict[int | None, Count] = {}
        for kind in self.classes:
            for value, count in self._by_value(dimension).get(kind, {}).items():
                counts[value] = counts.get(value, Count()) + count
        return {value: count for value, count in counts.items() if value is not None}

    def by_link(self, limit: int) -> Breakdown:
        """See Source."""
        return breakdowns.by_link(self.connection, self.links(), limit)

    def by_tag(self, limit: int) -> tuple[Breakdown, Count]:
        """See Source."""
        return breakdowns.by_tag(self.connection, self.links(), limit)

    def links(self, _among: Collection[int] | None = None) -> Parts:
        """See Source."""
        # Others too: to look at a link takes no longer than to leave it out.
        return parts.filtered(self.scope, Key.LINK, self.period, self.classes, self._passing)

    def domains(self) -> Parts | None:
        """See Source."""
        if self.scope != INSTANCE:
            return None
        return parts.filtered(self.scope, Key.DOMAIN, self.period, self.classes, self._passing)

    def _slots(self) -> list[Slot]:
        return [slot for kind in self.classes for slot in self._by_class.get(kind, ())]

    def _by_value(self, dimension: Dimension | None) -> Mapping[ClickClass, Mapping[int | None, Count]]:
        if dimension not in self._values:
            found = series.filtered_values(self.connection, self.scope, self.period, dimension, self._passing)
            self._values[dimension] = found
        return self._values[dimension]

    @cached_property
    def _values(self) -> dict[Dimension | None, Mapping[ClickClass, Mapping[int | None, Count]]]:
        return {}

    @cached_property
    def _passing(self) -> Conditions:
        return conditions(self.connection, self.filters)

    @cached_property
    def _by_class(self) -> Mapping[ClickClass, Sequence[Slot]]:
        return series.filtered_slots(self.connection, self.scope, self.period, self._passing)
