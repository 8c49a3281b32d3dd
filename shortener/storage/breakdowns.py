"""Breakdowns: clicks by what they have in common, the values with most clicks first.

What the rows of parts (storage/parts) are called: labels, links, tags or domains.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    bindparam,
    case,
    func,
    literal_column,
    select,
    union_all,
)

from shortener.storage import kept, labels
from shortener.storage.click_tables import label
from shortener.storage.engine import many_rows
from shortener.storage.part_queries import KEPT
from shortener.storage.parts import Parts
from shortener.storage.stats import Count
from shortener.storage.tables import domain, link, link_tag, tag

#: Clicks by the ids of labels.
Counts = dict[int, Count]
#: A value, its clicks, and its key: the id of the label, link, tag or domain, by which other parts know it again.
Row = tuple[str | None, Count, int | None]
#: Makes a statement of the query of parts.
Build = Callable[[FromClause], Select[Any]]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The values with most clicks, in order, and the sum over all values."""

    rows: Sequence[Row]
    sum: Count


_MOST = kept.unplanned(bindparam("most", type_=BigInteger))


def by_values(connection: Connection, wanted: Sequence[Parts], limit: int) -> list[Breakdown]:
    """The breakdowns of several parts whose keys are labels, those of a dimension each. One query."""
    parameters: dict[str, Any] = {"most": limit}
    for parts in wanted:
        parameters |= parts.parameters
    found: list[list[Any]] = [[] for _ in wanted]
    for number, *row in kept.rows(connection, _by_values(tuple(parts.query for parts in wanted)), parameters):
        found[number].append(row)
    return [_breakdown(rows) for rows in found]


def counts(connection: Connection, wanted: Sequence[Parts], most: int) -> list[Counts | None]:
    """The counts of several parts by their keys, None of those that have more than `most`. One query.

    Nothing is named and nothing is in order, which takes the database twice as long as to count.
    """
    parameters: dict[str, Any] = {"most": most + 1}
    for parts in wanted:
        parameters |= parts.parameters
    found: list[Counts] = [{} for _ in wanted]
    query = _counts(tuple(parts.query for parts in wanted))
    for number, key, clicks, unique in kept.rows(connection, query, parameters):
        found[number][key] = Count(int(clicks), int(unique))
    return [each if len(each) <= most else None for each in found]


def of_counts(connection: Connection, found: Mapping[int, Count], limit: int) -> Breakdown:
    """The breakdown of counts by label ids."""
    ranked = sorted(found.items(), key=lambda each: _rank(each[1]))
    # And all that are equal to the last: of those the names decide.
    shown = [each for each in ranked if _rank(each[1]) <= _rank(ranked[:limit][-1][1])]
    texts = labels.texts(connection, (label_id for label_id, _ in shown))
    rows = [(texts[label_id], count, label_id) for label_id, count in shown if label_id in texts]
    rows.sort(key=lambda row: (*_rank(row[1]), row[0]))
    return Breakdown(rows[:limit], sum(found.values(), Count()))


def by_link(connection: Connection, parts: Parts, limit: int) -> Breakdown:
    """The breakdown whose keys are links; one on a domain of its own has that before its code. One query."""
    return _first(connection, _by_link, parts, limit)


def by_tag(
    connection: Connection, parts: Parts, limit: int, *, unsummed: Parts | None = None
) -> tuple[Breakdown, Count]:
    """The breakdown by the tags of the links that are keys, and the clicks of those links that carry none. One query.

    A link counts for each of its tags. `unsummed` are the same parts of most links there are, before each link's are
    added up: PostgreSQL joins a million of them in half the time in which it adds up those of 100,000 links.
    """
    if unsummed is not None and connection.dialect.name == "postgresql":
        parts = unsummed
    with many_rows(connection) if unsummed is not None else nullcontext():
        found = _first(connection, _by_tag, parts, limit + 1)
    # It comes first, if there is one.
    untagged = sum((count for name, count, _ in found.rows if name is None), Count())
    return Breakdown([row for row in found.rows if row[0] is not None][:limit], found.sum - untagged), untagged


def by_domain(connection: Connection, parts: Parts, limit: int) -> Breakdown:
    """The breakdown whose keys are domains. One query."""
    return _first(connection, _by_domain, parts, limit)


def by_domain_of_links(connection: Connection, parts: Parts, limit: int) -> Breakdown:
    """The breakdown by the domains of the links that are keys. One query."""
    return _first(connection, _by_domain_of_links, parts, limit)


