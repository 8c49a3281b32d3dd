"""Values of a dimension with their clicks, all that there are and in the order of their ranks.

They are kept as JSON (services/shelf), and more clicks are added to them by the ids of their labels.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from shortener.domain.click import Dimension
from shortener.storage import labels
from shortener.storage.breakdowns import Breakdown, Counts
from shortener.storage.engine import Connection
from shortener.storage.stats import Count

#: Values of a dimension that are kept, at most, some 30 bytes each: more are told apart sooner by the database.
MOST = 2_000

#: What its clicks and unique ones are below zero, its text and the id of its label: so they sort as they rank, the
#: most clicks first and then by text. A list, which is what JSON has.
Value = list[Any]
_CLICKS, _UNIQUE, _ID = itemgetter(0), itemgetter(1), itemgetter(3)

#: Values by dimension, of those that have not too many.
ByDimension = Mapping[Dimension, Sequence[Value]]


def named(connection: Connection, found: Mapping[Dimension, Counts]) -> dict[Dimension, Sequence[Value]]:
    """The values that have been counted."""
    return added(connection, dict.fromkeys(found, ()), found)


def added(
    connection: Connection, known: ByDimension, more: Mapping[Dimension, Counts]
) -> dict[Dimension, Sequence[Value]]:
    """The values that are known, with what has been counted beside them. A query for each 500 that are not known."""
    unknown = (counts.keys() - _ids(known[dimension]) for dimension, counts in more.items() if counts)
    texts = labels.texts(connection, set[int]().union(*unknown))
    return {each: _joined(values, more[each], texts) if more.get(each) else values for each, values in known.items()}


def breakdown(values: Sequence[Value], limit: int) -> Breakdown:
    """The first of them, and the sum of all."""
    rows = [(text, Count(-clicks, -unique), label_id) for clicks, unique, text, label_id in values[:limit]]
    return Breakdown(rows, Count(-sum(map(_CLICKS, values)), -sum(map(_UNIQUE, values))))


def if_not_too_many(values: Sequence[Value]) -> Sequence[Value] | None:
    """What is kept of them."""
    return values if len(values) <= MOST else None


def _ids(values: Iterable[Value]) -> set[int]:
    return set(map(_ID, values))


def _joined(known: Sequence[Value], more: Counts, texts: Mapping[int, str]) -> Sequence[Value]:
    left = dict(more)
    values = [value if (count := left.pop(_ID(value), None)) is None else _raised(value, count) for value in known]
    values += [[-count.clicks, -count.unique, texts[label_id], label_id] for label_id, count in left.items()]
    values.sort()
    return values


def _raised(value: Value, count: Count) -> Value:
    clicks, unique, text, label_id = value
    return [clicks - count.clicks, unique - count.unique, text, label_id]
