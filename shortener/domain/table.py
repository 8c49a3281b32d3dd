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
#: With these spreadsheets may go on to the next cell (owasp.org/www-community/attacks/CSV_Injection).
_BREAKS = frozenset("\t\r\n")
#: What may stand before a formula and not be seen: controls, and what only formats.
_UNSEEN = frozenset({"Cc", "Cf"})
#: Text that is safe as it is, as most is.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/()-]*")


def csv_line(values: Iterable[Value]) -> str:
    """A line of a CSV table, with its end. None is an empty cell, an empty text is a pair of quotes.

    A text that a spreadsheet could take for a formula, or that begins with an apostrophe, has an apostrophe before
    it: whoever takes one apostrophe off each cell that begins with one has the values again.
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
    inert = APOSTROPHE + value if _needs_apostrophe(value) else value
    return '"' + inert.replace('"', '""') + '"'


def _needs_apostrophe(value: str) -> bool:
    if value.startswith(APOSTROPHE) or value[:1] in _BREAKS:
        return True
    seen = next((c for c in value if not (c.isspace() or unicodedata.category(c) in _UNSEEN)), "")
    return unicodedata.normalize("NFKC", seen)[:1] in _FORMULA_STARTS
