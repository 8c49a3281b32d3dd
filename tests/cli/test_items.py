"""Files of links, as `link import` reads them."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from shortener.cli import items
from shortener.cli.items import COLUMNS
from shortener.web.api.schemas.links import LinkCreate

T = "https://example.com/"
ARRAY = f"""
[ {{"target": "{T}a"}}
, {{
    "target": "{T}b",
    "tags": ["x\\n\\u2028", "]"]
  }},

  {{"target": "{T}c"}}]
"""
LINES = f'\n{{"target": "{T}a"}}\r\n\n  {{"target": "{T}\u2028\x85", "password": "abcd"}}\n{{"password": null}}'


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


def read(text: str | bytes) -> list[tuple[int, Any]]:
    """What a file with this text holds, by line."""
    Path("file").write_bytes(text if isinstance(text, bytes) else text.encode())
    found = items.read("file")
    assert all(b"\n" not in item.body for item in found)
    return [(item.line, json.loads(item.body)) for item in found]


FILES: dict[str, tuple[str | bytes, list[tuple[int, Any]]]] = {
    "an array": (
        ARRAY,
        [(2, {"target": f"{T}a"}), (3, {"target": f"{T}b", "tags": ["x\n\u2028", "]"]}), (8, {"target": f"{T}c"})],
    ),
    "an array in a line": ('[{"target":"a"},{"target":"b"}]', [(1, {"target": "a"}), (1, {"target": "b"})]),
    "an array of anything": ('[1, "x", null, [2]]', [(1, 1), (1, "x"), (1, None), (1, [2])]),
    "lines": (
        LINES,
        [(2, {"target": f"{T}a"}), (4, {"target": f"{T}\u2028\x85", "password": "abcd"}), (5, {"password": None})],
    ),
    "lines of anything": ('{"target": "a"}\n5\n"x"', [(1, {"target": "a"}), (2, 5), (3, "x")]),
    "a byte order mark": (b'\xef\xbb\xbf{"target": "a"}', [(1, {"target": "a"})]),
    "a table": ("target,code\na,b\nc,\n", [(2, {"target": "a", "code": "b"}), (3, {"target": "c"})]),
    "a table with a byte order mark": (b"\xef\xbb\xbftarget\r\na\r\n", [(2, {"target": "a"})]),
    "a table of a spreadsheet": ("target;title\na;b,c\n", [(2, {"target": "a", "title": "b,c"})]),
    "a table with tabs": ("target\ttitle\na\tb,c;d\n", [(2, {"target": "a", "title": "b,c;d"})]),
    "empty lines and short ones": (
        "\n target , code \n\n a , b \n,\nc\n",
        [(4, {"target": "a", "code": "b"}), (6, {"target": "c"})],
    ),
    "cells with line breaks": (
        'target,notes\na,"1\n2 ""x"""\nb,\n',
        [(2, {"target": "a", "notes": '1\n2 "x"'}), (4, {"target": "b"})],
    ),
}


@pytest.mark.parametrize(("text", "found"), FILES.values(), ids=FILES.keys())
def test_files(text: str | bytes, found: list[tuple[int, Any]]) -> None:
    assert read(text) == found


CELLS: dict[str, tuple[str, str, Any]] = {
    "tags": ("tags", "print| on paper |", ["print", "on paper"]),
    "one tag": ("tags", "print", ["print"]),
    "a number": ("max_clicks", "100", 100),
    "no number": ("max_clicks", "1e2", "1e2"),
    "a number of many digits": ("max_clicks", "9" * 5000, "9" * 5000),
    "a status": ("status", "307", 307),
    "true": ("enabled", "TRUE", True),
    "yes": ("forward_query", "yes", True),
    "zero": ("track", "0", False),
    "no truth": ("forward_path", "maybe", "maybe"),
    "a moment": ("expires_at", "2027-01-31T12:00:00Z", "2027-01-31T12:00:00+00:00"),
    "a day here": ("valid_from", "2027-01-31", "2027-01-31T00:00:00+01:00"),
    "no moment": ("expires_at", "soon", "soon"),
    "rules": ("rules", '"[{""target"": ""a""}]"', [{"target": "a"}]),
    "no rules": ("rules", "[", "["),
    "a code that looks like a number": ("code", "007", "007"),
    "a title that looks like true": ("title", "true", "true"),
}