def read(connection: Connection, build: Build, parts: Parts, more: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    """What the statement finds that `build` makes of the query of `parts`, with `more` parameters. One query."""
    parameters = {**parts.parameters, **more}
    if parts.is_kept:
        return kept.rows(connection, _built(build, parts.query), parameters)
    return connection.execute(build(parts.query), parameters).all()


def tags_of(query: FromClause) -> FromClause:
    """Clicks by the tags of the links that are keys of `query`; those on links without a tag have none."""
    carried = query.outerjoin(link_tag, link_tag.c.link_id == query.c.key)
    summed = _summed(link_tag.c.tag_id, query, carried)
    # Of links that had clicks outside of the period alone nothing is left.
    return select(summed).where(summed.c.clicks > literal_column("0")).subquery()


def domains_of(query: FromClause) -> FromClause:
    """Clicks by the names of the domains that the links are on that are keys of `query`."""
    return _summed(link.c.domain, query, query.join(link, link.c.id == query.c.key))


def _rank(count: Count) -> tuple[int, int]:
    return -count.clicks, -count.unique


def _first(connection: Connection, build: Build, parts: Parts, limit: int) -> Breakdown:
    return _breakdown(read(connection, build, parts, {"most": limit}))


def _breakdown(rows: Sequence[Any]) -> Breakdown:
    """Of rows as `_ordered` has them."""
    whole = Count(int(rows[0][4]), int(rows[0][5])) if rows else Count()
    return Breakdown([(row[0], Count(int(row[2]), int(row[3])), row[1]) for row in rows], whole)


@lru_cache(KEPT)
def _built(build: Build, query: FromClause) -> Select[Any]:
    return build(query)


@lru_cache(KEPT)
def _by_values(queries: Sequence[FromClause]) -> Select[Any]:
    """The rows of each, with its number before them: to ask five times takes longer than to answer."""
    each = [
        select(literal_column(str(number), Integer).label("number"), _by_value(query).subquery())
        for number, query in enumerate(queries)
    ]
    rows = union_all(*each).subquery()
    return select(rows).order_by(rows.c.number, rows.c.clicks.desc(), rows.c.unique.desc(), rows.c.text)


@lru_cache(KEPT)
def _counts(queries: Sequence[FromClause]) -> Select[Any]:
    each = [
        select(literal_column(str(number), Integer).label("number"), query).limit(_MOST).subquery()
        for number, query in enumerate(queries)
    ]
    return select(union_all(*map(select, each)).subquery())


def _by_value(query: FromClause) -> Select[Any]:
    joined = label.join(query, query.c.key == label.c.id)
    return _ordered(select(label.c.text, query.c.key).select_from(joined), query)


def _by_link(query: FromClause) -> Select[Any]:
    name = case((link.c.domain == "", link.c.code), else_=link.c.domain + "/" + link.c.code)
    return _ordered(select(name, query.c.key).select_from(link.join(query, query.c.key == link.c.id)), query)


def _by_tag(query: FromClause) -> Select[Any]:
    grouped = tags_of(query)
    named = select(tag.c.name, grouped.c.key).select_from(grouped.outerjoin(tag, grouped.c.key == tag.c.id))
    return _ordered(named, grouped, tag.c.name.is_not(None))


def _by_domain(query: FromClause) -> Select[Any]:
    joined = domain.join(query, query.c.key == domain.c.id)
    return _ordered(select(domain.c.name, query.c.key).select_from(joined), query)


def _by_domain_of_links(query: FromClause) -> Select[Any]:
    grouped = domains_of(query)
    return _ordered(select(domain.c.name, domain.c.id).join(grouped, grouped.c.key == domain.c.name), grouped)


def _summed(key: Any, query: FromClause, joined: FromClause) -> FromClause:
    sums = (func.sum(query.c[name]).label(name) for name in ("clicks", "unique"))
    return select(key.label("key"), *sums).select_from(joined).group_by(key).subquery()


def _ordered(named: Select[Any], counts: FromClause, *first: ColumnElement[bool]) -> Select[Any]:
    """The first rows of `counts` by the names that `named` joins to them, each with the sums over all of them."""
    clicks, unique = counts.c.clicks, counts.c.unique
    name = named.selected_columns[0]
    query = named.add_columns(clicks, unique, func.sum(clicks).over(), func.sum(unique).over())
    return query.order_by(*first, clicks.desc(), unique.desc(), name).limit(_MOST)
