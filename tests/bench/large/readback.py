"""Reading an export back: CSV as any program does it, compared with the same rows as NDJSON."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import orjson

from shortener.domain.table import APOSTROPHE, SEPARATORS

#: What a cell must not begin with, since a spreadsheet would run it.
_STARTS = frozenset("=+-@\t\r\n")
#: The apostrophes that are no part of a text.
_ADDED = re.compile(f"(^|[{SEPARATORS}]){APOSTROPHE}")
_WORDS: Mapping[Any, str] = {None: "", True: "true", False: "false"}


class NotEqual(Exception):
    """The two files do not say the same, or a cell could be run; the message says where."""


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Two files that say the same."""

    rows: int
    #: Cells of the CSV that have an apostrophe before them.
    guarded: int


def compare(table: Path, lines: Path) -> ReadBack:
    """Goes through the CSV `table` and the NDJSON `lines`, row by row. Raises NotEqual."""
    number = guarded = 0
    with table.open(encoding="utf-8", newline="") as text, lines.open("rb") as objects:
        rows = csv.reader(text, strict=True)
        columns = next(rows, [])
        for number, (cells, line) in enumerate(zip_longest(rows, objects), start=1):
            if cells is None or line is None:
                raise NotEqual(f"row {number} is in one of the files only")
            click = orjson.loads(line)
            if [*click] != columns:
                raise NotEqual(f"row {number}: columns {columns} in CSV, {[*click]} in NDJSON")
            guarded += _guarded(number, cells, [*click.values()])
    return ReadBack(number, guarded)


def _guarded(number: int, cells: Sequence[str], values: Sequence[Any]) -> int:
    """How many cells of an equal row have an apostrophe. Raises NotEqual."""
    if any(cell[:1] in _STARTS for cell in cells):
        raise NotEqual(f"row {number}: a cell could be a formula: {cells}")
    read = [_ADDED.sub(r"\1", cell) for cell in cells]
    # Texts as they are; nothing and yes and no are words only in a file that has nothing but text.
    if read != [value if isinstance(value, str) else _WORDS[value] for value in values]:
        raise NotEqual(f"row {number}: {cells} in CSV, {values} in NDJSON")
    return sum(_ADDED.search(cell) is not None for cell in cells)
