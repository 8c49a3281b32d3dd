"""Cursors: what one holds, for which list it is good, and that a forged one is refused and nothing else."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener import errors
from shortener.domain import page as pages
from tests.unit.laws import law

QUESTION = "links:created:desc"
OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
STORABLE = st.characters(exclude_categories=("Cc", "Cs"))


def forged(content: object) -> str:
    """A cursor with any content at all, as an attacker would write one."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@law
@given(st.lists(st.text(STORABLE, max_size=8) | st.integers(-(2**63) + 1, 2**63 - 1), max_size=3))
def test_a_cursor_gives_back_its_position(position: list[str | int]) -> None:
    cursor = pages.make_cursor(QUESTION, position)
    assert pages.read_cursor(QUESTION, cursor, [type(value) for value in position]) == position
    assert cursor.isascii()
    # It stands in a query string as it is.
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


GOOD = pages.make_cursor(QUESTION, ["2026-11-22T00:00:00+00:00", 7])
#: By name: what is given as a cursor of a text and a number.
BAD: dict[str, str] = {
    "empty": "",
    "of-another-list": pages.make_cursor("links:created:asc", ["a", 7]),
    "not-base-64": "!!!!",
    "base-64-of-the-other-alphabet": base64.b64encode(b'["\xff\xfe>?"]').decode(),
    "space-in-it": f"{GOOD[:5]} {GOOD[5:]}",
    "newline-at-the-end": f"{GOOD}\n",
    "other-script": "é",
    "lone-surrogate": "\ud800",
    "cut": GOOD[:-3],
    "cut-by-one": GOOD[:-1],
    "doubled": GOOD + GOOD,
    "not-json": forged(b"[1,"),
    "not-utf-8": forged(b"\xff\xfe\xff"),
    "nothing": forged(b""),
    "no-list": forged(7),
    "null": forged(None),
    "empty-list": forged([]),
    "no-position": forged([QUESTION]),
    "nul-in-text": forged([QUESTION, "a\0", 7]),
    "surrogate-in-text": forged([QUESTION, "\ud800", 7]),
    "position-too-short": forged([QUESTION, "a"]),
    "position-too-long": forged([QUESTION, "a", 7, 7]),
    "text-for-number": forged([QUESTION, "a", "7"]),
    "number-for-text": forged([QUESTION, 7, 7]),
    "fraction-for-number": forged([QUESTION, "a", 7.0]),
    "truth-for-number": forged([QUESTION, "a", True]),
    "null-for-number": forged([QUESTION, "a", None]),
    "list-for-number": forged([QUESTION, "a", [7]]),
    "number-too-large": forged([QUESTION, "a", 2**63]),
    "number-too-small": forged([QUESTION, "a", -(2**63)]),
    "number-without-end": forged(b'["links:created:desc","a",' + b"9" * 300 + b"]"),
    "not-a-number": forged(b'["links:created:desc","a",NaN]'),
    "deeply-nested": forged(b"[" * 380),
    "too-long": forged([QUESTION, "a" * 600, 7]),
}


@pytest.mark.parametrize("cursor", BAD.values(), ids=list(BAD))
def test_a_forged_cursor_is_refused(cursor: str) -> None:
    assert pages.read_cursor(QUESTION, GOOD, (str, int)) == ["2026-11-22T00:00:00+00:00", 7]
    with pytest.raises(errors.CursorInvalid) as refusal:
        pages.read_cursor(QUESTION, cursor, (str, int))
    assert refusal.value.field == "cursor"


@law
@given(st.text(st.characters()) | st.binary().map(forged))
def test_any_other_text_is_refused(cursor: str) -> None:
    with pytest.raises(errors.CursorInvalid):
        pages.read_cursor(QUESTION, cursor, (str, int))


@law
@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=OFFSETS))  # noqa: DTZ001
def test_a_moment_comes_back(moment: datetime) -> None:
    read = pages.read_moment(moment.isoformat())
    assert read == moment
    assert read.tzinfo is UTC


@pytest.mark.parametrize("value", ["", "now", "2026-13-01", "0001-01-01T00:00:00+23:00", "\ud800"], ids=ascii)
def test_a_forged_moment_is_refused(value: str) -> None:
    with pytest.raises(errors.CursorInvalid):
        pages.read_moment(value)


def test_a_question_tells_lists_apart() -> None:
    lists = [
        ("links",),
        ("links", ""),
        ("links", "a", "b"),
        ("links", "b", "a"),
        ("links", "ab"),
        ("keys", "a\ud800"),
    ]
    names = [pages.question(*parts) for parts in lists]
    assert len(set(names)) == len(lists)
    assert pages.question("links", "a", "b") == names[2]
    # However long a question is, its cursors are short enough to be read.
    long = pages.question("links", "x" * 100_000)
    assert pages.read_cursor(long, pages.make_cursor(long, ["語" * 40, 7]), (str, int)) == ["語" * 40, 7]
    with pytest.raises(errors.CursorInvalid):
        pages.read_cursor(names[2], pages.make_cursor(names[3], []), ())


def test_a_page() -> None:
    page: pages.Page[Any] = pages.Page([1, 2], None)
    assert (list(page.items), page.next) == ([1, 2], None)
    assert pages.DEFAULT_LIMIT <= pages.MAX_LIMIT
