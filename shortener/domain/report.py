"""Answers about clicks as tables: a row for each bucket or value, then those that are about the whole."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shortener.domain.table import Value

#: What a row is: of the answer itself, or of the whole.
DATA, OTHER, TOTAL, EXCLUDED = "data", "other", "total", "excluded"
_COUNTS = ("clicks", "unique")


def columns(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns of an answer's table: which kind of row it is, where or what it is about, and the counts.

    Of an answer with several groupings, also which of them a row belongs to.
    """
    if "groups" in answer:
        return ("row", "group_by", "value", *_COUNTS)
    return ("row", "bucket" if answer["group_by"] == "timeseries" else "value", *_COUNTS)


def rows(answer: Mapping[str, Any]) -> list[Sequence[Value]]:
    """The rows of an answer's table, in the order of `columns`. Those of kind `data`, `other` and `total` add up.

    Of several groupings each has its rows of kind `data` and `other`; a bucket of time stands in `value`. Rows of the
    period before, if it was asked for, have `previous-` before their kind.
    """
    return list(_rows(answer, ""))


def _rows(answer: Mapping[str, Any], prefix: str) -> Iterator[Sequence[Value]]:
    several = "groups" in answer
    for name, group in answer["groups"].items() if several else [(None, answer)]:
        for kind, value, counts in _parts(group):
            yield (prefix + kind, *([name] if several else []), value, *counts)
    nowhere = (None,) if several else ()
    yield (prefix + TOTAL, *nowhere, None, *_counts(answer["totals"]))
    for kind, clicks in answer["excluded"].items():
        yield (prefix + EXCLUDED, *nowhere, kind, clicks, None)
    if answer.get("previous") is not None:
        yield from _rows(answer["previous"], f"{prefix}previous-")


def _parts(group: Mapping[str, Any]) -> Iterator[tuple[str, Value, tuple[Value, ...]]]:
    """Kind, bucket or value, and counts of one grouping's rows."""
    for row in group["data"]:
        yield DATA, row["bucket"] if "bucket" in row else row["value"], _counts(row)
    if group.get("other") is not None:
        yield OTHER, None, _counts(group["other"])


def _counts(row: Mapping[str, Any]) -> tuple[Value, ...]:
    return tuple(row[name] for name in _COUNTS)
