"""Filters: which clicks a question is about, by the values of dimensions."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from shortener import errors
from shortener.domain import text
from shortener.domain.click import MAX_LABEL_LENGTH, Dimension

#: Values of one filter, and filters of one question: their product stays far below a database's parameters.
MAX_VALUES = 100
#: A comma ends a value, unless a backslash stands before it.
_COMMA = re.compile(r"(?<!\\),")
_ESCAPED = re.compile(r"\\([,\-])")


class Filter(NamedTuple):
    """Clicks with one of `values`, or those with none of them."""

    dimension: Dimension
    #: None is "no value".
    values: frozenset[str | None]
    excluded: bool

    def passes(self, value: str | None) -> bool:
        """Whether a click with this value of the dimension is let through; None is "no value"."""
        return (value in self.values) is not self.excluded

    def covers(self, other: "Filter") -> bool:
        """Whether each value that `other` lets through, a filter of the same dimension, is let through too."""
        if self.excluded:
            return self.values <= other.values if other.excluded else self.values.isdisjoint(other.values)
        # All values but some are more than any list has.
        return not other.excluded and other.values <= self.values


def pass_all(filters: Iterable[Filter], values: Mapping[Dimension, str]) -> bool:
    """Whether a click with these values is let through by every filter; what it has no value for is not in them."""
    return all(each.passes(values.get(each.dimension)) for each in filters)


def cover(filters: Iterable[Filter], others: Collection[Filter]) -> bool:
    """Whether every click that `others` let through is let through by `filters` too; of a dimension each has one."""
    return all(any(each.dimension is it.dimension and each.covers(it) for it in others) for each in filters)


def parse(dimension: Dimension, given: str) -> Filter:
    """The filter that somebody wrote: `Firefox`, `Firefox,Chrome`, or `-Firefox,Chrome` for all others.

    An empty value is "no value". A backslash makes a comma, or a dash at the beginning, part of a value.
    Raises ValidationFailed.
    """
    excluded = given.startswith("-")
    values = frozenset(_value(part) for part in _COMMA.split(given[excluded:]))
    if len(values) > MAX_VALUES:
        message = f"At most {MAX_VALUES} values; these are {len(values)}."
        raise _wrong(dimension, "too-many-values", message)
    for value in values:
        if value is not None and len(value) > MAX_LABEL_LENGTH:
            raise _wrong(dimension, "value-too-long", f"A value has at most {MAX_LABEL_LENGTH} characters.")
        # PostgreSQL refuses NUL and surrogates even in what is only compared; and no label has any.
        if value is not None and (character := text.forbidden_character(value)) is not None:
            raise _wrong(dimension, "forbidden-character", f"Remove the character {text.visible(character)}.")
    return Filter(dimension, values, excluded)


def parse_all(given: Iterable[tuple[Dimension, str | None]]) -> tuple[Filter, ...]:
    """The filters among what was given for each dimension; None is not given. Raises ValidationFailed."""
    return tuple(parse(dimension, written) for dimension, written in given if written is not None)


def _value(part: str) -> str | None:
    return _ESCAPED.sub(r"\1", part) or None


def _wrong(dimension: Dimension, code: str, message: str) -> errors.ValidationFailed:
    return errors.ValidationFailed([errors.FieldProblem(dimension.label, code, message)])
