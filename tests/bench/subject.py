"""What a benchmark is made of: subjects are measured, and give samples, which belong to rows of tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.bench.cpu import Cores


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure, and where."""

    cores: Cores
    #: Seconds of load that are measured.
    seconds: float
    #: Seconds of the same load before: caches fill, threads start, statements are compiled.
    warm_up: float


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
    #: Key of the figure that is divided by that of the yardstick, into the figure `ratio`; empty for none.
    compared: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is measured, and what it means. `yardstick` rows are what the others are divided by."""

    table: Table
    name: str
    meaning: str
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
