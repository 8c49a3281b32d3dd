"""Reading statistics. Every function must run in one snapshot with its neighbours: Database.read gives one.

Breakdowns are read from what is folded, and from the raw rows above the mark and at the edges of the period,
so an answer is exact between two folds too.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal_column, select, union_all

from shortener.domain.click import ClickClass, Dimension
from shortener.domain.link import INSTANCE_ID, UNATTRIBUTED_ID, domain_pseudo_id
from shortener.domain.period import DAY_MS, SLOT_MS, Cover, Period, day_of, month_of_day
from shortener.storage.click_tables import (
    click,
    click_breakdown,
    click_breakdown_month,
    click_series,
    fold_mark,
    label,
)


@dataclass(frozen=True, slots=True)
class Count:
    """Clicks, and those among them that were a visitor's first of the day."""

    clicks: int = 0
    unique: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.clicks + other.clicks, self.unique + other.unique)

    def __sub__(self, other: "Count") -> "Count":
        return Count(self.clicks - other.clicks, self.unique - other.unique)


@dataclass(frozen=True, slots=True)
class Slot:
    """What one class did to a link in one slot of 15 minutes."""

    start_ms: int
    click_class: ClickClass
    count: Count


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The values with most clicks, in order, and the sum over all values."""

    rows: Sequence[tuple[str, Count]]
    sum: Count


def slots(connection: Connection, link_id: int, period: Period) -> list[Slot]:
    """What happened to a link or pseudo-link in a period, in order of time, by slot and class. One query."""
    first, last = month_of_day(day_of(period.start_ms)), month_of_day(day_of(period.end_ms - 1))
    table = click_series.c
    query = (
        select(table.bucket, table["class"], table.clicks, table.unique)
        .where(
            # A list and not a range, so that the index finds each month's link at once.
            table.month.in_(range(first, last + 1)),
            table.link_id == link_id,
            table.bucket >= period.start_ms // SLOT_MS,
            table.bucket < period.end_ms // SLOT_MS,
        )
        .order_by(table.bucket)
    )
    return [
        Slot(bucket * SLOT_MS, ClickClass(kind), Count(clicks, unique))
        for bucket, kind, clicks, unique in connection.execute(query)
    ]


def first_slot_ms(connection: Connection, link_id: int) -> int | None:
    """Where the first click of a link or pseudo-link lies, or None if it has none."""
    query = select(func.min(click_series.c.bucket)).where(click_series.c.link_id == link_id)
    bucket = connection.execute(query).scalar()
    return None if bucket is None else bucket * SLOT_MS


def breakdown(
    connection: Connection,
    link_id: int,
    dimension: Dimension,
    cover: Cover,
    classes: Collection[ClickClass],
    limit: int,
) -> Breakdown:
    """The clicks of `classes` on a link or pseudo-link in the period that `cover` covers, by value. Two queries.

    Clicks without a value are in no row.
    """
    mark = connection.execute(select(fold_mark.c.click_id).where(fold_mark.c.dimension == dimension)).scalar() or 0
    kinds = [int(kind) for kind in classes]
    parts = [*_folded(link_id, dimension, cover, kinds), *_raw(link_id, dimension, cover, kinds, mark)]
    every = union_all(*parts).subquery()
    grouped = (
        select(every.c.value_id, func.sum(every.c.clicks).label("clicks"), func.sum(every.c.unique).label("uniques"))
        .group_by(every.c.value_id)
        .subquery()
    )
    query = (
        select(
            label.c.text,
            grouped.c.clicks,
            grouped.c.uniques,
            func.sum(grouped.c.clicks).over().label("all_clicks"),
            func.sum(grouped.c.uniques).over().label("all_uniques"),
        )
        .join(label, label.c.id == grouped.c.value_id)
        .order_by(grouped.c.clicks.desc(), grouped.c.uniques.desc(), label.c.text)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    whole = Count(int(rows[0].all_clicks), int(rows[0].all_uniques)) if rows else Count()
    return Breakdown([(row.text, Count(int(row.clicks), int(row.uniques))) for row in rows], whole)


def _folded(link_id: int, dimension: Dimension, cover: Cover, kinds: Sequence[int]) -> list[Select[Any]]:
    parts = []
    for table, time, wanted in (
        (click_breakdown, click_breakdown.c.day, cover.days),
        (click_breakdown_month, click_breakdown_month.c.month, cover.months),
    ):
        if wanted:
            where = (time.in_(wanted), table.c.link_id == link_id, table.c.dimension == int(dimension))
            query = select(table.c.value_id, table.c.clicks, table.c.unique)
            parts.append(query.where(*where, table.c["class"].in_(kinds)))
    return parts


def _raw(link_id: int, dimension: Dimension, cover: Cover, kinds: Sequence[int], mark: int) -> list[Select[Any]]:
    value = click.c[dimension.label]
    counted = and_(_scope(link_id), click.c["class"].in_(kinds), value.is_not(None))
    query = select(value.label("value_id"), literal_column("1").label("clicks"), click.c.first.label("unique"))
    first_day, end_day = cover.whole
    parts = [query.where(counted, click.c.id > mark, click.c.day >= first_day, click.c.day < end_day)]
    for start_ms, end_ms in cover.edges:
        days = click.c.day.in_(range(start_ms // DAY_MS, -(-end_ms // DAY_MS)))
        parts.append(query.where(counted, days, click.c.time_ms >= start_ms, click.c.time_ms < end_ms))
    return parts


def _scope(link_id: int) -> ColumnElement[bool]:
    """The raw rows that are credited to a link or pseudo-link."""
    if link_id == INSTANCE_ID:
        return click.c.link_id > 0
    if link_id < UNATTRIBUTED_ID:
        return and_(click.c.domain_id == domain_pseudo_id(0) - link_id, click.c.link_id > 0)
    return click.c.link_id == link_id