@pytest.mark.parametrize(("name", "cell", "value"), CELLS.values(), ids=CELLS.keys())
def test_cells(name: str, cell: str, value: Any) -> None:
    assert read(f"target,{name}\na,{cell}\n") == [(2, {"target": "a", name: value})]


def test_columns_are_the_fields() -> None:
    assert sorted(COLUMNS) == sorted(LinkCreate.model_fields)


def test_passwords_are_told(nowhere: Path) -> None:
    (nowhere / "file").write_text(LINES)
    assert [item.has_password for item in items.read("file")] == [False, True, False]


BROKEN: dict[str, tuple[str | bytes, str]] = {
    "nothing": (b"", "file holds no links"),
    "nothing but space": (b" \r\n\t\n", "file holds no links"),
    "an empty array": (b"[ ]", "file holds no links"),
    "a header alone": (b"target,code\n", "file holds no links"),
    "no text": (b"\xff{}", "file cannot be read: it is not UTF-8 (byte 0)"),
    "half a line": (b'{"target": "a"}\n{"target"', "file, line 2: not valid JSON: "),
    "an object over lines": (b'{\n"target": "a"}', "file, line 1: not valid JSON: "),
    "no number": (b'{"target": NaN}', "file, line 1: not valid JSON: "),
    "no number in an array": (b'[{"a": 1},\n{"target": NaN}]', "file, line 2: not valid JSON: "),
    "a lone surrogate": (b'{"target": "\\ud800"}', "file, line 1: not valid JSON: "),
    "a lone surrogate in an array": (b'["\\ud800"]', "file, line 1: not valid JSON: "),
    "half an array": (b'[{"target": "a"},\n', "file, line 2: not valid JSON: "),
    "an array without an end": (b'[{"target": "a"}\n', "file, line 2: here should be a comma"),
    "no comma": (b'[{"target": "a"}\n{"target": "b"}]', "file, line 2: here should be a comma"),
    "a comma too many": (b'[{"target": "a"},\n]', "file, line 2: not valid JSON: "),
    "something after the array": (b'[{"target": "a"}]\n{"target": "b"}', "file, line 1: here should be a comma"),
    "two hundred thousand brackets": (b"[" * 200_000, "file, line 1: not valid JSON: "),
    "a number of many digits": (b"[" + b"9" * 5000 + b"]", "file, line 1: not valid JSON: "),
    "an unknown column": (b"target,colour\na,b\n", "file, line 1: there is no column 'colour', but target, code, "),
    "a read-only column": (b"target,clicks\na,1\n", "file, line 1: there is no column 'clicks'"),
    "an empty column": (b"target,\na,b\n", "file, line 1: there is no column ''"),
    "a column twice": (b"target,code,target\na,b,c\n", "file, line 1: a column is there twice"),
    "no target": (b"code\na\n", "file, line 1: the column 'target' is missing"),
    "no table": (b"\n<html>\n</html>\n", "file, line 2: there is no column '<html>'"),
    "too many cells": (b"target,code\na,b\na,b,c\n", "file, line 3: 3 cells, but 2 columns"),
    "a quote without an end": (b'target,code\na,b\nc,"d\n', "file, line 3: not valid CSV: "),
    "something after a quote": (b'target,code\n"a"b,c\n', "file, line 2: not valid CSV: "),
    "an endless cell": (b"target,title\na," + b"x" * 200_000, "file, line 2: not valid CSV: "),
}


@pytest.mark.parametrize(("data", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_files(data: bytes, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_bytes(data)
    with pytest.raises(typer.Exit) as ending:
        items.read("file")
    captured = capsys.readouterr()
    assert (ending.value.exit_code, captured.out) == (2, "")
    assert captured.err.startswith(f"shortener: {message}")
    assert captured.err.count("\n") == 1


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('abcé"\n', max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(VALUES, min_size=1), st.sampled_from([None, 0, 2]), st.booleans())
def test_an_array_is_its_items(values: list[Any], indent: int | None, ascii_only: bool) -> None:
    assert [value for _, value in read(json.dumps(values, indent=indent, ensure_ascii=ascii_only))] == values


@given(st.lists(st.dictionaries(st.text(max_size=3), VALUES, max_size=3), min_size=1), st.integers(1, 3))
def test_lines_are_their_items(values: list[Any], apart: int) -> None:
    text = ("\n" * apart).join(json.dumps(value) for value in values)
    assert read(text) == [(1 + number * apart, value) for number, value in enumerate(values)]
