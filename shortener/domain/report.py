"""Answers about clicks as tables: a row for each bucket or value, then those that are about the whole."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shortener.domain.table import Value

#: What a row is: of the answer itself, or of the whole.
DATA, OTHER, TOTAL, EXCLUDED = "data", "other", "total", "excluded"
_COUNTS = ("clicks", "unique")
_NO_COUNTS = (None,) * len(_COUNTS)


def columns(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns of an answer's table: which kind of row it is, where or what it is about, and the counts.

    Of an answer with several groupings, also which of them a row belongs to. Of one that compares periods, last, the
    counts of the same row in the other one.
    """
    compared = tuple(f"previous_{name}" for name in _COUNTS) if _is_compared(answer) else ()
    if "groups" in answer:
        return ("row", "group_by", "value", *_COUNTS, *compared)
    return ("row", "bucket" if answer["group_by"] == "timeseries" else "value", *_COUNTS, *compared)


def rows(answer: Mapping[str, Any]) -> list[Sequence[Value]]:
    """The rows of an answer's table, in the order of `columns`. Those of kind `data`, `other` and `total` add up.

    Of several groupings each has its rows of kind `data` and `other`; a bucket of time stands in `value`. Rows of the
    period compared with, if one was asked for, have `previous-` before their kind.
    """
    if not _is_compared(answer):
        return list(_rows(answer, ""))
    previous = answer["previous"]
    return [*_rows(answer, "", previous), *((*row, *_NO_COUNTS) for row in _rows(previous, "previous-"))]


def _is_compared(answer: Mapping[str, Any]) -> bool:
    return answer.get("previous") is not None


def _rows(
    answer: Mapping[str, Any], prefix: str, previous: Mapping[str, Any] | None = None
) -> Iterator[Sequence[Value]]:
    """The rows of one period, with the counts of `previous` behind those that are compared with it."""
    several = "groups" in answer
    nowhere = (None,) if several else ()
    for name, group in answer["groups"].items() if several else [(None, answer)]:
        for kind, value, row in _parts(group):
            compared = () if previous is None else _counts(row["previous"])
            yield (prefix + kind, *([name] if several else []), value, *_counts(row), *compared)
    compared = () if previous is None else _counts(previous["totals"])
    yield (prefix + TOTAL, *nowhere, None, *_counts(answer["totals"]), *compared)
    for kind, clicks in answer["excluded"].items():
        compared = () if previous is None else (previous["excluded"].get(kind, 0), None)
        yield (prefix + EXCLUDED, *nowhere, kind, clicks, None, *compared)


def _parts(group: Mapping[str, Any]) -> Iterator[tuple[str, Value, Mapping[str, Any]]]:
    """Kind, bucket or value, and the whole of one grouping's rows."""
    for row in group["data"]:
        yield DATA, row["bucket"] if "bucket" in row else row["value"], row
    if group.get("other") is not None:
        yield OTHER, None, group["other"]


def _counts(row: Mapping[str, Any] | None) -> tuple[Value, ...]:
    return _NO_COUNTS if row is None else tuple(row[name] for name in _COUNTS)
