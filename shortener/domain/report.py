"""Answers about clicks as tables: a row for each bucket or value, then those that are about the whole."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shortener.domain.table import Value

#: What a row is: of the answer itself, or of the whole.
DATA, OTHER, TOTAL, EXCLUDED = "data", "other", "total", "excluded"
_COUNTS = ("clicks", "unique")


def columns(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns of an answer's table: which kind of row it is, where or what it is about, and the counts."""
    return ("row", "bucket" if answer["group_by"] == "timeseries" else "value", *_COUNTS)


def rows(answer: Mapping[str, Any]) -> list[Sequence[Value]]:
    """The rows of an answer's table, in the order of `columns`. Those of kind `data`, `other` and `total` add up.

    Rows of the period before, if it was asked for, have `previous-` before their kind.
    """
    return list(_rows(answer, columns(answer)[1], ""))


def _rows(answer: Mapping[str, Any], name: str, prefix: str) -> Iterator[Sequence[Value]]:
    for row in answer["data"]:
        yield (prefix + DATA, row[name], *_counts(row))
    if answer.get("other") is not None:
        yield (prefix + OTHER, None, *_counts(answer["other"]))
    yield (prefix + TOTAL, None, *_counts(answer["totals"]))
    for kind, clicks in answer["excluded"].items():
        yield (prefix + EXCLUDED, kind, clicks, None)
    if answer.get("previous") is not None:
        yield from _rows(answer["previous"], name, f"{prefix}previous-")


def _counts(row: Mapping[str, Any]) -> tuple[Value, ...]:
    return tuple(row[name] for name in _COUNTS)
