"""Comparisons: the rows of an answer about clicks, with those of the period it is compared with beside them.

To tell of rows that are not among the first ones of that period takes one more query for all dimensions, and one each
for links, tags and domains; none where its rows are all there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shortener.domain import buckets
from shortener.domain import grouping as groupings
from shortener.domain.grouping import DOMAIN, HOUR_OF_WEEK, LINK, TAG, TIMESERIES
from shortener.domain.period import Granularity, Period
from shortener.services.groups import Group, Ranking, as_json
from shortener.services.sources import Source
from shortener.storage import comparison as rows
from shortener.storage.breakdowns import Counts
from shortener.storage.engine import Connection
from shortener.storage.stats import Count


@dataclass(frozen=True, slots=True)
class Side:
    """An answer about one period, and what its rows are taken from."""

    answer: dict[str, Any]
    #: By grouping, as they are in the answer.
    groups: Mapping[str, Group]
    #: Those of them that are breakdowns.
    rankings: Mapping[str, Ranking]
    source: Source
    #: The period that was asked about, and what could be answered of it.
    asked: Period
    answered: Period
    #: Of a time series.
    granularity: Granularity | None


def joined(connection: Connection, side: Side, previous: Side) -> dict[str, Any]:
    """The answer of `side`, with that of the period it is compared with as `previous`; each row has a `previous` too.

    For a breakdown, the `previous` of the rows and of `other` add up to the totals of the other period; a bucket of
    time has the bucket at the same place, None where there is none. Raises TooManyBuckets.
    """
    if TIMESERIES in side.groups:
        _add_buckets(side, previous)
    if HOUR_OF_WEEK in side.groups:
        hours = previous.groups[HOUR_OF_WEEK]["data"]
        for row, hour in zip(side.groups[HOUR_OF_WEEK]["data"], hours, strict=True):
            row["previous"] = {"clicks": hour["clicks"], "unique": hour["unique"]}
    more = _more(connection, side, previous)
    for grouping, ranking in side.rankings.items():
        _add_counts(side.groups[grouping], ranking, previous.rankings[grouping], more.get(grouping, {}))
    return side.answer | {"previous": previous.answer}


def _add_buckets(side: Side, previous: Side) -> None:
    before = previous.groups[TIMESERIES]["data"]
    ahead = _begins(previous) - _begins(side)
    for place, row in enumerate(side.groups[TIMESERIES]["data"], ahead):
        row["previous"] = before[place] if 0 <= place < len(before) else None


def _begins(side: Side) -> int:
    """The place of the bucket in which the period asked about begins: another than the first where more or less of
    it is answered.
    """
    assert side.granularity is not None  # noqa: S101  # there is a time series
    return buckets.place(side.answered, side.asked, side.granularity)


def _add_counts(group: Group, ranking: Ranking, previous: Ranking, more: Counts) -> None:
    counts = {key: count for _, count, key in previous.found.rows} | more
    left = previous.totals
    for row, (_, _, key) in zip(group["data"], ranking.rows, strict=True):
        count = previous.absent if key is None else counts.get(key, Count())
        row["previous"] = as_json(count)
        left -= count
    group["other"]["previous"] = as_json(left)


def _more(connection: Connection, side: Side, previous: Side) -> dict[str, Counts]:
    """The clicks in the other period of those rows that are none of its first ones, by grouping."""
    missing = {each: _missing(ranking, previous.rankings[each]) for each, ranking in side.rankings.items()}
    wanted = {grouping: keys for grouping, keys in missing.items() if keys}
    source = previous.source
    found: dict[str, Counts] = {}
    by_dimension = {
        dimension: keys
        for grouping, keys in wanted.items()
        if (dimension := groupings.dimension(grouping)) is not None
    }
    if by_dimension:
        found |= {dimension.label: counts for dimension, counts in source.some_values(by_dimension).items()}
    if LINK in wanted:
        found[LINK] = rows.links(connection, source.links(wanted[LINK]), wanted[LINK])
    if TAG in wanted:
        found[TAG] = rows.tags(connection, source.links(), wanted[TAG])
    if DOMAIN in wanted:
        found[DOMAIN] = _of_domains(connection, source, wanted[DOMAIN])
    return found


def _missing(ranking: Ranking, previous: Ranking) -> Sequence[int]:
    """The keys of rows whose clicks the rows of the other period do not tell."""
    if not previous.is_cut:
        return ()
    known = {key for _, _, key in previous.found.rows}
    return [key for _, _, key in ranking.rows if key is not None and key not in known]


def _of_domains(connection: Connection, source: Source, ids: Sequence[int]) -> Counts:
    parts = source.domains()
    if parts is not None:
        return rows.domains(connection, parts, ids)
    return rows.domains_of_links(connection, source.links(), ids)
