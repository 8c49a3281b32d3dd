"""Tables as text, a line at a time: CSV for spreadsheets and everything else (RFC 4180), NDJSON for programs."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from enum import StrEnum

import orjson

Value = str | int | bool | None


class Form(StrEnum):
    """What a table can be written as; files end so."""

    CSV = "csv"
    NDJSON = "ndjson"


#: Stands before what a spreadsheet could take for a formula, and before itself, so that it can be taken off again.
APOSTROPHE = "'"
#: By this mark spreadsheets know UTF-8.
BYTE_ORDER_MARK = "\N{BYTE ORDER MARK}"

#: What begins a formula, in the form to which wide, small and raised ones are brought (UAX #15, NFKC).
_FORMULA_STARTS = frozenset("=+-@\N{MINUS SIGN}")
#: Where a program that takes another character than the comma for the separator begins another cell, or another row
#: (owasp.org/www-community/attacks/CSV_Injection).
SEPARATORS = ";\t\r\n"
_SEPARATOR = re.compile(f"([{SEPARATORS}])")
_BREAKS = frozenset("\t\r\n")
#: What may stand before a formula and not be seen: controls, and what only formats. And a quotation mark, since what
#: follows the marks of an empty text is taken for more of it.
_UNSEEN = frozenset({"Cc", "Cf"})
_QUOTE = '"'
#: Text that is safe as it is, as most is.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/()-]*")


def csv_line(values: Iterable[Value]) -> str:
    """A line of a CSV table, with its end. None is an empty cell, an empty text is a pair of quotes.

    A text that a spreadsheet could take for a formula, or that begins with an apostrophe, has an apostrophe before
    it. So has, within a text, what follows one of SEPARATORS. Whoever takes off one apostrophe at the beginning of
    each cell and behind each separator has the values again.
    """
    return ",".join([_cell(value) for value in values]) + "\r\n"


def ndjson_line(columns: Sequence[str], values: Iterable[Value]) -> bytes:
    """A line of NDJSON, with its end: an object of `columns` and their values."""
    return orjson.dumps(dict(zip(columns, values, strict=True)), option=orjson.OPT_APPEND_NEWLINE)


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if _PLAIN.fullmatch(value):
        return value
    return _QUOTE + _inert(value).replace(_QUOTE, 2 * _QUOTE) + _QUOTE


def _inert(text: str) -> str:
    """`text` with apostrophes where it, or a part of it, could be taken for a formula."""
    inert = "".join([APOSTROPHE + part if _needs_apostrophe(part) else part for part in _SEPARATOR.split(text)])
    return APOSTROPHE + inert if text[:1] in _BREAKS else inert


def _needs_apostrophe(text: str) -> bool:
    if text.startswith(APOSTROPHE):
        return True
    seen = next((c for c in text if not _is_unseen(c)), "")
    return unicodedata.normalize("NFKC", seen)[:1] in _FORMULA_STARTS


def _is_unseen(character: str) -> bool:
    return character == _QUOTE or character.isspace() or unicodedata.category(character) in _UNSEEN
