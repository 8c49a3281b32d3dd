"""Links in files, as `link import` reads them: a JSON array, NDJSON, or CSV whose first line names the fields.

All of a file is read before anything of it is sent, so that one that is broken half-way changes nothing.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import typer

from shortener.cli.client import moment
from shortener.cli.fields import OPTIONS
from shortener.cli.files import shown, text_in
from shortener.cli.output import complain
from shortener.domain import placeholder

#: What a line of a table may say of a link.
COLUMNS = ("target", "code", "domain", *OPTIONS)
#: What a list shows of a link beside what makes it one: a list that was printed with --json can be imported again.
_SHOWN_ONLY = frozenset(
    {
        "short_url",
        "state",
        "id",
        "owner",
        "has_password",
        "aliases",
        "clicks",
        "unique",
        "last_clicked_at",
        "created_at",
        "updated_at",
        "deleted_at",
        "version",
        "warnings",
    }
)
#: What of a link is not imported, and what a list shows of it.
_LOST = {"password": "has_password", "aliases": "aliases"}
#: Where targets stand, and parts of a link that have some.
_TARGETS, _PARTS = ("target", "expired_target"), ("rules", "split")
#: Between the tags in a cell: commas separate cells, and no tag has one.
_BETWEEN_TAGS = "|"
#: Between cells: spreadsheets write semicolons where the comma is for decimals.
_BETWEEN_CELLS = ",;\t"
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Item:
    """A link that is to be made."""

    #: Of the file, where it begins; from 1.
    line: int
    #: JSON without line breaks.
    body: bytes
    has_password: bool
    #: What the link has and is not imported.
    lost: tuple[str, ...] = ()


class _Broken(Exception):
    """Says what is wrong with a file, and in which line."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(detail)
        self.line = line


def read(name: str, *, is_literal: bool = False) -> list[Item]:
    """The links in a file. Exits if there are none, or if it is not what it begins as.

    With `is_literal`, what looks like a placeholder in its targets is text.
    """
    text = text_in(name)
    try:
        items = [_item(line, _literal(value) if is_literal else value) for line, value in _values(text)]
    except _Broken as error:
        raise typer.Exit(complain(f"{shown(name)}, line {error.line}: {error}", 2)) from error
    if not items:
        raise typer.Exit(complain(f"{shown(name)} holds no links", 2))
    return items


def _item(line: int, value: Any) -> Item:
    if not isinstance(value, dict):
        return Item(line, orjson.dumps(value), has_password=False)
    fields = {name: field for name, field in value.items() if name not in _SHOWN_ONLY}
    lost = tuple(name for name, shown_as in _LOST.items() if value.get(shown_as))
    return Item(line, orjson.dumps(fields), value.get("password") is not None, lost)


def _literal(link: Any) -> Any:
    """A link, a rule or a variant whose targets are all text. What has the wrong shape the API refuses."""
    if not isinstance(link, dict):
        return link
    targets = {name: placeholder.literal(link[name]) for name in _TARGETS if isinstance(link.get(name), str)}
    parts = {name: list(map(_literal, link[name])) for name in _PARTS if isinstance(link.get(name), list)}
    return {**link, **targets, **parts}


def _values(text: str) -> Iterator[tuple[int, Any]]:
    """The links in a text, each with its line, by what the text begins with."""
    begin = text.lstrip()[:1]
    return _array(text) if begin == "[" else _lines(text) if begin == "{" else _table(text)


def _lines(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, _json(number, line)


def _array(text: str) -> Iterator[tuple[int, Any]]:
    at = text.index("[") + 1
    line = 1 + text.count("\n", 0, at)
    is_first = True
    while True:
        start = _past_space(text, at)
        line += text.count("\n", at, start)
        if is_first and text[start : start + 1] == "]":
            end = start
        else:
            end = _end_of_value(text, start, line)
            yield line, _json(line, text[start:end])
        at = _past_space(text, end)
        line += text.count("\n", start, at)
        if text[at : at + 1] != ",":
            break
        at, is_first = at + 1, False
    if text[at : at + 1] != "]" or text[at + 1 :].strip():
        raise _Broken(line, "here should be a comma and another link, or the array's end and nothing after it")


def _past_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _end_of_value(text: str, start: int, line: int) -> int:
    """Where the JSON value ends that begins at `start`. What it is, another parser says: this one takes more."""
    try:
        return json.JSONDecoder().raw_decode(text, start)[1]
    except json.JSONDecodeError as error:
        raise _Broken(error.lineno, f"not valid JSON: {error.msg}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, a thousand brackets
        raise _Broken(line, f"not valid JSON: {error}") from error


def _json(line: int, text: str) -> Any:
    """By the parser that the API has: what it would refuse as a whole must not be sent."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _Broken(line, f"not valid JSON: {error.msg}") from error


def _table(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    rows = _rows(text)
    line, names = next(rows, (1, []))
    _check_header(line, names)
    for line, cells in rows:
        if len(cells) > len(names):
            raise _Broken(line, f"{len(cells)} cells, but {len(names)} columns")
        yield line, {name: _value(name, cell) for name, cell in zip(names, cells, strict=False) if cell}


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table that are not empty, each with the line where it begins."""
    header = text.lstrip().partition("\n")[0]
    delimiter = next((each for each in _BETWEEN_CELLS if each in header), _BETWEEN_CELLS[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begin = 1
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield begin, cells
            begin = reader.line_num + 1
    except csv.Error as error:
        raise _Broken(begin, f"not valid CSV: {error}") from error


def _check_header(line: int, names: list[str]) -> None:
    unknown = next((name for name in names if name not in COLUMNS), None)
    if unknown is not None:
        raise _Broken(line, f"there is no column '{unknown}', but {', '.join(COLUMNS)}")
    if len(set(names)) < len(names):
        raise _Broken(line, "a column is there twice")
    if names and "target" not in names:
        raise _Broken(line, "the column 'target' is missing")


def _value(name: str, cell: str) -> Any:
    """What a cell says. What it cannot say is left for the API to refuse."""
    read = _CELLS.get(name)
    try:
        return cell if read is None else read(cell)
    except (ValueError, KeyError):
        return cell


def _truth(cell: str) -> bool:
    return _TRUTHS[cell.lower()]


_CELLS: dict[str, Callable[[str], Any]] = {
    "tags": lambda cell: [tag.strip() for tag in cell.split(_BETWEEN_TAGS) if tag.strip()],
    "rules": orjson.loads,
    **dict.fromkeys(("status", "max_clicks"), int),
    **dict.fromkeys(("enabled", "admit_programs", "forward_query", "forward_path", "track"), _truth),
    **dict.fromkeys(("valid_from", "expires_at"), moment),
}
