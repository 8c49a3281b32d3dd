"""The report: samples of several rounds as tables with median and range, for the terminal and as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from rich.table import Table as RichTable

from tests.bench.subject import Bar, Column, Plan, Row, Sample, Table

#: Where a row has no such figure.
_NONE = "–"

_INTRODUCTION = """\
# Benchmarks

Written by `make bench` on {date}; do not edit. Each figure is the median of {rounds} rounds, with the lowest and the
highest in brackets.

**CPU per request** is the figure to compare: user and system time of processes with all their threads
(`/proc/PID/stat`), divided by the requests that `wrk` completed. It says how much work a request is, and is steadier
than requests per second and latencies, which on a machine with other work to do vary severalfold: read those as
hints. It is not immune: what else runs empties the processor's caches, most of all for rows that wait for the disk.
Unless a section says otherwise, the server has one core and the load another, each row starts its own server on an
empty database, warms it up for {warm_up:g} s and measures {seconds:g} s. Rounds are interleaved (everything once,
then everything again), so that a busy minute does not hit one row alone; what is dear to prepare is measured in the
first round only, and as often within it where that is possible.

Where a figure has a bar, this stands behind it; the median has to be at most that (≤) or at least (≥).
"""
_REPEATING = """\
## Repeating it

<!-- takes minutes: and needs nginx and wrk -->
```sh
make bench                                        # everything; {minutes} minutes here
.venv/bin/python -m tests.bench --only redirect   # subjects whose name contains it; writes nothing
.venv/bin/python -m tests.bench --help
make bench-large                                  # builds large databases and writes the sections about them; hours
```

It needs Linux, and `wrk` and `nginx` from the distribution (rows without their program are left out). Everything
listens on 127.0.0.1, works in a temporary directory, and is stopped at the end.
"""


@dataclass(frozen=True, slots=True)
class Run:
    """Everything a report tells."""

    plan: Plan
    rounds: int
    minutes: float
    date: str
    machine: Sequence[tuple[str, str]]
    samples: Sequence[Sample]
    #: What was left out, and why.
    skipped: Sequence[str]


def with_ratios(samples: Sequence[Sample]) -> list[Sample]:
    """The samples of one round, each with its `ratio` to the yardstick where its table compares and that is there."""
    yardstick = next((each.figures[each.row.table.compared] for each in samples if each.row.yardstick), None)
    return [
        replace(sample, figures={**sample.figures, "ratio": sample.figures[sample.row.table.compared] / yardstick})
        if yardstick is not None and sample.row.table.compared
        else sample
        for sample in samples
    ]


def terminal(run: Run) -> list[RichTable]:
    """The tables for a terminal."""
    tables = []
    for table, rows in _by_table(run.samples).items():
        shown = RichTable(title=table.title)
        shown.add_column("")
        for column in table.columns:
            shown.add_column(column.title, justify="right")
        for row, samples in rows.items():
            shown.add_row(row.name, *(_cell(row, samples, column) for column in table.columns))
        tables.append(shown)
    return tables


def markdown(run: Run) -> str:
    """The whole document."""
    introduction = _INTRODUCTION.format(
        date=run.date, rounds=run.rounds, warm_up=run.plan.warm_up, seconds=run.plan.seconds
    )
    parts = [introduction, *(_section(table, rows) for table, rows in _by_table(run.samples).items())]
    machine = "\n".join(f"| {what} | {which} |" for what, which in run.machine)
    parts.append(f"## Measured with\n\n| | |\n| --- | --- |\n{machine}\n")
    if run.skipped:
        parts.append("Left out: " + "; ".join(run.skipped) + ".\n")
    parts.append(_REPEATING.format(minutes=max(1, round(run.minutes))))
    return "\n".join(parts)


def _section(table: Table, rows: dict[Row, list[Sample]]) -> str:
    titles = " | ".join(column.title for column in table.columns)
    lines = [f"| | {titles} |", f"| --- |{' ---: |' * len(table.columns)}"]
    for row, samples in rows.items():
        cells = " | ".join(_cell(row, samples, column) for column in table.columns)
        lines.append(f"| {row.name} | {cells} |")
    meanings = [f"- **{row.name}**: {row.meaning}" for row in rows]
    return "\n".join([f"## {table.title}", "", table.method, "", *lines, "", *meanings, ""])


def _by_table(samples: Sequence[Sample]) -> dict[Table, dict[Row, list[Sample]]]:
    found: dict[Table, dict[Row, list[Sample]]] = {}
    for sample in samples:
        found.setdefault(sample.row.table, {}).setdefault(sample.row, []).append(sample)
    return found


def _cell(row: Row, samples: Sequence[Sample], column: Column) -> str:
    """The median of a figure, its range where it has one that shows, and its bar where it has one."""
    values = [sample.figures[column.key] for sample in samples if column.key in sample.figures]
    if not values:
        return _NONE
    middle, low, high = (f"{value:,.{column.decimals}f}" for value in (median(values), min(values), max(values)))
    spread = "" if low == high else f" [{low}–{high}]"
    bars = [_verdict(bar, column, median(values)) for bar in row.bars if bar.key == column.key]
    return "".join([f"{middle}{column.unit}{spread}", *bars])


def _verdict(bar: Bar, column: Column, figure: float) -> str:
    sign, verdict = "≥" if bar.at_least else "≤", "met" if bar.is_met(figure) else "missed"
    return f" (bar {sign} {bar.limit:,g}{column.unit}: {verdict})"
