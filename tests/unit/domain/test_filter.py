"""Filters: what people write, and what it means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener import errors
from shortener.domain import filter as filters
from shortener.domain import text
from shortener.domain.click import Dimension
from shortener.domain.filter import Filter
from tests.unit.laws import law

WRITTEN = {
    "one value": ("Firefox", {"Firefox"}, False),
    "several": ("Firefox,Chrome", {"Firefox", "Chrome"}, False),
    "all others": ("-Firefox", {"Firefox"}, True),
    "all others than several": ("-Firefox,Chrome", {"Firefox", "Chrome"}, True),
    "no value": ("", {None}, False),
    "any value": ("-", {None}, True),
    "a value or none": ("Firefox,", {"Firefox", None}, False),
    "neither a value nor none": ("-,Firefox", {"Firefox", None}, True),
    "twice the same": ("de,de", {"de"}, False),
    "with a space": ("Mobile Safari", {"Mobile Safari"}, False),
    "space is kept": (" Firefox", {" Firefox"}, False),
    "a dash within": ("cold-mail", {"cold-mail"}, False),
    "a dash behind a comma": ("a,-b", {"a", "-b"}, False),
    "a value with a dash at its beginning": (r"\-b", {"-b"}, False),
    "all others than one with a dash": (r"-\-b", {"-b"}, True),
    "a comma in a value": (r"Washington\, D.C.,Texas", {"Washington, D.C.", "Texas"}, False),
    "a backslash": (r"a\b", {r"a\b"}, False),
}


@pytest.mark.parametrize(("written", "values", "excluded"), WRITTEN.values(), ids=WRITTEN)
def test_what_is_written(written: str, values: set[str | None], excluded: bool) -> None:
    assert filters.parse(Dimension.BROWSER, written) == Filter(Dimension.BROWSER, frozenset(values), excluded)


WRONG = {
    "too many values": (",".join(map(str, range(101))), "too-many-values", "At most 100 values; these are 101."),
    "a value that is too long": ("x" * 513, "value-too-long", "A value has at most 512 characters."),
    "NUL": ("a\0b", "forbidden-character", "Remove the character U+0000."),
    "a lone surrogate": ("\ud800", "forbidden-character", "Remove the character U+D800."),
}


@pytest.mark.parametrize(("written", "code", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong(written: str, code: str, message: str) -> None:
    with pytest.raises(errors.ValidationFailed) as caught:
        filters.parse(Dimension.UTM_SOURCE, written)
    assert caught.value.problems == (errors.FieldProblem("utm_source", code, message),)


def test_the_most_values() -> None:
    assert len(filters.parse(Dimension.CITY, ",".join(map(str, range(100)))).values) == 100


texts = st.text(min_size=1, max_size=20).filter(lambda value: text.forbidden_character(value) is None)
#: A backslash before a comma or a dash is no part of a value.
plain = texts.filter(lambda value: "\\" not in value)


@law
@given(values=st.frozensets(plain, min_size=1, max_size=5), excluded=st.booleans())
def test_every_value_can_be_written(values: frozenset[str], excluded: bool) -> None:
    escaped = [value.replace(",", r"\,") for value in values]
    escaped = [rf"\{value}" if value.startswith("-") else value for value in escaped]
    written = ("-" if excluded else "") + ",".join(escaped)
    assert filters.parse(Dimension.REFERRER, written) == Filter(Dimension.REFERRER, values, excluded)


@law
@given(written=st.text(max_size=40))
def test_anything_is_a_filter_or_refused(written: str) -> None:
    try:
        found = filters.parse(Dimension.REFERRER, written)
    except errors.ValidationFailed:
        return
    assert found.values
    assert all(value is None or 0 < len(value) <= 512 for value in found.values)


#: One that no filter here has stands for all that none has.
VALUES: tuple[str | None, ...] = ("a", "b", "c", None)
some_filters = st.builds(
    Filter,
    st.just(Dimension.OS),
    st.frozensets(st.sampled_from(VALUES), min_size=1),
    st.booleans(),
)


def passing(wanted: Filter) -> set[str | None]:
    return {value for value in (*VALUES, "another") if wanted.passes(value)}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("a,b", {"a", "b"}),
        ("-a,b", {"c", None, "another"}),
        ("", {None}),
        ("-", {"a", "b", "c", "another"}),
        ("-,a", {"b", "c", "another"}),
    ],
)
def test_what_passes(written: str, expected: set[str | None]) -> None:
    assert passing(filters.parse(Dimension.OS, written)) == expected


@law
@given(one=some_filters, other=some_filters)
def test_what_covers_lets_through_all_of_the_other(one: Filter, other: Filter) -> None:
    assert one.covers(other) is (passing(one) >= passing(other))


def test_filters_of_several_dimensions() -> None:
    firefox, german = filters.parse(Dimension.BROWSER, "Firefox"), filters.parse(Dimension.LANGUAGE, "de")
    values = {Dimension.BROWSER: "Firefox", Dimension.OS: "Linux"}
    assert filters.pass_all((), values)
    assert filters.pass_all((firefox,), values)
    assert not filters.pass_all((firefox, german), values)
    assert filters.cover((), (german,))
    assert filters.cover((firefox,), (german, firefox))
    assert not filters.cover((firefox,), ())
    assert not filters.cover((firefox, german), (firefox,))
