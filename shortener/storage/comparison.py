"""Clicks of values, links, tags and domains that are named by their ids, to be compared with those of another period.

They are taken from parts (storage/parts), as breakdowns are. Nothing is named and nothing is in order.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    bindparam,
    literal_column,
    select,
    union_all,
)

from shortener.storage import breakdowns, kept
from shortener.storage.breakdowns import Build, Counts
from shortener.storage.part_queries import KEPT
from shortener.storage.parts import Parts, padded
from shortener.storage.stats import Count
from shortener.storage.tables import domain


def values(connection: Connection, wanted: Sequence[Parts], ids: Sequence[Collection[int]]) -> list[Counts]:
    """The counts of several parts, of each by those of its keys that are among its `ids`. One query."""
    parameters: dict[str, Any] = {}
    for number, parts in enumerate(wanted):
        parameters |= {**parts.parameters, _ids_name(number): padded(ids[number])}
    found: list[Counts] = [{} for _ in wanted]
    for number, *row in kept.rows(connection, _values(tuple(parts.query for parts in wanted)), parameters):
        found[number] |= _counts([row])
    return found


def links(connection: Connection, parts: Parts, ids: Collection[int]) -> Counts:
    """The counts by those links among `ids` that are keys. One query."""
    return _read(connection, _keys, parts, ids)


def tags(connection: Connection, parts: Parts, ids: Collection[int]) -> Counts:
    """The counts by those tags among `ids` that the links carry that are keys. One query."""
    return _read(connection, _tags, parts, ids)


def domains(connection: Connection, parts: Parts, ids: Collection[int]) -> Counts:
    """The counts by those domains among `ids` that are keys. One query."""
    return _read(connection, _keys, parts, ids)


def domains_of_links(connection: Connection, parts: Parts, ids: Collection[int]) -> Counts:
    """The counts by those domains among `ids` that the links are on that are keys. One query."""
    return _read(connection, _domains_of_links, parts, ids)


def _read(connection: Connection, build: Build, parts: Parts, ids: Collection[int]) -> Counts:
    return _counts(breakdowns.read(connection, build, parts, {_ids_name(0): padded(ids)}))


def _counts(rows: Sequence[Sequence[Any]]) -> Counts:
    return {key: Count(int(clicks), int(unique)) for key, clicks, unique in rows}


@lru_cache(KEPT)
def _values(queries: Sequence[FromClause]) -> Select[Any]:
    """The rows of each, with its number before them."""
    each = [
        select(literal_column(str(number), Integer).label("number"), _keys(query, number).subquery())
        for number, query in enumerate(queries)
    ]
    return select(union_all(*each).subquery())


def _keys(query: FromClause, number: int = 0) -> Select[Any]:
    return select(query.c.key, query.c.clicks, query.c.unique).where(_is_among(query.c.key, number))


def _tags(query: FromClause) -> Select[Any]:
    return _keys(breakdowns.tags_of(query))


def _domains_of_links(query: FromClause) -> Select[Any]:
    grouped = breakdowns.domains_of(query)
    joined = domain.join(grouped, grouped.c.key == domain.c.name)
    return select(domain.c.id, grouped.c.clicks, grouped.c.unique).select_from(joined).where(_is_among(domain.c.id))


def _is_among(key: ColumnElement[int], number: int = 0) -> ColumnElement[bool]:
    return key.in_(bindparam(_ids_name(number), expanding=True))


def _ids_name(number: int) -> str:
    """What the parameter is called that has the ids for one of several parts."""
    return f"ids_{number}"
