"""The section of docs/BENCHMARKS.md about a large database. There is one for each size and engine, between marks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.bench.large.asking import Times
from tests.bench.large.exports import Exports
from tests.bench.large.questions import Question, Scope

_BEGIN, _END = "<!-- large: {key} -->", "<!-- end of large: {key} -->"
_ANY = re.compile(r"<!-- large: (?P<key>.+?) -->\n.*?<!-- end of large: (?P=key) -->\n", re.DOTALL)
#: CPU milliseconds that a page may take.
_PAGE_BAR_MS = 3.0
#: MB by which an export may grow the worker.
_EXPORT_BAR_MB = 30.0

_TEXT = """\
## {key}

Written by `make bench-large` on {date}; `make bench` leaves it alone. {how} {links:,} links on two domains, {days:,}
days, all raw rows kept. Link k gets clicks with a probability of nearly 1/k; visitors have real browsers, addresses
by country, referrers, campaigns; one in four is a robot, one in five comes again the same day.

| | |
| --- | --- |
| on the disk | {bytes:.0f} bytes per click, indexes and breakdowns included |
| drained and folded | {per_second:,.0f} clicks/s, {cpu_us:.1f} µs of the drainer's CPU per click |
{machine}

Every question was asked {repeats} times over HTTP, in random order with all others, one after the other; the caches
are as warm as that makes them, and no answer is kept (`SHORTENER_STATS_CACHE_BYTES=0`). *p99* is that of the slowest
question, which is named; its bar stands behind it.

| | period | questions | p50 ms of all | slowest p99 ms | which | most ms |
| --- | --- | ---: | ---: | ---: | --- | ---: |
{summary}
{absent}
A page of statistics, which is a year by day and five breakdowns in one answer, costs the worker this CPU, with kept
what is kept by default: made anew, as after each click (each asks for the same in another order, so that no answer is
given as it stands); and asked for again when nothing has happened. For comparison, with nothing kept
(`SHORTENER_STATS_CACHE_BYTES=0`). Nothing is kept of a tag, whose links change, and it has the bar of its questions.

| | CPU ms, made anew | asked for again | with nothing kept |
| --- | ---: | ---: | ---: |
{pages}
{exports}
<details><summary>Every question</summary>

Milliseconds: p50 / p99 / most over HTTP; behind it, where it was asked in the same process without HTTP, p50 / p99.

| | | {intervals} |
| --- | --- |{rules}
{questions}

</details>
"""

_EXPORTS = """
An export of the newest clicks of every class, over HTTP into a file; the CPU is the worker's. *Memory grew by* is the
worker's peak (RSS, in MB of 10^6 bytes) less what it had before. Each has a server of its own, which has been asked
only for a file without a row before, and the first one for totals.

| | rows | MB | s | CPU µs per row | memory grew by MB |
| --- | ---: | ---: | ---: | ---: | ---: |
{files}

