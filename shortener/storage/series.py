"""Clicks over time: by slots of 15 minutes, and by the days and months that are folded from raw clicks."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, select

from shortener.domain.click import ClickClass
from shortener.domain.filter import Filter
from shortener.domain.period import DAY_MS, SLOT_MS, Period, day_of, month_of_day, month_start_ms
from shortener.storage.click_tables import (
    TOTAL,
    click,
    click_breakdown,
    click_breakdown_month,
    click_series,
    fold_mark,
)
from shortener.storage.filters import conditions, within
from shortener.storage.stats import Count, Scope, Slot

_SLOTS_PER_DAY = DAY_MS // SLOT_MS


def slots(connection: Connection, scope: Scope, period: Period, of_day: range | None = None) -> list[Slot]:
    """What happened in a scope in a period, in order of time, by slot and class. One query.

    `of_day` asks only for the slots that have these numbers in their UTC day.
    """
    first, last = month_of_day(day_of(period.start_ms)), month_of_day(day_of(period.end_ms - 1))
    table = click_series.c
    where: list[ColumnElement[bool]] = [
        # A list and not a range, so that the index finds each month's link at once.
        table.month.in_(range(first, last + 1)),
        scope.credited(table.link_id),
        table.bucket >= period.start_ms // SLOT_MS,
        table.bucket < period.end_ms // SLOT_MS,
    ]
    if of_day is not None:
        number = table.bucket % _SLOTS_PER_DAY
        where += [number >= of_day.start, number < of_day.stop]
    time, kind = table.bucket, table["class"]
    query = select(time, kind, table.clicks, table.unique)
    if scope.is_many:
        query = select(time, kind, func.sum(table.clicks), func.sum(table.unique)).group_by(time, kind)
    return _slots(connection, query.where(*where).order_by(time), SLOT_MS)


def days(connection: Connection, scope: Scope, wanted: Sequence[int]) -> list[Slot]:
    """What happened in a scope on UTC days, by day and class. Three queries."""
    if not wanted:
        return []
    table = click_breakdown.c
    folded = _totals(scope, table.day, table.dimension, table.link_id, table["class"], table.clicks, table.unique)
    found = _slots(connection, folded.where(table.day.in_(wanted)), DAY_MS)
    return found + _unfolded(connection, scope, wanted)


def months(connection: Connection, scope: Scope, wanted: Sequence[int]) -> list[Slot]:
    """What happened in a scope in UTC months, by month and class. Three queries."""
    if not wanted:
        return []
    table = click_breakdown_month.c
    folded = _totals(scope, table.month, table.dimension, table.link_id, table["class"], table.clicks, table.unique)
    found = [
        Slot(month_start_ms(month), ClickClass(kind), Count(int(clicks), int(unique)))
        for month, kind, clicks, unique in connection.execute(folded.where(table.month.in_(wanted)))
    ]
    every_day = range(day_of(month_start_ms(min(wanted))), day_of(month_start_ms(max(wanted) + 1)))
    of_months = set(wanted)
    rest = _unfolded(connection, scope, every_day)
    return found + [slot for slot in rest if month_of_day(day_of(slot.start_ms)) in of_months]


def filtered_slots(connection: Connection, scope: Scope, period: Period, filters: Collection[Filter]) -> list[Slot]:
    """The raw clicks in a scope and period that pass `filters`, in order of time, by slot and class. One query."""
    # Division of integers is one on both engines only by this operator.
    time, kind = click.c.time_ms.op("/")(literal_column(str(SLOT_MS))).label("slot"), click.c["class"]
    query = select(time, kind, func.count(), func.sum(click.c.first)).where(
        *within(period), scope.clicked(), *conditions(filters)
    )
    return _slots(connection, query.group_by(time, kind).order_by(time), SLOT_MS)


def filtered_sums(connection: Connection, scope: Scope, period: Period, filters: Collection[Filter]) -> list[Slot]:
    """The same in all, by class. One query."""
    kind = click.c["class"]
    query = select(kind, func.count(), func.sum(click.c.first)).where(
        *within(period), scope.clicked(), *conditions(filters)
    )
    return [
        Slot(period.start_ms, ClickClass(each), Count(int(clicks), int(unique)))
        for each, clicks, unique in connection.execute(query.group_by(kind))
    ]


def _totals(
    scope: Scope,
    time: ColumnElement[int],
    dimension: ColumnElement[int],
    link_id: ColumnElement[int],
    kind: ColumnElement[int],
    clicks: ColumnElement[int],
    unique: ColumnElement[int],
) -> Select[int, int, int, int]:
    credited = (dimension == TOTAL, scope.credited(link_id))
    if scope.is_many:
        return select(time, kind, func.sum(clicks), func.sum(unique)).where(*credited).group_by(time, kind)
    return select(time, kind, clicks, unique).where(*credited)


def _unfolded(connection: Connection, scope: Scope, wanted: Sequence[int]) -> list[Slot]:
    """The same from raw clicks that are in no day yet."""
    mark = connection.execute(select(fold_mark.c.click_id).where(fold_mark.c.dimension == TOTAL)).scalar() or 0
    time, kind = click.c.day, click.c["class"]
    query = select(time, kind, func.count(), func.sum(click.c.first)).where(
        click.c.id > mark, time >= wanted[0], time <= wanted[-1], scope.clicked()
    )
    found = _slots(connection, query.group_by(time, kind), DAY_MS)
    of_days = set(wanted)
    return [slot for slot in found if day_of(slot.start_ms) in of_days]


def _slots(connection: Connection, query: Select[int, int, int, int], width_ms: int) -> list[Slot]:
    return [
        Slot(time * width_ms, ClickClass(kind), Count(int(clicks), int(unique)))
        for time, kind, clicks, unique in connection.execute(query)
    ]
