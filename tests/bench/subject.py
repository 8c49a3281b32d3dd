"""What a benchmark is made of: subjects are measured, and give samples, which belong to rows of tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.bench.cpu import Cores


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how much to measure, and where."""

    cores: Cores
    #: Seconds of load that are measured.
    seconds: float
    #: Seconds of the same load before: caches fill, threads start, statements are compiled.
    warm_up: float
    #: Samples that a subject takes which is dear to prepare, and is measured once and not in every round.
    samples: int
    #: Links of a large database, and those of them that a worker's cache holds.
    links: int = 1_000_000
    cached: int = 100_000
    #: Clicks that wait for the drainer.
    backlog: int = 200_000
    #: Requests of a scan.
    scan: int = 10_000_000


@dataclass(frozen=True, slots=True)
class Column:
    """A figure of a table: the key it has in `Sample.figures`, its title, and how it is written."""

    key: str
    title: str
    decimals: int = 0
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that can be compared."""

    title: str
    #: A paragraph for readers: what is done, and what the columns say.
    method: str
    columns: tuple[Column, ...]
    #: Key of the figure that is divided by the yardstick's, into the figure `ratio`; empty for none.
    compared: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """What the median of the figure called `key` has to be: at most `limit`, or at least."""

    key: str
    limit: float
    at_least: bool = False

    def is_met(self, figure: float) -> bool:
        """Whether it is."""
        return figure >= self.limit if self.at_least else figure <= self.limit


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is measured, what it means, and what it has to be."""

    table: Table
    name: str
    meaning: str
    bars: tuple[Bar, ...] = ()
    #: Whether this is what the `compared` figures of all tables are divided by; there is one.
    yardstick: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """The figures of a row, measured once."""

    row: Row
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to measure: `measure` starts what it needs and leaves nothing running, also when it fails."""

    name: str
    #: Programs without which it is skipped.
    needs: tuple[str, ...]
    measure: Callable[[Plan], list[Sample]]
    #: Whether it is dear to prepare: then it is measured in the first round only, and takes `Plan.samples` itself.
    once: bool = False