Python's `csv` module reads {rows:,} rows from the CSV, those of the NDJSON in the same order, every value equal when
the apostrophe is taken off that stands before what could be a formula. Cells with one: {guarded:,}. None begins with
`=`, `+`, `-`, `@`, a tab or a line break.
"""


class Page(NamedTuple):
    """CPU milliseconds that a page takes."""

    anew: float
    again: float
    unkept: float


@dataclass(frozen=True, slots=True)
class Result:
    """What was found out about one database."""

    engine: str
    clicks: int
    links: int
    days: int
    #: How often what was drained is there.
    times: int
    bytes_per_click: float
    per_second: float
    cpu_us: float
    repeats: int
    date: str
    machine: Sequence[tuple[str, str]]
    http: Mapping[Question, Times]
    services: Mapping[Question, Times]
    pages: Mapping[Scope, Page]
    #: Scopes that the API does not answer about.
    absent: Sequence[Scope]
    #: None: not tried.
    exports: Exports | None = None

    @property
    def key(self) -> str:
        """The title of its section."""
        return f"{self.clicks:,} clicks on {self.engine}"


def markdown(found: Result) -> str:
    """The section, with its marks."""
    intervals = list(dict.fromkeys(question.interval for question in found.http))
    text = _TEXT.format(
        key=found.key,
        date=found.date,
        how=_how(found),
        links=found.links,
        days=found.days,
        bytes=found.bytes_per_click,
        per_second=found.per_second,
        cpu_us=found.cpu_us,
        machine="\n".join(f"| {what} | {which} |" for what, which in found.machine),
        repeats=found.repeats,
        summary="\n".join(_summary(found)),
        absent=_absent(found),
        pages="\n".join(_page(scope, page) for scope, page in found.pages.items()),
        exports=_exports(found.exports),
        intervals=" | ".join(intervals),
        rules=" ---: |" * len(intervals),
        questions="\n".join(_questions(found, intervals)),
    )
    return "\n".join([_BEGIN.format(key=found.key), text.rstrip("\n"), _END.format(key=found.key), ""])


def put(document: str, section: str) -> str:
    """`document` with `section` in the place of its predecessor, or at the end."""
    match = _ANY.match(section)
    if match is None:
        raise ValueError("a section stands between marks")
    for old in _ANY.finditer(document):
        if old["key"] == match["key"]:
            return document[: old.start()] + section + document[old.end() :]
    return "\n".join([document, section]) if document else section


def carried_over(document: str, older: str) -> str:
    """`document` with the sections that `older` has."""
    for match in _ANY.finditer(older):
        document = put(document, match[0])
    return document


def _page(scope: Scope, page: Page) -> str:
    figures = (f"{figure:.2f}" if scope.is_tag else _judged(figure, _PAGE_BAR_MS, 2) for figure in page[:2])
    return f"| {scope.name} | {' | '.join(figures)} | {page.unkept:.2f} |"


def _how(found: Result) -> str:
    if found.times == 1:
        return f"{found.clicks:,} clicks, all through spool and drainer:"
    drained = found.clicks // found.times
    return (
        f"{drained:,} clicks went through spool and drainer; by SQL they are there {found.times} times, each copy in"
        f" a time of its own before the other ({found.clicks:,} in all):"
    )


def _summary(found: Result) -> list[str]:
    rows: dict[tuple[str, str, float], list[Question]] = {}
    for question in found.http:
        rows.setdefault((question.scope.name, question.interval, question.bar_ms), []).append(question)
    lines = []
    for (scope, interval, bar), asked in rows.items():
        slowest = max(asked, key=lambda question: found.http[question].p99)
        middle = sorted(found.http[question].p50 for question in asked)[len(asked) // 2]
        times = found.http[slowest]
        most = max(found.http[question].most for question in asked)
        cells = (
            scope,
            interval,
            len(asked),
            f"{middle:.1f}",
            _judged(times.p99, bar, 1),
            slowest.name,
            f"{most:.1f}",
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def _questions(found: Result, intervals: Sequence[str]) -> list[str]:
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for question, times in found.http.items():
        cell = f"{times.p50:.1f} / {times.p99:.1f} / {times.most:.1f}"
        if inside := found.services.get(question):
            cell += f" ({inside.p50:.1f} / {inside.p99:.1f})"
        rows.setdefault((question.scope.name, question.name), {})[question.interval] = cell
    return [
        f"| {scope} | {name} | " + " | ".join(cells.get(interval, "–") for interval in intervals) + " |"
        for (scope, name), cells in rows.items()
    ]


def _absent(found: Result) -> str:
    if not found.absent:
        return ""
    return "\nNot asked, since the API has no such question: " + ", ".join(each.name for each in found.absent) + ".\n"


def _exports(found: Exports | None) -> str:
    if found is None:
        return ""
    rows = []
    for file in found.files:
        per_row = file.cpu_seconds / max(file.rows, 1) * 1e6
        grew = _judged(file.grew_mb, _EXPORT_BAR_MB, 1)
        size = f"{file.bytes / 1e6:,.1f}"
        cells = (file.form.upper(), f"{file.rows:,}", size, f"{file.seconds:,.1f}", f"{per_row:.1f}", grew)
        rows.append("| " + " | ".join(cells) + " |")
    return _EXPORTS.format(files="\n".join(rows), rows=found.read.rows, guarded=found.read.guarded)


def _judged(figure: float, bar: float, decimals: int) -> str:
    return f"{figure:,.{decimals}f} (bar ≤ {bar:g}: {'met' if figure <= bar else 'missed'})"
