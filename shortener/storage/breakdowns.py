"""Breakdowns: clicks by what they have in common, from what is folded and from the raw rows that are not yet.

A breakdown is built in two steps: parts, each a query for rows of key, clicks and unique (folded days and months, the
raw rows above the mark and at the edges of the period); and what the keys are: labels, links, tags or domains.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    func,
    literal_column,
    select,
    union_all,
)

from shortener.domain.click import ClickClass, Dimension
from shortener.domain.filter import Filter
from shortener.domain.period import DAY_MS, Cover, Period
from shortener.storage.click_tables import TOTAL, click, click_breakdown, click_breakdown_month, fold_mark, label
from shortener.storage.filters import conditions, within
from shortener.storage.stats import Count, Scope
from shortener.storage.tables import domain, link, link_tag, tag

#: Rows of key, clicks and unique.
Part = Select[Any]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The values with most clicks, in order, and the sum over all values."""

    rows: Sequence[tuple[str, Count]]
    sum: Count


def of_values(
    connection: Connection, scope: Scope, dimension: Dimension, cover: Cover, classes: Collection[ClickClass]
) -> list[Part]:
    """The parts of a breakdown by the values of a dimension; clicks without a value are in none. One query."""
    return _parts(connection, scope.credited, scope, int(dimension), click.c[dimension.label], cover, classes)


def of_links(connection: Connection, scope: Scope, cover: Cover, classes: Collection[ClickClass]) -> list[Part]:
    """The parts of a breakdown by link. One query."""
    return _parts(connection, scope.links, scope, TOTAL, click.c.link_id, cover, classes)


def filtered(
    scope: Scope,
    dimension: Dimension | None,
    period: Period,
    classes: Collection[ClickClass],
    filters: Collection[Filter],
) -> list[Part]:
    """The parts of a breakdown by the values of a dimension, or by link, of the raw clicks that pass `filters`."""
    key = click.c.link_id if dimension is None else click.c[dimension.label]
    kinds = [int(kind) for kind in classes]
    where = (*within(period), scope.clicked(), click.c["class"].in_(kinds), key.is_not(None), *conditions(filters))
    return [_raw(key).where(*where)]


def by_value(connection: Connection, parts: Sequence[Part], limit: int) -> Breakdown:
    """The breakdown whose keys are labels. One query."""
    grouped = _grouped(parts)
    return _read(connection, select(label.c.text).join(grouped, grouped.c.key == label.c.id), grouped, limit)


def by_link(connection: Connection, parts: Sequence[Part], limit: int) -> Breakdown:
    """The breakdown whose keys are links; one on a domain of its own has that before its code. One query."""
    grouped = _grouped(parts)
    name = case((link.c.domain == "", link.c.code), else_=link.c.domain + "/" + link.c.code)
    return _read(connection, select(name).join(grouped, grouped.c.key == link.c.id), grouped, limit)


def by_tag(connection: Connection, parts: Sequence[Part], limit: int) -> Breakdown:
    """The breakdown by the tags of the links that are keys; a link counts for each of its tags. One query."""
    links = _grouped(parts)
    carried = links.join(link_tag, link_tag.c.link_id == links.c.key)
    sums = (func.sum(links.c[name]).label(name) for name in ("clicks", "unique"))
    grouped = (
        select(link_tag.c.tag_id.label("key"), *sums).select_from(carried).group_by(link_tag.c.tag_id).subquery()
    )
    return _read(connection, select(tag.c.name).join(grouped, grouped.c.key == tag.c.id), grouped, limit)


def untagged(connection: Connection, parts: Sequence[Part]) -> Count:
    """The clicks of those links that carry no tag. One query."""
    links = _grouped(parts)
    sums = select(func.sum(links.c.clicks), func.sum(links.c.unique))
    row = connection.execute(sums.where(links.c.key.not_in(select(link_tag.c.link_id)))).one()
    return Count(int(row[0] or 0), int(row[1] or 0))


def by_domain(connection: Connection, parts: Sequence[Part], limit: int) -> Breakdown:
    """The breakdown by the domains of the links that are keys. One query."""
    links = _grouped(parts)
    owned = links.join(link, link.c.id == links.c.key)
    sums = (func.sum(links.c[name]).label(name) for name in ("clicks", "unique"))
    grouped = select(link.c.domain.label("key"), *sums).select_from(owned).group_by(link.c.domain).subquery()
    return _read(connection, select(domain.c.name).join(grouped, grouped.c.key == domain.c.name), grouped, limit)


def _parts(
    connection: Connection,
    credited: Any,
    scope: Scope,
    dimension: int,
    key: ColumnElement[int],
    cover: Cover,
    classes: Collection[ClickClass],
) -> list[Part]:
    mark = connection.execute(select(fold_mark.c.click_id).where(fold_mark.c.dimension == dimension)).scalar() or 0
    kinds = [int(kind) for kind in classes]
    parts = []
    for table, time, wanted in (
        (click_breakdown, click_breakdown.c.day, cover.days),
        (click_breakdown_month, click_breakdown_month.c.month, cover.months),
    ):
        if wanted:
            name = table.c.link_id if dimension == TOTAL else table.c.value_id
            where = (time.in_(wanted), table.c.dimension == dimension, credited(table.c.link_id))
            query = select(name.label("key"), table.c.clicks, table.c.unique)
            parts.append(query.where(*where, table.c["class"].in_(kinds)))
    counted = and_(scope.clicked(), click.c["class"].in_(kinds), key.is_not(None))
    first_day, end_day = cover.whole
    parts.append(_raw(key).where(counted, click.c.id > mark, click.c.day >= first_day, click.c.day < end_day))
    for start_ms, end_ms in cover.edges:
        days = click.c.day.in_(range(start_ms // DAY_MS, -(-end_ms // DAY_MS)))
        parts.append(_raw(key).where(counted, days, click.c.time_ms >= start_ms, click.c.time_ms < end_ms))
    return parts


def _raw(key: ColumnElement[int]) -> Part:
    return select(key.label("key"), literal_column("1").label("clicks"), click.c.first.label("unique"))


def _grouped(parts: Sequence[Part]) -> FromClause:
    every = union_all(*parts).subquery()
    sums = (func.sum(every.c[name]).label(name) for name in ("clicks", "unique"))
    return select(every.c.key, *sums).group_by(every.c.key).subquery()


def _read(connection: Connection, named: Select[tuple[str]], grouped: FromClause, limit: int) -> Breakdown:
    """The rows of `grouped` by the names that `named` joins to them."""
    name = named.selected_columns[0]
    query = (
        named.add_columns(
            grouped.c.clicks,
            grouped.c.unique,
            func.sum(grouped.c.clicks).over().label("all_clicks"),
            func.sum(grouped.c.unique).over().label("all_unique"),
        )
        .order_by(grouped.c.clicks.desc(), grouped.c.unique.desc(), name)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    whole = Count(int(rows[0].all_clicks), int(rows[0].all_unique)) if rows else Count()
    return Breakdown([(row[0], Count(int(row.clicks), int(row.unique))) for row in rows], whole)
