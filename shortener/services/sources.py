"""Sources of an answer about clicks: rollups (services/rollup), or raw clicks where filters ask about several
dimensions at once (services/raw).

Each tells the same things of a scope and a period, in one snapshot: what happened when, how much of each class, and
the parts of a breakdown.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, Protocol

from shortener.domain.click import ClickClass, Dimension
from shortener.domain.period import Granularity
from shortener.storage.breakdowns import Breakdown, Counts
from shortener.storage.parts import Parts
from shortener.storage.stats import Count, PlainSlot


class Source(Protocol):
    """Where an answer comes from."""

    @property
    def name(self) -> Literal["rollup", "raw"]:
        """What answers call it."""

    def over_time(self, starts: Sequence[int], granularity: Granularity) -> Sequence[PlainSlot]:
        """What happened, in pieces that lie in one bucket each; `starts` is where those begin."""

    def hours_of_week(self) -> Sequence[tuple[int, Count]]:
        """What happened by the hours of a week on the period's clocks, from 0, which is Monday's first."""

    def sums(self) -> Mapping[ClickClass, Count]:
        """What happened in all, of all classes."""

    def by_values(self, dimensions: Sequence[Dimension], limit: int) -> Mapping[Dimension, Breakdown]:
        """The breakdowns by the values of these dimensions. Of one in clicks.ALWAYS_KNOWN it may know the first
        `limit` alone, and its sum is then theirs: that of all is the total.
        """

    def some_values(self, wanted: Mapping[Dimension, Collection[int]]) -> Mapping[Dimension, Counts]:
        """The clicks with these values, which are the ids of labels by dimension, of those that have any."""

    def by_link(self, limit: int) -> Breakdown:
        """The breakdown by link, of the first `limit`."""

    def by_tag(self, limit: int) -> tuple[Breakdown, Count]:
        """The breakdown by tag, of the first `limit`, and the clicks on links that carry none."""

    def links(self, among: Collection[int] | None = None) -> Parts:
        """The parts of what is broken down by what links carry; `among` are the ids of those meant, if not all."""

    def domains(self) -> Parts | None:
        """The parts of a breakdown by domain; None where only links tell of theirs."""


class LeavesLinks:
    """What keeps nothing of what links are called and carry, which changes without a click: its `whole` tells it.

    It tells of single values too.
    """

    whole: Source

    def some_values(self, wanted: Mapping[Dimension, Collection[int]]) -> Mapping[Dimension, Counts]:
        """See Source."""
        return self.whole.some_values(wanted)

    def by_link(self, limit: int) -> Breakdown:
        """See Source."""
        return self.whole.by_link(limit)

    def by_tag(self, limit: int) -> tuple[Breakdown, Count]:
        """See Source."""
        return self.whole.by_tag(limit)

    def links(self, among: Collection[int] | None = None) -> Parts:
        """See Source."""
        return self.whole.links(among)

    def domains(self) -> Parts | None:
        """See Source."""
        return self.whole.domains()
