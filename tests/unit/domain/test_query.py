"""Queries: how parameters are taken apart, and that nothing in one can make that slow."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener import errors
from shortener.domain import query as queries
from shortener.domain.query import MAX_PARAMETERS, Query
from tests.unit.laws import law

#: By name: a query as it is sent, and its parameters.
PARSED = {
    "nothing": ("", []),
    "two": ("a=1&b=2", [("a", "1"), ("b", "2")]),
    "twice": ("a=1&a=2", [("a", "1"), ("a", "2")]),
    "without-value": ("a&b=", [("a", ""), ("b", "")]),
    "without-name": ("=1", [("", "1")]),
    "equals-signs": ("a==b=c", [("a", "=b=c")]),
    "empty-ones": ("&&a=1&&", [("a", "1")]),
    "encoded": ("%61%3D=%26+%2B", [("a=", "& +")]),
    "lone-percents": ("a=%&%zz=%4", [("a", "%"), ("%zz", "%4")]),
    "letters": ("größe=ü", [("größe", "ü")]),
    "letters-encoded": ("gr%C3%B6%C3%9Fe=%c3%bc", [("größe", "ü")]),
    "half-a-letter": ("a=%C3&b=%FF", [("a", "\ufffd"), ("b", "\ufffd")]),
    "lone-surrogate": ("a=\ud800", [("a", "?")]),
    "hash": ("a=#b&c=d", [("a", "#b"), ("c", "d")]),
    "line-breaks-and-tabs": ("a=\r\n\tb&\t", [("a", "\r\n\tb"), ("\t", "")]),
    "space-at-the-ends": (" a= ", [(" a", " ")]),
    "controls": ("\0a=\x7f\x01", [("\0a", "\x7f\x01")]),
    "semicolons": ("a=1;b=2", [("a", "1;b=2")]),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "parameters"), PARSED.values(), ids=list(PARSED))
def test_parameters(raw: str, parameters: list[tuple[str, str]]) -> None:
    query = Query(raw)
    assert list(query.parameters) == parameters
    assert len(query.written) == len(parameters)
    names = {name for name, _ in parameters}
    assert {name: set(values) for name, values in query.values.items()} == {
        name: {value for each, value in parameters if each == name} for name in names
    }
    assert {name: query.first(name) for name in names} == {
        name: next(value for each, value in parameters if each == name) for name in names
    }
    assert query.first("not there") == ""


@law
@given(st.text(st.sampled_from("ab&=+%12CFcfü;? ") | st.characters(codec="utf-8"), max_size=30))
def test_parameters_are_those_that_the_standard_library_finds(raw: str) -> None:
    """But for letters whose bytes are sent half as they are and half encoded."""
    assert len(queries.parse(raw)) == len(Query(raw).written)
    if raw.isascii():
        assert list(queries.parse(raw)) == parse_qsl(raw, keep_blank_values=True, errors="replace")


#: By name: a query, and whether it has too many parameters.
COUNTED = {
    "as-many-as-there-may-be": ("&".join(["a=1"] * MAX_PARAMETERS), False),
    "one-too-many": ("&".join(["a=1"] * (MAX_PARAMETERS + 1)), True),
    "one-too-many-without-values": ("&".join(["a"] * (MAX_PARAMETERS + 1)), True),
    "different-ones": ("&".join(map(str, range(MAX_PARAMETERS + 1))), True),
    "empty-ones-are-none": ("&" * 16_000 + "a=1", False),
    "empty-ones-between": ("&&".join(["a=1"] * MAX_PARAMETERS), False),
    "empty-ones-between-too-many": ("&&".join(["a=1"] * (MAX_PARAMETERS + 1)), True),
    "ampersands-that-are-encoded": ("%26".join(["a=1"] * 1000), False),
}


@pytest.mark.parametrize(("raw", "too_many"), COUNTED.values(), ids=list(COUNTED))
def test_too_many_parameters_are_refused_and_none_is_left_out(raw: str, too_many: bool) -> None:
    query = Query(raw)
    if not too_many:
        query.check()
        assert len(query.parameters) == len(query.written)
        return
    for read in (query.check, lambda: query.parameters, lambda: query.values, lambda: query.first("a")):
        with pytest.raises(errors.TooManyParameters, match="257"):
            read()


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [("", ""), ("a+b", "a+b"), ("%61&%26+=?#", "a&&+=?#"), ("%C3%BC/ü%", "ü/ü%"), ("a%zz", "a%zz"), ("%00", "\0")],
)
def test_decoding(raw: str, decoded: str) -> None:
    assert queries.decode(raw) == decoded
