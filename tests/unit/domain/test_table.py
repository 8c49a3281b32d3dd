"""Tables as text: what is written is read back equal, and no cell is a formula."""

import csv
import io
import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shortener.domain import table
from shortener.domain.table import Value
from tests.unit.laws import law

#: What a spreadsheet takes for the beginning of a formula, in every width.
STARTS = "=+-@＝＋－＠﹦﹢﹣﹫⁺⁻⁼−"
NASTY = '=+-@＝＋－＠\'"",;\t\r\n \u00a0\ufeff\u200b\u3000aZ09.é😀'
texts = st.one_of(st.text(), st.text(alphabet=NASTY, max_size=8), st.just("")).filter(
    lambda text: not any(0xD800 <= ord(c) < 0xE000 for c in text)
)
values = st.one_of(st.none(), st.booleans(), st.integers(), texts)


#: The apostrophes that are no part of a text.
ADDED = re.compile(r"(^|[;\t\r\n])'")


def read(text: str) -> list[list[str]]:
    """The cells, as Python's own reader has them, without the apostrophes that were added."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    return [[ADDED.sub(r"\1", cell) for cell in row] for row in rows]


def written(value: Value) -> str:
    """A value as text, as a reader of CSV has it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


@law
@given(st.lists(st.lists(values, min_size=2, max_size=6), max_size=5))
@example([["'=1", "''", "'"], ["=1", "\t=1", "\r"]])
def test_what_is_written_is_read_back(rows: list[list[Value]]) -> None:
    text = "".join(table.csv_line(row) for row in rows)
    assert read(text) == [[written(value) for value in row] for row in rows]


@law
@given(texts)
@example("\ufeff=1+1")
@example("\x00=1+1")
def test_no_text_is_a_formula(text: str) -> None:
    """Judged on what a spreadsheet sees: the cell without its quotes and without what does not show."""
    [[cell]] = csv.reader(io.StringIO(table.csv_line([text]), newline=""), strict=True) if text else [[""]]
    assert not cell.startswith(("\t", "\r", "\n"))
    assert not cell.lstrip(" \u00a0\u3000\ufeff\u200b\0\t").startswith(tuple(STARTS))


@law
@given(texts, texts)
@example("x", "a;=1+1")
@example("x", "a\t=1+1;b")
@example("x", 'a;"=1+1;b')
@example("x", "a\n=1+1;b")
@example("x", "a; \u200b\uff1d1+1")
@pytest.mark.parametrize("separator", [";", "\t"])
def test_no_part_of_a_text_is_a_formula(separator: str, first: str, second: str) -> None:
    """Judged on what a program sees that splits at another character than the comma."""
    line = table.csv_line([first, second])
    for cells in (csv.reader(io.StringIO(line, newline=""), delimiter=separator), [re.split(r"[;\t\r\n]", line)]):
        for cell in (cell for row in cells for cell in row):
            assert not cell.lstrip(' "\u00a0\u3000\ufeff\u200b\0\r\n\t').startswith(tuple(STARTS))


INERT = {
    "equals": ('=HYPERLINK("https://evil.example","click")', '"\'=HYPERLINK(""https://evil.example"",""click"")"'),
    "plus": ("+1+1", '"\'+1+1"'),
    "minus": ("-2+3+cmd|' /C calc'!A0", "\"'-2+3+cmd|' /C calc'!A0\""),
    "at": ("@SUM(1+1)", '"\'@SUM(1+1)"'),
    "tab": ("\tx", '"\'\tx"'),
    "carriage-return": ("\rx", '"\'\rx"'),
    "line-feed": ("\n=1", "\"'\n'=1\""),
    "behind-a-semicolon": ("a;=1+1", '"a;\'=1+1"'),
    "behind-a-tab": ("a\t@x", '"a\t\'@x"'),
    "behind-a-break": ("a\r\n+1", '"a\r\n\'+1"'),
    "behind-a-semicolon-and-space": ("a; -1", '"a;\' -1"'),
    "behind-a-semicolon-and-quote": ('a;"=1', '"a;\'""=1"'),
    "behind-each-semicolon": ("=1;=2;3", "\"'=1;'=2;3\""),
    "wide-behind-a-semicolon": ("a;＝1", '"a;\'＝1"'),
    "apostrophe-behind-a-semicolon": ("a;'b", "\"a;''b\""),
    "behind-a-quote": ('"=1"', '"\'""=1"""'),
    "wide": ("＝1+1", '"\'＝1+1"'),
    "small": ("﹫x", '"\'﹫x"'),
    "minus-sign": ("−1", '"\'−1"'),
    "behind-a-space": (" =1", '"\' =1"'),
    "behind-a-byte-order-mark": ("\ufeff=1", '"\'\ufeff=1"'),
    "apostrophe": ("'=1", "\"''=1\""),
}
AS_IT_IS = {
    "word": ("Firefox", "Firefox"),
    "host": ("news.example.org", "news.example.org"),
    "sentence": ("Mobile Safari UI/WKWebView", "Mobile Safari UI/WKWebView"),
    "comma": ("a,b", '"a,b"'),
    "quote": ('say "x"', '"say ""x"""'),
    "break": ("a\r\nb", '"a\r\nb"'),
    "sign-within": ("1+1=2", '"1+1=2"'),
    "apostrophe-within": ("it's", '"it\'s"'),
    "other-script": ("Übersee", '"Übersee"'),
    "empty": ("", '""'),
    "nothing": (None, ""),
    "true": (True, "true"),
    "false": (False, "false"),
    "number": (120, "120"),
    "negative-number": (-1, "-1"),
}


@pytest.mark.parametrize(("value", "cell"), {**INERT, **AS_IT_IS}.values(), ids=[*INERT, *AS_IT_IS])
def test_cells(value: Value, cell: str) -> None:
    assert table.csv_line(["x", value]) == f"x,{cell}\r\n"


@law
@given(
    st.lists(values.filter(lambda value: not isinstance(value, int) or abs(value) < 2**63), min_size=3, max_size=3)
)
def test_ndjson(row: list[Value]) -> None:
    line = table.ndjson_line(("a", "b", "c"), row)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == dict(zip("abc", row, strict=True))
